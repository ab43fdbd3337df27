"""Reader of the starter format: Markdown with a YAML header, one statement a list item or paragraph.

The body is parsed by markdown-it, so that any CommonMark document can be read; a trailing attribute block such as
``{#hit001 strength="strong recommendation"}`` belongs to the item it ends, not to its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from rag.domain import BlockKind, Document, Source
from rag.errors import CorpusError
from rag.ingest.readers.assembly import Item, assembled, row_text

_HEADER = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n?(.*)\Z", re.DOTALL)
_ATTRIBUTES = re.compile(r"\s*\{(#[\w.-]+(?:\s+[\w-]+=\"[^\"]*\")*|(?:[\w-]+=\"[^\"]*\"\s*)+)\}\s*$")
_PAIR = re.compile(r"([\w-]+)=\"([^\"]*)\"")
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
#: What stands for an inline HTML tag; any other tag is text, such as "ALT <ULN>".
_TAGS = {"sup": "", "sub": "", "br": " ", "br/": " ", "b": "", "i": "", "em": "", "strong": "", "span": "", "u": ""}
_PARAGRAPH = BlockKind.PARAGRAPH
_SPACE = re.compile(r"\s+")
#: The header of a source with 1,000 authors has 30 kB, and YAML is read at about 100 kB a second.
_MAX_HEADER = 256 * 1024
_SHOWN = 60


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The one document of a Markdown file."""
    yield read_markdown(stream.read(), name)


def read_markdown(content: bytes, name: str) -> Document:
    """The document in ``content``; ``name`` is only used in messages.

    Raises:
        CorpusError: not UTF-8, no YAML header, or a header that is no valid source record.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    match = _HEADER.match(text)
    if not match:
        raise CorpusError(f"{name}: no YAML header; expected the file to start with a block between two lines of ---")
    return assembled(_source(match[1], name), _items(match[2]))


def read_file(path: Path) -> Document:
    """``read_markdown`` of a file."""
    return read_markdown(path.read_bytes(), path.name)


class _HeaderLoader(yaml.SafeLoader):
    """Plain YAML without aliases, by which a few lines may stand for more than memory holds."""

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias such as *name; write out what it stands for")
        return super().compose_node(parent, index)


def _source(header: str, name: str) -> Source:
    if len(header) > _MAX_HEADER:
        raise CorpusError(f"{name}: a YAML header of {len(header):,} characters, expected {_MAX_HEADER:,} at most")
    try:
        fields: Any = _HeaderLoader(header).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2020-13-45
        problem = _SPACE.sub(" ", str(error))[:400]
        raise CorpusError(f"{name}: the YAML header cannot be read: {problem}") from error
    if not isinstance(fields, dict):
        raise CorpusError(
            f"{name}: the YAML header is a {type(fields).__name__}, expected fields such as key: and title:"
        )
    try:
        return Source.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "header"
        got = repr(first["input"])
        got = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
        raise CorpusError(f"{name}: {where}: {first['msg']} (got {got})") from error


def _items(body: str) -> Iterator[Item]:
    """Every paragraph, list item, table row and code block, in order; one with attributes is a statement."""
    open_headings: list[tuple[int, str]] = []  # with their levels, which a document may skip
    path: tuple[str, ...] = ()
    header: list[str] = []
    stream = MarkdownIt("commonmark").enable("table").parse(body)
    for i, token in enumerate(stream):
        if token.type == "inline" and stream[i - 1].type == "heading_open":
            level = int(stream[i - 1].tag[1:])
            open_headings = [*(h for h in open_headings if h[0] < level), (level, _plain(token))]
            path = tuple(heading for _, heading in open_headings if heading)
        elif token.type == "inline" and stream[i - 1].type == "paragraph_open":
            text, attributes = _split_attributes(_plain(token))
            kind = BlockKind.LIST_ITEM if "list_item_open" in {stream[i - 2].type, stream[i - 1].type} else _PARAGRAPH
            yield Item(text, path, BlockKind.STATEMENT if attributes else kind, attributes=attributes)
        elif token.type == "thead_open":
            header = [_plain(t) for t in _row(stream, i + 1)]
        elif token.type == "tr_open" and stream[i - 1].type != "thead_open":
            yield Item(row_text(header, (_plain(t) for t in _row(stream, i))), path, BlockKind.TABLE_ROW)
        elif token.type in ("fence", "code_block"):
            yield Item(_SPACE.sub(" ", token.content).strip(), path)


def _row(stream: list[Token], start: int) -> Iterator[Token]:
    for token in (stream[i] for i in range(start, len(stream))):  # a slice would copy all the rows that follow
        if token.type == "tr_close":
            return
        if token.type == "inline":
            yield token


def _plain(token: Token) -> str:
    """Text of an inline token without its markup, white space folded."""
    parts, is_raised = [], False
    for child in token.children or []:
        if child.type == "html_inline":
            tag = child.content.lower().strip("</> ").split(" ")[0]
            is_raised = child.content.lower().startswith("<sup") or (is_raised and tag != "sup")
            parts.append(_TAGS.get(tag, child.content))
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type in ("text", "code_inline", "text_special"):
            # 10<sup>9</sup> must not become 109
            parts.append(child.content.translate(_RAISED) if is_raised else child.content)
    return _SPACE.sub(" ", "".join(parts)).strip()


def _split_attributes(text: str) -> tuple[str, dict[str, str]]:
    match = _ATTRIBUTES.search(text)
    if not match:
        return text, {}
    attributes = dict(_PAIR.findall(match[1]))
    if match[1].startswith("#"):
        attributes["anchor"] = match[1][1:].split()[0]
    return text[: match.start()], attributes
