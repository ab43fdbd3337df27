"""From the elements of a page, as they open and close, to its items and its reference list."""

from __future__ import annotations

import re
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from rag.domain import BlockKind
from rag.ingest.readers.assembly import Item
from rag.ingest.readers.fields import doi_of
from rag.ingest.readers.html_inline import Inline
from rag.ingest.readers.html_table import TableBuilder, is_data_table
from rag.ingest.readers.html_tree import names_of

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr legend li main ol p pre section summary table tbody td tfoot th thead tr "
    "ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
#: The level of a short paragraph all in bold, which many pages use for their lowest headings.
_BOLD_LEVEL = 7
_MAX_HEADING = 200
_BOX_NAMES = frozenset(
    "box boxed-text boxedtext callout key-points keypoints keypoint infobox text-box textbox summary-box".split()
)
_REFERENCES = re.compile(
    r"(?:[0-9.]+\s*)?(?:references?|reference list|bibliography|literature(?: cited)?|works cited|cited literature|"
    r"referencias(?: bibliográficas)?|bibliografía|références|bibliographie|literatur(?:verzeichnis)?)[ :]*",
    re.IGNORECASE,
)
_REFERENCE_NAMES = frozenset("references reference-list ref-list reflist bibliography citation-list".split())
_NOISE = re.compile(
    r"(?:back to |return to |go to )?top(?: of (?:the )?page)?|error processing ssi file", re.IGNORECASE
)
#: The line over a figure or table, which many pages set as a heading.
_CAPTION = re.compile(
    r"(?:fig(?:ure|ura)?|table|tabla|tableau|tabelle|box|cuadro|recuadro)\b(?:\.? ?[A-Z]?[0-9]+\b|[.:](?= )).*", re.I
)
_FIGURE = re.compile("fig", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_PMID = re.compile(r"(?:pmid:?\s*|pubmed(?:\.ncbi\.nlm\.nih\.gov|/)/?)(\d{1,9})", re.IGNORECASE)
_LINK_WORDS = re.compile(r"(?:\s*\[?\b(?:crossref|pubmed|google scholar|external icon|pdf icon|medline)\b\]?)+$", re.I)
#: What a short paragraph all in bold must be like to be a heading: no sentence.
_BOLD_HEADING = re.compile(r"(?=.{2,80}$).*[^.,;]")
_MAY_HOLD_HEADINGS = (BlockKind.PARAGRAPH, BlockKind.BOX)


class _Context(NamedTuple):
    """An element that says what the blocks in it are, with the headings that stood before it."""

    mem_id: int
    kind: BlockKind
    headings: list[tuple[int, str]]


class ItemBuilder:
    """Takes the nodes of a page in order; ``items`` and ``cites`` are whole after ``finish``.

    Within a heading, a table cell, a caption or an entry of the reference list other elements do not end the text: each
    is one piece.
    """

    def __init__(self, title: str) -> None:
        self.items: list[Item] = []
        self.cites: list[str] = []
        self._title = title
        self._inline = Inline()
        self._headings: list[tuple[int, str]] = []
        self._pending = ""  # a bold paragraph: a heading if something other than a heading follows
        self._contexts: list[_Context] = []
        self._piece: int | None = None
        self._table: TableBuilder | None = None
        self._has_term = False
        self._in_references = self._is_list_seen = False
        self._references: int | None = None

    def add_text(self, text: str) -> None:
        self._inline.add(text)

    def open(self, node: LexborNode, is_small: bool) -> None:
        """The start of an element; ``is_small``: it holds so little of the page that it may be a box in it."""
        tag = node.tag or ""
        if tag not in _BLOCKS:
            self._inline.open(node)
        elif self._piece is not None:
            self._inline.add(" ")
        else:
            if not (tag == "dd" and self._has_term):
                self._end_block()
            self._enter(node, tag, is_small)

    def close(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag not in _BLOCKS:
            self._inline.close(node)
        elif self._piece is None:
            self._leave(node, tag)
        elif self._piece == node.mem_id:
            self._piece = None
            self._end_piece(tag)
        else:
            self._inline.add(" ")

    def finish(self) -> None:
        self._end_block()
        self._settle()

    def _enter(self, node: LexborNode, tag: str, is_small: bool) -> None:
        names = names_of(node)
        if tag in _HEADINGS or (self._in_references and tag == "li"):
            self._piece = node.mem_id
        elif self._table:
            if self._table.open(node):
                self._piece = node.mem_id
        elif tag == "table" and is_data_table(node):
            self._leave_references()
            self._table = TableBuilder(node.mem_id)
        elif kind := _kind(node, tag, names, is_small):
            self._contexts.append(_Context(node.mem_id, kind, [*self._headings]))
        if not _REFERENCE_NAMES.isdisjoint(names) or node.attributes.get("role") == "doc-bibliography":
            self._references = node.mem_id
            self._in_references, self._is_list_seen = True, False

    def _leave(self, node: LexborNode, tag: str) -> None:
        if tag == "dt" and self._inline.has_text():
            self._has_term = True
            self._inline.end_term()
        else:
            self._end_block(may_be_heading=tag in ("p", "div"))
        if self._table and self._table.mem_id == node.mem_id:
            table, self._table = self._table, None
            items = [*table.items()]
            self._settle(becomes_heading=bool(items))
            self._rows(items)
        if self._contexts and self._contexts[-1].mem_id == node.mem_id:
            context = self._contexts.pop()
            if context.kind is BlockKind.BOX:
                self._settle()
                self._headings = context.headings
        if self._references == node.mem_id:
            self._references = None
            self._leave_references()

    def _rows(self, items: list[Item]) -> None:
        """A table's items, its rows under the caption that stands before them: it says whose numbers they are."""
        path = self._path()
        for item in items:
            before = self.items[-1] if self.items else None
            if before and before.kind is BlockKind.CAPTION and not _FIGURE.match(before.text):
                path = (*self._path(), before.text)
            self.items.append(item._replace(heading_path=self._path() if item.kind is BlockKind.CAPTION else path))

    def _end_piece(self, tag: str) -> None:
        indent, is_bold = self._inline.indent(), self._inline.is_bold()
        text, links = self._inline.take()
        if tag in _HEADINGS:
            self._head(_HEADINGS[tag], text)
        elif tag == "li":
            self._is_list_seen = True
            if text:
                self.cites.append(cited(text, links))
        elif tag == "caption":
            self._emit(text, BlockKind.CAPTION)
        elif self._table:
            self._table.add(text, indent, is_bold)

    def _end_block(self, may_be_heading: bool = False) -> None:
        is_bold = self._inline.is_bold()
        text, links = self._inline.take()
        kind = BlockKind.LIST_ITEM if self._has_term else self._kind()
        self._has_term = False
        if not text or _NOISE.fullmatch(text):
            return
        if self._in_references and not self._is_list_seen and _YEAR.search(text):
            self.cites.append(cited(text, links))
        elif is_bold and kind in _MAY_HOLD_HEADINGS and _CAPTION.fullmatch(text):
            self._emit(text, BlockKind.CAPTION)
        elif may_be_heading and is_bold and kind in _MAY_HOLD_HEADINGS and _BOLD_HEADING.fullmatch(text):
            self._settle()
            self._in_references = bool(_REFERENCES.fullmatch(text))
            self._pending = text
        else:
            self._emit(text, kind)

    def _emit(self, text: str, kind: BlockKind) -> None:
        if text:
            self._settle(becomes_heading=True)
            if self._is_list_seen:
                self._leave_references()
            self.items.append(Item(text, self._path(), kind))

    def _settle(self, becomes_heading: bool = False) -> None:
        """The bold paragraph before: a heading over what comes, or a paragraph, lest its words be lost."""
        pending, self._pending = self._pending, ""
        if pending and becomes_heading:
            self._headings = [*(h for h in self._headings if h[0] < _BOLD_LEVEL), (_BOLD_LEVEL, pending.rstrip(": "))]
        elif pending and not _REFERENCES.fullmatch(pending):
            self.items.append(Item(pending, self._path(), self._kind()))

    def _head(self, level: int, text: str) -> None:
        if _CAPTION.fullmatch(text):
            self._emit(text, BlockKind.CAPTION)
            return
        if len(text) > _MAX_HEADING:
            self._emit(text, self._kind())
            return
        self._settle()
        self._in_references, self._is_list_seen = bool(_REFERENCES.fullmatch(text)), False
        self._headings = [*(h for h in self._headings if h[0] < level), (level, text)]

    def _leave_references(self) -> None:
        """What comes after the entries is no longer under the list's heading."""
        self._in_references = self._is_list_seen = False
        self._headings = [h for h in self._headings if not _REFERENCES.fullmatch(h[1])]

    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings if text and text != self._title)

    def _kind(self) -> BlockKind:
        kinds = [context.kind for context in self._contexts]
        return BlockKind.BOX if BlockKind.BOX in kinds else kinds[-1] if kinds else BlockKind.PARAGRAPH


def _kind(node: LexborNode, tag: str, names: list[str], is_small: bool) -> BlockKind | None:
    if tag in ("li", "dt", "dd"):
        return BlockKind.LIST_ITEM
    if tag in ("figcaption", "caption") or "caption" in names:
        return BlockKind.CAPTION
    is_aside = tag == "aside" or node.attributes.get("role") in ("complementary", "note")
    if is_small and (is_aside or not _BOX_NAMES.isdisjoint(names)):
        return BlockKind.BOX
    return None


def cited(entry: str, links: list[str]) -> str:
    """An entry of a reference list as "doi:…" or "pmid:…", by its text or what it links to, else as printed."""
    if doi := next((doi for text in (*links, entry) if (doi := doi_of(text))), None):
        return f"doi:{doi}"
    if pmid := next((match[1] for text in (*links, entry) if (match := _PMID.search(text))), None):
        return f"pmid:{pmid}"
    return _LINK_WORDS.sub("", entry)
