"""Tables of a page: which of them hold data, and their rows as they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from rag.ingest.readers.assembly import Item
from rag.ingest.readers.grid import Cell, Row, table_items

_TWO_COLUMNS = "td + td, td + th, th + td, th + th"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_INDENT_STYLE = re.compile(
    r"(?:padding-left|text-indent|margin-left)\s*:\s*([0-9]{1,4}(?:\.[0-9]{1,3})?)(px|pt|r?em)", re.I
)
_INDENT_CLASS = re.compile(r"(?:^|\s)indent(?:ed)?-?([0-9]?)(?:\s|$)", re.I)
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0}


def is_data_table(node: LexborNode) -> bool:
    """Not one that arranges the page: with another table in it, with headings in plain cells, or of one column."""
    if (node.attributes.get("role") or "").casefold() in ("presentation", "none"):
        return False
    if any(table.mem_id != node.mem_id for table in node.css("table")) or not node.css_first(_TWO_COLUMNS):
        return False
    return node.css_first("th") is not None or node.css_first(_HEADINGS) is None


class TableBuilder:
    """The rows of one table; ``mem_id`` is its element's."""

    def __init__(self, mem_id: int) -> None:
        self.mem_id = mem_id
        self._rows: list[tuple[list[Cell], str]] = []
        self._names: list[bool] = []  # for each row, whether all its cells are headings
        self._group = "tbody"
        self._next = Cell("")

    def open(self, node: LexborNode) -> bool:
        """The start of a part of the table; whether it is one piece of text, which ``add`` then brings."""
        tag = node.tag or ""
        if tag in ("thead", "tbody", "tfoot"):
            self._group = tag
        elif tag == "tr" or (tag in ("td", "th") and not self._rows):
            self._rows.append(([], self._group))
            self._names.append(True)
        if tag in ("td", "th"):
            self._names[-1] &= tag == "th"
            self._next = Cell("", _span(node, "colspan"), _span(node, "rowspan"), _indent(node))
        return tag in ("td", "th", "caption")

    def add(self, text: str, indent: int, is_bold: bool) -> None:
        cell = self._next._replace(text=text, indent=indent + self._next.indent, is_bold=is_bold)
        self._rows[-1][0].append(cell)

    def items(self) -> Iterator[Item]:
        """A table without ``<thead>`` is headed by the rows at its top that are all ``<th>``."""
        has_head = any(group == "thead" for _, group in self._rows)
        leading = 0 if has_head else next((i for i, is_names in enumerate(self._names) if not is_names), 0)
        return table_items(
            [
                Row(cells, group == "thead" or i < leading, group == "tfoot")
                for i, (cells, group) in enumerate(self._rows)
            ]
        )


def _span(node: LexborNode, name: str) -> int:
    value = (node.attributes.get(name) or "").strip()
    return int(value) if value.isdecimal() and len(value) < 6 else 1


def _indent(node: LexborNode) -> int:
    """The indent in a cell's style, in pixels, or in its class: "indent2" is more than "indent"."""
    style = _INDENT_STYLE.search(node.attributes.get("style") or "")
    if style:
        return round(float(style[1]) * _PIXELS[style[2].casefold()])
    name = _INDENT_CLASS.search(node.attributes.get("class") or "")
    return int(name[1] or 1) if name else 0
