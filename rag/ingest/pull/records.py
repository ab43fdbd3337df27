"""NCBI's XML: parsed without entities, without DTD and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: An element of lxml, which has no types.
Element = Any

RECORD_TAGS = ("PubmedArticle", "PubmedBookArticle")
_PMID_PATHS = ("MedlineCitation/PMID", "BookDocument/PMID")


def parse(content: bytes) -> Element:
    """The root. Raises ``ValueError`` when ``content`` is not well-formed from its beginning to its end."""
    from lxml import etree

    # huge_tree stays off: it would lift libxml2's guards against answers made to exhaust memory.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None


def serialise(element: Element) -> bytes:
    """UTF-8 without an XML declaration."""
    from lxml import etree

    content: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
    return content


def comments(element: Element) -> Iterator[str]:
    from lxml import etree

    return (comment.text or "" for comment in element.iter(etree.Comment))


def pmid(record: Element) -> str:
    """Of the record itself, not of those that it refers to; "" when it has none."""
    return next((text.strip() for path in _PMID_PATHS if (text := record.findtext(path))), "")


def pmids(root: Element) -> list[str]:
    """Of the records in an answer, in its order."""
    return [pmid(record) for record in root.iterchildren(*RECORD_TAGS)]
