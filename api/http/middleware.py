"""What surrounds every request: its id, its time, the limit of its body, safe headers, its line in the log.

Plain ASGI, so that a stream is passed on piece by piece and a client that leaves is noticed.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.leaving import ClientLeftError
from api.http.logs import Log
from api.http.metrics import Metrics
from api.http.problems import INTERNAL, TOO_LARGE, TOO_SLOW, ProblemError, failure, response
from api.http.telemetry import Tracing

#: Nothing that is served may be framed, sniffed, scripted or kept by what lies between.
SAFE_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
#: An id that a client or a proxy may give a request: anything else is replaced.
_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: Methods by their names; a client may make up any number of others, and a metric would have a series of each.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class Surroundings:
    """The outermost layer: no error leaves it but as a problem, and none with its trace.

    Args:
        larger: limits of the bodies of some addresses in place of ``max_body_bytes``.
    """

    def __init__(
        self, app: ASGIApp, log: Log, metrics: Metrics, tracing: Tracing, max_body_bytes: int, timeout_s: float,
        larger: Mapping[str, int],
    ) -> None:  # fmt: skip
        self._app = app
        self._log = log
        self._metrics = metrics
        self._tracing = tracing
        self._max_body_bytes = max_body_bytes
        self._timeout_s = timeout_s
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            await self._guarded(scope, receive, exchange)
        finally:
            self._told(scope, exchange)

    async def _guarded(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        most = self._larger.get(scope["path"], self._max_body_bytes)
        limited = _Limited(receive, most, self._timeout_s)
        try:
            limited.check(Headers(scope=scope))
            await self._app(scope, limited, exchange.send)
        except ProblemError as error:
            scope["state"]["facts"]["problem"] = error.kind.name
            if exchange.status is None:
                answer = response(scope, error.kind, error.detail, headers=error.headers)
                await answer(scope, receive, exchange.send)
        except ClientLeftError:
            return
        except Exception as error:
            self._log.failed(exchange.request_id, error)
            scope["state"]["facts"]["problem"] = INTERNAL.name
            if exchange.status is None:
                await failure(scope)(scope, receive, exchange.send)

    def _told(self, scope: Scope, exchange: _Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        method, route = method_of(scope), route_of(scope)
        facts: dict[str, Any] = scope["state"]["facts"]
        # 499 is what nginx calls a request whose client has left before there was an answer.
        status = exchange.status or 499
        self._metrics.request(method, route, status, seconds)
        if "problem" in facts:
            self._metrics.problem(facts["problem"])
        self._tracing.request(method, route, status, seconds, exchange.request_id, scope["state"])
        self._log.request(exchange.request_id, method, route, status, seconds, facts)


def method_of(scope: Scope) -> str:
    """The method, ``OTHER`` for one that there is not."""
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


def route_of(scope: Scope) -> str:
    """The pattern of the address, such as ``/v1/answers/{answer_id}``: ids would make a series of each."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "unknown")


class _Exchange:
    """One request with what is sent back."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        self.started = time.perf_counter()
        self.status: int | None = None
        self._send = send
        self._state = scope.setdefault("state", {})
        self._state |= {"request_id": self.request_id, "facts": {}, "headers": {}, "timings_ms": {}}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["Server-Timing"] = self._timing()
            for name, value in {**SAFE_HEADERS, **self._state["headers"]}.items():
                headers.setdefault(name, value)
        await self._send(message)

    def _timing(self) -> str:
        steps: dict[str, float] = {k: v for k, v in self._state["timings_ms"].items() if k != "total"}
        steps["total"] = (time.perf_counter() - self.started) * 1000
        return ", ".join(f"{name};dur={ms:.1f}" for name, ms in steps.items())


class _Limited:
    """Receives a body up to a size, which has to be there in time; then waits for as long as it takes."""

    def __init__(self, receive: Receive, most: int, timeout_s: float) -> None:
        self._receive = receive
        self._most = most
        self._timeout_s = timeout_s
        self._until = asyncio.get_running_loop().time() + timeout_s
        self._read = 0
        self._is_whole = False

    def check(self, headers: Headers) -> None:
        """Refuses at once what says that it is too large."""
        said = headers.get("content-length", "0")
        if said.isdecimal() and int(said) > self._most:
            raise self._too_large()

    async def __call__(self) -> Message:
        message = await self._receive() if self._is_whole else await self._in_time()
        self._is_whole = not message.get("more_body", False)
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._most:
                raise self._too_large()
        return message

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._until):
                return await self._receive()
        except TimeoutError:
            raise ProblemError(TOO_SLOW, f"the body was not there within {self._timeout_s:g} s") from None

    def _too_large(self) -> ProblemError:
        return ProblemError(TOO_LARGE, f"a body of more than {self._most} bytes; send less")
