"""The bibliographic record of a PDF: its metadata (pypdf) where they are plausible, else what its first pages state."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import PurePath
from typing import Any, NamedTuple

from pypdf import PdfReader

from rag.domain import EvidenceType, Source
from rag.ingest.readers.assembly import cleaned, key_of_file
from rag.ingest.readers.fields import date_of, doi_of, language_of, source_of
from rag.ingest.readers.pdf_text import Page, rows_of

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every fault that it mends

#: Title, imprint and copyright stand on these pages.
_FRONT_PAGES = 6
#: Type of this share of the largest on the first page is of the title or under it.
_LARGE = 0.7
#: A first page of fewer characters is a cover.
_COVER = 1500
_NO_TITLE = re.compile(
    r"microsoft |untitled|\.(?:docx?|indd|pdf|pptx?|qxd|rtf|tex|fm)\b|^[\w.-]+$|^slide \d", re.IGNORECASE
)
_ORGANISATION = re.compile(
    r"\b(?:cent(?:er|re)s?|organi[sz]ation|institutes?|department|task|force|committee|society|university|agency|"
    r"ministry|college|association|group|user|admin\w*)\b|[\d@/\\]",
    re.IGNORECASE,
)
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = rf"(?:{_MONTH}\s+(?:\d{{1,2}},?\s+)?\d{{4}}|\d{{1,2}}\s+{_MONTH}\s+\d{{4}}|\d{{4}}-\d\d-\d\d|\d{{4}}\b)"
_PUBLISHED = re.compile(
    rf"\b(?:published|publication date|issued)(?: online)?:?\s+(?:on\s+|in\s+)?({_DATE})", re.IGNORECASE
)
_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)[^\d.]{0,60}?((?:19|20)\d\d)\b", re.IGNORECASE)
_PRINTED_DATE = re.compile(rf"\b({_MONTH}\s+(?:\d{{1,2}},?\s+)?\d{{4}}|\d{{1,2}}\s+{_MONTH}\s+\d{{4}})\b")
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+")
_PMID = re.compile(r"\bPMID:?\s*([1-9]\d{0,8})\b", re.IGNORECASE)
_PMCID = re.compile(r"\bPMC\d{5,9}\b")
_ISBN = re.compile(r"\bISBN(?:-1[03])?:?\s*((?:97[89][- ]?)?(?:\d[- ]?){9}[\dXx])\b")
_GOES_ON = re.compile(r"(?:on|of|for|in|and|to|with)\b", re.IGNORECASE)
_IMPRINT = re.compile(r"\bISBN\b|©|\bcopyright\b", re.IGNORECASE)
_REFERENCES = re.compile(r"\n(?:references|bibliography)\n", re.IGNORECASE)
_LICENCE = re.compile(r"\bCC[ -]BY(?:-NC)?(?:-SA|-ND)?(?:[ -]\d\.\d)?(?: IGO)?\b|\bCC0\b")
_PUBLIC_DOMAIN = re.compile(r"\b(?:is|are)\s+in\s+the\s+public\s+domain\b", re.IGNORECASE)
_GUIDELINE = re.compile(r"\b(?:guidelines?|recommendations)\b", re.IGNORECASE)
_ABOUT_GUIDELINES = re.compile(
    r"\b(?:adherence|compliance|concordance|implement\w+|trial|survey|cohort|review|quality|comparison|apprais\w+|"
    r"bulletin|news\w*|analysis|impact|evaluation)\b",
    re.IGNORECASE,
)
_BODIES = {
    "World Health Organization": "INT",
    "Centers for Disease Control and Prevention": "US",
    "National Institutes of Health": "US",
    "U.S. Preventive Services Task Force": "US",
    "US Preventive Services Task Force": "US",
}
#: Languages that are not written in Latin letters; where the text is, the file states the wrong one.
_OTHER_SCRIPTS = {"ar", "bg", "el", "fa", "he", "hi", "ja", "ko", "ru", "sr", "th", "uk", "ur", "zh"}


class Structure(NamedTuple):
    """What a file says of itself: ``metadata`` by lower-case name, ``outline`` the titles of its bookmarks."""

    metadata: Mapping[str, str]
    outline: tuple[str, ...]


class _TypeGroup(NamedTuple):
    size: float
    y: float  # of the last line
    text: str


def structure_of(content: bytes) -> Structure:
    """Metadata, language and outline; what is damaged is left out, as the text can be read without it."""
    metadata: dict[str, str] = {}
    outline: tuple[str, ...] = ()
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            reader.decrypt("")
        metadata = {str(k).lstrip("/").casefold(): cleaned(str(v)) for k, v in (reader.metadata or {}).items()}
        metadata["language"] = str(reader.root_object.get("/Lang", ""))
        outline = tuple(_titles(reader.outline))
    except Exception:  # noqa: S110  a damaged file raises whatever its damage leads to
        pass
    return Structure(metadata, outline)


def _titles(entries: Iterable[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _titles(entry)
        elif (title := cleaned(str(entry.title or ""))) and not title.startswith("_"):
            yield title


def source_of_pdf(name: str, metadata: Mapping[str, str], pages: list[Page]) -> Source:
    """The record; a field that neither metadata nor first pages state is absent."""
    front = [_text(page) for page in pages[:_FRONT_PAGES]]
    own = [_REFERENCES.split(text)[0] for i, text in enumerate(front) if i < 2 or _IMPRINT.search(text)]
    title = title_of(metadata, pages) or cleaned(PurePath(name).stem) or name
    body = _issuing_body(metadata, front)
    isbn = next((m[1] for text in own if (m := _ISBN.search(text))), None)
    stated = {
        "authors": _authors(metadata.get("author", ""), " ".join(front)),
        "doi": _own_doi(metadata, own),
        "pmid": _only(m for text in own for m in _PMID.findall(text)),
        "pmcid": _only(m for text in own for m in _PMCID.findall(text)),
        "published": _published(front),
        "publisher": metadata.get("publisher"),
        "issuing_body": body,
        "jurisdiction": _BODIES.get(body or ""),
        "licence": _licence(front, pages),
        "language": _language(metadata.get("language", ""), " ".join(front)),
        "evidence_type": _evidence_type(title, pages).value,
        "note": f"ISBN {isbn}" if isbn else None,
    }
    return source_of(key_of_file(name), title, {k: v for k, v in stated.items() if v})


def title_of(metadata: Mapping[str, str], pages: list[Page]) -> str:
    """The title in the metadata unless it is a file's name, else the largest text of the first page that has words."""
    stated = metadata.get("title", "")
    if stated and not _NO_TITLE.search(stated):
        return stated
    for page in pages[:2]:
        if title := _largest(page):
            return title
    return ""


