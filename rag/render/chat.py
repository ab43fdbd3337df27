"""An answer as the text of a chat: Markdown in pieces, with the place of each citation mark in it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rag.domain import Answer
from rag.render.markdown import blocks

#: A mark, which stands behind a space or another mark. Closing brackets of an answer's own words have a backslash
#: before them, and those of a link an address behind them.
_MARK: Final = re.compile(r"(?<=[ \]])\[(\d+)\](?!\()")


class Cited(NamedTuple):
    """A mark such as "[3]": ``text[start:end]``, in code points, of reference ``number``."""

    start: int
    end: int
    number: int


class Chat(NamedTuple):
    """``pieces`` are paragraphs, headings and lists, to be sent one by one: joined they are ``text``."""

    pieces: tuple[str, ...]
    citations: tuple[Cited, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def to_chat(answer: Answer) -> Chat:
    """An answer for a chat front end: without HTML, marks as they are, which front ends turn into links of their own.

    What is not an answer says so, with its reason, in the second piece.
    """
    *before, last = blocks(answer, "plain")
    pieces = (*(f"{block}\n\n" for block in before), f"{last}\n")
    return Chat(pieces, tuple(_citations("".join(pieces))))


def _citations(text: str) -> list[Cited]:
    return [Cited(*found.span(), int(found[1])) for found in _MARK.finditer(text)]
