"""Running text of a page: raised digits, marks of footnotes and citations, bold, and links."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from rag.ingest.readers.assembly import RAISED, cleaned

_CITATION = re.compile(r"[\s\d,;–\-\[\]()*†‡§¶a-z]{1,40}")
_NUMBERS = re.compile(r"[\s\d,;–-]+")
#: A mark of a footnote: a letter or a sign. Not "n", which is a power.
_FOOTNOTE_MARK = re.compile(r"\s*(?:[a-m]|[*†‡§¶‖#]{1,3})(?:\s*,\s*[a-m*†‡§¶‖#])*\s*")
_BOLD = frozenset(("b", "strong"))
_TERM_END = (":", "?", ".")


class Inline:
    """The text since the last block's end, in pieces."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._links: list[str] = []
        self._raised: list[tuple[int, bool]] = []  # where each open <sup> starts, and whether it is in a link
        self._bold = 0
        self._anchors = 0
        self._has_plain = False

    def add(self, text: str) -> None:
        self._parts.append(text)
        if not self._bold and not self._has_plain and text.strip():
            self._has_plain = True

    def open(self, node: LexborNode) -> None:
        if node.tag == "br":
            self._parts.append(" ")
        elif node.tag in _BOLD:
            self._bold += 1
        elif node.tag == "a":
            address = node.attributes.get("href") or ""
            self._links.append(address)
            self._anchors += address.startswith("#")
            if self._raised:
                self._raised[-1] = (self._raised[-1][0], True)
        elif _is_raised(node):
            self._raised.append((len(self._parts), self._anchors > 0))

    def close(self, node: LexborNode) -> None:
        if node.tag in _BOLD:
            self._bold -= 1
        elif node.tag == "a":
            self._anchors -= (node.attributes.get("href") or "").startswith("#")
        elif self._raised and _is_raised(node):
            start, is_linked = self._raised.pop()
            text = "".join(self._parts[start:])
            del self._parts[start:]
            before = next((part[-1] for part in reversed(self._parts) if part), "")
            self._parts.append(_raised(text, is_linked, before))

    def has_text(self) -> bool:
        return any(part.strip() for part in self._parts)

    def is_bold(self) -> bool:
        return not self._has_plain

    def indent(self) -> int:
        """How many spaces that a browser keeps stand before the text."""
        text = "".join(self._parts).lstrip(" \t\r\n\f")
        return len(text) - len(text.lstrip("\xa0\u2002\u2003\u2007"))

    def end_term(self) -> None:
        """The end of what a list defines: "HIT: …"."""
        term = cleaned("".join(self._parts))
        self._parts = [term if term.endswith(_TERM_END) else f"{term}:", " "]

    def take(self) -> tuple[str, list[str]]:
        """The text in one line and the addresses it links to; what follows starts anew."""
        text, links = cleaned("".join(self._parts)), self._links
        self._parts, self._links, self._has_plain = [], [], False
        self._raised = [(0, is_linked) for _, is_linked in self._raised]
        return text, links


def _is_raised(node: LexborNode) -> bool:
    """A ``<sup>``, or the exponent in a formula."""
    if node.tag == "sup":
        return True
    parent = node.parent
    return parent is not None and parent.tag == "msup" and node.mem_id == getattr(parent.last_child, "mem_id", None)


def _raised(text: str, is_linked: bool, before: str) -> str:
    """10<sup>9</sup> must not become 109; the number of a reference or the mark of a footnote is no part of the text.

    A number raised after the end of a clause is a citation also where it links to nothing.
    """
    if is_linked and _CITATION.fullmatch(text):
        return ""
    if before in (".", ",", ";") and _NUMBERS.fullmatch(text):
        return ""
    return "" if _FOOTNOTE_MARK.fullmatch(text) else text.translate(RAISED)
