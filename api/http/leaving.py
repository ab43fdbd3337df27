"""A client that leaves ends the work that was done for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import Request

T = TypeVar("T")


class ClientLeftError(Exception):
    """Nobody is there to be answered."""


async def while_connected(request: Request, work: Coroutine[None, None, T]) -> T:
    """What ``work`` gives; it is cancelled when the client leaves before.

    Raises:
        ClientLeftError: it did.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        leaving.result()  # raises what is wrong with the rest of the body, if that was it
        raise ClientLeftError
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Ends when the client has left. What the endpoint needs of the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
