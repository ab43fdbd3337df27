"""Reader of MEDLINE in XML: PubMed's efetch, and its annual baseline and daily update files, compressed or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from pydantic import ValidationError

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import Item, assembled
from rag.ingest.readers.fields import source_of
from rag.ingest.readers.labels import labelled_parts
from rag.ingest.readers.medline_record import cites_of, pmid_of, stated_by, title_of
from rag.ingest.readers.xml import elements, strip_namespaces
from rag.ingest.readers.xml_text import text_of

_RECORDS = ("PubmedArticle", "PubmedBookArticle")
_DELETIONS = ("DeleteCitation", "DeleteDocument")
#: What a label that says nothing is called.
_NAMELESS = frozenset(("UNLABELLED", "UNASSIGNED", "ABSTRACT"))
#: MEDLINE cut long abstracts off until 2000.
_CUT = re.compile(r"\s*\(?ABSTRACT TRUNCATED(?: AT \d+ WORDS)?\.?\)?$")
_CUT_NOTE = "MEDLINE holds only the first part of its abstract."


def read(stream: BinaryIO, name: str) -> Iterator[Document | CorpusError]:
    """A document for each record, in constant memory; the error in place of one that has no abstract, title or PMID.

    Raises:
        CorpusError: no MEDLINE, no record in it, or, when it is reached, what is damaged or not well-formed.
    """
    is_empty = True
    for element in elements(stream, name, *_RECORDS):
        is_empty = False
        yield read_record(element, name)
    if is_empty:
        raise CorpusError(
            f"{name}: holds no records; expected a <PubmedArticleSet> with a <PubmedArticle>; fetch it again"
        )


def read_record(record: Any, name: str) -> Document | CorpusError:
    """The document of one ``PubmedArticle`` or ``PubmedBookArticle``, or why there is none."""
    if next(record.iter("{http://www.w3.org/1998/Math/MathML}math"), None) is not None:
        strip_namespaces(record)
    pmid = pmid_of(record)
    if not pmid:
        return CorpusError(f"{name}: a record has no PMID; expected <PMID> with a number; fetch it again")
    title = title_of(record)
    if not title:
        return CorpusError(f"{name}: PMID {pmid} has no title; expected <ArticleTitle>; leave it out")
    items, is_cut = _abstract(record)
    if not items:
        return CorpusError(f"{name}: PMID {pmid} has no abstract, so nothing to quote; get its full text")
    stated = stated_by(record)
    if is_cut:
        stated["note"] = " ".join(filter(None, (str(stated.get("note") or ""), _CUT_NOTE)))
    try:
        return assembled(source_of(f"pmid{pmid}", title, stated), items, cites_of(record))
    except ValidationError as error:
        return CorpusError(f"{name}: PMID {pmid}: {error.errors()[0]['msg']}; expected a valid record; leave it out")


def deleted(stream: BinaryIO, name: str) -> list[str]:
    """The PMIDs that an update file withdraws from earlier files.

    Raises:
        CorpusError: as ``read``, but not for a file without any.
    """
    pmids = []
    for element in elements(stream, name, *_RECORDS, *_DELETIONS):
        if element.tag in _DELETIONS:
            pmids += [text_of(pmid) for pmid in element.iter("PMID")]
    return pmids


def _abstract(record: Any) -> tuple[list[Item], bool]:
    """The parts of the abstract under their labels, and whether the record holds only its beginning."""
    items: list[Item] = []
    is_cut = False
    abstract = _abstract_element(record)
    for part in abstract.iterchildren("AbstractText") if abstract is not None else ():
        text = text_of(part)
        whole = _CUT.sub("", text)
        is_cut |= whole != text
        label = (part.get("Label") or "").strip().rstrip(":")
        if label and label.upper() not in _NAMELESS:
            items.append(Item(whole, ("Abstract", label.capitalize() if label.isupper() else label)))
        else:
            items += [Item(t, ("Abstract", name) if name else ("Abstract",)) for name, t in labelled_parts(whole)]
    return [item for item in items if item.text], is_cut


def _abstract_element(record: Any) -> Any | None:
    """``OtherAbstract``, a translation or a plain-language summary, only where there is no abstract; first English."""
    abstract = next(record.iter("Abstract"), None)
    if abstract is not None:
        return abstract
    others = list(record.iter("OtherAbstract"))
    return min(others, key=lambda other: other.get("Language", "eng") != "eng", default=None)
