"""What is made for a request told while it is made, as server-sent events, in a form that a face chooses.

While nothing happens a comment is sent, so that nothing between takes the connection for dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from fastapi import Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse

from api.http.leaving import ClientLeftError, while_connected
from api.http.problems import INTERNAL, Problem, kind_of, told
from api.http.service import service_of
from api.http.work import ACCEPTED
from rag.pipeline import Watch
from rag.writing.wording import Told

T = TypeVar("T")

EVENT_STREAM: Final = "text/event-stream"
#: A stream in the description: the form of each event. OpenAPI has the word from 3.2 on; tools know it before.
DESCRIBED: Final[dict[str, dict[str, Any]]] = {
    EVENT_STREAM: {
        "itemSchema": {
            "type": "object", "required": ["data"],
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
        }
    }
}  # fmt: skip
#: Seconds without an event after which a comment is sent.
_QUIET_S: Final = 15.0
#: Makes something; its argument is to be told of each step.
Making = Callable[[Watch], Coroutine[None, None, T]]
_Heard: TypeAlias = asyncio.Queue[str | Told | None]


class Voice(NamedTuple, Generic[T]):
    """How a face tells of a step that begins, of what was made, and of a problem in its place.

    ``told`` is of statements that are verified before the rest is; a face that cannot take back what it said is silent.
    """

    step: Callable[[str], bytes]
    made: Callable[[T], Iterator[bytes]]
    failed: Callable[[Problem], bytes]
    told: Callable[[Told], bytes] = lambda _: b""

    def said(self, heard: str | Told) -> bytes:
        return self.step(heard) if isinstance(heard, str) else self.told(heard)


async def streamed(making: Making[T], voice: Voice[T], request: Request) -> Response:
    """Runs ``making`` and gives what tells of it. When the client leaves, the work ends.

    Raises:
        Exception: any of ``making`` before its first step: there is no stream then.
    """
    queue: _Heard = asyncio.Queue()
    making_it = asyncio.ensure_future(while_connected(request, making(queue.put_nowait)))
    making_it.add_done_callback(lambda _: queue.put_nowait(None))
    first = await queue.get()
    if first is None:  # it was refused, or is there already
        making_it.result()
        queue.put_nowait(None)
    return EventSourceResponse(_told_of(first or ACCEPTED, queue, making_it, voice, request))


async def _told_of(
    first: str | Told, queue: _Heard, making_it: asyncio.Future[T], voice: Voice[T], request: Request
) -> AsyncIterator[bytes]:
    try:
        if said := voice.said(first):
            yield said
        async for said in _until_done(queue, voice):
            yield said
        for said in _ended(making_it, voice, request):
            yield said
    finally:
        making_it.cancel()


async def _until_done(queue: _Heard, voice: Voice[T]) -> AsyncIterator[bytes]:
    while True:
        try:
            heard = await asyncio.wait_for(queue.get(), _QUIET_S)
        except TimeoutError:
            yield KEEPALIVE_COMMENT
            continue
        if heard is None:
            return
        if said := voice.said(heard):
            yield said


def _ended(making_it: asyncio.Future[T], voice: Voice[T], request: Request) -> Iterator[bytes]:
    try:
        made = making_it.result()
    except ClientLeftError:
        return
    except Exception as error:
        request_id = request.state.request_id
        if kind_of(error) is INTERNAL:
            service_of(request).log.failed(request_id, error)
        yield voice.failed(told(error, request_id))
    else:
        yield from voice.made(made)
