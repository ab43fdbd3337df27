"""Numbered references: a source as a Vancouver citation, its best link, and its number in a conversation.

The style is the ICMJE's (Citing Medicine, 2nd ed., NLM 2007; ICMJE Recommendations, "Samples of formatted references"),
with two departures: page ranges stay as the record gives them, as in PubMed's own citations, and no full stop follows
an identifier or an address, so that it can be copied as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from rag.domain import Reference, Source

MAX_AUTHORS = 6

_PERSON = re.compile(r".+ [^\W\d_a-z]{1,4}(?: (?:Jr|Sr|2nd|3rd|II|III|IV))?(?: \(.+\))?")
_LOOSE_END = " .,;:"


def vancouver(source: Source) -> str:
    """Cite a source in Vancouver style, leaving out what the record does not know.

    A source with neither identifier nor volume and pages is cited as a page: "[Internet]", its state as
    "[cited as of ...]" when the record has one, and its address. The issuing body, else the publisher, stands in for
    absent authors.
    """
    return _joined(" ", _authors(source), _title(source), _imprint(source), _access(source))


def reference(number: int, source: Source) -> Reference:
    """The entry of ``source`` in a reference list, under ``number`` (from 1)."""
    return Reference(
        number=number,
        source_id=source.key,
        vancouver=vancouver(source),
        title=source.title,
        authors=source.authors,
        container=source.container,
        year=source.year,
        doi=source.doi,
        pmid=source.pmid,
        url=link(source),
        evidence_type=source.evidence_type,
        jurisdiction=source.jurisdiction,
        issuing_body=source.issuing_body,
        as_of=source.as_of,
        retracted=source.retracted,
        superseded_by=source.superseded_by,
    )


def link(record: Source | Reference) -> str | None:
    """The most lasting address of a source: DOI, else PubMed, else its own page, else PubMed Central."""
    if record.doi:
        return doi_url(record.doi)
    if record.pmid:
        return pubmed_url(record.pmid)
    if record.url or isinstance(record, Reference):
        return record.url
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{record.pmcid}/" if record.pmcid else None


def doi_url(doi: str) -> str:
    """Address of a DOI; characters that are legal in a DOI and not in an address ("<", ">", "#") are encoded."""
    return f"https://doi.org/{quote(doi, safe='/:;().-_')}"


def pubmed_url(pmid: str) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{quote(pmid, safe='')}/"


class Numbering:
    """Numbers of sources from 1, in order of first use; asking again gives the same number.

    Args:
        keys: Source keys that already have the numbers 1, 2, ..., such as those of a conversation's earlier answers.
            Repeated keys keep their first place.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        for key in keys:
            self.number(key)

    def number(self, source_key: str) -> int:
        return self._numbers.setdefault(source_key, len(self._numbers) + 1)

    def keys(self) -> tuple[str, ...]:
        """Source keys in the order of their numbers."""
        return tuple(self._numbers)


def _authors(source: Source) -> str:
    """Up to six authors; a group after a person is set off by a semicolon, as the ICMJE's samples do."""
    names = [_clean(name) for name in source.authors[:MAX_AUTHORS] if _clean(name)]
    if not names:
        return _sentence(_body(source))
    joined = names[0]
    for name in names[1:]:
        joined += (", " if _PERSON.fullmatch(name) else "; ") + name
    more = source.et_al or len(source.authors) > MAX_AUTHORS
    return _sentence(f"{joined}, et al" if more else joined)


def _title(source: Source) -> str:
    title = _clean(source.title)
    marks = ["[Retracted]"] if source.retracted else []
    if source.url and _is_page(source):
        marks.append("[Internet]")
    return _sentence(" ".join([title, *marks]))


def _imprint(source: Source) -> str:
    """Where and when: "Container. Year;volume(issue):pages." or, for a page, "Container; year [cited as of ...]."."""
    container = _container(source)
    if _is_page(source):
        return _sentence(_joined(" ", _joined("; ", container, str(source.year or "")), _cited(source)))
    return _joined(" ", _sentence(container), _sentence(_joined(" ", _date(source), _cited(source))))


def _date(source: Source) -> str:
    """Year and place: "2018;2(22):3360-3392", "2013:668-674", "2022"."""
    year, place = str(source.year or ""), _place(source)
    if not year:
        return place.lstrip(":")
    return year + place if place.startswith(":") else _joined(";", year, place)


def _place(source: Source) -> str:
    """Volume, issue and pages: "2(22):3360-3392", "(1):396", ":107032" or nothing."""
    issue, pages = _clean(source.issue), _clean(source.pages)
    return _clean(source.volume) + (f"({issue})" if issue else "") + (f":{pages}" if pages else "")


def _access(source: Source) -> str:
    """Identifiers, or the address where there are none."""
    if not _is_identified(source):
        return f"Available from: {source.url}" if source.url else ""
    named = (("doi:", source.doi), ("PMID: ", source.pmid), ("PMCID: ", source.pmcid))
    return " ".join(f"{name}{value}" for name, value in named if value)


def _container(source: Source) -> str:
    """The container; a page without one stands under its publisher, and says nothing that author or title say."""
    if not _is_page(source):
        return _clean(source.container)
    author = (_clean(source.authors[0]) if source.authors else _body(source)).casefold()
    title = _clean(source.title).casefold()
    for candidate in map(_clean, (source.container,) if source.container else (source.publisher, source.issuing_body)):
        key = candidate.casefold()
        if key and not author.startswith(key) and not (" " in key and key in title):
            return candidate
    return ""


def _cited(source: Source) -> str:
    """Which state of a changing source was read; a bare year that is the source's own says nothing new."""
    as_of = _clean(source.as_of)
    if _is_identified(source) or as_of == str(source.year):
        return ""
    if as_of:
        return f"[cited as of {as_of}]"
    return f"[cited {source.retrieved}]" if source.retrieved and source.url else ""


def _is_page(source: Source) -> bool:
    """Whether only an address, if anything, tells where the source is."""
    return not _is_identified(source) and not _place(source)


def _is_identified(source: Source) -> bool:
    return bool(source.doi or source.pmid or source.pmcid)


def _body(source: Source) -> str:
    return _clean(source.issuing_body) or _clean(source.publisher)


def _clean(text: str | None) -> str:
    return " ".join((text or "").split()).rstrip(_LOOSE_END)


def _joined(separator: str, *parts: str) -> str:
    return separator.join(part for part in parts if part)


def _sentence(text: str) -> str:
    """``text`` with exactly one mark at its end, or nothing."""
    stripped = text.rstrip(_LOOSE_END)
    return stripped if not stripped or stripped[-1] in "?!" else f"{stripped}."
