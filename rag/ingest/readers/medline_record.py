"""The bibliographic record of one MEDLINE citation in XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from rag.domain import EvidenceType
from rag.ingest.readers.evidence import evidence_type_of
from rag.ingest.readers.fields import date_of, doi_of
from rag.ingest.readers.xml_text import text_of

_PMID = re.compile(r"0*([1-9]\d{0,8})")
_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b")
_ABBREVIATION_END = re.compile(r"(?:\.\w|\.)\.$")  # "in the U.S.", "…"
_NO_TITLE = frozenset(("", "Not Available", "Untitled"))
#: What others have said of it, in our words. The first two also retract it, and ``UpdateIn`` supersedes it.
_NOTES = {
    "RetractionIn": "Retracted; the notice is {}.",
    "RetractedandRepublishedIn": "Retracted and published again as {}.",
    "UpdateIn": "Updated by {}.",
    "PartialRetractionIn": "Retracted in part; the notice is {}.",
    "ExpressionOfConcernIn": "The journal has expressed concern about it in {}.",
    "CorrectedandRepublishedIn": "Corrected and published again as {}.",
    "ErratumIn": "Corrected by {}.",
    "RetractionOf": "Notice of the retraction of {}.",
    "PartialRetractionOf": "Notice of the retraction of a part of {}.",
    "ErratumFor": "Correction of {}.",
    "ExpressionOfConcernFor": "Expression of concern about {}.",
}
_PERSON, _GROUP = ("LastName", "Initials", "Suffix"), ("CollectiveName",)
_RETRACTING = ("RetractionIn", "RetractedandRepublishedIn")
_SUPERSEDING = ("UpdateIn", "RetractedandRepublishedIn")


def pmid_of(record: Any) -> str:
    """The PMID, "" when there is none; that of the record itself, not of one that it names."""
    match = _PMID.fullmatch(_text(record, "*/PMID"))
    return match[1] if match else ""


def title_of(record: Any) -> str:
    """Without the brackets of a translated title and the full stop; in its own language when it has no English one."""
    body = _body(record)
    names = ("ArticleTitle", "VernacularTitle", "Book/BookTitle")
    titles = (_bare(_text(body, name)) for name in names) if body is not None else ()
    return next((title for title in titles if title not in _NO_TITLE), "")


def _bare(title: str) -> str:
    title = title if _ABBREVIATION_END.search(title) else title.removesuffix(".")
    is_translated = title.startswith("[") and title.endswith("]") and title.find("]", 0, -1) <= title.rfind("[")
    if is_translated:
        return title[1:-1].removesuffix(".")
    return title


def stated_by(record: Any) -> dict[str, object]:
    """Fields of ``Source`` as the record states them, in no checked form."""
    body = _body(record)
    is_book = record.tag == "PubmedBookArticle"
    types = [text_of(node) for node in body.iter("PublicationType")]
    mesh = [text_of(node) for node in record.iterfind("MedlineCitation/MeshHeadingList/MeshHeading/DescriptorName")]
    stated = _book(body) if is_book else _journal(body)
    authors = next((a for a in body.iterchildren("AuthorList") if a.get("Type", "authors") == "authors"), None)
    languages = [text_of(node) for node in body.iterchildren("Language")]
    return {
        **stated,
        **_ids(record, body),
        **_corrections(record),
        "authors": list(_authors(authors)),
        "et_al": authors is not None and authors.get("CompleteYN") == "N",
        "pages": _text(body, "Pagination/MedlinePgn"),
        "licence": _text(body, "Abstract/CopyrightInformation"),
        "language": "eng" if "eng" in languages else next(iter(languages), None),
        "publication_types": types,
        "mesh": list(dict.fromkeys(mesh)),
        "evidence_type": _book_type(types) if is_book else None,
    }


def cites_of(record: Any) -> Iterator[str]:
    """Each work once: "doi:…", else "pmid:…", else the entry as text."""
    seen = set()
    for reference in record.iter("Reference"):
        ids = {node.get("IdType"): node.text for node in reference.iter("ArticleId")}
        doi, pmid = doi_of(ids.get("doi")), _PMID.fullmatch((ids.get("pubmed") or "").strip())
        work = f"doi:{doi}" if doi else f"pmid:{pmid[1]}" if pmid else text_of(reference.find("Citation"))
        if work and work not in seen:
            seen.add(work)
            yield work


def _body(record: Any) -> Any:
    body = record.find("MedlineCitation/Article")
    return body if body is not None else record.find("BookDocument")


def _text(element: Any, path: str) -> str:
    return text_of(element.find(path))


def _parts(element: Any | None) -> dict[str, Any]:
    """Children by name, the last of each: one pass, where a search for each would take most of the time."""
    return {child.tag: child for child in element} if element is not None else {}


def _journal(article: Any) -> dict[str, object]:
    journal = _parts(article.find("Journal"))
    issue = _parts(journal.get("JournalIssue"))
    issued = _date(issue.get("PubDate"))
    electronic = _date(article.find("ArticleDate"))
    return {
        "container": text_of(journal.get("ISOAbbreviation")) or text_of(journal.get("Title")),
        "volume": text_of(issue.get("Volume")),
        "issue": text_of(issue.get("Issue")),
        "published": electronic or issued,
        "year": (issued or electronic or "")[:4],  # the issue's, by which it is cited
    }


def _book(document: Any) -> dict[str, object]:
    published = _date(document.find("ContributionDate")) or _date(document.find("Book/PubDate"))
    return {
        "container": _text(document, "Book/BookTitle"),
        "publisher": _text(document, "Book/Publisher/PublisherName"),
        "published": published,
    }


def _book_type(types: list[str]) -> EvidenceType:
    """Chapters of books are typed "Review", whatever they are."""
    found = evidence_type_of(types)
    weak = (EvidenceType.NARRATIVE_REVIEW, EvidenceType.UNCLASSIFIED)
    return EvidenceType.TEXTBOOK if found in weak else found


def _date(node: Any | None) -> str | None:
    """ISO 8601 of parts such as 2018, Mar or 03, 7; of a range such as "1998 Dec-1999 Jan" the first year."""
    texts = {tag: text_of(part) for tag, part in _parts(node).items()}
    parts = list(takewhile(bool, (texts.get(name, "") for name in ("Year", "Month", "Day"))))
    if not parts:
        year = _YEAR.search(texts.get("MedlineDate", ""))
        return year[0] if year else None
    return date_of(" ".join(parts) if len(parts) > 1 and parts[1].isalpha() else "-".join(parts))


def _authors(authors: Any | None) -> Iterator[str]:
    """ "Cuker A"; a group as it calls itself."""
    for author in authors.iterchildren("Author") if authors is not None else ():
        if author.get("ValidYN") == "N":
            continue
        parts = _parts(author)
        kinds = _PERSON if "LastName" in parts else _GROUP
        if name := " ".join(filter(None, [text_of(parts.get(kind)) for kind in kinds])):
            yield name


def _ids(record: Any, body: Any) -> dict[str, object]:
    """A DOI that the record calls invalid is left out; references have lists of ids, too, which are not looked at."""
    lists = (*record.iterfind("PubmedData/ArticleIdList/ArticleId"), *body.iterfind("ArticleIdList/ArticleId"))
    ids = {node.get("IdType"): node.text or "" for node in lists}
    located = [e for e in body.iterchildren("ELocationID") if e.get("EIdType") == "doi"]
    dois = [e.text or "" for e in located if e.get("ValidYN", "Y") == "Y"]
    invalid = {doi_of(e.text) for e in located if e.get("ValidYN", "Y") != "Y"}
    doi = next((doi for text in (*dois, ids.get("doi")) if (doi := doi_of(text)) and doi not in invalid), None)
    return {"pmid": pmid_of(record), "doi": doi, "pmcid": ids.get("pmc")}


def _corrections(record: Any) -> dict[str, object]:
    """Whether it still stands, and what others have said of it."""
    links: list[tuple[str, str, str]] = []
    for node in record.iterfind("MedlineCitation/CommentsCorrectionsList/CommentsCorrections"):
        kind = node.get("RefType", "")
        if kind in _NOTES or kind == "UpdateOf":  # most are "Cites"
            pmid = _PMID.fullmatch(_text(node, "PMID"))
            links.append((kind, f"pmid{pmid[1]}" if pmid else "", _text(node, "RefSource")))
    if not links:
        return {}
    notes = [
        note.format(f"PMID {key.removeprefix('pmid')}" if key else source or "not named")
        for kind, note in _NOTES.items()
        for ref_type, key, source in links
        if ref_type == kind
    ]
    kinds = {kind for kind, _, _ in links}
    newer = [key or source or "not named" for kind, key, source in links if kind in _SUPERSEDING]
    return {
        "retracted": not kinds.isdisjoint(_RETRACTING),
        # of several updates the latest, which has the highest PMID
        "superseded_by": max(newer, key=lambda key: (key.startswith("pmid"), len(key), key), default=None),
        "supersedes": [key or source for kind, key, source in links if kind == "UpdateOf" and (key or source)],
        "note": " ".join(dict.fromkeys(notes)),
    }
