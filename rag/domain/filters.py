"""Which sources may take part: by year, kind, jurisdiction, document set, or one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator

from rag.domain.base import Frozen
from rag.domain.sources import EvidenceType, Source, problem_with
from rag.errors import InputError

_ORDER = {kind: i for i, kind in enumerate(EvidenceType)}
#: Names of many sources are counted in messages, not listed.
_LISTED = 5


class Filter(Frozen):
    """What a source must be: one of the values of each field that has any, and of the years if a bound is set.

    An empty field restricts nothing, and a filter without any field passes every source. ``year_from`` and ``year_to``
    belong to the span. A source of which a field is not known does not pass a filter by it. Values are kept sorted and
    once each, so that filters that ask for the same are equal.
    """

    year_from: Annotated[int, Field(ge=1800, le=2100)] | None = None
    year_to: Annotated[int, Field(ge=1800, le=2100)] | None = None
    evidence_types: tuple[EvidenceType, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    document_sets: tuple[str, ...] = ()

    @classmethod
    def of(cls, **given: Any) -> Filter:
        """A filter from what a person gave.

        Raises:
            InputError: an unknown kind, a value that is not well formed, or years that span nothing.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "value_error":
                raise InputError(f"filter: {first['msg'].removeprefix('Value error, ')}") from None
            raise InputError(f"filter: {first['loc'][0]}: {first['msg']} (got {first['input']!r})") from None

    @property
    def restricts(self) -> bool:
        """Whether there is any source that it could keep out."""
        return self != Filter()

    @property
    def has_years(self) -> bool:
        return self.year_from is not None or self.year_to is not None

    def passes(self, source: Source) -> bool:
        """Whether a source is what the filter asks for."""
        return (
            (not self.has_years or self._spans(source.year))
            and (not self.evidence_types or source.evidence_type in self.evidence_types)
            and (not self.jurisdictions or source.jurisdiction in self.jurisdictions)
            and (not self.sources or source.key in self.sources)
            and (not self.document_sets or source.document_set in self.document_sets)
        )

    def _spans(self, year: int | None) -> bool:
        return year is not None and (self.year_from or year) <= year <= (self.year_to or year)

    def __str__(self) -> str:
        """In words: "2015 to 2024; guideline or systematic review; US or INT"."""
        parts = [
            self._years(),
            _either(kind.value.replace("_", " ") for kind in self.evidence_types),
            _either(self.jurisdictions),
            _named("source", self.sources),
            _named("document set", self.document_sets),
        ]
        return "; ".join(part for part in parts if part) or "every source"

    def _years(self) -> str:
        if self.year_from == self.year_to:
            return str(self.year_from or "")
        if self.year_to is None:
            return f"{self.year_from} or later"
        return f"{self.year_to} or earlier" if self.year_from is None else f"{self.year_from} to {self.year_to}"

    @field_validator("evidence_types", mode="before")
    @classmethod
    def _known_kinds(cls, values: object) -> object:
        known = set(EvidenceType)
        for value in values if isinstance(values, list | tuple | set | frozenset) else ():
            if value not in known:
                raise ValueError(f"{value!r} is no evidence type; expected one of {', '.join(EvidenceType)}")
        return values

    @field_validator("jurisdictions", "sources", "document_sets")
    @classmethod
    def _well_formed(cls, values: tuple[str, ...], info: object) -> tuple[str, ...]:
        field = {"jurisdictions": "jurisdiction", "sources": "key", "document_sets": "document_set"}
        for value in values:
            if problem := problem_with(field[getattr(info, "field_name", "")], value):
                raise ValueError(problem)
        return tuple(sorted(set(values)))

    @field_validator("evidence_types")
    @classmethod
    def _in_order(cls, values: tuple[EvidenceType, ...]) -> tuple[EvidenceType, ...]:
        return tuple(sorted(set(values), key=_ORDER.__getitem__))

    @model_validator(mode="after")
    def _years_are_in_order(self) -> Filter:
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise ValueError(f"years {self.year_from} to {self.year_to}: expected the earlier one first")
        return self


def _either(values: Iterable[str]) -> str:
    return " or ".join(values)


def _named(noun: str, names: tuple[str, ...]) -> str:
    if len(names) > _LISTED:
        return f"{len(names)} {noun}s"
    return f"{noun} {_either(names)}" if names else ""
