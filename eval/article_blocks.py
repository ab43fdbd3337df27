"""The blocks of an answer: its headings, paragraphs and list items; and how plain text is read into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, NamedTuple

from rag.ingest.readers.assembly import RAISED, cleaned

Form = Literal["text", "markdown", "html"]


class Kind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    RULE = "rule"


class Block(NamedTuple):
    """``level`` is that of a heading, from 1, or the depth of an item; ``number`` that of a numbered item."""

    kind: Kind
    text: str
    level: int = 0
    number: int | None = None


_HTML = re.compile(r"<(?:!doctype|html|body|article|main|section|div|p|h[1-6]|ul|ol|li|br)\b[^<>]*>", re.IGNORECASE)
_MARKDOWN = re.compile(r"^ {0,3}#{1,6} |\*\*[^\s*]|\]\(\S+\)|^\[\^?\d+\]: |^ {0,3}\|.*\|\s*$", re.MULTILINE)
#: A paragraph all in bold is a heading of the lowest level, if it is as short as one.
BOLD_LEVEL, _BOLD_WORDS = 7, 12


def guessed(text: str) -> Form:
    """The form that a text seems to have; plain text unless there are marks of another."""
    if _HTML.search(text):
        return "html"
    return "markdown" if _MARKDOWN.search(text) else "text"


def is_bold_heading(text: str) -> bool:
    """Whether a paragraph that is all in bold is so short, and so ends, that it is a heading."""
    return len(text.split()) <= _BOLD_WORDS and text[-1:] not in ".!;,"


def raised(text: str) -> str:
    """Digits raised, unless the mark has brackets of its own, as [1] has."""
    return text if "[" in text else text.translate(RAISED)


BULLET = re.compile(r"(?P<indent>\s*)(?:[•◦▪‣●·*–—-]|\(?(?P<number>\d{1,3})[.)])\s+(?P<text>\S.*)")
_REFERENCE = re.compile(r"\s*\[\^?\d{1,3}\]")
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|_{3,}|\*{3,})\s*")
_ENDED = re.compile(r"[.!?:;,…][\"'”’)\]]*(?:\s?\[?\d[\d,;\s–-]*\]?)?$")
_LED_ON = re.compile(
    r"\b(?:if|when|with|for|to|of|is|are|should|include|includes|following|recommend|recommends):$", re.I
)
_NAMED = re.compile(
    r"(?:bottom line|short answer|summary|conclusion|related questions|people also ask|references|sources|"
    r"bibliography|(?:\w+ ){0,2}disclaimer|have a follow-?up question\?)[:.]?",
    re.IGNORECASE,
)
_LONGEST_HEADING, _LONGEST_LABEL, _WRAPPED = 120, 4, 60


def read(text: str) -> Iterator[Block]:
    """The blocks of plain text. Its first line is a title, if it is a heading or a question."""
    lines = ["", *text.replace("\t", "    ").splitlines(), ""]
    pending: Block | None = None
    is_first = True
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if not line.strip():
            yield from _flushed(pending)
            pending = None
        elif _UNDERLINE.fullmatch(line):
            yield from _flushed(pending)
            pending = None if before.strip() else Block(Kind.RULE, "")
        elif match := BULLET.fullmatch(line):
            yield from _flushed(pending)
            number = int(match["number"]) if match["number"] else None
            pending = Block(Kind.ITEM, cleaned(match["text"]), len(match["indent"]) + 1, number)
        elif pending and _goes_on(pending.text, line):
            pending = pending._replace(text=f"{pending.text} {cleaned(line)}")
        else:
            yield from _flushed(pending)
            kind = Kind.HEADING if _is_heading(before, line, after) else Kind.PARAGRAPH
            is_title = is_first and (kind is Kind.HEADING or line.rstrip().endswith("?"))
            pending = Block(Kind.HEADING, cleaned(line), 1) if is_title else Block(kind, cleaned(line), 2)
        is_first = is_first and not line.strip()
    yield from _flushed(pending)


def _flushed(pending: Block | None) -> Iterator[Block]:
    if pending:
        yield pending


def _goes_on(before: str, line: str) -> bool:
    """Whether a line continues the one before it, which was broken at the margin."""
    if _ENDED.search(before) or _REFERENCE.match(line) or _NAMED.fullmatch(line.strip()):
        return False
    return line.strip()[0].islower() or len(before) >= _WRAPPED


def _is_heading(before: str, line: str, after: str) -> bool:
    line = line.strip()
    if _NAMED.fullmatch(line) or (_UNDERLINE.fullmatch(after) and not _ENDED.search(line)):
        return True
    if before.strip() or len(line) > _LONGEST_HEADING or not (line[0].isupper() or line[0].isdigit()):
        return False
    if line.endswith(":"):
        return len(line.split()) <= _LONGEST_LABEL and not _LED_ON.search(line)
    return not _ENDED.search(line) and (not after.strip() or bool(BULLET.fullmatch(after)) or line.isupper())
