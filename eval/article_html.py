"""The blocks of an answer in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from eval.article_blocks import BOLD_LEVEL, Block, Kind, is_bold_heading, raised
from rag.ingest.readers.assembly import cleaned, row_text
from rag.ingest.readers.html_tree import is_unseen, walked

_BLOCKS = frozenset(
    "address article aside blockquote body br dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul".split()
)
_CELLS = frozenset(("td", "th"))


def read(text: str) -> Iterator[Block]:
    """The blocks of the body of a page, without what a reader of it does not see, or only on opening it."""
    body = LexborHTMLParser(text).body
    if body is not None:
        page = _Page()
        for node, is_start in walked(body, _is_left_out):
            page.take(node, is_start)
        yield from page.found


def _is_left_out(node: LexborNode) -> bool:
    return is_unseen(node) or (node.tag == "details" and "open" not in node.attributes)


class _Page:
    """Takes the nodes of a page in order; ``found`` are its blocks."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self._text: list[str] = []
        self._plain = self._bold = 0
        self._open: dict[str, int] = {}
        self._lists: list[int | None] = []
        self._number: int | None = None
        self._heading = 0
        self._header: list[str] = []
        self._cells: list[str] = []
        self._is_head = True

    def take(self, node: LexborNode, is_start: bool) -> None:
        tag = node.tag or ""
        if node.is_text_node:
            self._add(node.text_content or "")
            return
        if tag in _CELLS:
            self._cell(tag, is_start)
        elif tag in _BLOCKS:
            self._end_block(is_row=tag == "tr" and not is_start)
        self._open[tag] = self._open.get(tag, 0) + (1 if is_start else -1)
        if tag in ("ol", "ul") and not is_start:
            self._lists.pop()
        elif tag in ("ol", "ul"):
            start = node.attributes.get("start") or "1"
            self._lists.append(int(start) - 1 if tag == "ol" and start.isdigit() else None)
        elif tag == "li" and is_start and self._lists:
            counted = self._lists[-1]
            self._lists[-1] = self._number = None if counted is None else counted + 1
        elif tag == "table":
            self._header = []
        elif tag == "hr" and is_start:
            self.found.append(Block(Kind.RULE, ""))
        elif re.fullmatch(r"h[1-6]", tag):
            self._heading = int(tag[1]) if is_start else 0

    def _add(self, text: str) -> None:
        if self._open.get("sup"):
            text = raised(text)
        if text.strip() and (self._open.get("b", 0) > 0 or self._open.get("strong", 0) > 0):
            self._bold += 1
        elif text.strip():
            self._plain += 1
        self._text.append(text)

    def _cell(self, tag: str, is_start: bool) -> None:
        text = self._taken()
        if not is_start:
            self._cells.append(text)
            self._is_head = self._is_head and tag == "th"

    def _taken(self) -> str:
        text, self._text = cleaned("".join(self._text)), []
        self._plain = self._bold = 0
        return text

    def _end_block(self, *, is_row: bool) -> None:
        is_bold = self._bold > 0 and not self._plain
        text, depth = self._taken(), len(self._lists)
        if is_row:
            self._end_row()
        elif text and self._heading:
            self.found.append(Block(Kind.HEADING, text, self._heading))
        elif text and is_bold and not depth and is_bold_heading(text):
            self.found.append(Block(Kind.HEADING, text, BOLD_LEVEL))
        elif text:
            self.found.append(Block(Kind.ITEM if depth else Kind.PARAGRAPH, text, depth, self._number))
            self._number = None

    def _end_row(self) -> None:
        """A row all of whose cells are heads names the columns of those after it."""
        cells, self._cells = self._cells, []
        is_head, self._is_head = self._is_head, True
        if cells and is_head:
            self._header = cells
        elif cells:
            self.found.append(Block(Kind.ITEM, row_text(self._header, cells), 1))
