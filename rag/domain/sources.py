"""Where statements come from: the bibliographic record."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from rag.domain.base import Frozen

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PMID = re.compile(r"[1-9]\d{0,8}")
_PMCID = re.compile(r"PMC\d{3,9}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_JURISDICTION = re.compile(r"[A-Z]{2}|INT")
_URL = re.compile(r"https?://[^\s/]+\.[^\s]+")
_FORMS = {"key": _KEY, "doi": _DOI, "pmid": _PMID, "pmcid": _PMCID, "url": _URL, "jurisdiction": _JURISDICTION,
          "document_set": _KEY}  # fmt: skip


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
    UNCLASSIFIED = "unclassified"

    @property
    def is_normative(self) -> bool:
        """Whether sources of this kind tell what to do by their office."""
        return self in {EvidenceType.GUIDELINE, EvidenceType.DRUG_LABEL, EvidenceType.REGULATOR}

    @property
    def is_regulatory(self) -> bool:
        """Whether what sources of this kind say holds in one jurisdiction until it is changed there."""
        return self in {EvidenceType.DRUG_LABEL, EvidenceType.REGULATOR}


class Source(Frozen):
    """Bibliographic record of one source. Absent fields are unknown, never guessed.

    ``jurisdiction`` is an ISO 3166-1 alpha-2 code, ``EU`` or ``INT``; ``as_of`` says which state of the source was
    read, ``seen_at`` where, when that is not the publisher's page. ``published`` and ``retrieved`` are ISO 8601 dates,
    as exact as they are known ("2018", "2018-11", "2018-11-27"). ``language`` is an ISO 639-1 code. ``mesh`` are MeSH
    descriptors, ``publication_types`` those of MEDLINE; ``original_id`` is the id in the file it came from, where the
    key had to differ. ``document_set`` is the name under which it was indexed with others.
    """

    key: str
    title: str = Field(min_length=1)
    evidence_type: EvidenceType = EvidenceType.UNCLASSIFIED
    jurisdiction: str | None = None
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
    language: str | None = None
    mesh: tuple[str, ...] = ()
    publication_types: tuple[str, ...] = ()
    original_id: str | None = None
    document_set: str | None = None
    note: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it may support a statement: neither retracted nor superseded."""
        return not self.retracted and self.superseded_by is None

    @property
    def state_read(self) -> str | None:
        """Which state of it was read, as exactly as is known: as recorded, else when it was read or published."""
        return self.as_of or self.retrieved or self.published

    @field_validator("key", "doi", "pmid", "pmcid", "jurisdiction", "url", "document_set")
    @classmethod
    def _well_formed(cls, value: str | None, info: object) -> str | None:
        problem = problem_with(getattr(info, "field_name", ""), value) if value is not None else None
        if problem:
            raise ValueError(problem)
        return value


def problem_with(field: str, value: str) -> str | None:
    """What is wrong with a value of a field of ``Source`` that has a form, if anything is."""
    form = _FORMS[field]
    return None if form.fullmatch(value) else f"{field} {value!r} is not well formed: expected {form.pattern}"
