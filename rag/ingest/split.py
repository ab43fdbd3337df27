"""From a document to passages: what is retrieved and cited.

A section is cut into groups of blocks that belong together (a recommendation with its strength, a sentence with the
list that it introduces, a table with its caption), and groups are packed into passages up to a size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import groupby
from typing import NamedTuple

from rag.domain import BlockKind, Checked, Document, Passage, Source
from rag.errors import CorpusError
from rag.ingest.pieces import LONGEST, MOST, SHORT, TARGET, Piece, cut, estimated_tokens, joined, whole
from rag.ingest.strength import stated_strength

#: Part of every snapshot's digest: raise it when the rules below change.
SPLITTER_VERSION = "3"

#: Tokens of the window that a passage's context may fill with it; the rest is for the tokenizer's own marks.
_ROOM = 250
#: By how much an estimate of tokens falls short at worst in 19 of 20 texts; see ``estimated_tokens``.
_ERROR = 1.25
#: A title is never cut to less than this, for the vectors of short titles say what a passage is about.
_LEAST_TITLE = 24
_SAYS_NOTHING = {"abstract", "text", "main text", "body", "full text"}

_RECOMMENDATION = re.compile(
    r"(?i:(?:key |strong |conditional )?recommendations?\s*(?:\d+(?:\.\d+)*[a-z]?\b|[:–—]))|"
    r"(?:\d+(?:\.\d+)*[.)]?\s+)?(?:We|WHO|[Tt]he (?:[\w-]+ ){0,4}"
    r"(?:panel|[Cc]ommittee|[Gg]roup|[Ff]orce|[Ss]ociety|[Cc]ollege|[Aa]ssociation|[Gg]uideline|USPSTF))\s+"
    r"(?:strongly |conditionally )?(?:recommend|suggest)s?\b"
)
_ITS_STRENGTH = re.compile(
    r"[(\[]?\s*(?:(?:strength|grade|class)(?: of (?:the )?recommendations?)?\b|recommendation (?:strength|grade|class)|"
    r"(?:overall )?(?:quality|certainty|level|strength|confidence)\b[\w ]{0,20}\bevidence|certainty\s*:|LOE\b|"
    r"(?:strong|weak|conditional)(?: recommendation|\s*[,;⨁⊕])|(?:ungraded )?good practice statement|[⨁⊕])",
    re.IGNORECASE,
)
_ITS_REMARKS = re.compile(r"(?:remarks?|notes?|comments?|qualifying statements?)\s*[:.–—]", re.IGNORECASE)


def split(document: Document) -> list[Passage]:
    """Passages in reading order, never across a section.

    A block with attributes (a statement of the starter format) is a passage and one sentence: it is quoted whole.
    A passage of several pages has the first one's number. Passages with the same text are kept once.

    Raises:
        CorpusError: a block says that it was checked in a way that does not exist.
    """
    passages = dict[str, Passage]()
    for piece in _pieces(document):
        passage = _passage(document, piece)
        passages.setdefault(passage.passage_id, passage)
    return list(passages.values())


def passage_id(source_key: str, text: str) -> str:
    """Stable across rebuilds: depends on the source's key and the passage's text only."""
    return f"{source_key}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def context(passage: Passage, source: Source) -> str:
    """The text that a passage's vector and terms are made from: title, headings from the outermost in, passage.

    Title and headings are left out or cut where they would push the passage out of the encoder's window. A title that
    only repeats the key says nothing. Statements of the starter format stand under their title alone: their headings
    sort them for the reader of the file.
    """
    if passage.anchor:
        return f"{source.title}. {passage.text}"
    room = max(_ROOM - _ERROR * estimated_tokens(passage.text), _LEAST_TITLE)
    title = "" if source.title == source.key else _shortened(source.title, room)
    room -= estimated_tokens(title)
    said, headings = source.title.casefold(), list[str]()
    for heading in reversed(passage.heading_path):  # the innermost says most
        is_new = heading.casefold() not in said and heading.casefold() not in _SAYS_NOTHING
        if is_new and (size := estimated_tokens(heading) + 1) <= room:
            headings.insert(0, heading)
            room -= size
    return " ".join(
        [*(part if part[-1] in ".?!:" else f"{part}." for part in (title, *headings) if part), passage.text]
    )


def _shortened(text: str, room: float) -> str:
    if (tokens := estimated_tokens(text)) <= room:
        return text
    return text[: int(len(text) * room / tokens)].rpartition(" ")[0]


class _Family(Enum):
    """What may share a passage: prose with prose, rows with rows of their table, boxes with boxes.

    A figure's caption and a recommendation stand by themselves: their groups always begin.
    """

    PROSE = auto()
    TABLE = auto()
    BOX = auto()
    CAPTION = auto()
    RECOMMENDATION = auto()


class _Group(NamedTuple):
    """Neighbouring blocks of one section that stay together when they fit. With ``begins`` they never join the last."""

    family: _Family
    blocks: list[Piece]
    begins: bool


def _pieces(document: Document) -> Iterator[Piece]:
    for (_, is_stated), blocks in groupby(document.blocks, key=lambda b: (b.heading_path, bool(b.attributes))):
        if is_stated:
            yield from (Piece(b.start, b.end, 0, ((b.start, b.end),), b) for b in blocks)
        else:
            yield from _packed(document, _groups(document, [whole(document, b) for b in blocks]))


def _groups(document: Document, blocks: list[Piece]) -> Iterator[_Group]:
    at = 0
    while at < len(blocks):
        family, size, begins = _grouped(document, blocks, at)
        yield _Group(family, blocks[at : at + size], begins)
        at += size


def _grouped(document: Document, blocks: list[Piece], at: int) -> tuple[_Family, int, bool]:
    """Family of the group that starts at ``at``, how many blocks it takes up, and whether it begins a passage."""
    kind, text = blocks[at].block.kind, _text(document, blocks[at])
    match kind:
        case BlockKind.BOX:
            return _Family.BOX, 1, False
        case BlockKind.TABLE_ROW:
            return _Family.TABLE, 1, False
        case BlockKind.CAPTION:
            return _captioned(blocks, at, is_figure=text[:3].casefold() == "fig")
    if _RECOMMENDATION.match(text):
        return _Family.RECOMMENDATION, _attached(document, blocks, at), True
    return _Family.PROSE, _introduced(blocks, at) if text.endswith(":") else 1, False


def _captioned(blocks: list[Piece], at: int, is_figure: bool) -> tuple[_Family, int, bool]:
    """A table's caption stands above its first row, or below the last."""
    kinds = [piece.block.kind for piece in blocks[max(at - 1, 0) : at + 2]]
    if not is_figure and at + 1 < len(blocks) and kinds[-1] is BlockKind.TABLE_ROW:
        return _Family.TABLE, 2, True
    if not is_figure and at > 0 and kinds[0] is BlockKind.TABLE_ROW:
        return _Family.TABLE, 1, False
    return _Family.CAPTION, 1, True


