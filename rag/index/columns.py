"""Of which source a passage is and what a filter asks of it, as arrays over the passages of a segment.

Each number means the same in every segment and for ever, so that columns are copied row by row when a segment is copied
without some of its sources, and one after the other when segments are made one. 0 is what is not known. Which sources
and which document sets there are is not said here, but in the store.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.domain import EvidenceType, Filter, Source

YEARS, KINDS, JURISDICTIONS, SETS, SOURCES = FILES = (
    "columns.years.npy", "columns.kinds.npy", "columns.jurisdictions.npy", "columns.sets.npy", "columns.sources.npy",
)  # fmt: skip
TYPES = (np.int16, np.uint8, np.uint32, np.uint64, np.uint64)
#: On disk: a number is never changed nor given again. The order of ``EvidenceType`` is a rank and may change.
KIND_CODES = {
    EvidenceType.UNCLASSIFIED: 0,
    EvidenceType.GUIDELINE: 1,
    EvidenceType.DRUG_LABEL: 2,
    EvidenceType.REGULATOR: 3,
    EvidenceType.SYSTEMATIC_REVIEW: 4,
    EvidenceType.RCT: 5,
    EvidenceType.COHORT: 6,
    EvidenceType.CASE_CONTROL: 7,
    EvidenceType.CASE_SERIES: 8,
    EvidenceType.CASE_REPORT: 9,
    EvidenceType.NARRATIVE_REVIEW: 10,
    EvidenceType.TEXTBOOK: 11,
    EvidenceType.CONSUMER: 12,
    EvidenceType.OWN_ANALYSIS: 13,
}


class Codes(NamedTuple):
    """A source as it stands in the columns: year, evidence type, jurisdiction, document set, key."""

    year: int
    kind: int
    jurisdiction: int
    document_set: int
    key: int

    @classmethod
    def of(cls, source: Source) -> Codes:
        return cls(
            source.year or 0,
            KIND_CODES[source.evidence_type],
            jurisdiction_code(source.jurisdiction),
            name_code(source.document_set),
            name_code(source.key),
        )


def jurisdiction_code(jurisdiction: str | None) -> int:
    """Its two or three letters, as bytes of one number."""
    return int.from_bytes((jurisdiction or "").encode("ascii"), "big")


def name_code(name: str | None) -> int:
    """A hash of 64 bits: of a million names the chance that any two share theirs is 1 in 37 million."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") if name else 0


class ColumnsWriter:
    """Collects the columns of a segment, source by source."""

    def __init__(self) -> None:
        self._columns = (array("h"), array("B"), array("I"), array("Q"), array("Q"))

    def add(self, source: Source, passages: int) -> None:
        """The next ``passages`` rows are of ``source``."""
        for column, code in zip(self._columns, Codes.of(source), strict=True):
            column.extend(array(column.typecode, [code]) * passages)

    def write(self, folder: Path) -> None:
        for name, dtype, column in zip(FILES, TYPES, self._columns, strict=True):
            np.save(folder / name, np.frombuffer(column, dtype) if column else np.empty(0, dtype))


class Columns(NamedTuple):
    """Of some sources, or of the sources of some passages, what filters ask for: each array of shape (n,)."""

    years: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    jurisdictions: NDArray[np.uint32]
    sets: NDArray[np.uint64]
    sources: NDArray[np.uint64]

    @classmethod
    def read(cls, folder: Path) -> Columns:
        """Those of a segment, memory-mapped."""
        return cls(*(np.load(folder / name, mmap_mode="r") for name in FILES))

    @classmethod
    def of(cls, sources: Iterable[Source]) -> Columns:
        rows = [Codes.of(source) for source in sources]
        return cls(*(np.array([row[i] for row in rows], dtype) for i, dtype in enumerate(TYPES)))

    def passing(self, within: Filter) -> NDArray[np.bool_]:
        """Which of them pass by all but their key, shape (n,)."""
        found = np.ones(len(self.years), np.bool_)
        if within.has_years:
            found &= self.years >= (within.year_from or 1)  # 0 is a year that is not known
        if within.year_to is not None:
            found &= self.years <= within.year_to
        if within.evidence_types:
            found &= _among(self.kinds, (KIND_CODES[kind] for kind in within.evidence_types))
        if within.jurisdictions:
            found &= _among(self.jurisdictions, map(jurisdiction_code, within.jurisdictions))
        if within.document_sets:
            found &= _among(self.sets, map(name_code, within.document_sets))
        return found


def _among(column: NDArray[np.unsignedinteger[Any]], codes: Iterable[int]) -> NDArray[np.bool_]:
    """Which rows have one of ``codes``: they are few, and comparing each is faster than ``np.isin``."""
    found = np.zeros(len(column), np.bool_)
    for code in codes:
        found |= column == column.dtype.type(code)
    return found
