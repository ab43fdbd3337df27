"""Streams where the way is bad: a client that leaves or reads slowly, bytes one by one, connections that break."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import APIConnectionError
from openai_face import CLINICIAN, FIRST, Face, asked, faced
from proxies import bytewise, cut, proxy
from running import logged
from under_load import until

from rag.domain import Answer
from rag.index.encoder import Encoder
from rag.pipeline import Pipeline, Watch

CHAT = ("chat/completions", {"model": CLINICIAN, "messages": asked(FIRST), "stream": True})
RESPONSES = ("responses", {"model": CLINICIAN, "input": FIRST, "stream": True, "store": False})
BOTH = pytest.mark.parametrize(("path", "body"), [CHAT, RESPONSES], ids=["chat", "responses"])
#: What the system takes of a response that its client does not read: less than half of it.
_SEND_BYTES = 4096


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("streams"), send_bytes=_SEND_BYTES) as found:
        yield found


@contextmanager
def sent(face: Face, path: str, body: dict[str, Any]) -> Iterator[socket.socket]:
    """A connection on which a request was sent and of which nothing is read but by the test."""
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {face.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", httpx2.URL(face.address).port))
        connection.sendall(head.encode() + content)
        yield connection


def whole(face: Face, path: str, body: dict[str, Any]) -> str:
    """The text that is given without a stream."""
    given = httpx2.post(f"{face.base_url}/{path}", json=body | {"stream": False}, headers=face.headers).json()
    if path == CHAT[0]:
        return str(given["choices"][0]["message"]["content"])
    return str(given["output"][0]["content"][0]["text"])


def streamed(client: Any, path: str) -> str:
    if path == CHAT[0]:
        chunks = client.chat.completions.create(**CHAT[1])
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    events = client.responses.create(**RESPONSES[1])
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


@BOTH
def test_a_client_that_leaves_ends_the_work(
    face: Face, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    begun, left, steps = threading.Event(), threading.Event(), list[str]()
    ask, work = Pipeline.ask, face.service.work

    def slowly(self: Pipeline, question: str, audience: Any, within: Any, watch: Watch, **more: Any) -> Answer:
        def waiting(step: str) -> None:
            steps.append(step)
            if step == "retrieve":
                begun.set()
                assert left.wait(5)
            watch(step)

        return ask(self, question, audience, within, waiting)

    monkeypatch.setattr(Pipeline, "ask", slowly)
    other = f"How is argatroban dosed, asked by {path}?"
    unheard = body | ({"input": other} if "input" in body else {"messages": asked(other)})
    with sent(face, path, unheard):
        assert begun.wait(5)
    until(lambda: not work._flights)
    left.set()
    until(lambda: not work.admitted)
    assert steps == ["interpret", "embed", "retrieve"]
    assert [line for line in logged(face.service) if line["event"] == "failure"] == []


def test_a_client_that_leaves_ends_the_embedding_of_its_texts(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, left, sizes = threading.Event(), threading.Event(), list[int]()
    work = face.service.work
    with face.service.serving.pipeline() as pipeline:
        kind = type(pipeline.snapshot.encoder)
    encode = kind.encode

    def slowly(self: Encoder, texts: Sequence[str]) -> Any:
        sizes.append(len(texts))
        begun.set()
        assert left.wait(5)
        return encode(self, texts)

    monkeypatch.setattr(kind, "encode", slowly)
    with sent(face, "embeddings", {"model": "osler-embedding", "input": ["argatroban"] * 100}):
        assert begun.wait(5)
    until(lambda: not work._flights)
    left.set()
    until(lambda: not work.admitted)
    assert len(sizes) == 1
    assert sizes[0] < 100


@BOTH
def test_a_client_that_leaves_within_the_text_disturbs_nobody(face: Face, path: str, body: dict[str, Any]) -> None:
    for _ in range(5):
        with sent(face, path, body) as connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert streamed(face.client, path) == whole(face, path, body)
    assert [line for line in logged(face.service) if line["event"] == "failure"] == []


@BOTH
def test_a_slow_reader_has_all_of_it_and_holds_nobody_up(face: Face, path: str, body: dict[str, Any]) -> None:
    with sent(face, path, body) as connection:
        read = connection.recv(100)
        assert whole(face, path, body), "others are answered while it does not read"
        assert face.service.work.admitted == 0, "and the work is done"
        while piece := connection.recv(1000):
            read += piece
            threading.Event().wait(0.001)
    assert len(read) > 4 * _SEND_BYTES, "the test needs more than the system takes"
    text = read.decode("utf-8", "strict")
    assert "[DONE]" in text or "response.completed" in text
    assert text.endswith("0\r\n\r\n")


@BOTH
def test_bytes_that_come_one_by_one_are_the_same(face: Face, path: str, body: dict[str, Any]) -> None:
    expected = whole(face, path, body)
    assert len(expected.encode()) > len(expected), "the test needs characters of several bytes"
    with proxy(face.address, bytewise) as address, face.at(address) as client:
        assert streamed(client, path) == expected


@BOTH
def test_a_connection_that_breaks_is_an_error_and_not_a_shorter_answer(
    face: Face, path: str, body: dict[str, Any]
) -> None:
    with (
        proxy(face.address, cut(8000)) as address,
        face.at(address) as client,
        pytest.raises((APIConnectionError, httpx2.TransportError)),
    ):
        streamed(client, path)


@BOTH
def test_a_request_that_is_lost_is_sent_again(face: Face, path: str, body: dict[str, Any]) -> None:
    with proxy(face.address, cut(0)) as address, face.at(address, max_retries=1) as client:
        assert streamed(client, path) == whole(face, path, body)
