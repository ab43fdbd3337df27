"""A review from its submission to its end over HTTP, and what an answer then shows."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from local_server import listening as local_server
from running import client_of, open_service
from small_corpus import TINY, document, empty_index, exported_encoder, markdown, tiny_corpus
from starlette.testclient import TestClient

from api.http.reviewing import note_all_stale
from api.http.service import Service
from api.keeping.signing import signature
from rag.answer.article import UNREVIEWED
from rag.domain import Answer
from rag.index.build import build
from rag.ingest.readers.markdown import read_markdown
from rag.settings import Settings

QUESTION = "What is the dose of argatroban in heparin-induced thrombocytopenia?"


@pytest.fixture
def index_dir(starter_index: Path, tmp_path: Path) -> Path:
    folder = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build(tiny_corpus(), folder)
    return folder


@pytest.fixture
def service(index_dir: Path, tmp_path: Path) -> Service:
    return open_service(index_dir, tmp_path)


def ask(client: TestClient, question: str = QUESTION) -> Answer:
    return Answer.model_validate_json(client.post("/v1/answers", json={"question": question}).text)


def step(client: TestClient, answer: Answer, action: str, expected: int = 200, **more: Any) -> dict[str, Any]:
    address = f"/v1/answers/{answer.answer_id}/review"
    given = client.post(address, json={"action": action, "reviewer": "Reviewer One", **more})
    assert given.status_code == expected, given.text
    found: dict[str, Any] = given.json()
    return found


def approved(client: TestClient) -> Answer:
    answer = ask(client)
    for action in ("submit", "start", "approve"):
        step(client, answer, action)
    return ask(client)


def test_a_new_answer_is_not_reviewed(client: TestClient) -> None:
    answer = ask(client)
    assert answer.review.status == "submitted"
    assert answer.review.updated is None
    assert client.get(f"/v1/answers/{answer.answer_id}/review").json()["status"] == "unsubmitted"


def test_from_submission_to_approval(client: TestClient) -> None:
    answer = ask(client)
    assert UNREVIEWED in answer.disclaimer
    step(client, answer, "submit")
    assert [i["status"] for i in client.get("/v1/reviews/queue").json()["items"]] == ["submitted"]
    step(client, answer, "start")
    assert ask(client).review.status == "under_review"
    step(client, answer, "comment", comment="Agrees with the label.")
    history = step(client, answer, "approve")
    assert [s["action"] for s in history["steps"]] == ["submit", "start", "comment", "approve"]
    assert {s["reviewer"] for s in history["steps"]} == {"Reviewer One"}
    assert history["steps"][-1]["reason"] == "accurate"
    shown = ask(client)
    assert shown.review.status == "approved"
    assert shown.review.updated
    assert UNREVIEWED not in shown.disclaimer
    assert shown.model_copy(update={"review": answer.review, "disclaimer": answer.disclaimer}) == answer
    assert client.get("/v1/reviews/queue").json()["items"] == []
    assert [i["status"] for i in client.get("/v1/reviews/queue?status=approved").json()["items"]] == ["approved"]
    assert "approved by a clinician" in client.get(f"/v1/answers/{answer.answer_id}?format=markdown").text


def test_a_rejection_needs_a_reason(client: TestClient) -> None:
    answer = ask(client)
    step(client, answer, "submit")
    step(client, answer, "start")
    step(client, answer, "reject", 400)
    assert step(client, answer, "reject", reason="unsafe")["status"] == "rejected"
    assert ask(client).review.status == "rejected"


@pytest.mark.parametrize(
    ("action", "more", "status"),
    [("approve", {}, 409), ("start", {}, 409), ("stale", {}, 400), ("edit", {}, 400), ("comment", {}, 400),
     ("submit", {"text": "x"}, 400), ("submit", {"reason": "accurate"}, 400),
     ("submit", {"statement_id": "none"}, 404), ("publish", {}, 422)],
)  # fmt: skip
def test_steps_that_may_not_be_taken(client: TestClient, action: str, more: dict[str, Any], status: int) -> None:
    step(client, ask(client), action, status, **more)


@pytest.mark.parametrize("name", [" ", "a\nb", "Reviewer\u202e eno", "a\0b", "a\u200bb"])
def test_the_name_of_a_reviewer_is_what_is_seen(client: TestClient, name: str) -> None:
    answer = ask(client)
    sent = {"action": "submit", "reviewer": name}
    assert client.post(f"/v1/answers/{answer.answer_id}/review", json=sent).status_code == 422


def test_an_edit_is_verified_again(client: TestClient) -> None:
    answer = ask(client)
    statement = answer.bottom_line[0]
    step(client, answer, "submit")
    step(client, answer, "start")
    wrong = statement.text.replace("2 mcg", "20 mcg")
    assert wrong != statement.text
    one = {"statement_id": statement.statement_id}
    history = step(client, answer, "edit", text=wrong, **one)
    assert history["steps"][-1]["verification"]["verdict"] != "supported"
    step(client, answer, "approve", 409)
    assert ask(client).bottom_line[0] == statement, "nobody sees words that are not approved"
    right = "Argatroban is started at 2 mcg/kg/min in heparin-induced thrombocytopenia."
    step(client, answer, "edit", text=right, **one)
    step(client, answer, "approve", **one)
    step(client, answer, "approve", reason="accurate_as_edited")
    shown = ask(client)
    assert shown.review.status == "approved"
    assert (shown.bottom_line[0].text, shown.bottom_line[0].origin) == (right, "edited")
    assert shown.bottom_line[0].evidence == statement.evidence


@pytest.mark.parametrize("change", [b"retracted: true", b"superseded_by: warfarin"])
def test_an_approved_answer_turns_stale_with_its_source(client: TestClient, index_dir: Path, change: bytes) -> None:
    answer = approved(client)
    assert answer.review.status == "approved"
    changed = markdown("argatroban", TINY["argatroban"]).replace(b"jurisdiction: US", b"jurisdiction: US\n" + change)
    build(
        [read_markdown(changed, "argatroban.md"), *(d for d in tiny_corpus() if d.source.key != "argatroban")],
        index_dir,
    )
    shown = Answer.model_validate_json(client.get(f"/v1/answers/{answer.answer_id}").text)
    assert shown.review.status == "stale"
    history = client.get(f"/v1/answers/{answer.answer_id}/review").json()
    assert history["status"] == "stale"
    assert history["stale"][0]["reason"] in ("retracted", "superseded", "replay_differs")
    assert [i["status"] for i in client.get("/v1/reviews/queue?status=stale").json()["items"]] == ["stale"]


def test_an_approved_answer_turns_stale_when_it_would_be_another(client: TestClient, index_dir: Path) -> None:
    answer = approved(client)
    told = "## Dosing\n\n- Argatroban is started at 0.2 mcg/kg/min in heparin-induced thrombocytopenia. {#t9}\n"
    build([*tiny_corpus(), document("newer", told)], index_dir)
    client.get("/readyz")
    replay = client.post(f"/v1/answers/{answer.answer_id}/replay", params={"on": "current"}).json()
    assert not replay["is_same"]
    assert replay["difference"]["sources_added"] == ["newer"]
    same = client.post(f"/v1/answers/{answer.answer_id}/replay").json()
    assert same["is_same"], "on its own snapshot it is the same"
    shown = Answer.model_validate_json(client.get(f"/v1/answers/{answer.answer_id}").text)
    assert shown.review.status == "stale"
    history = client.get(f"/v1/answers/{answer.answer_id}/review").json()
    assert [(s["action"], s["reason"], s["reviewer"]) for s in history["steps"]][-1] == (
        "stale",
        "replay_differs",
        "osler",
    )


@pytest.mark.parametrize("change", ["retracted: true", "superseded_by: warfarin", None])
def test_who_listens_is_told_of_what_turned_stale(
    client: TestClient, service: Service, index_dir: Path, change: str | None
) -> None:
    answer, hook = approved(client), service.keeping.webhooks.register("https://example.org/told", ["review.stale"])[0]
    assert note_all_stale(service) == 0
    text = TINY["argatroban"] if change else TINY["argatroban"].replace("2 mcg/kg/min", "0.2 mcg/kg/min")
    changed = markdown("argatroban", text).replace(b"jurisdiction: US", f"jurisdiction: US\n{change or ''}".encode())
    others = [d for d in tiny_corpus() if d.source.key != "argatroban"]
    build([read_markdown(changed, "argatroban.md"), *others], index_dir)
    service.serving.look()
    assert note_all_stale(service) == 1
    assert note_all_stale(service) == 0, "once"
    last = client.get(f"/v1/answers/{answer.answer_id}/review").json()["steps"][-1]
    wanted = {"retracted": "retracted", "superseded_by": "superseded", "": "replay_differs"}
    assert (last["action"], last["reason"]) == ("stale", wanted[(change or "").partition(":")[0]])
    (told,) = service.keeping.webhooks.deliveries(hook.webhook_id)
    assert told.event == "review.stale"
    assert [e.actor for e in service.keeping.audit.entries() if e.action == "review.stale"] == ["osler"]


def test_other_settings_make_stale_what_they_answer_otherwise(
    client: TestClient, service: Service, index_dir: Path, tmp_path: Path
) -> None:
    answer = approved(client)
    for candidates, expected in ((99, "approved"), (1, "stale")):
        settings = Settings(index_dir=index_dir, candidates=candidates)
        with client_of(Service.open(service.settings, settings, service.log)) as other:
            shown = other.get(f"/v1/answers/{answer.answer_id}").json()
            assert shown["review"]["status"] == expected


def test_what_cannot_be_noted_in_the_audit_log_is_not_done(
    client: TestClient, service: Service, tmp_path: Path
) -> None:
    answer = ask(client)
    with closing(sqlite3.connect(tmp_path / "osler.sqlite")) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END")
    address = f"/v1/answers/{answer.answer_id}"
    assert client.post(f"{address}/review", json={"action": "submit"}).status_code == 500
    assert client.post(f"{address}/feedback", json={"rating": "wrong"}).status_code == 500
    assert client.post("/v1/webhooks", json={"url": "https://example.org/"}).status_code == 500
    assert service.keeping.reviews.history(answer.answer_id) == []
    assert service.keeping.feedback.list(answer.answer_id) == []
    assert service.keeping.webhooks.list() == []


def test_feedback(client: TestClient) -> None:
    answer = ask(client)
    address = f"/v1/answers/{answer.answer_id}/feedback"
    given = client.post(address, json={"rating": "unsafe", "comment": "The dose is for another route."})
    assert given.status_code == 201
    assert client.get(address).json()["feedback"] == [given.json()]
    assert client.post(address, json={"rating": "five stars"}).status_code == 422


def test_what_is_read_and_decided_stands_in_the_audit_log(client: TestClient, service: Service) -> None:
    answer = approved(client)
    client.get(f"/v1/answers/{answer.answer_id}")
    client.get("/v1/reviews/queue")
    actions = [entry.action for entry in service.keeping.audit.entries()]
    assert {"answer.made", "answer.read", "review.submit", "review.start", "review.approve", "queue.read"} <= set(
        actions
    )
    assert service.keeping.audit.verify() is None


def test_a_webhook_is_told_and_signed(index_dir: Path, tmp_path: Path) -> None:
    received, arrived = list[tuple[dict[str, str], bytes]](), threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    service = open_service(index_dir, tmp_path, private_webhooks=True)
    with local_server(Receiver) as server, client_of(service) as client:
        url = f"http://127.0.0.1:{server.server_address[1]}/told"
        registered = client.post("/v1/webhooks", json={"url": url, "events": ["review.approve"]}).json()
        answer = approved(client)
        assert arrived.wait(10)
        ((headers, body),) = received
        timestamp = int(headers["Osler-Timestamp"])
        assert headers["Osler-Signature"] == signature(registered["secret"], timestamp, body)
        assert json.loads(body)["data"]["answer_id"] == answer.answer_id
        address = f"/v1/webhooks/{registered['webhook_id']}"
        assert [w["url"] for w in client.get("/v1/webhooks").json()["webhooks"]] == [url]
        assert client.get(f"{address}/deliveries").json()["deliveries"][0]["event"] == "review.approve"
        assert client.delete(address).status_code == 204
        assert client.delete(address).status_code == 404
