"""``/mcp``: the protocol's streamable HTTP in the service, behind the same keys, rates and limits as all else.

Each request stands alone, so that any worker can take it: no session is kept, and there is no stream but that of a
request's own answer, so that GET is not allowed. Hosts and origins are checked as for every other address
(``api.http.security``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from api.http.security import caller_of
from api.http.service import Service
from api.mcp.cancelling import named
from api.mcp.server import server_of

PATH: Final = "/mcp"


def mount(app: FastAPI, service: Service) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Adds the address to the application. Gives what has to run as long as that does."""
    most = service.settings.max_body_bytes
    manager = StreamableHTTPSessionManager(server_of(service), stateless=True, max_request_body_size=most)
    app.router.routes.append(_Route(PATH, _Endpoint(manager), methods=["POST"]))
    return manager.run


class _Route(Route):
    """Says, as the framework's own do, which it is: for the log, the metrics and problems."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


class _Endpoint:
    """Lets in who is known; which tools are open to them is theirs to say."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request.state.caller = await caller_of(request)
        request.state.headers |= named(request)
        await self._manager.handle_request(scope, receive, send)
