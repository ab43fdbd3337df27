"""What is shown: evidence, statements, the article."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rag.domain.base import Frozen
from rag.domain.conversations import Standalone
from rag.domain.filters import Filter
from rag.domain.sources import EvidenceType

SCHEMA_VERSION = 1

Origin = Literal["quoted", "condensed", "generated", "edited"]
WithheldKind = Literal["dose", "dosing_section", "monitoring_section", "beside"]


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
    ``correction_of`` is the claim in the question that this statement contradicts, if it does. ``as_of`` says which
    state of a label or of a regulator's page was read: such facts change. ``plain`` is ``text`` in plain words, which
    are ours: it stands beside the words that are supported, never in their place.
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
    as_of: str | None = None
    plain: str | None = None

    @property
    def shown(self) -> str:
        """The words for this answer's reader: ``plain`` where there are any, else ``text``."""
        return self.plain or self.text


class Decision(Frozen):
    """What the evidence says to a question of yes or no. A label, not a statement: the bottom line says why.

    ``depends``: for some patients, or under conditions; ``no_recommendation``: those whose office it is to give one
    give none, which is not a no. ``probability`` is that of a decision read of running text; advice of
    curated statements is taken as it is. ``is_mixed``: sentences that are heard for it lean both ways.
    """

    value: Literal["yes", "no", "depends", "no_recommendation"]
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    is_mixed: bool = False


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
    """Where the review of an answer stands. ``reasons`` say why it is rejected or stale: ``unsafe``, ``retracted``."""

    status: Literal["submitted", "under_review", "approved", "rejected", "stale"] = "submitted"
    updated: str | None = None
    reasons: tuple[str, ...] = ()


class GlossaryEntry(Frozen):
    """A term of the answer explained. ``evidence`` holds ``definition``, a source's own sentence, with its number.

    ``derived`` marks a meaning in plain words of ours.
    """

    term: str
    meaning: str
    definition: str | None = None
    citations: tuple[int, ...] = ()
    evidence: Evidence | None = None
    derived: bool = False

    @model_validator(mode="after")
    def _definition_is_quoted(self) -> GlossaryEntry:
        if self.definition != (self.evidence.quote if self.evidence else None):
            raise ValueError(f"glossary {self.term!r}: its definition is not what its evidence says")
        if bool(self.citations) != bool(self.evidence):
            raise ValueError(f"glossary {self.term!r}: a definition and its number go together")
        return self


class Withheld(Frozen):
    """Statements that this reader is deliberately not shown: where they would stand, and why they do not.

    ``kind``: ``dose``, they give one; ``dosing_section`` and ``monitoring_section``, they tell how to give or to steer
    a treatment; ``beside``, they would mislead without one that is not shown.
    """

    kind: WithheldKind
    heading: str
    statement_ids: tuple[str, ...] = Field(min_length=1)
    why: str


class ReadAs(Frozen):
    """Words of the question that were read as something else: a typing error, or findings with a name."""

    typed: str
    read: str


class Turn(Frozen):
    """The place of an answer in a conversation: its question is the one of this ``number``, from 1."""

    conversation_id: str
    number: Annotated[int, Field(ge=1)]


class Wording(Frozen):
    """What a language model did for an answer. Its time is among the receipt's, under ``write``.

    ``prompt`` is the name of the file that it was told by, with its digest. ``written`` statements are in its words,
    ``repaired`` of them at the second attempt; ``refused`` ones failed twice and are not shown; ``quoted`` ones stayed
    in the words of their sources. Without any of its own, or where it ended early, ``reason`` says why. Tokens are as
    its server counts them, None where it does not.
    """

    model: str
    prompt: str
    written: Annotated[int, Field(ge=0)] = 0
    repaired: Annotated[int, Field(ge=0)] = 0
    refused: Annotated[int, Field(ge=0)] = 0
    quoted: Annotated[int, Field(ge=0)] = 0
    calls: Annotated[int, Field(ge=0)] = 0
    prompt_tokens: Annotated[int, Field(ge=0)] | None = None
    completion_tokens: Annotated[int, Field(ge=0)] | None = None
    reason: str | None = None


class Reading(Frozen):
    """What a language model did to read a question. Its time is among the receipt's, under ``read``.

    ``prompt`` is as of ``Wording``. ``sub_questions`` are those by which passages were looked for beside the question
    itself. ``reasons`` say why the rules' reading was used where the model was asked for another. Tokens are as its
    server counts them, None where it does not.
    """

    model: str
    prompt: str
    sub_questions: tuple[str, ...] = ()
    calls: Annotated[int, Field(ge=0)] = 0
    prompt_tokens: Annotated[int, Field(ge=0)] | None = None
    completion_tokens: Annotated[int, Field(ge=0)] | None = None
    reasons: tuple[str, ...] = ()


