"""An answer's references for other programs: RIS, BibTeX, CSL-JSON, and a list in Vancouver style.

What an answer says of a source counts: its number, which state of it was read, whether it was retracted or superseded.
What it leaves out (volume, issue, pages, publisher) comes from the source's record where there still is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from rag.domain import Answer, EvidenceType, Reference, Source
from rag.errors import InputError, NotFoundError
from rag.render import words

CitationForm = Literal["ris", "bib", "json", "txt"]

#: A person as MEDLINE writes one: "Cuker A", "van der Meer FJM Jr".
_PERSON = re.compile(r"(?P<family>.+) (?P<initials>[^\W\d_a-z]{1,4})(?: (?P<suffix>Jr|Sr|2nd|3rd|II|III|IV))?")
_PAGES = re.compile(r"(?P<first>[A-Za-z]?\d+[A-Za-z]?)\s*[-–]\s*(?P<last>[A-Za-z]?\d+[A-Za-z]?)")
#: BibTeX counts braces even after a backslash, so that they are named.
_BIBTEX = {"\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "&": r"\&", "%": r"\%",
           "$": r"\$", "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip
#: What must not stand in an address or a DOI within braces, which BibTeX takes as they are.
_ENCODED = {"{": "%7B", "}": "%7D", "\\": "%5C", " ": "%20"}
_NO_KEY = re.compile(r"[^A-Za-z0-9:._-]+")


class Entry(NamedTuple):
    """A reference with the record of its source. ``kind`` is one of "article", "book" and "page"."""

    reference: Reference
    source: Source

    @property
    def kind(self) -> str:
        """A page is what has neither an identifier nor a place in a journal, and what is revised where it stands."""
        if self.source.evidence_type is EvidenceType.TEXTBOOK:
            return "book"
        is_placed = self.source.volume or self.source.pages
        is_identified = self.reference.doi or self.reference.pmid
        is_regulatory = self.source.evidence_type.is_regulatory
        return "article" if self.reference.container and (is_placed or is_identified) and not is_regulatory else "page"

    @property
    def authors(self) -> tuple[str, ...]:
        """Its authors, else the body that stands behind it."""
        body = self.reference.issuing_body or self.source.publisher
        return self.reference.authors or ((body,) if body else ())

    @property
    def notes(self) -> list[str]:
        """What a list of references must say beside them: the number, the state that was read, what became of it."""
        reference = self.reference
        found = [f"Reference {reference.number} of the answer", words.evidence_type_words(reference.evidence_type)]
        found += [f"State read: {reference.as_of}"] if reference.as_of else []
        found += ["Has more authors than these"] if self.source.et_al and reference.authors else []
        found += ["Retracted"] if reference.retracted else []
        return found + ([f"Superseded by {reference.superseded_by}"] if reference.superseded_by else [])


def references(answer: Answer, form: str, source_of: Callable[[str], Source] | None = None) -> str:
    """The references of ``answer`` in a form, ending with a newline; of none an empty list.

    Args:
        form: "ris", "bib" (BibTeX), "json" (CSL-JSON) or "txt" (Vancouver).
        source_of: gives the record of a source by its key, or raises ``NotFoundError`` for one that is gone.

    Raises:
        InputError: another form.
    """
    if form not in get_args(CitationForm):
        raise InputError(f"form {form!r}: no form of references; expected {', '.join(get_args(CitationForm))}")
    entries = [_entry(r, source_of) for r in answer.references]
    if form == "json":
        return json.dumps([_csl(e) for e in entries], indent=2, ensure_ascii=False) + "\n"
    if form == "ris":
        return _ris(entries)
    if form == "txt":
        return "".join(f"{e.reference.number}. {_vancouver(e.reference)}\n" for e in entries)
    keys = _keys(entries)
    return "\n".join(_bibtex(e, key) for e, key in zip(entries, keys, strict=True))


def _entry(reference: Reference, source_of: Callable[[str], Source] | None) -> Entry:
    known = {"title", "authors", "container", "year", "doi", "pmid", "url", "evidence_type", "jurisdiction",
             "issuing_body", "as_of", "retracted", "superseded_by"}  # fmt: skip
    told = {"key": reference.source_id, "et_al": ", et al" in reference.vancouver}
    told |= {name: getattr(reference, name) for name in known}
    try:
        return Entry(reference, source_of(reference.source_id) if source_of else Source.model_validate(told))
    except NotFoundError:
        return Entry(reference, Source.model_validate(told))


def _vancouver(reference: Reference) -> str:
    """The citation, with what it does not say of the source's state."""
    marks = []
    if reference.as_of and reference.as_of not in reference.vancouver and reference.as_of != str(reference.year):
        marks.append(f"[as of {words.one_line(reference.as_of)}]")
    if reference.retracted and "[Retracted]" not in reference.vancouver:
        marks.append("[Retracted]")
    if reference.superseded_by:
        marks.append(f"[superseded by {reference.superseded_by}]")
    return " ".join([words.one_line(reference.vancouver), *marks])


# RIS


def _ris(entries: list[Entry]) -> str:
    import rispy
    from rispy.writer import RisWriter

    class Unnumbered(RisWriter):  # type: ignore[misc, unused-ignore]
        """Without the number that rispy writes before each record, which is no part of the format."""

        def set_header(self, count: int) -> str:
            return ""

    records = [{name: value for name, value in _ris_record(e).items() if value} for e in entries]
    return str(rispy.dumps(records, implementation=Unnumbered)).strip() + "\n" if records else ""


