"""What a model writes, read while it comes: one JSON object for each statement, whatever stands around them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

#: Longest object and longest statement, in characters. Four sentences have 600.
_MAX_OBJECT, MAX_STATEMENT = 4000, 600
#: Most quotes that a statement may rest on: one that rests on more is a summary, not a statement.
MAX_CITED = 4
_MAX_DIGITS = 6


class Line(NamedTuple):
    """A statement as a model writes it, of a section (0 is the bottom line), with numbers of the evidence it cites.

    ``repairs`` is the number of the statement that it is another attempt at, if it is one.
    """

    section: int
    evidence: tuple[int, ...]
    text: str
    repairs: int | None = None


class Malformed(NamedTuple):
    """An object that is no statement."""

    text: str


class Lines:
    """Takes pieces of text and gives the statements that are complete.

    Anything outside an object is passed over: a fence, a list around them, words before them. Of objects in one
    another the innermost count. The time is linear in what comes.
    """

    def __init__(self) -> None:
        self._object: list[str] | None = None
        self._length = 0
        self._in_string = self._is_escaped = False

    def fed(self, piece: str) -> Iterator[Line | Malformed]:
        """What is complete with this piece."""
        for character in piece:
            read = self._read(character)
            if read is not None:
                yield read

    def ended(self) -> Iterator[Malformed]:
        """What is incomplete at the end."""
        if self._object is not None:
            yield self._dropped()

    def _read(self, character: str) -> Line | Malformed | None:
        if character == "{" and not self._in_string:
            self._object, self._length = [], 0
        if self._object is None:
            return None
        self._object.append(character)
        self._length += 1
        if self._in_string:
            if character == "\n" or self._length > _MAX_OBJECT:  # JSON has no line end in a string: it was left open
                return self._dropped()
            self._in_string = self._is_escaped or character != '"'
            self._is_escaped = character == "\\" and not self._is_escaped
            return None
        if character == "}":
            written, self._object = "".join(self._object), None
            return _line(written)
        self._in_string = character == '"'
        return self._dropped() if self._length > _MAX_OBJECT else None

    def _dropped(self) -> Malformed:
        written, self._object = "".join(self._object or ()), None
        self._in_string = self._is_escaped = False
        return Malformed(written)


def _line(written: str) -> Line | Malformed:
    try:
        read: Any = json.loads(written)
    except (ValueError, RecursionError):
        return Malformed(written)
    text, section, repairs = read.get("text"), _number(read.get("section")), _number(read.get("repairs"))
    evidence = read.get("evidence")
    numbers = [_number(n) for n in evidence] if isinstance(evidence, list) and len(evidence) <= MAX_CITED else [None]
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_STATEMENT or section is None:
        return Malformed(written)
    cited = [n for n in numbers if n is not None]
    if len(cited) < len(numbers):
        return Malformed(written)
    whole = _whole(" ".join(text.split()))
    return Malformed(written) if whole is None else Line(section, tuple(dict.fromkeys(cited)), whole, repairs)


def _whole(text: str) -> str | None:
    """With characters that came in two halves, or as a letter and its accent, made one; None with a half alone."""
    try:
        joined = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None
    return unicodedata.normalize("NFC", joined)


def _number(value: object) -> int | None:
    """A number from 0, also as digits, which small models write as often."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MAX_DIGITS
    return value if is_number and isinstance(value, int) else None
