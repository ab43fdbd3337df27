"""What a web page says of itself: encoding, and the bibliographic record in its ``<meta>`` and ``<link>`` elements."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from selectolax.lexbor import LexborHTMLParser

from rag.ingest.readers.assembly import cleaned
from rag.ingest.readers.fields import doi_of

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
#: Encodings of text that web pages use; Python's others, such as "unicode_escape", would change what is written.
_ENCODING = re.compile(
    r"utf-?8|iso-8859-\d+|windows-\d{3,4}|cp125\d|koi8-[ru]|shift[_-]jis|euc-(?:jp|kr)|gbk|gb2312|gb18030|big5|"
    r"iso-2022-jp|macintosh",
    re.IGNORECASE,
)
#: Read as windows-1252, as browsers do.
_WESTERN = frozenset(("iso-8859-1", "us-ascii", "ascii", "latin1", "latin-1"))
_HEAD_BYTES = 4096

#: Names of ``<meta>``, best first, for each field that has one value.
_SINGLE = {
    "title": ("citation_title", "dc.title", "dcterms.title", "prism.title"),
    "published": (
        "citation_publication_date",
        "citation_date",
        "citation_cover_date",
        "citation_online_date",
        "dc.date.issued",
        "dcterms.issued",
        "article:published_time",
        "dc.date",
        "dcterms.date",
        "prism.publicationdate",
        "date",
    ),
    "container": ("citation_journal_title", "citation_inbook_title", "prism.publicationname"),
    "volume": ("citation_volume", "prism.volume"),
    "issue": ("citation_issue", "prism.number"),
    "doi": ("citation_doi", "prism.doi", "dc.identifier.doi", "dc.identifier", "dcterms.identifier"),
    "pmid": ("citation_pmid",),
    "pmcid": ("citation_pmcid",),
    "language": ("citation_language", "dc.language", "dcterms.language"),
    "publisher": ("citation_publisher", "dc.publisher", "dcterms.publisher", "article:publisher", "og:site_name"),
    "licence": ("dc.rights", "dcterms.license", "dcterms.rights", "citation_license"),
}
_AUTHORS = ("citation_author", "citation_authors", "dc.creator", "dcterms.creator", "author", "article:author")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def decoded(content: bytes) -> str:
    """The page's text by its byte order mark, else by what it says in its head, else UTF-8, else windows-1252."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, "replace")
    match = _CHARSET.search(content[:_HEAD_BYTES])
    stated = match[1].decode("ascii", "replace").casefold() if match else ""
    if stated in _WESTERN:
        return content.decode("windows-1252", "replace")
    if _ENCODING.fullmatch(stated):
        try:
            return content.decode(stated, "replace")
        except LookupError:  # a number that no encoding of the family has
            pass
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace")


def stated_by(page: LexborHTMLParser) -> dict[str, object]:
    """Fields of ``Source`` that the page states of itself; ``title`` only when it is there as metadata."""
    metas = _metas(page)
    stated: dict[str, object] = {field: _first(metas, names) for field, names in _SINGLE.items()}
    stated["doi"] = next(
        (doi for name in _SINGLE["doi"] for text in metas.get(name, ()) if (doi := doi_of(text))), None
    )
    authors = next((texts for name in _AUTHORS if (texts := _names(metas.get(name, [])))), [])
    stated["authors"] = authors
    stated["pages"] = "-".join(
        text for name in ("citation_firstpage", "citation_lastpage") for text in metas.get(name, ())[:1]
    )
    stated["language"] = stated["language"] or (page.root.attributes.get("lang") if page.root else None)
    licence = page.css_first("link[rel~=license i]") or page.css_first("a[rel~=license i]")
    stated["licence"] = stated["licence"] or (licence.attributes.get("href") if licence else None)
    canonical = page.css_first("link[rel~=canonical i]")
    address = (canonical.attributes.get("href") if canonical else None) or ""
    stated["url"] = address if _ADDRESS.match(address) else _first(metas, ("og:url", "citation_public_url"))
    return stated


def title_of(page: LexborHTMLParser, stated: Mapping[str, object]) -> str:
    """The title in the metadata, else the only ``<h1>``, else ``og:title``, else ``<title>``; "" without any."""
    if stated.get("title"):
        return str(stated["title"])
    headings = [text for node in page.css("h1") if (text := cleaned(node.text(separator=" ")))]
    if len(headings) == 1:
        return headings[0]
    shared = _first(_metas(page), ("og:title", "twitter:title"))
    node = page.css_first("title")
    return shared or (cleaned(node.text()) if node else "") or next(iter(headings), "")


def _metas(page: LexborHTMLParser) -> dict[str, list[str]]:
    """Contents by name in small letters, each in the order of the page."""
    metas: dict[str, list[str]] = {}
    for node in page.css("meta[content]"):
        attributes = node.attributes
        name = (attributes.get("name") or attributes.get("property") or "").casefold()
        content = cleaned(attributes.get("content") or "")
        if name and content:
            metas.setdefault(name, []).append(content)
    return metas


def _first(metas: Mapping[str, list[str]], names: tuple[str, ...]) -> str:
    return next((metas[name][0] for name in names if name in metas), "")


def _names(texts: list[str]) -> list[str]:
    """Names of people, each on its own, also where one element has several; addresses of their pages are none."""
    names = [cleaned(name) for text in texts for name in text.split(";")]
    return [name for name in names if name and not _ADDRESS.match(name)]