def _ris_record(entry: Entry) -> dict[str, Any]:
    reference, source = entry
    first, last = _page_range(source.pages)
    return {
        "type_of_reference": {"article": "JOUR", "book": "BOOK", "page": "ELEC"}[entry.kind],
        "id": reference.source_id,
        "title": words.one_line(reference.title),
        "authors": [_inverted(name) for name in entry.authors],
        "secondary_title": _line(reference.container),
        "year": str(reference.year) if reference.year else None,
        "date": _ris_date(source.published),
        "volume": _line(source.volume),
        "number": _line(source.issue),
        "start_page": first,
        "end_page": last,
        "publisher": _line(source.publisher),
        "language": source.language,
        "doi": reference.doi,
        "accession_number": reference.pmid,
        "name_of_database": "PubMed" if reference.pmid else None,
        "urls": [reference.url] if reference.url else [],
        "notes": [words.one_line(note) for note in entry.notes],
    }


def _ris_date(published: str | None) -> str | None:
    """ "2018/11/27/" of "2018-11-27": year, month and day, each of which may be absent, and other information."""
    parts = (published or "").split("-")
    return "/".join([*parts, *[""] * (4 - len(parts))]) if published else None


# BibTeX


def _keys(entries: list[Entry]) -> list[str]:
    """A key for each, that BibTeX can read, and that no other has; it does not tell small letters from capitals."""
    found: list[str] = []
    for entry in entries:
        plain = _NO_KEY.sub("-", entry.reference.source_id).strip("-") or "source"
        is_taken = plain.casefold() in (key.casefold() for key in found)
        found.append(f"{plain}-{entry.reference.number}" if is_taken else plain)
    return found


def _bibtex(entry: Entry, key: str) -> str:
    reference, source = entry
    first, last = _page_range(source.pages)
    names = [_bibtex_name(name) for name in entry.authors] + (["others"] if source.et_al and reference.authors else [])
    container = {"article": "journal", "book": "booktitle", "page": "howpublished"}[entry.kind]
    fields = {
        "author": " and ".join(names),
        "title": f"{{{_escaped(reference.title)}}}",  # in braces of its own, so that its capitals stay
        container: _escaped(reference.container),
        "year": str(reference.year or ""),
        "volume": _escaped(source.volume),
        "number": _escaped(source.issue),
        "pages": f"{first}--{last}" if last else _escaped(first),
        "publisher": _escaped(source.publisher),
        "doi": _verbatim(reference.doi),
        "pmid": reference.pmid or "",
        "url": _verbatim(reference.url),
        "note": _escaped("; ".join(entry.notes)),
    }
    kind = {"article": "article", "book": "book", "page": "misc"}[entry.kind]
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{key},\n{lines}}}\n"


def _bibtex_name(name: str) -> str:
    """A person as "Family, Initials"; a body in braces, so that it is not taken apart."""
    inverted = _inverted(name)
    return _escaped(inverted) if inverted != words.one_line(name) else f"{{{_escaped(name)}}}"


def _escaped(text: str | None) -> str:
    """One line of plain text as BibTeX must have it."""
    return "".join(_BIBTEX.get(character, character) for character in words.one_line(text or ""))


def _verbatim(text: str | None) -> str:
    return "".join(_ENCODED.get(character, character) for character in words.one_line(text or ""))


# CSL-JSON


def _csl(entry: Entry) -> dict[str, Any]:
    reference, source = entry
    record = {
        "id": reference.source_id,
        "type": {"article": "article-journal", "book": "book", "page": "webpage"}[entry.kind],
        "citation-number": reference.number,
        "title": words.one_line(reference.title),
        "author": [_csl_name(name) for name in entry.authors],
        "container-title": _line(reference.container),
        "issued": _csl_date(source.published or (str(reference.year) if reference.year else None)),
        "accessed": _csl_date(source.retrieved),
        "volume": _line(source.volume),
        "issue": _line(source.issue),
        "page": _line(source.pages),
        "publisher": _line(source.publisher),
        "language": source.language,
        "jurisdiction": reference.jurisdiction,
        "DOI": reference.doi,
        "PMID": reference.pmid,
        "PMCID": source.pmcid,
        "URL": reference.url,
        "note": "; ".join(map(words.one_line, entry.notes)),
    }
    return {name: value for name, value in record.items() if value}


def _csl_name(name: str) -> dict[str, str]:
    match = _PERSON.fullmatch(words.one_line(name))
    if not match:
        return {"literal": words.one_line(name)}
    named = {"family": match["family"], "given": match["initials"]}
    return named | ({"suffix": match["suffix"]} if match["suffix"] else {})


def _csl_date(date: str | None) -> dict[str, list[list[int]]] | None:
    return {"date-parts": [[int(part) for part in date.split("-")]]} if date else None


# what all share


def _inverted(name: str) -> str:
    """ "Cuker, A" of "Cuker A", "Jones, AB, Jr" of "Jones AB Jr"; the name of a body as it is."""
    match = _PERSON.fullmatch(words.one_line(name))
    return ", ".join(filter(None, match.groups())) if match else words.one_line(name)


def _page_range(pages: str | None) -> tuple[str, str]:
    """First and last page; all of what is no range, such as the number of an article, is the first."""
    match = _PAGES.fullmatch((pages or "").strip())
    return (match["first"], match["last"]) if match else (_line(pages) or "", "")


def _line(text: str | None) -> str | None:
    return words.one_line(text) if text else None
