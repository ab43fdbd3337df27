"""The Python client against a real service: what it gives, and what it raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, get_args

import local_server
import pytest
from pydantic import BaseModel
from running import listening, open_service
from starlette.testclient import TestClient

from api.client import Client, Fault, NotOslerError, ProblemError, UnreachableError, models
from api.client.events import Done, References, Related, Shown, SourcesRead, Status
from api.http import conversations, feedback, passages, reading, reviews, search, sources, verify
from api.http.problems import KINDS
from api.http.service import Service
from api.keeping.feedback import Rating
from api.keeping.keys import Scope
from api.keeping.standing import STALING, Action, Reason
from rag.answer.replay import content
from rag.domain import Audience, EvidenceType, Filter, Frozen, Outcome
from rag.errors import InputError, OslerError
from rag.pipeline import Pipeline

IVIG, FOLLOWING = "Should IVIG be given in HIT to a patient with cirrhosis?", "And the dose?"


@pytest.fixture(scope="module")
def address(shared_service: Service) -> Iterator[str]:
    with listening(shared_service) as address:
        yield address


@pytest.fixture(scope="module")
def osler(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def test_the_answer_is_the_pipelines(osler: Client, pipeline: Pipeline) -> None:
    within = Filter(year_from=2012, jurisdictions=("US",))
    assert content(osler.ask(IVIG)) == content(pipeline.ask(IVIG))
    told = osler.ask(IVIG, Audience.TRAINEE, within)
    assert content(told) == content(pipeline.ask(IVIG, Audience.TRAINEE, within))
    assert content(osler.ask(IVIG, "trainee", within)) == content(told)


def test_what_is_not_answered_is_no_error(osler: Client) -> None:
    assert osler.ask("What is the capital of France?").outcome is Outcome.ABSTAINED
    assert osler.ask("I want to kill myself").outcome is Outcome.REDIRECTED


def test_a_stream_ends_with_the_answer(osler: Client) -> None:
    events = list(osler.stream(IVIG))
    answer = osler.ask(IVIG)
    kinds = list(dict.fromkeys(type(event).__name__ for event in events))
    assert kinds == ["Status", "SourcesRead", "BottomLine", "Shown", "References", "Related", "Done"]
    assert events[-1] == Done(answer=answer)
    assert next(e.step for e in events if isinstance(e, Status)) == "accepted"
    shown = tuple(e.statement for e in events if isinstance(e, Shown))
    assert answer.bottom_line + shown == answer.statements()
    assert References(references=answer.references) in events
    assert Related(questions=answer.related_questions) in events
    (read,) = (e.sources for e in events if isinstance(e, SourcesRead))
    assert {r.source_id for r in answer.references} <= {s.source_id for s in read}


def test_a_follow_up_keeps_the_numbers(osler: Client) -> None:
    talk = osler.conversation()
    first = talk.ask(IVIG)
    *_, done = osler.conversation(talk.conversation_id).stream(FOLLOWING)
    assert isinstance(done, Done)
    second = done.answer
    assert second.follow_up is not None
    assert second.follow_up.question == second.question != FOLLOWING
    numbers = {r.source_id: r.number for r in first.references}
    again = [r for r in second.references if r.source_id in numbers]
    assert again
    assert all(r.number == numbers[r.source_id] for r in again)
    assert [turn.asked for turn in talk.turns().turns] == [IVIG, FOLLOWING]
    assert talk.export().answers == (first, second)
    assert first.bottom_line[0].text.split(".")[0] in talk.markdown()
    with pytest.raises(ProblemError) as thanks:
        talk.ask("thanks")
    assert thanks.value.name == "nothing-asked"
    assert talk.delete().turns == 2
    with pytest.raises(ProblemError) as gone:
        talk.turns()
    assert (gone.value.status, gone.value.name) == (404, "not-found")


def test_conversations_are_listed_and_named(osler: Client) -> None:
    ids = list[str]()
    for question in (IVIG, "How is argatroban monitored?"):
        talk = osler.conversation()
        talk.ask(question)
        ids.insert(0, talk.conversation_id)
    first = osler.conversations(limit=1)
    assert [c.conversation_id for c in first.conversations] == ids[:1]
    assert [c.conversation_id for c in osler.conversations(before=first.before, limit=1).conversations] == ids[1:]
    assert talk.rename("Ward 3").title == "Ward 3"
    assert [(c.title, c.turns) for c in osler.conversations("ward 3").conversations] == [("Ward 3", 1)]
    assert talk.rename(None).title is None


def test_an_answer_is_reviewed(osler: Client) -> None:
    answer = osler.ask("How is argatroban monitored?")
    osler.review(answer.answer_id, "submit")
    osler.review(answer.answer_id, "start", reviewer="Reviewer One")
    history = osler.review(answer.answer_id, "approve", reviewer="Reviewer One", reason="accurate", comment="As it is.")
    assert [step.action for step in history.steps] == ["submit", "start", "approve"]
    assert osler.review_history(answer.answer_id) == history
    assert osler.answer(answer.answer_id).review.status == "approved"
    with pytest.raises(ProblemError, match="expected"):
        osler.review(answer.answer_id, "start")
    assert osler.feedback(answer.answer_id, "helpful", "Short.").comment == "Short."


def test_passages_and_sources_are_opened(osler: Client) -> None:
    answer = osler.ask(IVIG)
    evidence = answer.bottom_line[0].evidence[0]
    opened = osler.passage(evidence.passage_id, evidence.start, evidence.end)
    assert opened.highlight.text == evidence.quote
    assert osler.passage(evidence.passage_id).highlight.text == opened.passage.text
    assert evidence.passage_id in osler.source(evidence.source_id).passage_ids
    assert [hit.rank for hit in osler.search("bivalirudin on dialysis", 3).hits] == [1, 2, 3]
    page = osler.sources(offset=2, limit=1)
    assert (page.offset, len(page.sources)) == (2, 1)
    within = Filter(evidence_types=(EvidenceType.GUIDELINE,), year_to=2018)
    assert "cuker2018" in [source.key for source in osler.sources(words="cuker", filter=within).sources]
    assert osler.sources(words="zebra").total == 0
    assert osler.verify("IVIG is given at 10 g/kg.", passage_ids=[evidence.passage_id]).verdict
    assert osler.references(answer.answer_id).startswith("1. ")
    assert {r["id"] for r in json.loads(osler.references(answer.answer_id, "json"))} == {
        r.source_id for r in answer.references
    }


def test_many_threads_share_one(osler: Client) -> None:
    questions = [f"How is argatroban dosed with a bilirubin of {number}?" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(osler.ask, questions))
    assert [answer.question for answer in answers] == questions


# what is raised


def test_a_problem_says_what_the_service_says(osler: Client, shared: TestClient) -> None:
    with pytest.raises(ProblemError) as refused:
        osler.ask("")
    found = refused.value
    said = shared.post("/v1/answers", json={"question": ""}).json()
    assert (found.type, found.status, found.detail) == (said["type"], 422, said["detail"])
    assert found.errors == (Fault("body.question", "empty or not well formed"),)
    assert found.request_id
    assert found.retry_after_s is None
    assert found.exit_code == 2
    assert found.name in {kind.name for kind in KINDS}
    assert str(found) == f"{osler.base_url}/v1/answers: HTTP 422 {said['detail']}"


def test_a_key_opens_what_it_is_for(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always")
    _, key = service.keeping.keys.create("Ward", [Scope.SEARCH])
    with listening(service) as address, Client(address, key) as client, Client(address, "osl_wrong") as other:
        assert client.search("argatroban", 1).hits
        for asked, name in ((client, "scope-needed"), (other, "key-needed")):
            with pytest.raises(ProblemError) as refused:
                asked.ask(IVIG)
            assert refused.value.name == name


@pytest.mark.parametrize("base", ["", "localhost:8000", "ftp://x", "http://", "http://x:port", "http://x/?a=b"])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(InputError, match="correct the base URL"):
        Client(base)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "Schlüssel"])
def test_a_key_that_is_none_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(InputError, match="osler keys create") as refused:
        Client("http://127.0.0.1:9", key)
    assert key not in str(refused.value)


@pytest.mark.parametrize("given", ["", "../sources", "a/b", "a?b", "a b"])
def test_an_id_that_is_none_is_not_asked_for(given: str) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(InputError, match="take it from an answer"):
        client.answer(given)


def test_nobody_there() -> None:
    with Client("http://127.0.0.1:9", retries=0) as client:
        for ask in (client.ask, lambda question: next(client.stream(question))):
            with pytest.raises(UnreachableError, match="ConnectError") as lost:
                ask(IVIG)
            assert not lost.value.was_sent


class Other(BaseHTTPRequestHandler):
    """Something that is no Osler; the address says what it answers."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        status, media_type, body = {
            "page": (200, "text/html", b"<html>Welcome</html>"),
            "json": (200, "application/json", b'{"status": "ok"}'),
            "gateway": (401, "text/html", b"<html>Who is " + self.headers["Authorization"].encode() + b"?</html>"),
            "moved": (301, "text/html", b""),
        }[kind]
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("page", NotOslerError, "correct the address"),
        ("json", NotOslerError, "answer_id: Field required|in place of a stream"),
        ("gateway", ProblemError, r"HTTP 401 <html>Who is Bearer \(key\)"),
        ("moved", NotOslerError, "HTTP 301 to http://127.0.0.1:9/"),
    ],
)
def test_something_else_there(kind: str, error: type[OslerError], said: str) -> None:
    with (
        local_server.listening(Other) as server,
        Client(f"http://127.0.0.1:{server.server_port}/{kind}", "key-1") as client,
    ):
        for ask in (client.ask, lambda question: next(client.stream(question))):
            with pytest.raises(error, match=said) as found:
                ask(IVIG)
            assert "key-1" not in str(found.value)
            assert found.value.__cause__ is None


