"""What the service gives beside answers, and the names that it takes. Fields are described in ``/openapi.json``.

They are the service's own, written again: a client needs none of its libraries.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from rag.domain import Answer, Frozen, Passage, Source, Verdict

Action = Literal["submit", "start", "comment", "edit", "approve", "reject"]
#: The first two approve, the others reject.
Reason = Literal["accurate", "accurate_as_edited", "unsupported", "outdated", "incomplete", "misleading", "unsafe",
                 "not_applicable", "wording"]  # fmt: skip
Rating = Literal["helpful", "unhelpful", "wrong", "unsafe"]
ReferenceForm = Literal["ris", "bib", "json", "txt"]


class Found(Frozen):
    """A passage that was found; a higher score is better, comparable within one search."""

    rank: int
    score: float
    passage_id: str
    source_id: str
    heading: str | None
    text: str
    retracted: bool
    superseded_by: str | None


class Results(Frozen):
    question: str
    snapshot_id: str
    hits: tuple[Found, ...]


class Highlight(Frozen):
    """``before + text + after`` is the passage; ``start`` and ``end`` count code points in it."""

    start: int
    end: int
    before: str
    text: str
    after: str


class Context(Frozen):
    """What stands around a passage in its document, cut to some hundred characters on each side."""

    before: str
    after: str


class Similar(Frozen):
    """A passage with nearly the same words; it may say the opposite."""

    passage_id: str
    similarity: float


class OpenedPassage(Frozen):
    """``is_current`` is false, and there is no context, for a version of a passage that was replaced since."""

    passage: Passage
    source: Source
    vancouver: str
    highlight: Highlight
    context: Context | None
    is_current: bool
    same_words: tuple[str, ...]
    nearly_same_words: tuple[Similar, ...]


class Sources(Frozen):
    """A page of sources; ``total`` counts all that match."""

    snapshot_id: str
    total: int
    offset: int
    sources: tuple[Source, ...]


class OpenedSource(Frozen):
    """A source with its passages in their order."""

    source: Source
    vancouver: str
    passage_ids: tuple[str, ...]


class Why(Frozen):
    """What speaks against a statement: ``kind`` is the check that found it."""

    kind: str
    detail: str


class Given(Frozen):
    """``origin`` is "text", or the passage's id."""

    origin: str
    text: str


class Judgement(Frozen):
    """``probability`` is the chance that the evidence supports the statement; ``support`` how much of it it covers."""

    statement: str
    verdict: Verdict
    probability: float
    support: float
    reasons: tuple[Why, ...]
    judged_by: str
    evidence: tuple[Given, ...]


class Taken(Frozen):
    """One step of a review, as it was taken."""

    number: int
    action: str
    statement_id: str | None
    reviewer: str
    reason: str | None
    comment: str | None
    text: str | None
    verification: dict[str, Any] | None
    at: datetime


class Stale(Frozen):
    """Why an approved article is so no longer, and the source that it is about, if it is about one."""

    reason: str
    source_id: str | None


class History(Frozen):
    """Where a review stands, and how it came there. ``statements`` are those with a state of their own."""

    answer_id: str
    status: str
    updated: datetime | None
    statements: dict[str, str]
    stale: tuple[Stale, ...]
    steps: tuple[Taken, ...]


class Said(Frozen):
    """What a reader said of an answer."""

    feedback_id: str
    answer_id: str
    rating: Rating
    comment: str | None
    created: datetime


class Turn(Frozen):
    """``asked`` is as it was typed, but for what was masked; ``question`` is what was answered."""

    number: int
    asked: str
    question: str
    answer_id: str
    created: datetime


class Begun(Frozen):
    """A conversation with its turns, and the title that its reader gave it."""

    conversation_id: str
    title: str | None
    created: datetime
    changed: datetime
    turns: tuple[Turn, ...]


class Listed(Frozen):
    """A conversation in a list: ``question`` is its first, ``turns`` the number of them."""

    conversation_id: str
    title: str | None
    question: str
    turns: int
    changed: datetime


class Conversations(Frozen):
    """``before`` is where the next page goes on; None for the last."""

    conversations: tuple[Listed, ...]
    before: str | None


class Exported(Begun):
    """A conversation with its answers, in the order of its turns."""

    answers: tuple[Answer, ...]


class Deleted(Frozen):
    """What was erased. ``kept`` are answers that stay, since a review holds them."""

    turns: int
    answers: int
    kept: tuple[str, ...]
