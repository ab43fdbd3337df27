"""A server on loopback that speaks OpenAI's chat completions and writes what a script says: real sockets and bytes."""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

import local_server

from rag.settings import Settings

#: Evidence or statements, as they stand in the request between tags.
Record = dict[str, Any]


class Asked(NamedTuple):
    """A request: the whole of it, and what it holds."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return "\n".join(m["content"] for m in self.body["messages"])

    @property
    def evidence(self) -> list[Record]:
        return tagged(self.text, "evidence")

    @property
    def refused(self) -> list[Record]:
        """What is sent back, with why; empty the first time."""
        return tagged(self.text, "refused")


def tagged(text: str, tag: str) -> list[Record]:
    found = re.findall(rf"<{tag}>\n(.*?)\n?</{tag}>", text, re.DOTALL)
    return [json.loads(line) for line in found[-1].splitlines()] if found else []


class Reply(NamedTuple):
    """One response, in pieces of bytes; ``status`` 0 closes the connection without a word.

    A number among the pieces is a silence of so many seconds, which ends when the client hangs up.
    """

    pieces: Iterable[bytes | float] = ()
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    #: Whether the connection ends before the stream does.
    breaks_off: bool = False
    #: Whether it ends by a reset, there or, with ``status`` 0, at once.
    resets: bool = False
    #: Before each piece.
    wait_s: float = 0.0
    #: Before the status.
    silent_s: float = 0.0
    #: Bytes of a segment at most.
    segment: int = 0


def line(section: int, evidence: Sequence[int], text: str, **more: object) -> str:
    """A statement in the form that is asked for."""
    return json.dumps({"section": section, "evidence": list(evidence), "text": text, **more}, ensure_ascii=False) + "\n"


#: What ends a stream.
DONE = b"data: [DONE]\n\n"


def event(chunk: Record) -> bytes:
    """One event of a stream."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
    return f"data: {json.dumps(head | chunk, ensure_ascii=False)}\n\n".encode()


def delta(finish: str | None = None, **fields: object) -> bytes:
    """The event of one delta."""
    return event({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]})


def events(
    text: str, size: int = 7, finish: str | None = "stop", usage: tuple[int, int] | None = (11, 22)
) -> list[bytes | float]:
    """The stream of a text, ``size`` characters an event."""
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    choices: list[Record] = [{"index": 0, "delta": {"content": p}, "finish_reason": None} for p in pieces]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    chunks: list[Record] = [{"choices": [choice]} for choice in choices]
    if usage:
        told = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        chunks.append({"choices": [], "usage": told})
    return [*map(event, chunks), DONE]


def written(*lines: str, **options: Any) -> Reply:
    """A reply that streams these lines."""
    return Reply(events("".join(lines), **options))


Script = Callable[[Asked], Reply]


class ServedModel(NamedTuple):
    url: str
    asked: list[Asked]
    #: Set when a client has hung up before its response was whole.
    left: threading.Event

    def settings(self, **given: Any) -> Settings:
        """Settings that name it, on the starter corpus."""
        return Settings.from_environment({}, llm_url=self.url, llm_model="scripted", **given)


@contextmanager
def served_model(script: Script) -> Iterator[ServedModel]:
    """Serves for the length of a block, each request by ``script``."""
    asked: list[Asked] = []
    lock = threading.Lock()
    left = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                asked.append(Asked(body, {k.lower(): v for k, v in self.headers.items()}))
                reply = script(asked[-1])
            try:
                self.respond(reply)
            except ConnectionError:
                left.set()
                self.close_connection = True

        def respond(self, reply: Reply) -> None:
            self.pause(reply.silent_s)
            if reply.status:
                self.send_response(reply.status)
                kind = "text/event-stream" if reply.status == 200 else "application/json"
                for name, value in (("Content-Type", kind), ("Transfer-Encoding", "chunked"), *reply.headers):
                    self.send_header(name, value)
                self.end_headers()
            for piece in reply.pieces:
                self.pause(piece if isinstance(piece, float) else reply.wait_s)
                if isinstance(piece, bytes):
                    self.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n", reply.segment)
            if reply.resets:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if reply.breaks_off or reply.resets or not reply.status:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def send(self, data: bytes, segment: int) -> None:
            for start in range(0, len(data), segment or len(data)):
                self.wfile.write(data[start : start + (segment or len(data))])

        def pause(self, seconds: float) -> None:
            """Until then, or until the client hangs up."""
            if seconds and select.select([self.connection], [], [], seconds)[0] and not self.peeked():
                raise ConnectionResetError

        def peeked(self) -> int:
            return len(self.connection.recv(1, socket.MSG_PEEK))

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests have nothing to log."""

    with local_server.listening(Handler) as server:
        yield ServedModel(f"http://127.0.0.1:{server.server_address[1]}/v1", asked, left)