class Receipt(Frozen):
    """What is needed to make the same answer again. ``timings_ms`` is the only part that varies.

    ``filter`` is the one that kept sources out, if one did. ``dropped`` counts the sentences that were left out because
    their evidence did not hold. ``wording`` and ``reading`` are there where a language model was asked.
    """

    snapshot_id: str
    corpus_digest: str
    settings_digest: str
    software: str
    models: dict[str, str]
    retrieved: tuple[str, ...]
    timings_ms: dict[str, float]
    filter: Filter | None = None
    dropped: Annotated[int, Field(ge=0)] = 0
    wording: Wording | None = None
    reading: Reading | None = None


class Answer(Frozen):
    """A structured article. See ``docs/answer.md`` for its JSON, which is only ever extended.

    An ``answered`` or ``partial`` answer has a bottom line; any other has a ``reason`` and no statements.
    ``nearest`` are the passages that came closest when nothing could be answered. What is ``withheld`` is no gap: it
    is supported, and left out for this reader. In a conversation ``follow_up`` says how the question came about, and
    references have the numbers that their sources have in it: ascending, but not every one.
    """

    schema_version: int = SCHEMA_VERSION
    answer_id: str
    question: str
    outcome: Outcome
    reason: str | None = None
    title: str
    decision: Decision | None = None
    bottom_line: tuple[Statement, ...] = ()
    sections: tuple[Section, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    gaps: tuple[Gap, ...] = ()
    needed: tuple[Needed, ...] = ()
    references: tuple[Reference, ...] = ()
    related_questions: tuple[str, ...] = ()
    glossary: tuple[GlossaryEntry, ...] = ()
    readings: tuple[ReadAs, ...] = ()
    follow_up: Standalone | None = None
    nearest: tuple[Evidence, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    reading_grade: float | None = None
    audience: Audience = Audience.CLINICIAN
    review: Review = Review()
    disclaimer: str
    receipt: Receipt
    turn: Turn | None = None
    masked: tuple[str, ...] = ()

    def statements(self) -> tuple[Statement, ...]:
        """All statements, in the order in which they are shown."""
        article = (*self.bottom_line, *(s for section in self.sections for s in section.statements))
        positions = (p.statement for d in self.disagreements for p in d.positions)
        return (*article, *positions, *(b.statement for n in self.needed for b in n.branches))

    def with_statements(self, changed: Callable[[Statement], Statement]) -> Answer:
        """The same answer with each of its statements, wherever it stands, as ``changed`` gives it."""
        disagreements = (
            d.model_copy(
                update={
                    "positions": tuple(p.model_copy(update={"statement": changed(p.statement)}) for p in d.positions)
                }
            )
            for d in self.disagreements
        )
        needed = (
            n.model_copy(
                update={"branches": tuple(b.model_copy(update={"statement": changed(b.statement)}) for b in n.branches)}
            )
            for n in self.needed
        )
        sections = (s.model_copy(update={"statements": tuple(map(changed, s.statements))}) for s in self.sections)
        parts = {"sections": tuple(sections), "disagreements": tuple(disagreements), "needed": tuple(needed)}
        return self.model_copy(update={"bottom_line": tuple(map(changed, self.bottom_line)), **parts})

    @model_validator(mode="after")
    def _outcome_fits_content(self) -> Answer:
        is_article = self.outcome in (Outcome.ANSWERED, Outcome.PARTIAL)
        if is_article and not self.bottom_line:
            raise ValueError(f"an {self.outcome.value} answer needs a bottom line")
        if not is_article and (self.statements() or not self.reason):
            raise ValueError(f"an {self.outcome.value} answer needs a reason and no statements")
        numbers = [r.number for r in self.references]
        if self.follow_up and numbers != sorted(set(numbers)):
            raise ValueError(f"references are numbered {numbers}, expected ascending numbers")
        if not self.follow_up and numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"references are numbered {numbers}, expected 1..{len(numbers)}")
        citing: tuple[Statement | GlossaryEntry, ...] = (*self.statements(), *self.glossary)
        if (cited := {n for c in citing for n in c.citations}) != set(numbers):
            raise ValueError(f"citations {sorted(cited)} and references {numbers} do not match")
        return self
