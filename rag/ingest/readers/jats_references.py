"""The reference list of a JATS article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.ingest.readers.assembly import cleaned
from rag.ingest.readers.fields import doi_of
from rag.ingest.readers.jats_front import name_of
from rag.ingest.readers.xml import HREF
from rag.ingest.readers.xml_text import text_of

_CITATIONS = ("element-citation", "mixed-citation", "citation", "nlm-citation")
_PMID = re.compile(r"0*([1-9]\d{0,8})")


def cites_of(article: Any) -> Iterator[str]:
    """Each work once: "doi:…", else "pmid:…", else the entry as text."""
    seen = set()
    for part in article.iterchildren("body", "back"):
        for reference in part.iter("ref"):
            for citation in _citations(reference):
                work = _work(citation)
                if work and work not in seen:
                    seen.add(work)
                    yield work


def _citations(reference: Any) -> list[Any]:
    """An entry may cite several works, and give one of them in several forms."""
    alternatives = reference.find("citation-alternatives")
    found = [*(reference if alternatives is None else alternatives).iterchildren(*_CITATIONS)]
    return found if alternatives is None else found[:1]


def _work(citation: Any) -> str:
    ids = {node.get("pub-id-type"): cleaned("".join(node.itertext())) for node in citation.iter("pub-id")}
    links = " ".join(node.get(HREF) or "" for node in citation.iter("ext-link", "uri"))
    doi = doi_of(ids.get("doi")) or (doi_of(links) if "doi.org/" in links else None)
    if doi:
        return f"doi:{doi}"
    pmid = _PMID.fullmatch(ids.get("pmid") or "")
    if pmid:
        return f"pmid:{pmid[1]}"
    is_punctuated = any((part.tail or "").strip() for part in citation)
    return text_of(citation) if is_punctuated or not len(citation) else _printed(citation)


def _printed(citation: Any) -> str:
    """An entry whose parts have no punctuation between them, with some."""
    parts: dict[str, str] = {}
    for part in ("article-title", "chapter-title", "source", "year", "volume", "fpage", "lpage", "comment"):
        parts[part] = text_of(citation.find(part)).rstrip(". ")
    authors = ", ".join([name_of(name) for name in citation.iter("name")] + [*map(text_of, citation.iter("collab"))])
    pages = "-".join(filter(None, (parts["fpage"], parts["lpage"])))
    place = ":".join(filter(None, (parts["volume"], pages)))
    when = ";".join(filter(None, (parts["year"], place)))
    texts = (authors, parts["article-title"], parts["chapter-title"], parts["source"], when, parts["comment"])
    return ". ".join(filter(None, texts)) or text_of(citation)
