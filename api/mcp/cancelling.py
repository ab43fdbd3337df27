"""Requests cancelled by a later one, over HTTP in versions of the protocol before 2026-07-28.

Newer clients close the connection of what they cancel, which ends its work whatever the version. Older ones may leave
it open and send a notification, which no connection ties to the request that it names: its number is the client's own,
and many have a first one. So each client is given a random name when it begins, by which its requests are told from
those of others. Nothing else is kept of it. With several workers the notification may reach another than the request
has, and is lost then.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import mcp_types as types
from mcp import MCPError
from starlette.requests import Request

from api.mcp.calling import Context

SESSION: Final = "mcp-session-id"
_VERSION: Final = "mcp-protocol-version"
_CANCELLED: Final = "notifications/cancelled"


def named(request: Request) -> dict[str, str]:
    """A name for a client that begins: its first request has neither a name nor a version."""
    begins = SESSION not in request.headers and _VERSION not in request.headers
    return {SESSION: secrets.token_hex(16)} if begins else {}


class Cancelling:
    """What is worked on for clients that have a name. Used on the event loop."""

    def __init__(self) -> None:
        self._working: dict[tuple[str, types.RequestId], anyio.CancelScope] = {}

    @contextmanager
    def heeded(self, context: Context) -> Iterator[None]:
        """Ends the block when its request is cancelled; a notification to that end cancels the one that it names.

        Raises:
            MCPError: it was cancelled; the client expects no answer any more.
        """
        name = context.request.headers.get(SESSION) if isinstance(context.request, Request) else None
        if name is None:
            yield
            return
        if context.method == _CANCELLED:
            self._cancel(name, (context.params or {}).get("requestId"))
        if context.request_id is None:
            yield
            return
        with anyio.CancelScope() as scope:
            self._working[name, context.request_id] = scope
            try:
                yield
            finally:
                self._working.pop((name, context.request_id), None)
        if scope.cancelled_caught:
            raise MCPError(types.INVALID_REQUEST, "the request was cancelled")

    def _cancel(self, name: str, request_id: object) -> None:
        scope = self._working.get((name, request_id)) if isinstance(request_id, str | int) else None
        if scope:
            scope.cancel()
