"""A database that goes away, a disk that is full, a clock that is set back: told, survived, and nothing lost."""

from __future__ import annotations

import io
import json
import resource
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from keeping_doubles import SetClock
from running import client_of
from starlette.testclient import TestClient
from under_load import QUESTIONS, asked, served, until

from api.http.logs import Log
from api.http.service import Service
from api.keeping.keeping import Keeping
from api.settings import ServiceSettings
from rag.serving import Serving
from rag.settings import Settings

#: Nobody waits for longer while the database is away, on a busy machine; a question takes a tenth of a second.
PROMPT_S = 5


def assert_kept(database: str, acknowledged: list[dict[str, Any]]) -> None:
    with Keeping.open(database) as keeping:
        for answer in acknowledged:
            assert keeping.answers.get(answer["answer_id"]).question == answer["question"]
        assert keeping.audit.verify() is None


@pytest.mark.slow
def test_postgresql_stopped_and_started_under_load(starter_index: Path, own_server: Any) -> None:
    """The service is a process of its own: one that computes must not fork, which stopping the database takes."""
    database, log = own_server.get_uri(), list[str]()
    with Keeping.open(database) as keeping:
        _, key = keeping.keys.create("a", ["ask"])
    with (
        served(starter_index, database, log=log) as (address, _),
        httpx2.Client(base_url=address, timeout=30) as client,
        asked(address) as answers,
    ):
        for _ in range(3):
            enough = len(answers) + 5
            until(lambda enough=enough: len(answers) >= enough)  # type: ignore[misc]
            own_server.stop()
            for headers in ({}, {"Authorization": f"Bearer {key}"}):
                begun = time.monotonic()
                given = client.post("/v1/answers", json={"question": QUESTIONS[0]}, headers=headers)
                assert time.monotonic() - begun < PROMPT_S
                assert (given.status_code, given.json()["type"]) == (503, "urn:osler:problem:not-ready")
                assert int(given.headers["Retry-After"]) >= 1
                assert "postgresql" not in given.text, "where the database is concerns those who run it"
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
            own_server.ensure_postgres_running()
            until(lambda: client.get("/readyz").status_code == 200, PROMPT_S)
            assert client.post("/v1/answers", json={"question": QUESTIONS[0]}).status_code == 200
    lines = [line for line in map(json.loads, log) if line["event"] == "request"]
    assert {line["status"] for line in lines} == {200, 503}
    assert all("does not answer" in line["why"] for line in lines if "why" in line)
    assert max(line["ms"] for line in lines) < PROMPT_S * 1000
    assert len(answers) >= 15
    assert_kept(database, answers)


@pytest.mark.slow
def test_a_full_disk_is_told_and_survived(starter_index: Path, tmp_path: Path) -> None:
    """A limit on the size of its files, set on the process as it runs, stands for the disk."""
    database = tmp_path / "osler.sqlite"
    acknowledged, refused = list[dict[str, Any]](), 0
    with served(starter_index, database) as (address, process), httpx2.Client(base_url=address, timeout=30) as client:

        def ask(number: int) -> httpx2.Response:
            given = client.post("/v1/answers", json={"question": f"{QUESTIONS[number % 5]} (case {number})"})
            if given.status_code == 200:
                acknowledged.append(given.json())
            return given

        assert ask(0).status_code == 200
        largest = max(path.stat().st_size for path in tmp_path.glob("osler.sqlite*"))
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest + 300_000, unlimited[1]))
        for number in range(1, 40):
            given = ask(number)
            if given.status_code != 200:
                assert (given.status_code, given.json()["type"]) == (507, "urn:osler:problem:no-room")
                assert "sqlite" not in given.text
                refused += 1
        assert refused > 3
        assert client.get("/healthz").status_code == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert ask(100).status_code == 200, "goes on when there is room"
        first = acknowledged[0]["answer_id"]
        assert client.get(f"/v1/answers/{first}").json()["answer_id"] == first
    assert len(acknowledged) > 2
    assert_kept(str(database), acknowledged)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def clocked(starter_index: Path, tmp_path: Path, clock: SetClock) -> Service:
    """A service whose database tells the time by ``clock``, and that wants keys."""
    given = ServiceSettings(database=str(tmp_path / "osler.sqlite"), keys="always", rate_by_key="30/minute")
    serving = Serving(Settings(index_dir=starter_index))
    keeping = Keeping.open(given.database, clock=clock, index_dir=serving.index_dir)
    return Service(given, serving, keeping, Log(io.StringIO()))


def test_a_clock_set_back_changes_no_order_and_locks_nobody_out(clocked: Service, clock: SetClock) -> None:
    key, secret = clocked.keeping.keys.create("a", ["ask", "review"])
    with client_of(clocked) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        talks = list[str]()
        for _ in range(2):
            talks.append(client.post("/v1/conversations").json()["conversation_id"])
            clock.move(days=-10)
        assert len(set(talks)) == 2
        made = list[dict[str, Any]]()
        for question in ("How is argatroban monitored?", "And bivalirudin?", "What is the dose?"):
            given = client.post(f"/v1/conversations/{talks[0]}/messages", json={"question": question})
            assert given.status_code == 200
            made.append(given.json())
            clock.move(days=-10)
        shown = client.get(f"/v1/conversations/{talks[0]}").json()
        assert [turn["answer_id"] for turn in shown["turns"]] == [answer["answer_id"] for answer in made]
        assert len({answer["answer_id"] for answer in made}) == 3
        assert review(client, clock, made[0]["answer_id"]) == ["submit", "start", "approve"]
        assert client.get(f"/v1/answers/{made[0]['answer_id']}").json()["review"]["status"] == "approved"
        assert clocked.keeping.audit.verify() is None
        use_up(client)
        clock.move(days=-10)
        refused = client.post("/v1/conversations")
        assert refused.status_code == 429, "nothing is given anew"
        clock.move(seconds=int(refused.headers["Retry-After"]))
        assert client.post("/v1/conversations").status_code == 201, "and nobody waits until the clock is where it was"
    assert key.scopes


def review(client: TestClient, clock: SetClock, answer_id: str) -> list[str]:
    """Takes an answer through its review while the clock goes back; gives the steps of its history."""
    for action in ("submit", "start", "approve"):
        more = {"reason": "accurate"} if action == "approve" else {}
        given = client.post(
            f"/v1/answers/{answer_id}/review", json={"action": action, "reviewer": "Reviewer One", **more}
        )
        assert given.status_code == 200, given.text
        clock.move(hours=-1)
    return [event["action"] for event in client.get(f"/v1/answers/{answer_id}/review").json()["steps"]]


def use_up(client: TestClient) -> None:
    """Comes until it is too often."""
    for _ in range(100):
        if client.post("/v1/conversations").status_code == 429:
            return
    pytest.fail("never too often")
