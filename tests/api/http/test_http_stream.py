"""An answer as events: their order, that the last is the answer, and that a client who leaves ends the work."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from running import events_of, listening, logged, open_service
from starlette.testclient import TestClient

from api.http.service import Service
from rag.answer.replay import content
from rag.domain import Answer, Statement
from rag.pipeline import Pipeline, Watch

ORDER = ["status", "sources", "bottom_line", "statement", "references", "related", "done"]
IVIG = {"question": "Should IVIG be given in HIT?"}
STREAM = {"Accept": "text/event-stream"}
STEPS = ["accepted", "start", "interpret", "embed", "retrieve", "select", "premises", "compose", "verify"]


def stream(client: TestClient, question: dict[str, Any]) -> list[tuple[str, Any]]:
    given = client.post("/v1/answers", json=question, headers=STREAM)
    assert given.status_code == 200
    assert given.headers["content-type"].startswith("text/event-stream")
    return events_of(given.text)


def test_events_come_in_their_order(client: TestClient, pipeline: Pipeline) -> None:
    events = stream(client, IVIG)
    names = [name for name, _ in events]
    assert sorted(names, key=ORDER.index) == names
    assert set(names) == set(ORDER)
    assert [data["step"] for name, data in events if name == "status"] == STEPS
    (done,) = [data for name, data in events if name == "done"]
    made = Answer.model_validate(done)
    assert content(made) == content(pipeline.ask(IVIG["question"]))
    assert client.post("/v1/answers", json=IVIG).json() == done, "the last event is the answer as JSON"


def test_events_hold_all_of_the_answer(client: TestClient) -> None:
    events = stream(client, IVIG)
    by_name = dict(events)
    made = Answer.model_validate(by_name["done"])
    told = [Statement.model_validate(s) for s in by_name["bottom_line"]["statements"]]
    told += [Statement.model_validate(data["statement"]) for name, data in events if name == "statement"]
    assert tuple(told) == made.statements()
    assert all(s.verdict == "supported" and s.evidence for s in told)
    assert by_name["references"] == [r.model_dump(mode="json") for r in made.references]
    assert by_name["related"] == list(made.related_questions)
    sources = {s["source_id"]: s["passages"] for s in by_name["sources"]}
    assert sum(sources.values()) == len(made.receipt.retrieved)
    assert {r.source_id for r in made.references} <= sources.keys()


@pytest.mark.parametrize("question", ["What is the capital of France?", "I want to kill myself"])
def test_an_answer_without_an_article_streams_too(shared: TestClient, question: str) -> None:
    events = stream(shared, {"question": question})
    assert [name for name, _ in events if name != "status"] == [
        "sources",
        "bottom_line",
        "references",
        "related",
        "done",
    ]
    assert dict(events)["bottom_line"]["reason"]


def test_an_error_before_the_stream_is_a_problem(shared: TestClient) -> None:
    for body, status in (({"question": ""}, 422), (IVIG | {"conversation_id": "c0"}, 404)):
        given = shared.post("/v1/answers", json=body, headers=STREAM)
        assert (given.status_code, given.headers["content-type"]) == (status, "application/problem+json")


def test_a_full_queue_is_told_before_the_stream(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, threads=1, queue=0)
    with listening(service) as address, ThreadPoolExecutor(8) as pool:

        def asked(number: int) -> httpx2.Response:
            body = {"question": f"How is argatroban dosed with a bilirubin of {number}?"}
            return httpx2.post(f"{address}/v1/answers", json=body, headers=STREAM)

        given = list(pool.map(asked, range(8)))
    assert {g.status_code for g in given} == {200, 503}
    assert all("done" in dict(events_of(g.text)) for g in given if g.status_code == 200)
    assert all(g.headers["retry-after"] for g in given if g.status_code == 503)


def test_an_error_within_the_stream_is_an_event(shared: TestClient) -> None:
    events = stream(shared, IVIG | {"filter": {"sources": ["no-such-source"]}})
    assert [name for name, _ in events if name != "status"] == ["error"]
    assert dict(events)["error"]["type"] == "urn:osler:problem:not-found"


def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread brings about."""
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never became so")


@pytest.mark.parametrize("headers", [STREAM, {"Accept": "application/json"}], ids=["stream", "json"])
def test_a_client_that_leaves_ends_the_work(
    service: Service, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    begun, left, steps = threading.Event(), threading.Event(), list[str]()
    ask = Pipeline.ask

    def slowly(self: Pipeline, question: str, audience: Any, within: Any, watch: Watch, **more: Any) -> Answer:
        def waiting(step: str) -> None:
            steps.append(step)
            if step == "retrieve":
                begun.set()
                assert left.wait(5)
            watch(step)

        return ask(self, question, audience, within, waiting)

    monkeypatch.setattr(Pipeline, "ask", slowly)
    with listening(service) as address:
        with socket.create_connection(("127.0.0.1", httpx2.URL(address).port)) as connection:
            body = json.dumps(IVIG).encode()
            head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": len(body)}.items())
            connection.sendall(
                f"POST /v1/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{head}\r\n".encode()
                + body
            )
            assert begun.wait(5)
        until(lambda: not service.work._flights)
        left.set()
        until(lambda: not service.work.admitted)
    assert steps == ["interpret", "embed", "retrieve"]
    assert service.work.admitted == 0
    assert [line for line in logged(service) if line["event"] == "failure"] == []
