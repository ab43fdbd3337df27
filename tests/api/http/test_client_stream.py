"""The Python client's streams: whatever the pieces, whoever is slow, and when the connection or the server is lost."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from builders import make_answer
from proxies import Passing, buffered, bytewise, cut, proxy, whole
from running import listening, logged
from scripted import Naps, Reply, Scripted, scripted
from under_load import served, until

from api.client import (
    BottomLine,
    Client,
    Done,
    Event,
    NotOslerError,
    ProblemError,
    Related,
    Status,
    UnreachableError,
    Written,
    calling,
)
from api.http import stream
from api.http.service import Service
from rag.answer.replay import content
from rag.domain import Answer
from rag.pipeline import Pipeline, Watch

IVIG = "Should IVIG be given in HIT?"
ANSWER = make_answer(question="Ünlikely? 血小板 ≥ 20 × 10⁹/L 🩸")
TYPE = (("Content-Type", "text/event-stream; charset=latin-1"),)


def parts(events: list[Event]) -> list[Event]:
    """All events of the answer itself: which steps are told depends on whether it was made before."""
    return [e for e in events if not isinstance(e, Status)]


@pytest.fixture
def naps() -> Naps:
    return Naps()


def event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


DONE = event("done", ANSWER.model_dump(mode="json"))
HEAD: dict[str, Any] = {
    "answer_id": ANSWER.answer_id, "title": ANSWER.title, "outcome": "answered", "reason": None, "decision": None,
    "statements": [],
}  # fmt: skip


# the pieces


#: A stream as the standard allows it (HTML Living Standard, section 9.2): a byte order mark, all three ends of lines,
#: comments, data over several lines, fields without a blank or a value, kinds and fields that nobody knows yet.
ODD = (
    "\ufeff: hello\r\nretry: 9\r\n\r\n"
    'event: status\ndata: {"step":\ndata:"gestört – 血 🩸"}\n\n'
    'event:related\rid: 4\rdata:["Ünlikely?"]\r\r'
    ': still here\n\nevent: new-kind\r\ndata: {"x": 1}\r\n\r\n'
    "event: status\n\n"
    'unknown: x\r\nevent: status\r\ndata: {"step": "end", "of_a_newer_service": 1}\r\n\r\ndata\n\n'
).encode()
TOLD = [Status(step="gestört – 血 🩸"), Related(questions=("Ünlikely?",)), Status(step="end"), Done(answer=ANSWER)]


def received(address: str) -> list[Event]:
    with Client(address, retries=0) as client:
        return list(client.stream(IVIG))


def test_a_stream_is_split_anywhere() -> None:
    cuts = [*((n,) for n in range(1, len(ODD))), range(1, len(ODD)), range(1, len(ODD), 7)]
    pieces = ([ODD[a:b] for a, b in itertools.pairwise((0, *ends, len(ODD)))] + [DONE] for ends in cuts)
    script = Scripted(*(Reply(pieces=some, headers=TYPE) for some in pieces))
    with scripted(script) as address, Client(address, retries=0) as client:
        assert all(list(client.stream(IVIG)) == TOLD for _ in cuts)


@pytest.mark.parametrize("passing", [bytewise, buffered])
def test_proxies_split_and_hold_back(service: Service, passing: Passing) -> None:
    with listening(service) as address, proxy(address, passing) as between:
        through, direct = received(between), received(address)
    assert isinstance(through[-1], Done)
    assert parts(through) == parts(direct)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'event: status\ndata: {"step"\n\n', "event 'status'"),
        (b"event: done\ndata: {}\n\n", "event 'done': answer.answer_id: Field required"),
        (b"event: error\ndata: []\n\n", "event 'error': expected a problem"),
        (b"event: related\ndata: [1]\n\n", "event 'related': questions.0"),
    ],
)
def test_what_is_no_event_of_osler_is_told(data: bytes, said: str) -> None:
    with scripted(Scripted(Reply(pieces=[data], headers=TYPE))) as address, pytest.raises(NotOslerError, match=said):
        received(address)


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_MAX_BYTES", 1000)
    reply = Reply(pieces=[b"data: ", *[b"x" * 100] * 20], headers=TYPE)
    with scripted(Scripted(reply)) as address, pytest.raises(NotOslerError, match="1000 byte limit"):
        received(address)
    with (
        scripted(Scripted(Reply(pieces=reply.pieces))) as address,
        Client(address, retries=0) as client,
        pytest.raises(NotOslerError, match="more than 1,000 bytes"),
    ):
        client.ask(IVIG)


# the connection is lost


def test_a_connection_is_lost_anywhere(service: Service, naps: Naps) -> None:
    """Each event comes once, and the answer is made once."""
    lengths = list[int]()

    def counted(_: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        taken = list(pieces)
        lengths.append(sum(map(len, taken)))
        yield from taken

    with listening(service) as address, proxy(address, counted) as between:
        expected = parts(received(between))
        for n in range(20):
            with proxy(address, cut(n * lengths[0] // 20)) as lossy, Client(lossy, sleep=naps) as client:
                events = list(client.stream(IVIG))
            steps = [e.step for e in events if isinstance(e, Status)]
            assert parts(events) == expected
            assert len(steps) == len(set(steps))
            assert len(naps.seconds) == n + 1


def test_a_connection_that_is_always_lost_is_given_up(service: Service, naps: Naps) -> None:
    with (
        listening(service) as address,
        proxy(address, cut(2000, times=9)) as lossy,
        Client(lossy, retries=3, sleep=naps) as client,
        pytest.raises(UnreachableError),
    ):
        list(client.stream(IVIG))
    assert len(naps.seconds) == 3


def test_a_stream_that_ends_too_early_is_asked_for_again(naps: Naps) -> None:
    short = Reply(pieces=[event("status", {"step": "start"}), event("bottom_line", HEAD)], headers=TYPE)
    whole_one = Reply(pieces=[*short.pieces, event("status", {"step": "verify"}), DONE], headers=TYPE)
    script = Scripted(short, short._replace(breaks_off=True), whole_one)
    with scripted(script) as address, Client(address, sleep=naps) as client:
        events = list(client.stream(IVIG))
    assert [type(e) for e in events] == [Status, BottomLine, Status, Done]
    assert len({asked.token for asked in script.asked}) == 1


def test_what_a_model_writes_comes_once_and_is_no_part_of_the_answer(naps: Naps) -> None:
    def written(name: str) -> bytes:
        statement = {"statement_id": name, "text": "Yes.", "evidence": [], "verdict": "supported"}
        return event("written", {"section": 0, "heading": "Bottom line", "statement": statement})

    short = Reply(pieces=[written("s1"), written("s2")], headers=TYPE, breaks_off=True)
    whole_one = Reply(pieces=[written("s2"), written("s3"), event("bottom_line", HEAD), DONE], headers=TYPE)
    kept = Reply(pieces=[event("bottom_line", HEAD), DONE], headers=TYPE)
    for script, names in ((Scripted(short, whole_one), ["s1", "s2", "s3"]), (Scripted(short, kept), ["s1", "s2"])):
        with scripted(script) as address, Client(address, sleep=naps) as client:
            events = list(client.stream(IVIG))
        assert [e.statement.statement_id for e in events if isinstance(e, Written)] == names
        assert [type(e) for e in events[-2:]] == [BottomLine, Done]


def test_another_answer_is_not_put_to_the_beginning_of_one(naps: Naps) -> None:
    begun = Reply(pieces=[event("bottom_line", HEAD)], headers=TYPE)
    other = Reply(pieces=[event("bottom_line", HEAD | {"answer_id": "a-other"})], headers=TYPE)
    with (
        scripted(Scripted(begun, other)) as address,
        Client(address, sleep=naps) as client,
        pytest.raises(NotOslerError, match="a-other in place of"),
    ):
        list(client.stream(IVIG))


@pytest.mark.parametrize(("status", "requests"), [(504, 2), (409, 1)])
def test_a_problem_within_the_stream_is_raised_when_it_does_not_pass(status: int, requests: int, naps: Naps) -> None:
    said = {"type": "urn:osler:problem:some", "status": status, "detail": "why", "instance": "urn:osler:request:r1"}
    script = Scripted(Reply(pieces=[event("status", {"step": "start"}), event("error", said)], headers=TYPE))
    with (
        scripted(script) as address,
        Client(address, retries=1, sleep=naps) as client,
        pytest.raises(ProblemError) as found,
    ):
        list(client.stream(IVIG))
    assert (found.value.status, found.value.name, found.value.request_id) == (status, "some", "r1")
    assert len(script.asked) == requests


def test_a_problem_before_the_stream_is_raised(service: Service) -> None:
    with listening(service) as address, Client(address) as client:
        with pytest.raises(ProblemError) as found:
            list(client.stream(""))
        assert found.value.name == "invalid-request"


@pytest.mark.slow
def test_a_server_is_killed_in_the_middle_and_started_again(starter_index: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    killed, database = threading.Event(), tmp_path / "osler.sqlite"

    def held(number: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The first response is held back in the middle of the statements until its server is killed."""
        if number > 1:
            yield from pieces
            return
        yield b"".join(pieces)[:20_000]
        assert killed.wait(30)

    with (
        served(starter_index, database, "--port", port) as (address, process),
        proxy(address, held) as between,
        Client(between) as client,
        closing(client.stream(IVIG)) as told,
    ):
        begun = list(itertools.takewhile(lambda e: not isinstance(e, BottomLine), told))
        process.kill()
        process.wait()
        killed.set()
        with served(starter_index, database, "--port", port):
            *rest, done = told
            assert isinstance(done, Done)
            answer = done.answer
            assert client.answer(answer.answer_id) == answer, "with its timings: the one that was kept before"
    kinds = [type(e).__name__ for e in (*begun, *rest)]
    assert kinds.count("SourcesRead") == 1
    assert kinds.count("Shown") == len(answer.statements()) - len(answer.bottom_line)


