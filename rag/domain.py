"""The nouns of Osler: what flows from a file to an answer.

Models are frozen and checked when made. Offsets are half-open, in Unicode code points: ``text[start:end]``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SCHEMA_VERSION = 1


class Frozen(BaseModel):
    """Base of all models: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceType(StrEnum):
    """Kind of a source, strongest first: the order is the rank used when statements compete."""

    GUIDELINE = "guideline"
    DRUG_LABEL = "drug_label"
    REGULATOR = "regulator"
    SYSTEMATIC_REVIEW = "systematic_review"
    RCT = "rct"
    COHORT = "cohort"
    CASE_CONTROL = "case_control"
    CASE_SERIES = "case_series"
    CASE_REPORT = "case_report"
    NARRATIVE_REVIEW = "narrative_review"
    TEXTBOOK = "textbook"
    CONSUMER = "consumer"
    OWN_ANALYSIS = "own_analysis"

    @property
    def is_normative(self) -> bool:
        """Whether sources of this kind tell what to do by their office."""
        return self in {EvidenceType.GUIDELINE, EvidenceType.DRUG_LABEL, EvidenceType.REGULATOR}


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


class Checked(StrEnum):
    """With what a paraphrased statement was compared: the source's own page, its abstract, or another's page."""

    PRIMARY = "primary"
    ABSTRACT = "abstract"
    SECONDARY = "secondary"


Origin = Literal["quoted", "condensed", "generated"]

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PMID = re.compile(r"[1-9]\d{0,8}")
_PMCID = re.compile(r"PMC\d{3,9}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_JURISDICTION = re.compile(r"[A-Z]{2}|INT")
_URL = re.compile(r"https?://[^\s/]+\.[^\s]+")
_FORMS = {"key": _KEY, "doi": _DOI, "pmid": _PMID, "pmcid": _PMCID, "url": _URL, "jurisdiction": _JURISDICTION}


class Source(Frozen):
    """Bibliographic record of one source. Absent fields are unknown, never guessed.

    ``jurisdiction`` is an ISO 3166-1 alpha-2 code, ``EU`` or ``INT``; ``as_of`` says which state of the source was
    read, ``seen_at`` where, when that is not the publisher's page.
    """

    key: str
    title: str = Field(min_length=1)
    evidence_type: EvidenceType
    jurisdiction: str
    authors: tuple[str, ...] = ()
    et_al: bool = False
    container: str | None = None
    year: Annotated[int, Field(ge=1800, le=2100)] | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    url: str | None = None
    licence: str | None = None
    publisher: str | None = None
    issuing_body: str | None = None
    published: str | None = None
    retrieved: str | None = None
    as_of: str | None = None
    seen_at: str | None = None
    supersedes: tuple[str, ...] = ()
    superseded_by: str | None = None
    retracted: bool = False
    note: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it may support a statement: neither retracted nor superseded."""
        return not self.retracted and self.superseded_by is None

    @field_validator("key", "doi", "pmid", "pmcid", "jurisdiction", "url")
    @classmethod
    def _well_formed(cls, value: str | None, info: object) -> str | None:
        name = getattr(info, "field_name", "")
        if value is not None and not _FORMS[name].fullmatch(value):
            raise ValueError(f"{name} {value!r} is not well formed: expected {_FORMS[name].pattern}")
        return value


class Block(Frozen):
    """A paragraph, list item or table row of a document, with what the document states about it.

    ``attributes`` are the reader's: in the starter format ``anchor``, ``strength``, ``certainty``, ``population``,
    ``checked`` and ``derived``. A block with attributes is never merged with another one into a passage.
    """

    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    attributes: dict[str, str] = {}


class Document(Frozen):
    """A source with its text, in reading order."""

    source: Source
    text: str
    blocks: tuple[Block, ...]

    @model_validator(mode="after")
    def _blocks_lie_in_the_text(self) -> Document:
        previous = 0
        for block in self.blocks:
            if not previous <= block.start < block.end <= len(self.text):
                raise ValueError(f"block {block.start}:{block.end} of {self.source.key} overlaps or leaves the text")
            previous = block.end
        return self


class Passage(Frozen):
    """The unit of retrieval and citation: ``document.text[start:end] == text``.

    ``sentences`` are half-open spans within ``text``. ``strength`` and ``certainty`` are the source's own words.
    """

    passage_id: str
    source_key: str
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    sentences: tuple[tuple[int, int], ...]
    anchor: str | None = None
    strength: str | None = None
    certainty: str | None = None
    population: str | None = None
    checked: Checked | None = None
    derived: bool = False

    @model_validator(mode="after")
    def _spans_fit(self) -> Passage:
        if self.end - self.start != len(self.text):
            raise ValueError(f"passage {self.passage_id}: span {self.start}:{self.end} is not as long as its text")
        if not self.sentences or any(not 0 <= s < e <= len(self.text) for s, e in self.sentences):
            raise ValueError(f"passage {self.passage_id}: sentence spans leave its text")
        return self

    @property
    def heading(self) -> str | None:
        return self.heading_path[-1] if self.heading_path else None


class Hit(NamedTuple):
    """A retrieved passage: ``row`` is its position in the snapshot, ``score`` in [0, 1], higher is better."""

    passage_id: str
    score: float
    row: int


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
    jurisdiction: str
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
    jurisdiction: str
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
    """What is needed to make the same answer again. ``timings_ms`` is the only part that varies."""

    snapshot_id: str
    corpus_digest: str
    settings_digest: str
    software: str
    models: dict[str, str]
    retrieved: tuple[str, ...]
    timings_ms: dict[str, float]


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