def _attached(document: Document, blocks: list[Piece], at: int) -> int:
    """How many blocks a recommendation takes up: itself, its list, its strength and remarks with theirs."""
    introduces, end = _text(document, blocks[at]).endswith(":"), at + 1
    while end < len(blocks):
        text, is_item = _text(document, blocks[end]), blocks[end].block.kind is BlockKind.LIST_ITEM
        if _is_strength(document, blocks[end]) or _ITS_REMARKS.match(text):
            introduces = text.endswith(":")
        elif not (introduces and is_item) or _RECOMMENDATION.match(text):
            break
        end += 1
    return end - at


def _introduced(blocks: list[Piece], at: int) -> int:
    """How many blocks an introducing line takes up: its whole list where that fits, else what comes next."""
    end, size = at + 1, blocks[at].tokens
    while end < len(blocks) and blocks[end].block.kind is BlockKind.LIST_ITEM and size <= MOST:
        size += blocks[end].tokens
        end += 1
    is_list = end > at + 1 and size <= MOST
    is_last = at + 1 == len(blocks) or blocks[at + 1].block.kind not in {BlockKind.LIST_ITEM, BlockKind.PARAGRAPH}
    return end - at if is_list else 1 + (not is_last)


def _packed(document: Document, groups: Iterable[_Group]) -> Iterator[Piece]:
    run: list[Piece] = []
    family = _Family.PROSE
    for group in groups:
        joins = run and group.family is family and not group.begins and _are_near(run[0], group.blocks[0])
        if joins and _fit(_size(run), _size(group.blocks)):
            run = run + group.blocks
            continue
        if joins and _size(run) < SHORT and _size(group.blocks) > MOST:
            runs = cut(document, run + group.blocks)
        else:
            if run:
                yield joined(run)
            runs = _runs(document, group)
        yield from map(joined, runs[:-1])
        run, family = runs[-1], group.family
    if run:
        yield joined(run)