# the client is slow, or gone


def test_leaving_the_stream_ends_the_work(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    left, steps, ask = threading.Event(), list[str](), Pipeline.ask

    def slowly(self: Pipeline, question: str, audience: Any, within: Any, watch: Watch, **more: Any) -> Answer:
        def waiting(step: str) -> None:
            steps.append(step)
            if step == "retrieve":
                assert left.wait(10)
            watch(step)

        return ask(self, question, audience, within, waiting)

    monkeypatch.setattr(Pipeline, "ask", slowly)
    with listening(service) as address, Client(address) as client:
        for told in client.stream(IVIG):
            if told == Status(step="embed"):
                break
        until(lambda: not service.work._flights)
        left.set()
        until(lambda: not service.work.admitted)
    assert steps == ["interpret", "embed", "retrieve"]
    assert [line for line in logged(service) if line["event"] == "failure"] == []


def test_a_reader_that_takes_its_time_misses_nothing(service: Service) -> None:
    with listening(service) as address, proxy(address, whole) as between, Client(between, timeout_s=1) as client:
        events = list[Event]()
        for told in client.stream(IVIG):
            time.sleep(0.05)
            events.append(told)
        assert parts(events) == parts(received(address))


def asking_slowly(stack: ExitStack, address: str, question: str) -> socket.socket:
    """A connection on which a stream was asked for, that takes in next to nothing until it is read."""
    connection = stack.enter_context(socket.socket())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", httpx2.URL(address).port))
    body = json.dumps({"question": question}).encode()
    connection.sendall(
        b"POST /v1/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    return connection


def read_to_the_end(connection: socket.socket) -> bytes:
    connection.settimeout(60)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_an_answer_is_written_as_it_is_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader does not take is not put together for it either, however long it is, and others are answered."""
    written, parts_of = list[str](), stream.parts

    def noted(made: stream.Streamed) -> Iterator[stream.Event]:
        for told in parts_of(made):
            for _ in range(20 if told.name == "statement" else 1):
                yield told
                written.append(told.name)

    monkeypatch.setattr(stream, "parts", noted)
    with listening(service, send_bytes=4096) as address, Client(address) as client, ExitStack() as stack:
        answer = client.ask(IVIG)
        slow = asking_slowly(stack, address, IVIG)
        until(lambda: "sources" in written)
        assert client.ask(IVIG) == answer
        assert "done" not in written
        assert not service.work.admitted
        assert b"event: done" in read_to_the_end(slow)
    assert "done" in written


@pytest.mark.slow
def test_slow_readers_hold_nobody_up_and_fill_no_memory(starter_index: Path, tmp_path: Path) -> None:
    readers, questions = 40, [IVIG, "How is argatroban monitored?"]
    with served(starter_index, tmp_path / "osler.sqlite") as (address, process), Client(address) as client:
        for question in questions:
            client.ask(question)
        memory = psutil.Process(process.pid).memory_info
        before = memory().rss
        with ExitStack() as stack:
            slow = [asking_slowly(stack, address, questions[n % 2]) for n in range(readers)]
            time.sleep(1)
            begun = time.perf_counter()
            for _ in range(20):
                client.ask(questions[0])
            took_s, grown = time.perf_counter() - begun, memory().rss - before
            with ThreadPoolExecutor(4) as pool:
                ends = list(pool.map(read_to_the_end, slow))
        assert all(b"event: done" in end for end in ends)
        assert took_s < 5, "others are answered meanwhile"
        assert grown < readers * 2 * 2**20, "a reader holds up its own answer and no more"


def test_the_streamed_answer_is_the_pipelines(service: Service, pipeline: Pipeline) -> None:
    with listening(service) as address:
        done = received(address)[-1]
    assert isinstance(done, Done)
    assert content(done.answer) == content(pipeline.ask(IVIG))