# what is written twice


PAIRS: list[tuple[type[Frozen], type[Frozen]]] = [
    (models.Results, search.Results), (models.OpenedPassage, passages.Opened), (models.Sources, sources.Sources),
    (models.OpenedSource, sources.OneSource), (models.Judgement, verify.Judgement), (models.History, reviews.History),
    (models.Said, feedback.Said), (models.Exported, conversations.Exported), (models.Deleted, conversations.Deleted),
    (models.Begun, conversations.ConversationShown), (models.Conversations, conversations.ConversationList),
]  # fmt: skip


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """Names of fields, with those of the models that they hold."""
    found = {}
    for name, field in model.model_fields.items():
        held = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
        found[name] = [fields(t) for t in held if issubclass(t, BaseModel)]
    return found


@pytest.mark.parametrize(("own", "served"), PAIRS, ids=lambda model: model.__name__)
def test_the_clients_models_are_the_services(own: type[Frozen], served: type[Frozen]) -> None:
    assert fields(own) == fields(served)


def test_the_clients_names_are_the_services() -> None:
    assert set(get_args(models.Action)) == set(Action) - {Action.STALE}
    assert set(get_args(models.Reason)) == set(Reason) - STALING
    assert set(get_args(models.Rating)) == set(Rating)
    assert set(get_args(models.ReferenceForm)) == set(reading.ReferenceForm)
