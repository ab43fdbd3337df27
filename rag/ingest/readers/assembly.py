"""What readers share: clean text, keys, and the joining of items to a document with exact offsets."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import PurePath
from typing import NamedTuple

from rag.domain import Block, BlockKind, Document, Source
from rag.ingest.pieces import MOST, TARGET, estimated_tokens

_ANY_LIGATURE = re.compile("[\ufb00-\ufb06]")
#: Control and format characters, lone surrogates, and private-use ones, whose meaning only their font knows.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff]"
)
#: What a raised digit or sign becomes, so that 10<sup>9</sup> is never read as 109.
RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9_.-]+")
_MAX_KEY = 80
_CELL = " | "
#: A row this short is never parted, by its characters; a name that is longer than this is not repeated.
_SHORT_ROW, _LONGEST_NAME = 380, 60
#: Latin ligatures (U+FB00 to U+FB06), which typesetting puts in and no search would find.
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}


class Item(NamedTuple):
    """A block before it has its place: ``heading_path`` from the outermost heading in, ``page`` from 1."""

    text: str
    heading_path: tuple[str, ...] = ()
    kind: BlockKind = BlockKind.PARAGRAPH
    page: int | None = None
    attributes: dict[str, str] = {}  # noqa: RUF012  never changed


def cleaned(text: str) -> str:
    """``text`` in one line: white space folded, ligatures resolved, soft hyphens and invisible characters removed.

    Composed (NFC), not NFKC, which would turn 10⁹ into 109 and µg into another letter.
    """
    if not text.isascii():
        # Looking first is three times as fast: few texts have any.
        text = unicodedata.normalize("NFC", text.translate(_LIGATURES) if _ANY_LIGATURE.search(text) else text)
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def row_text(header: Iterable[str], cells: Iterable[str]) -> str:
    """A table row that can be quoted alone: "Drug: argatroban | Dose: 2 mcg/kg/min".

    A cell without a heading stands by itself, and an empty cell is left out. Cells that span columns are the caller's
    affair: two equal neighbours are two values.
    """
    pairs = zip_longest(cells, header, fillvalue="")
    return _CELL.join(f"{name}: {cell}" if name and name != cell else cell for cell, name in pairs if cell)


def key_of(identifier: str) -> str:
    """A source key from an identifier or a file's name without its suffix; the same when it is one already.

    Where characters had to be replaced, a digest of the whole keeps different identifiers apart.
    """
    key = _NOT_IN_A_KEY.sub("-", identifier).strip("-._")[:_MAX_KEY]
    if key == identifier:
        return key
    mark = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{key}-{mark}" if key else f"source-{mark}"


def key_of_file(name: str) -> str:
    """The key for a file that carries no identifier: from its name, without folder and suffix."""
    return key_of(PurePath(name).stem)


def _in_passages(item: Item) -> Iterator[Item]:
    """A table row too wide for one passage as several, each with the row's name: values must not lose their subject."""
    if item.kind is not BlockKind.TABLE_ROW or len(item.text) < _SHORT_ROW or estimated_tokens(item.text) <= MOST:
        yield item
        return
    first, *cells = item.text.split(_CELL)
    if ": " not in first and len(cells) > 1:  # the name of the rows it stands among, before its own
        first = f"{first}{_CELL}{cells.pop(0)}"
    name_tokens = estimated_tokens(first)
    if name_tokens > _LONGEST_NAME or not cells:
        yield item
        return
    part, tokens = first, name_tokens
    for cell in cells:
        cell_tokens = estimated_tokens(cell) + 2
        if tokens > name_tokens and tokens + cell_tokens > TARGET:
            yield item._replace(text=part)
            part, tokens = first, name_tokens
        part, tokens = f"{part}{_CELL}{cell}", tokens + cell_tokens
    yield item._replace(text=part)


def assembled(source: Source, items: Iterable[Item], cites: Iterable[str] = ()) -> Document:
    """Items joined by blank lines into one text, each a block with its offsets; empty ones are left out."""
    parts: list[str] = []
    blocks: list[Block] = []
    at = 0
    for item in (part for whole in items if whole.text for part in _in_passages(whole)):
        blocks.append(
            Block(
                start=at,
                end=at + len(item.text),
                heading_path=item.heading_path,
                page=item.page,
                kind=item.kind,
                attributes=item.attributes,
            )
        )
        parts.append(item.text)
        at += len(item.text) + 2
    return Document(source=source, text="\n\n".join(parts), blocks=tuple(blocks), cites=tuple(cites))