def _are_near(one: Piece, other: Piece) -> bool:
    """A passage has two pages at most."""
    page, next_page = one.block.page, other.block.page
    return page == next_page or (page is not None and next_page is not None and abs(next_page - page) == 1)


def _fit(one: float, other: float) -> bool:
    """Whether pieces of so many tokens share a passage; a short one is not left alone where it can be helped."""
    return one + other <= (MOST if min(one, other) < SHORT else TARGET)


def _size(pieces: Iterable[Piece]) -> float:
    return sum(piece.tokens for piece in pieces)


def _runs(document: Document, group: _Group) -> list[list[Piece]]:
    """The group in passages: one if that is not too long, and a recommendation before its remarks if it is."""
    blocks = group.blocks
    if group.family is not _Family.RECOMMENDATION:
        return [blocks] if _size(blocks) <= MOST else cut(document, blocks)
    if _size(blocks) <= LONGEST:
        return [blocks]
    size = 1
    while size < len(blocks) and _is_strength(document, blocks[size]):
        size += 1
    head, rest = blocks[:size], blocks[size:]
    runs = [head] if _size(head) <= LONGEST else cut(document, head)
    return runs + (cut(document, rest) if rest else [])


def _is_strength(document: Document, piece: Piece) -> bool:
    return piece.tokens <= TARGET / 2 and bool(_ITS_STRENGTH.match(_text(document, piece)))


def _text(document: Document, piece: Piece) -> str:
    return document.text[piece.start : piece.end]


def _passage(document: Document, piece: Piece) -> Passage:
    text, block, facts = _text(document, piece), piece.block, piece.block.attributes
    strength, certainty = (facts.get("strength"), facts.get("certainty")) if facts else stated_strength(text)
    return Passage(
        passage_id=passage_id(document.source.key, text),
        source_key=document.source.key,
        text=text,
        start=piece.start,
        end=piece.end,
        heading_path=block.heading_path,
        page=block.page,
        sentences=tuple((s - piece.start, e - piece.start) for s, e in piece.sentences),
        anchor=facts.get("anchor"),
        strength=strength,
        certainty=certainty,
        population=facts.get("population"),
        checked=_checked(document, facts),
        derived=facts.get("derived") == "true",
    )


def _checked(document: Document, facts: dict[str, str]) -> Checked | None:
    if "checked" not in facts:
        return None
    try:
        return Checked(facts["checked"])
    except ValueError:
        subject = f"source {document.source.key!r}, statement {facts.get('anchor', '?')}"
        expected = ", ".join(c.value for c in Checked)
        raise CorpusError(f"{subject}: checked {facts['checked']!r} is unknown; expected one of {expected}") from None
