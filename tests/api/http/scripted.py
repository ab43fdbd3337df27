"""A server on loopback that answers as it is told, one reply a request, and writes down what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import local_server


class Reply(NamedTuple):
    """One response, in pieces that come one by one; ``status`` 0 is none: the connection ends."""

    status: int = 200
    pieces: Sequence[bytes] = ()
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    #: Whether the connection ends before the response does.
    breaks_off: bool = False
    #: Before each piece.
    wait_s: float = 0.0


class Asked(NamedTuple):
    method: str
    path: str
    token: str | None


class Scripted:
    """Gives ``replies`` in order, the last of them again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def scripted(script: Scripted) -> Iterator[str]:
    """Serves for the length of a block; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = script.reply(Asked(self.command, self.path, self.headers.get("Idempotency-Key")))
            if not reply.status:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in (*reply.headers, ("Transfer-Encoding", "chunked")):
                self.send_header(name, value)
            self.end_headers()
            for piece in reply.pieces:
                time.sleep(reply.wait_s)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if reply.breaks_off:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with local_server.listening(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


class Naps:
    """Stands for ``time.sleep`` and writes down how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
