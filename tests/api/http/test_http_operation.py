"""Health, metrics, traces: for those who run it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from local_server import listening as local_server
from prometheus_client.parser import text_string_to_metric_families
from running import client_of, logged, open_service
from small_corpus import empty_index, exported_encoder, tiny_corpus
from starlette.testclient import TestClient

from api.http.service import Service
from rag.index.build import build
from rag.index.manifest import CURRENT

QUESTIONS = ("How is argatroban monitored?", "What is the capital of France?", "I want to kill myself")


class Samples:
    """What a service's metrics say, by the name of a sample and the values of its labels."""

    def __init__(self, client: TestClient) -> None:
        families = text_string_to_metric_families(client.get("/metrics").text)
        self._samples = {(s.name, frozenset(s.labels.values())): s.value for f in families for s in f.samples}

    def __getitem__(self, named: tuple[str, ...]) -> float:
        return self._samples[named[0], frozenset(named[1:])]


def test_health(client: TestClient, service: Service) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json() == {
        "status": "ready", "snapshot_id": service.serving.snapshot_id, "problem": None
    }  # fmt: skip


def test_a_snapshot_that_cannot_be_used_is_told_without_its_place(starter_index: Path, tmp_path: Path) -> None:
    index_dir = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build(tiny_corpus(), index_dir)
    service = open_service(index_dir, tmp_path)
    with client_of(service) as client:
        (index_dir / CURRENT).write_text("0therd\n")
        service.serving.look()
        told = (client.get("/readyz"), client.get("/v1/snapshots"))
        assert [t.json()["problem"] for t in told] == ["the snapshot that was published last cannot be used"] * 2
        assert str(tmp_path) not in "".join(t.text for t in told)
        assert client.post("/v1/answers", json={"question": QUESTIONS[0]}).status_code == 200


def test_metrics(client: TestClient, service: Service) -> None:
    for question in (*QUESTIONS, QUESTIONS[0]):
        client.post("/v1/answers", json={"question": question})
    client.get("/v1/answers/none")
    for method in ("BREW", "WHEN"):
        client.request(method, "/v1/answers")
    found = Samples(client)
    assert found["osler_answers_total", "answered", "clinician", "now"] == 1
    assert found["osler_answers_total", "answered", "clinician", "before"] == 1
    assert found["osler_answers_total", "redirected", "clinician", "now"] == 1
    assert found["osler_abstentions_total",] == 1
    assert found["osler_stage_seconds_count", "interpret"] == 2, "what was made before took no time"
    assert found["osler_stage_seconds_sum", "total"] > 0
    assert found["osler_requests_total", "POST", "/v1/answers", "200"] == 4
    assert found["osler_requests_total", "GET", "/v1/answers/{answer_id}", "404"] == 1
    assert found["osler_requests_total", "OTHER", "/v1/answers", "405"] == 2, "no series for what a client makes up"
    assert found["osler_problems_total", "not-found"] == 1
    assert found["osler_verification_drops_total",] >= 0
    assert found["osler_snapshot_info", service.serving.snapshot_id] == 1
    assert 0 < found["osler_snapshot_age_seconds",] < 24 * 3600
    assert found["osler_queue",] == 0


def test_no_metric_and_no_line_of_the_log_says_what_was_asked(client: TestClient, service: Service) -> None:
    client.post("/v1/answers", json={"question": QUESTIONS[0]})
    client.post("/v1/search", json={"question": QUESTIONS[0]})
    assert "argatroban" not in client.get("/metrics").text
    assert "argatroban" not in str(logged(service))


def test_traces_are_sent_where_an_endpoint_is_set(starter_index: Path, tmp_path: Path) -> None:
    received, arrived = list[bytes](), threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path.encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    with local_server(Collector) as server:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        with client_of(open_service(starter_index, tmp_path, otlp_endpoint=endpoint)) as client:
            client.post("/v1/answers", json={"question": QUESTIONS[0]})
        assert arrived.wait(5)
    sent = b"".join(received)
    assert all(word in sent for word in (b"/v1/traces", b"POST /v1/answers", b"interpret", b"compose"))
    assert b"argatroban" not in sent
