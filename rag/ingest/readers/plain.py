"""Reader of plain text: paragraphs between blank lines, bullets, and headings told by how they are set."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO

from rag.domain import BlockKind, Document, Source
from rag.errors import CorpusError
from rag.ingest.readers.assembly import Item, assembled, cleaned, key_of_file

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_C1 = re.compile(r"[\x80-\x9f]")
_MAX_TITLE = 200
_MAX_HEADING = 80
_SIGN = re.compile(r"\s*[-*+•◦▪‣·–]\s+(?=\S)")
_NUMBER = re.compile(r"\s*(?:\(?[0-9]{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)")
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|~{3,})\s*")
_NUMBERED = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2}){0,4})\.?\s+([A-Z]\S*(?: \S+){0,10})")
_SENTENCE_END = (".", ",", ";", ":", "!", "?")
_WORD = re.compile(r"[^\W\d_]+")
_LAST_WORD = re.compile(r"(?<![\w-])([^\W\d_]{2,40})-$")
_FIRST_WORD = re.compile(r"[a-zà-ÿ]{2,40}(?![\w-])")


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The one document of a text file, its first line the title when it is short.

    Raises:
        CorpusError: binary, of an encoding that cannot be told, or empty.
    """
    lines = _decoded(stream.read(), name).splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    title = cleaned(lines[first]) if first < len(lines) and len(lines[first]) <= _MAX_TITLE else ""
    is_alone = first + 1 >= len(lines) or not lines[first + 1].strip() or bool(_UNDERLINE.fullmatch(lines[first + 1]))
    items = list(_items(lines[first + 1 :] if title and is_alone else lines))
    if not items and title:  # a text of one line
        items = [Item(title)]
    if not items:
        raise CorpusError(f"{name}: has no text; expected at least one line")
    source = Source(key=key_of_file(name), title=(title if is_alone else "") or cleaned(PurePath(name).stem) or name)
    yield assembled(source, items)


def _decoded(content: bytes, name: str) -> str:
    """The text by its byte order mark, else as UTF-8, else as windows-1252 when that is what it may be."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            try:
                text = content[len(bom) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise CorpusError(f"{name}: not {encoding} at byte {error.start}; save the file as UTF-8") from error
            if "\0" in text:
                raise CorpusError(f"{name}: is binary (a NUL at {text.index(chr(0))}); expected a text file")
            return text
    if b"\0" in content:
        raise CorpusError(f"{name}: is binary (a NUL byte at {content.index(0)}); expected a text file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        try:
            text = content.decode("windows-1252")
        except UnicodeDecodeError:
            text = "\x80"
        if _C1.search(text):
            raise CorpusError(
                f"{name}: neither UTF-8 (byte {problem.start}) nor windows-1252; save the file as UTF-8"
            ) from problem
        return text


def _items(lines: list[str]) -> Iterator[Item]:
    words = {word.casefold() for line in lines for word in _WORD.findall(line)}
    headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    block_before: list[str] = []
    is_empty = False  # whether nothing has come yet under the last heading
    for block in _blocks(lines):
        if heading := _heading(block):
            if is_empty and headings[-1][0] >= heading[0]:  # what looked like a heading has nothing under it
                headings, path = headings[:-1], path[:-1]
                yield Item(_joined(block_before, words), path, _kind(block_before))
            headings = [*(h for h in headings if h[0] < heading[0]), heading]
            path = tuple(text for _, text in headings)
            is_empty, block_before = True, block[:1]
        else:
            is_empty = False
            yield Item(_joined(block, words), path, _kind(block))
    if is_empty:
        yield Item(_joined(block_before, words), path[:-1], _kind(block_before))


def _kind(block: list[str]) -> BlockKind:
    return BlockKind.LIST_ITEM if _SIGN.match(block[0]) or _NUMBER.match(block[0]) else BlockKind.PARAGRAPH


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Lines that belong together: up to a blank one, the next item of a list, or a heading that a line underlines."""
    block: list[str] = []
    for i, line in enumerate(lines):
        is_underlined = i + 1 < len(lines) and bool(line.strip()) and _is_underline(line, lines[i + 1])
        if block and (not line.strip() or is_underlined or _starts_item(line, block)):
            yield block
            block = []
        if line.strip():
            block.append(line)
        if len(block) == 2 and _is_underline(*block):
            yield block
            block = []
    if block:
        yield block


def _starts_item(line: str, block: list[str]) -> bool:
    """Whether a line without a blank one before it starts an item: in a list, or after a colon.

    Elsewhere it may be the middle of a sentence: "at a dose of" may end one line and "5. Then" start the next.
    """
    for mark in (_SIGN, _NUMBER):
        if mark.match(line):
            return bool(mark.match(block[0])) or block[-1].rstrip().endswith(":")
    return False


def _is_underline(line: str, below: str) -> bool:
    return len(line) <= _MAX_HEADING and bool(_UNDERLINE.fullmatch(below)) and not _UNDERLINE.fullmatch(line)


def _heading(block: list[str]) -> tuple[int, str] | None:
    """A heading with its level: underlined (= 1, else 2), numbered "1.2 Title" (by its numbers), or all in capitals."""
    line = cleaned(block[0]) if len(block[0]) <= 2 * _MAX_HEADING else ""
    if len(block) == 2 and line and _is_underline(*block):
        return (1 if "=" in block[1] else 2), line
    if len(block) != 1 or not 2 < len(line) <= _MAX_HEADING or line.endswith(_SENTENCE_END[:-3]):
        return None
    if match := _NUMBERED.fullmatch(line):
        return match[1].count(".") + 1, line
    has_words = sum(character.isalpha() for character in line) >= 4
    return (1, line.rstrip(":")) if line.isupper() and has_words and not _SIGN.match(line) else None


def _joined(block: list[str], words: set[str]) -> str:
    """Hard-wrapped lines as one, without a bullet; a number stays, which the text may refer to.

    A hyphen at a line's end stays, "low-" "dose" being "low-dose", unless the word stands elsewhere in the text without
    it: "thrombo-" "cytopenia" is "thrombocytopenia" where that is found.
    """
    sign = _SIGN.match(block[0])
    parts = [block[0][sign.end() if sign else 0 :].rstrip()]
    for line in block[1:]:
        text = line.strip()
        last, first = _LAST_WORD.search(parts[-1][-60:]), _FIRST_WORD.match(text)
        if last and first and (last[1] + first[0]).casefold() in words:
            parts[-1] = parts[-1][:-1]
        elif not (len(parts[-1]) > 1 and parts[-1][-1] == "-" and parts[-1][-2].isalnum()):
            parts.append(" ")
        parts.append(text)
    return cleaned("".join(parts))
