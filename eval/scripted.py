"""A language model that writes by a script, behind a server on loopback that speaks OpenAI's chat completions.

It stands for a real one where it must be known what is true of what was written: it reads the same request, and its
lines come over the same wire, some characters an event, at the pace of a model.
Protocol: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol

#: Characters of a token, about, and of an event.
_TOKEN = 4


class Request(NamedTuple):
    """What a model is given: the records that stand between tags."""

    evidence: list[dict[str, Any]]
    #: What is sent back, with why; empty the first time.
    refused: list[dict[str, Any]]


class Script(Protocol):
    def lines(self, request: Request) -> Iterable[str]:
        """What to write, one statement a line, each with its line end."""

    def sent(self, line: str, at: float) -> None:
        """Is told that the piece with which a line is whole goes out, and when by ``time.perf_counter``."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has hung up is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def served(script: Script, tokens_per_second: float = 0) -> Iterator[str]:
    """The address of a model, up to ``/v1``, for the length of a block.

    Args:
        tokens_per_second: how fast it writes; 0 is as fast as it can.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = "\n".join(message["content"] for message in body["messages"])
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            written, due = 0, time.perf_counter()
            try:
                for line in script.lines(Request(_records(text, "evidence"), _records(text, "refused"))):
                    for start in range(0, len(line), _TOKEN):
                        due = _waited(due, tokens_per_second)
                        if start < len(line.rstrip()) <= start + _TOKEN:
                            script.sent(line, time.perf_counter())
                        self._send({"choices": [_choice(line[start : start + _TOKEN])]})
                        written += 1
                usage = {"prompt_tokens": len(text) // _TOKEN, "completion_tokens": written}
                self._send({"choices": [_choice(None)]})
                self._send({"choices": [], "usage": usage | {"total_tokens": sum(usage.values())}})
                self._chunk(b"data: [DONE]\n\n")
                self._chunk(b"")
            except ConnectionError:  # the client has hung up
                self.close_connection = True

        def _send(self, event: dict[str, Any]) -> None:
            head = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
            self._chunk(f"data: {json.dumps(head | event, ensure_ascii=False)}\n\n".encode())

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

        def log_message(self, format: str, *arguments: object) -> None:
            """A measurement has nothing to log."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def _waited(due: float, tokens_per_second: float) -> float:
    """Waits until a piece is due; when the next one is."""
    if not tokens_per_second:
        return due
    time.sleep(max(0.0, due - time.perf_counter()))
    return due + 1 / tokens_per_second


def _choice(content: str | None) -> dict[str, Any]:
    """A piece of the reply, or its end."""
    delta = {} if content is None else {"content": content}
    return {"index": 0, "delta": delta, "finish_reason": "stop" if content is None else None}


def _records(text: str, tag: str) -> list[dict[str, Any]]:
    found = re.findall(rf"<{tag}>\n(.*?)\n?</{tag}>", text, re.DOTALL)
    return [json.loads(line) for line in found[-1].splitlines()] if found else []
