"""An answer as a stream of server-sent events, in the order in which it is read.

``status`` (the step that begins), ``sources`` (what was read), ``bottom_line``, ``statement`` for each of the others,
``references``, ``related``, ``done`` (the whole answer, the same as without streaming), or in its place ``error`` (a
problem). While nothing happens a comment is sent, so that nothing between takes the connection for dead.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final, NamedTuple

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic_core import to_json
from starlette.requests import Request

from api.http.leaving import ClientLeftError, while_connected
from api.http.problems import told
from api.http.work import ACCEPTED
from rag.domain import Answer, Passage, Source, Statement
from rag.pipeline import Watch

EVENT_STREAM: Final = "text/event-stream"
#: Seconds without an event after which a comment is sent.
_QUIET_S: Final = 15.0


class Event(NamedTuple):
    name: str
    data: Any

    def encoded(self) -> bytes:
        data = self.data if isinstance(self.data, str) else to_json(self.data).decode()
        return format_sse_event(event=self.name, data_str=data)


class Streamed(NamedTuple):
    """An answer with the sources that were read for it, each with how many of its passages."""

    answer: Answer
    sources: list[tuple[Source, int]]


Making = Callable[[Watch], Coroutine[None, None, Streamed]]


async def events(making: Making, request: Request, failed: Callable[[BaseException], None]) -> AsyncIterator[bytes]:
    """Runs ``making`` and gives what tells of it. When the client leaves, the work ends.

    Args:
        making: makes the answer; its argument is to be told of each step.
        failed: is told of an error after the first step, which the client learns of as an event.

    Raises:
        Exception: any of ``making`` before its first step: there is no stream then.
    """
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    making_it = asyncio.ensure_future(while_connected(request, making(lambda step: queue.put_nowait(_status(step)))))
    making_it.add_done_callback(lambda _: queue.put_nowait(None))
    first = await queue.get()
    if first is None:  # it was refused, or is there already
        making_it.result()
        queue.put_nowait(None)
    return _told_of(first or _status(ACCEPTED), queue, making_it, request.state.request_id, failed)


def _status(step: str) -> Event:
    return Event("status", {"step": step})


async def _told_of(
    first: Event, queue: asyncio.Queue[Event | None], making_it: asyncio.Future[Streamed], request_id: str,
    failed: Callable[[BaseException], None],
) -> AsyncIterator[bytes]:  # fmt: skip
    try:
        yield first.encoded()
        async for told_of in _until_done(queue):
            yield told_of
        for event in _ended(making_it, request_id, failed):
            yield event.encoded()
    finally:
        making_it.cancel()


def _ended(
    making_it: asyncio.Future[Streamed], request_id: str, failed: Callable[[BaseException], None]
) -> Iterator[Event]:
    try:
        made = making_it.result()
    except ClientLeftError:
        return
    except Exception as error:
        failed(error)
        yield Event("error", told(error, request_id))
    else:
        yield from parts(made)


async def _until_done(queue: asyncio.Queue[Event | None]) -> AsyncIterator[bytes]:
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), _QUIET_S)
        except TimeoutError:
            yield KEEPALIVE_COMMENT
            continue
        if event is None:
            return
        yield event.encoded()


def parts(made: Streamed) -> Iterator[Event]:
    """What is told of an answer that is made, in order."""
    answer = made.answer
    yield Event("sources", [_source(source, passages) for source, passages in made.sources])
    yield Event("bottom_line", {
        "answer_id": answer.answer_id, "title": answer.title, "outcome": answer.outcome, "reason": answer.reason,
        "decision": answer.decision, "statements": answer.bottom_line,
    })  # fmt: skip
    for place, heading, statement in _others(answer):
        yield Event("statement", {"place": place, "heading": heading, "statement": statement})
    yield Event("references", answer.references)
    yield Event("related", answer.related_questions)
    yield Event("done", answer.model_dump_json())


def _others(answer: Answer) -> Iterator[tuple[str, str, Statement]]:
    """All statements but those of the bottom line, with where they stand."""
    for section in answer.sections:
        yield from (("section", section.heading, s) for s in section.statements)
    for disagreement in answer.disagreements:
        yield from (("disagreement", disagreement.topic, p.statement) for p in disagreement.positions)
    for needed in answer.needed:
        yield from (("needed", needed.variable, b.statement) for b in needed.branches)


def _source(source: Source, passages: int) -> dict[str, Any]:
    shown = {"source_id": source.key, "title": source.title, "year": source.year}
    return {**shown, "evidence_type": source.evidence_type, "stands": source.stands, "passages": passages}


def sources_of(answer: Answer, passage: Callable[[str], tuple[Passage, Source]]) -> list[tuple[Source, int]]:
    """The sources of the passages that were retrieved, those with most first, ties in the order of retrieval."""
    read = [passage(passage_id)[1] for passage_id in answer.receipt.retrieved]
    counts = Counter(source.key for source in read)
    known = {source.key: source for source in read}
    return [(known[key], count) for key, count in counts.most_common()]
