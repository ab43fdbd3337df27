"""Answers that a language model words, over HTTP: what is told, how often it is asked, what comes of its failures."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from running import client_of, events_of, listening, logged, open_service
from served_model import Asked, Reply, Script, ServedModel, events, line, served_model, written
from starlette.testclient import TestClient

from api.client import Client, Done, Written
from api.http.reviewing import _answers_differ
from api.http.service import Service
from rag.answer.replay import difference
from rag.domain import Answer
from rag.pipeline import Pipeline
from rag.render.chat import to_chat
from rag.settings import Settings

QUESTION = "Should IVIG be given in HIT?"
BODY = {"question": QUESTION}
STREAM = {"Accept": "text/event-stream"}


def lines(asked: Asked) -> list[str]:
    """Each piece of evidence in words of its own: without its full stop."""
    return [line(e["section"], [e["evidence"]], e["quotes"][0].rstrip(".")) for e in asked.evidence]


def faithful(asked: Asked) -> Reply:
    return written(*lines(asked), size=200)


class Worded(NamedTuple):
    service: Service
    model: ServedModel


@contextmanager
def worded(script: Script, index_dir: Path, folder: Path, **given: Any) -> Iterator[Worded]:
    """A service with a model that does what a script says."""
    with served_model(script) as model:
        settings = model.settings(index_dir=index_dir, **given)
        yield Worded(open_service(index_dir, folder, settings), model)


def ask(client: TestClient, question: str = QUESTION) -> Answer:
    given = client.post("/v1/answers", json={"question": question})
    assert given.status_code == 200
    return Answer.model_validate_json(given.text)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never became so")


def in_words_of_the_sources(answer: Answer, pipeline: Pipeline) -> bool:
    return difference(pipeline.ask(answer.question), answer).is_none


def test_an_answer_is_worded_and_kept(starter_index: Path, tmp_path: Path) -> None:
    with worded(faithful, starter_index, tmp_path) as (service, model), client_of(service) as client:
        answer = ask(client)
        assert {s.origin for s in answer.bottom_line} == {"generated"}
        assert all(s.verdict == "supported" for s in answer.statements())
        wording = answer.receipt.wording
        assert wording
        assert (wording.model, wording.reason, wording.calls) == ("scripted", None, 1)
        assert client.get(f"/v1/answers/{answer.answer_id}").json() == answer.model_dump(mode="json")
        assert "Worded by scripted" in client.get(f"/v1/answers/{answer.answer_id}?format=markdown").text
        assert len(model.asked) == 1


def test_statements_are_told_as_they_are_verified(starter_index: Path, tmp_path: Path) -> None:
    def one_wrong(asked: Asked) -> Reply:
        if asked.refused:
            return written()
        return written(line(0, [1], "Everybody should be given 9000 mg of IVIG"), *lines(asked), size=50)

    with worded(one_wrong, starter_index, tmp_path) as (service, _), client_of(service) as client:
        told = events_of(client.post("/v1/answers", json=BODY, headers=STREAM).text)
    names = [name for name, _ in told]
    first, last = names.index("written"), len(names) - 1 - names[::-1].index("written")
    assert told[first - 1] == ("status", {"step": "write"})
    assert names[first : last + 1] == ["written"] * (last + 1 - first)
    assert (names[last + 1], names[-1]) == ("sources", "done")
    done = Answer.model_validate(told[-1][1])
    by_id = {s.statement_id: s.model_dump(mode="json", exclude={"citations"}) for s in done.statements()}
    assert [by_id[data["statement"]["statement_id"]] for name, data in told if name == "written"] == [
        data["statement"] for name, data in told if name == "written"
    ]
    assert all(s.verdict == "supported" and s.evidence for s in done.statements())
    assert "9000" not in json.dumps(told)
    assert done.receipt.wording
    assert done.receipt.wording.refused == 1


def test_the_client_tells_of_them(starter_index: Path, tmp_path: Path) -> None:
    with (
        worded(faithful, starter_index, tmp_path) as (service, _),
        listening(service) as address,
        Client(address) as osler,
    ):
        *told, done = osler.stream(QUESTION)
    assert isinstance(done, Done)
    texts = {s.text: s.evidence for s in done.answer.statements()}
    wrote = [event for event in told if isinstance(event, Written)]
    assert wrote
    assert all(texts[event.statement.text] == event.statement.evidence for event in wrote)


def test_faces_that_can_take_nothing_back_are_silent_until_it_is_whole(starter_index: Path, tmp_path: Path) -> None:
    body = {"model": "osler-clinician", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with worded(faithful, starter_index, tmp_path) as (service, model), client_of(service) as client:
        told = [line for line in client.post("/v1/chat/completions", json=body).text.splitlines() if "{" in line]
        answer = ask(client)
    chunks = [json.loads(line.removeprefix("data: ")) for line in told]
    said = "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])
    assert said == to_chat(answer).text
    assert "Worded by scripted" in said
    assert len(model.asked) == 1


def test_what_failed_is_asked_again_and_what_did_not_is_remembered(
    starter_index: Path, tmp_path: Path, pipeline: Pipeline
) -> None:
    replies = itertools.chain([lambda _: Reply([b"{}"], 401)], itertools.repeat(faithful))

    def in_turn(asked: Asked) -> Reply:
        return next(replies)(asked)

    with worded(in_turn, starter_index, tmp_path) as (service, model), client_of(service) as client:
        failed, good, same = ask(client), ask(client), ask(client)
        counted = samples(client)
    told = [entry for entry in logged(service) if entry.get("route") == "/v1/answers"]
    assert [(e.get("words"), e.get("model_failure")) for e in told] == [
        ("sources", "its key is refused (HTTP 401)"), ("model", None), (None, None)
    ]  # fmt: skip
    assert failed.receipt.wording
    assert failed.receipt.wording.reason == "its key is refused (HTTP 401)"
    assert in_words_of_the_sources(failed, pipeline)
    assert good.receipt.wording
    assert good.receipt.wording.written > 0
    assert same == good
    assert len({failed.answer_id, good.answer_id}) == len(model.asked) == 2
    assert counted["osler_worded_answers_total", "model"] == counted["osler_worded_answers_total", "sources"] == 1
    assert counted["osler_worded_statements_total", "shown"] == good.receipt.wording.written
    assert counted["osler_model_failures_total", "its key is refused"] == 1
    assert counted["osler_stage_seconds_count", "write"] == 2


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    assert "IVIG" not in text
    families = text_string_to_metric_families(text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_many_ask_at_once_is_written_once(starter_index: Path, tmp_path: Path) -> None:
    def slowly(asked: Asked) -> Reply:
        return written(*lines(asked), size=200)._replace(silent_s=1.0)

    with (
        worded(slowly, starter_index, tmp_path) as (service, model),
        listening(service) as address,
        ThreadPoolExecutor(5) as pool,
    ):
        asked = [pool.submit(httpx2.post, f"{address}/v1/answers", json=BODY, timeout=30) for _ in range(5)]
        answers = [one.result().json() for one in asked]
    assert len(model.asked) == 1
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["receipt"]["wording"]["written"]


def test_a_model_that_dies_leaves_the_words_of_the_sources(
    starter_index: Path, tmp_path: Path, pipeline: Pipeline
) -> None:
    def dying(asked: Asked) -> Reply:
        pieces = events("".join(lines(asked)), size=20, finish=None)
        return Reply([*pieces[: 2 if is_early.is_set() else 40], 0.3], resets=True)

    is_early = threading.Event()
    is_early.set()
    with worded(dying, starter_index, tmp_path) as (service, _), client_of(service) as client:
        at_once = ask(client)
        is_early.clear()
        late = ask(client)
    for answer in (at_once, late):
        assert answer.receipt.wording
        assert answer.receipt.wording.reason
        assert answer.receipt.wording.calls == 1
        assert all(s.verdict == "supported" for s in answer.statements())
    assert in_words_of_the_sources(at_once, pipeline)
    assert late.receipt.wording
    assert late.receipt.wording.written > 0


def test_a_client_that_leaves_ends_the_models_stream(starter_index: Path, tmp_path: Path) -> None:
    def endless(asked: Asked) -> Reply:
        said = lines(asked)
        pieces = (piece for one in said for piece in (*events(one, size=300, finish=None, usage=None)[:-1], 0.2))
        return Reply(itertools.chain(pieces, [60.0]))

    with worded(endless, starter_index, tmp_path, llm_budget_s=60, llm_timeout_s=60) as (service, model):
        with listening(service) as address:
            with httpx2.stream("POST", f"{address}/v1/answers", json=BODY, headers=STREAM, timeout=30) as given:
                assert any(text == "event: written" for text in given.iter_lines())
            assert model.left.wait(5)
            until(lambda: not service.work.admitted)
        assert not [entry for entry in logged(service) if entry["event"] == "failure"]


def test_sources_have_their_numbers_in_a_conversation(starter_index: Path, tmp_path: Path) -> None:
    with worded(faithful, starter_index, tmp_path) as (service, _), client_of(service) as client:
        conversation_id = client.post("/v1/conversations").json()["conversation_id"]
        address = f"/v1/conversations/{conversation_id}/messages"
        questions = (QUESTION, "How is argatroban monitored in HIT?")
        answers = [
            Answer.model_validate_json(client.post(address, json={"question": q}, headers={}).text) for q in questions
        ]
    known = dict[str, int]()
    for answer in answers:
        assert answer.receipt.wording
        assert answer.receipt.wording.written > 0
        numbers = {r.source_id: r.number for r in answer.references}
        assert all(known.get(source_id, number) == number for source_id, number in numbers.items())
        known |= numbers
        for statement in answer.statements():
            assert {numbers[e.source_id] for e in statement.evidence} == set(statement.citations)
    assert sorted(known.values()) == list(range(1, len(known) + 1))


def test_a_worded_answer_is_reviewed_checked_and_made_again(starter_index: Path, tmp_path: Path) -> None:
    with worded(faithful, starter_index, tmp_path) as (service, model), client_of(service) as client:
        answer = ask(client)
        address = f"/v1/answers/{answer.answer_id}"
        checked = client.post(f"{address}/verify").json()
        assert checked["holds"]
        assert len(checked["statements"]) == len(answer.statements())
        again = client.post(f"{address}/replay").json()
        assert again["is_same"], again["difference"]
        assert len(model.asked) == 2
        statement = answer.bottom_line[0]
        edit = {"statement_id": statement.statement_id, "text": f"{statement.text}."}
        for step in ({"action": "submit"}, {"action": "start"}, {"action": "edit", **edit}, {"action": "approve"}):
            taken = client.post(f"{address}/review", json={"reviewer": "One", **step})
            assert taken.status_code == 200
        assert taken.json()["steps"][-2]["verification"]["verdict"] == "supported"
        shown = Answer.model_validate(client.get(address).json())
        assert shown.review.status == "approved"
        assert (shown.bottom_line[0].origin, shown.bottom_line[0].text) == ("edited", f"{statement.text}.")
        assert len(model.asked) == 2


def test_whether_it_is_out_of_date_is_found_without_the_model(
    starter_index: Path, tmp_path: Path, pipeline: Pipeline
) -> None:
    """Where another model is set, or none, what an answer rests on is what is compared."""
    with worded(faithful, starter_index, tmp_path) as (service, model), client_of(service) as client:
        answer = ask(client)
        assert not _answers_differ(service, answer)
        assert not service.differing, "it was made of the same"
    asked = len(model.asked)
    with served_model(faithful) as other:
        settings = other.settings(index_dir=starter_index, llm_temperature=1)
        for given in (settings, Settings(index_dir=starter_index)):
            folder = tmp_path / str(given.llm_url is None)
            folder.mkdir()
            service = open_service(starter_index, folder, given)
            with client_of(service):
                assert not _answers_differ(service, answer)
                assert len(service.differing) == 1
        assert not other.asked
    assert len(model.asked) == asked


def test_it_is_ready_without_its_model(starter_index: Path, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        settings = Settings(index_dir=starter_index, llm_url=url, llm_model="none")
        with client_of(open_service(starter_index, tmp_path, settings)) as client:
            assert client.get("/readyz").status_code == client.get("/healthz").status_code == 200
            answer = ask(client)
    assert answer.receipt.wording
    assert answer.receipt.wording.reason == "its server cannot be reached"