def _largest(page: Page) -> str:
    """The largest worded text of a page, with what goes on under it in smaller type ("of …", or after a colon)."""
    groups = _type_groups(page)
    worded = [
        i for i, g in enumerate(groups) if len(re.findall(r"[^\W\d_]{2,}", g.text)) >= 2 and 8 <= len(g.text) <= 300
    ]
    if not worded:
        return ""
    i = max(worded, key=lambda i: groups[i].size)
    title = groups[i].text
    if i + 1 in worded and groups[i + 1].size > 0.4 * groups[i].size:
        after = groups[i + 1].text
        if title.endswith((":", "–", "—")) or _GOES_ON.match(after):
            title = f"{title} {after}"
    return cleaned(title)


def _type_groups(page: Page) -> list[_TypeGroup]:
    """Lines of one size that follow each other, as one text."""
    groups: list[_TypeGroup] = []
    for row in rows_of(page.segments):
        size, y = max(s.size for s in row), row[0].y
        text = " ".join(s.text for s in row)
        if groups and abs(groups[-1].size - size) < 0.6 and y - groups[-1].y < 1.8 * size:
            groups[-1] = _TypeGroup(size, y, f"{groups[-1].text} {text}")
        else:
            groups.append(_TypeGroup(size, y, text))
    return groups


def _text(page: Page) -> str:
    return "\n".join(cleaned(" ".join(s.text for s in row)) for row in rows_of(page.segments))


def _own_doi(metadata: Mapping[str, str], own: list[str]) -> str | None:
    """The DOI in the metadata, or the only one on the pages that speak of the document itself, first page first."""
    for key in ("doi", "wps-articledoi", "identifier", "subject"):
        if doi := doi_of(metadata.get(key)):
            return doi
    for text in own:
        found = {doi for match in _DOI.findall(text) if (doi := doi_of(match))}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _only(found: Iterable[str]) -> str | None:
    values = {*found}
    return values.pop() if len(values) == 1 else None


def _authors(stated: str, front: str) -> list[str]:
    """Names that also stand on the first pages; the typist who made the file does not."""
    parts = re.split(r"\s*;\s*|\s+and\s+|\s*,\s*(?=[^,]+\s)" if ";" not in stated else r"\s*;\s*", stated)
    names = [p for p in parts if 2 <= len(p.split()) <= 5 and p[:1].isupper() and not _ORGANISATION.search(p)]
    return names if names and all(max(re.findall(r"\w+", n), key=len) in front for n in names) else []


def _published(front: list[str]) -> str | None:
    text = "\n".join(front)
    if match := _PUBLISHED.search("\n".join(front[:2])):
        return date_of(match[1])
    if match := _COPYRIGHT.search(text):
        return match[1]
    printed = dict.fromkeys(_PRINTED_DATE.findall(front[0] if front else ""))
    dates = [date for text in printed if (date := date_of(text))]
    return dates[0] if len({date[:4] for date in dates}) == 1 else None


def _issuing_body(metadata: Mapping[str, str], front: list[str]) -> str | None:
    """The one body of known office named as the author or the holder of the rights, or else on a cover."""
    cover = front[0] if front and len(front[0]) < _COVER else ""
    rights = " ".join(m[0] for text in front for m in re.finditer(r"©.{0,80}", text))
    for place in (f"{metadata.get('author', '')} {rights}", cover):
        if found := [body for body in _BODIES if body.casefold() in place.casefold()]:
            return found[0] if len(found) == 1 else None
    return None


def _licence(front: list[str], pages: list[Page]) -> str | None:
    texts = [*front, *(_text(page) for page in pages[-1:])]
    if match := next((m for text in texts if (m := _LICENCE.search(text))), None):
        return match[0]
    return "public domain" if any(_PUBLIC_DOMAIN.search(text) for text in texts) else None


def _language(stated: str, text: str) -> str | None:
    language = language_of(stated)
    is_latin = sum(c.isascii() for c in text) > 0.7 * len(text)
    return None if language in _OTHER_SCRIPTS and is_latin else language


def _evidence_type(title: str, pages: list[Page]) -> EvidenceType:
    """A guideline only where the title, or large type on the first page, says so of the document itself."""
    groups = _type_groups(pages[0]) if pages else []
    largest = max((g.size for g in groups if " " in g.text), default=0.0)
    printed = " ".join(g.text for g in groups if g.size >= _LARGE * largest)
    is_about = _ABOUT_GUIDELINES.search(title)
    is_guideline = not is_about and _GUIDELINE.search(f"{title} {printed}")
    return EvidenceType.GUIDELINE if is_guideline else EvidenceType.UNCLASSIFIED
