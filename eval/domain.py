"""The nouns of the harness: an item, what is known of it, what a system said, and how that was scored.

Models are frozen and checked when made. They name nothing of ``rag`` but its base, so that any answerer fits them:
an Osler answer, a language model's prose and a line of a file all become a ``Response``.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from rag.domain import Frozen

Importance = Literal["must", "nice"]


class Claim(Frozen):
    """One sentence that an answer should say.

    ``values`` are the numbers with units, the grades and the like that it stands or falls with, as written in ``text``
    ("0.5 mcg/kg/min"); ``facts`` are ids of statements of the starter corpus behind it.
    """

    claim_id: str
    text: str = Field(min_length=1)
    importance: Importance = "must"
    values: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class Erratum(Frozen):
    """A claim of a reference article that is wrong or out of date, what is right, and who says so."""

    erratum_id: str
    claim: str = Field(min_length=1)
    correction: str = Field(min_length=1)
    source: str | None = None
    facts: tuple[str, ...] = ()


class Criterion(Frozen):
    """A line of a rubric with its points, which are negative for what an answer must not do. Only a judge scores it."""

    text: str = Field(min_length=1)
    points: float
    tags: tuple[str, ...] = ()


class Gold(Frozen):
    """What is known of an item. Every field may be absent: a measure that needs an absent one leaves it unscored.

    ``answers`` are reference answers, any of which is right. ``exact`` are the entities asked for, each with its
    synonyms. ``label`` is the right class: yes, no or maybe; the letter of an option; supports, refutes or neutral.
    ``relevant`` are graded documents by id, judged ones with grade 0 included. ``evidence`` are the sentences that
    the owners marked as the answer's evidence. ``premise_holds`` says whether what the question takes for granted
    is so. ``outline`` are the headings that an article should have; ``related`` its related questions.
    """

    answers: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    errata: tuple[Erratum, ...] = ()
    outline: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    label: str | None = None
    exact: tuple[tuple[str, ...], ...] = ()
    options: dict[str, str] = Field(default={})
    answerable: bool | None = None
    premise: str | None = None
    premise_holds: bool | None = None
    relevant: dict[str, int] = Field(default={})
    evidence: tuple[str, ...] = ()
    rubric: tuple[Criterion, ...] = ()


class Turn(Frozen):
    """What was said before the question, in a conversation."""

    role: Literal["user", "assistant"]
    text: str


class Item(Frozen):
    """One question, or one claim with evidence, that is put to a system.

    ``kind`` is the group under which scores are also shown: "factoid", "false_premise". Items of one ``cluster``
    are related (paraphrases of one question, claims of one answer) and are resampled together. ``evidence`` is the
    text that a verifier is given; ``documents`` are ids that retrieval may return, where not all of an index.
    """

    item_id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    history: tuple[Turn, ...] = ()
    evidence: tuple[str, ...] = ()
    kind: str = ""
    cluster: str = ""
    gold: Gold = Gold()


class Said(Frozen):
    """A sentence or bullet of an answer. ``citations`` are reference numbers; ``quotes`` the cited words, if shown."""

    text: str = Field(min_length=1)
    citations: tuple[int, ...] = ()
    quotes: tuple[str, ...] = ()


class Part(Frozen):
    """A heading and what stands under it. The heading of what comes before any is empty."""

    heading: str
    said: tuple[Said, ...]


class Listed(Frozen):
    """An entry of the reference list. ``quotes`` are passages of that source that came with the answer."""

    number: int
    text: str
    quotes: tuple[str, ...] = ()


class Article(Frozen):
    """An answer taken apart, whoever wrote it: ``bottom_line`` is what it says first, before its sections."""

    title: str = ""
    bottom_line: tuple[Said, ...] = ()
    parts: tuple[Part, ...] = ()
    references: tuple[Listed, ...] = ()
    related_questions: tuple[str, ...] = ()
    disclaimer: str | None = None

    def said(self) -> tuple[Said, ...]:
        """All that is said, in order."""
        return (*self.bottom_line, *(s for part in self.parts for s in part.said))

    def text(self) -> str:
        """What is said as running text, a sentence or bullet a line, without citations."""
        return "\n".join(s.text for s in self.said())


class Outcome(StrEnum):
    """What a system did with an item. ``failed`` is an error of the system, not of its judgement."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    ABSTAINED = "abstained"
    REDIRECTED = "redirected"
    FAILED = "failed"


class Ranked(NamedTuple):
    """A retrieved document, higher scores first."""

    document: str
    score: float


class Usage(Frozen):
    """Tokens, as the system counts them."""

    prompt: int = 0
    completion: int = 0


class Response(Frozen):
    """What a system returned for an item.

    ``label`` is the class it chose and ``confidence``, in [0, 1], how sure it is of it or of its answer; ``exact``
    the entities it named, best first, each with synonyms. ``passages`` are the words of the best ones that a retriever
    found, up to ten. ``corrections`` are claims of the question that it
    contradicted. ``receipt`` says with what the answer was made. ``seconds`` is wall time as its user sees it.
    """

    item_id: str
    outcome: Outcome
    text: str = ""
    article: Article = Article()
    label: str | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    exact: tuple[tuple[str, ...], ...] = ()
    ranking: tuple[Ranked, ...] = ()
    passages: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    usage: Usage | None = None
    timings_ms: dict[str, float] = Field(default={})
    seconds: float | None = None
    receipt: dict[str, Any] = Field(default={})
    error: str | None = None

    @model_validator(mode="after")
    def _failure_has_a_reason(self) -> Response:
        if (self.outcome is Outcome.FAILED) != (self.error is not None):
            raise ValueError(f"response to {self.item_id}: an error and the outcome failed go together")
        return self

    @property
    def is_answer(self) -> bool:
        """Whether it says something about the question."""
        return self.outcome in (Outcome.ANSWERED, Outcome.PARTIAL)


class Score(Frozen):
    """One measure of one item. ``value`` None is *unscored*, which is not 0: the ``reason`` says why.

    ``details`` is what a reader needs to check it: the missed claims, the altered values.
    """

    value: float | None
    reason: str = ""
    details: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _is_a_number(self) -> Score:
        if self.value is None and not self.reason:
            raise ValueError("an unscored item needs a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a score is a finite number or None, never {self.value}")
        return self


Scores = dict[str, Score]
"""Scores of one item by the name of the measure."""


def unscored(reason: str) -> Score:
    """A score that could not be given."""
    return Score(value=None, reason=reason)


class Record(Frozen):
    """An item with what a system said to it and how that was scored."""

    item: Item
    response: Response
    scores: Scores
