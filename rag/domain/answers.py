"""What is shown: evidence, statements, the article."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rag.domain.base import Frozen
from rag.domain.filters import Filter
from rag.domain.sources import EvidenceType

SCHEMA_VERSION = 1

Origin = Literal["quoted", "condensed", "generated"]


class Role(StrEnum):
    """What a statement does in an article, in the order in which sections are shown."""

    BOTTOM_LINE = "bottom_line"
    RATIONALE = "rationale"
    EXCEPTION = "exception"
    MECHANISM = "mechanism"
    ACTION = "action"
    DOSING = "dosing"
    MONITORING = "monitoring"
    PITFALL = "pitfall"
    PROGNOSIS = "prognosis"
    DIAGNOSIS = "diagnosis"
    BACKGROUND = "background"


class Outcome(StrEnum):
    ANSWERED = "answered"
    PARTIAL = "partial"
    ABSTAINED = "abstained"
    REDIRECTED = "redirected"


class Verdict(StrEnum):
    SUPPORTED = "supported"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"


class Audience(StrEnum):
    CLINICIAN = "clinician"
    TRAINEE = "trainee"
    PATIENT = "patient"


class Evidence(Frozen):
    """The exact words that support a statement: ``passage.text[start:end] == quote``."""

    label: str
    passage_id: str
    source_id: str
    start: int
    end: int
    quote: str = Field(min_length=1)
    heading: str | None = None
    page: int | None = None
    score: float = 0.0

    @model_validator(mode="after")
    def _quote_fits_span(self) -> Evidence:
        if self.end - self.start != len(self.quote):
            raise ValueError(f"evidence {self.label}: span {self.start}:{self.end} is not as long as its quote")
        return self


class Statement(Frozen):
    """One sentence shown to a reader, with what supports it.

    ``citations`` are reference numbers from 1, one for each source in ``evidence``, in order of first use.
    ``correction_of`` is the claim in the question that this statement contradicts, if it does.
    """

    statement_id: str
    text: str = Field(min_length=1)
    role: Role
    citations: tuple[int, ...] = Field(min_length=1)
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    verdict: Verdict
    support: Annotated[float, Field(ge=0, le=1)]
    origin: Origin
    strength: str | None = None
    certainty: str | None = None
    derived: bool = False
    correction_of: str | None = None


class Section(Frozen):
    heading: str
    role: Role
    statements: tuple[Statement, ...] = Field(min_length=1)


class Position(Frozen):
    """What one source holds in a disagreement."""

    statement: Statement
    issuing_body: str | None
    jurisdiction: str | None
    year: int | None


class Disagreement(Frozen):
    topic: str
    positions: tuple[Position, ...] = Field(min_length=2)


class Gap(Frozen):
    """Something that was asked and could not be supported."""

    aspect: str
    reason: str


class Branch(Frozen):
    """What the sources say for one value of a missing variable. ``note`` says how the value follows."""

    value: str
    statement: Statement
    note: str | None = None


class Needed(Frozen):
    """A variable that the deciding statements depend on and the question does not give."""

    variable: str
    why: str
    branches: tuple[Branch, ...] = ()


class Reference(Frozen):
    number: Annotated[int, Field(ge=1)]
    source_id: str
    vancouver: str
    title: str
    authors: tuple[str, ...]
    container: str | None
    year: int | None
    doi: str | None
    pmid: str | None
    url: str | None
    evidence_type: EvidenceType
    jurisdiction: str | None
    issuing_body: str | None
    as_of: str | None
    retracted: bool
    superseded_by: str | None


class Review(Frozen):
    status: Literal["submitted", "under_review", "approved", "rejected", "stale"] = "submitted"
    updated: str | None = None


class GlossaryEntry(Frozen):
    term: str
    meaning: str


class ReadAs(Frozen):
    """Words of the question that were read as something else: a typing error, or findings with a name."""

    typed: str
    read: str


class Receipt(Frozen):
    """What is needed to make the same answer again. ``timings_ms`` is the only part that varies.

    ``filter`` is the one that kept sources out, if one did.
    """

    snapshot_id: str
    corpus_digest: str
    settings_digest: str
    software: str
    models: dict[str, str]
    retrieved: tuple[str, ...]
    timings_ms: dict[str, float]
    filter: Filter | None = None


class Answer(Frozen):
    """A structured article. See ``docs/answer.md`` for its JSON, which is only ever extended.

    An ``answered`` or ``partial`` answer has a bottom line; any other has a ``reason`` and no statements.
    ``nearest`` are the passages that came closest when nothing could be answered.
    """

    schema_version: int = SCHEMA_VERSION
    answer_id: str
    question: str
    outcome: Outcome
    reason: str | None = None
    title: str
    bottom_line: tuple[Statement, ...] = ()
    sections: tuple[Section, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    gaps: tuple[Gap, ...] = ()
    needed: tuple[Needed, ...] = ()
    references: tuple[Reference, ...] = ()
    related_questions: tuple[str, ...] = ()
    glossary: tuple[GlossaryEntry, ...] = ()
    readings: tuple[ReadAs, ...] = ()
    nearest: tuple[Evidence, ...] = ()
    audience: Audience = Audience.CLINICIAN
    review: Review = Review()
    disclaimer: str
    receipt: Receipt

    def statements(self) -> tuple[Statement, ...]:
        """All statements, in the order in which they are shown."""
        article = (*self.bottom_line, *(s for section in self.sections for s in section.statements))
        positions = (p.statement for d in self.disagreements for p in d.positions)
        return (*article, *positions, *(b.statement for n in self.needed for b in n.branches))

    @model_validator(mode="after")
    def _outcome_fits_content(self) -> Answer:
        is_article = self.outcome in (Outcome.ANSWERED, Outcome.PARTIAL)
        if is_article and not self.bottom_line:
            raise ValueError(f"an {self.outcome.value} answer needs a bottom line")
        if not is_article and (self.statements() or not self.reason):
            raise ValueError(f"an {self.outcome.value} answer needs a reason and no statements")
        numbers = [r.number for r in self.references]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"references are numbered {numbers}, expected 1..{len(numbers)}")
        if (cited := {n for s in self.statements() for n in s.citations}) != set(numbers):
            raise ValueError(f"citations {sorted(cited)} and references {numbers} do not match")
        return self
