"""One request of a client: who makes it, what is told while it is worked on, and of what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from mcp.server import ServerRequestContext
from starlette.requests import Request

from api.http.problems import INTERNAL, Problem, kind_of, told, unsaid
from api.http.security import Caller
from api.http.service import Service
from rag.pipeline import Watch
from rag.writing.wording import Told

T = TypeVar("T")
#: Of the SDK, whose own parameters are of no use to us.
Context = ServerRequestContext[Any, Any]


class Call(NamedTuple):
    """A request. ``state`` is told what the log says of it, as that of a request over HTTP is."""

    service: Service
    caller: Caller
    state: Any
    context: Context

    @classmethod
    def of(cls, service: Service, context: Context, only: Caller | None) -> Call:
        """The caller is the ``only`` one there is, or over HTTP the one whom the endpoint has let in."""
        if only:
            state = SimpleNamespace(request_id=secrets.token_hex(8), facts={}, timings_ms={})
            return cls(service, only, state, context)
        assert isinstance(context.request, Request)
        return cls(service, context.request.state.caller, context.request.state, context)

    async def watched(self, making: Callable[[Watch], Coroutine[None, None, T]]) -> T:
        """What ``making`` gives; the client is told of each step, if it has asked for that."""
        steps: asyncio.Queue[str | Told | None] = asyncio.Queue()
        telling = asyncio.ensure_future(self._tell(steps))
        try:
            made = await making(steps.put_nowait)
            steps.put_nowait(None)
            await telling  # before the answer: nothing may be told after it
            return made
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    async def _tell(self, steps: asyncio.Queue[str | Told | None]) -> None:
        number = 0
        while (step := await steps.get()) is not None:
            number += 1
            said = step if isinstance(step, str) else "write"
            await self.context.session.report_progress(number, message=said)

    def failed(self, error: Exception) -> Problem:
        """What the client is told of an error, as over HTTP; the log is told what it is not."""
        facts, request_id, kind = self.state.facts, self.state.request_id, kind_of(error)
        facts["problem"] = kind.name
        if why := unsaid(error):
            facts["why"] = why
        if kind is INTERNAL:
            self.service.log.failed(request_id, error)
        return told(error, request_id)
