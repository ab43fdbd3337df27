"""Reader of JATS, the XML of PubMed Central and of most publishers, also as sets of articles and in OAI answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.files import MAX_FILE_BYTES
from rag.ingest.readers.assembly import assembled, key_of, key_of_file
from rag.ingest.readers.fields import source_of, stated_fields
from rag.ingest.readers.jats_body import items_of
from rag.ingest.readers.jats_front import stated_by
from rag.ingest.readers.jats_references import cites_of
from rag.ingest.readers.xml import elements, strip_namespaces


def read(stream: BinaryIO, name: str) -> Iterator[Document | CorpusError]:
    """A document for each article; in a set of several, the error in place of one that has no text.

    Raises:
        CorpusError: no JATS, not well-formed, or a file of a single article without title or text.
    """
    count = 0
    for article in elements(stream, name, "article", most_bytes=MAX_FILE_BYTES):
        count += 1
        is_alone = article.getparent() is None
        found = _read_article(article, name, count)
        if is_alone and isinstance(found, CorpusError):
            raise found
        yield found
    if not count:
        raise CorpusError(f"{name}: holds no <article>; expected JATS XML, such as PubMed Central's; check its format")


def _read_article(article: Any, name: str, number: int) -> Document | CorpusError:
    strip_namespaces(article)
    subject = name if number == 1 else f"{name}: article {number}"
    if article.find("front/article-meta") is None:
        return CorpusError(f"{subject}: has no <article-meta>; expected JATS with front matter; fetch the full XML")
    stated = stated_by(article)
    title = str(stated["title"])
    fields = stated_fields(stated)
    key = _key(fields, name, number)
    if not title:
        return CorpusError(f"{subject}: {key} has no <article-title>; expected one; add it or leave the file out")
    document = assembled(source_of(key, title, stated), items_of(article), cites_of(article))
    if not document.blocks:
        return CorpusError(
            f"{subject}: {key} has metadata only; expected an abstract or a body; get its text or leave the file out"
        )
    return document


def _key(fields: dict[str, Any], name: str, number: int) -> str:
    """By PMCID, else by PMID, DOI or the file's name."""
    if fields.get("pmcid"):
        return str(fields["pmcid"]).lower()
    if fields.get("pmid"):
        return f"pmid{fields['pmid']}"
    if fields.get("doi"):
        return key_of(fields["doi"])
    return key_of_file(name) if number == 1 else key_of(f"{key_of_file(name)}-{number}")
