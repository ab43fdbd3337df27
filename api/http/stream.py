"""An answer as a stream of server-sent events, in the order in which it is read.

``status`` (the step that begins), ``written`` (where a language model words the answer: a statement as soon as it is
verified, before it has its numbers and its place), ``sources`` (what was read), ``bottom_line``, ``statement`` for each
of the others, ``references``, ``related``, ``done`` (the whole answer, the same as without streaming), or in its place
``error`` (a problem).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from fastapi.sse import format_sse_event
from pydantic_core import to_json

from api.http.streaming import Voice
from rag.domain import Answer, Passage, Source, Statement
from rag.writing.wording import Told


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


def _written(told: Told) -> Event:
    """Without its citations, which a conversation numbers at the end; its evidence names the sources."""
    statement = told.statement.model_dump(mode="json", exclude={"citations"})
    return Event("written", {"section": told.section, "heading": told.heading, "statement": statement})


def _source(source: Source, passages: int) -> dict[str, Any]:
    shown = {"source_id": source.key, "title": source.title, "year": source.year}
    return {**shown, "evidence_type": source.evidence_type, "stands": source.stands, "passages": passages}


def sources_of(answer: Answer, passage: Callable[[str], tuple[Passage, Source]]) -> list[tuple[Source, int]]:
    """The sources of the passages that were retrieved, those with most first, ties in the order of retrieval."""
    read = [passage(passage_id)[1] for passage_id in answer.receipt.retrieved]
    counts = Counter(source.key for source in read)
    known = {source.key: source for source in read}
    return [(known[key], count) for key, count in counts.most_common()]


VOICE: Final = Voice[Streamed](
    step=lambda step: Event("status", {"step": step}).encoded(),
    made=lambda made: (event.encoded() for event in parts(made)),
    failed=lambda problem: Event("error", problem).encoded(),
    told=lambda told: _written(told).encoded(),
)
