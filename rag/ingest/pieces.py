"""Pieces of a document on their way to passages: measured, joined, and cut where the text allows it."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag.domain import Block, BlockKind, Document
from rag.language.sentences import sentence_spans

#: Estimated tokens of a passage. The encoder's window is 256 WordPieces and a title in front takes about 20 of them. On
#: BioASQ, MedQuAD and CovidQA (57,322 passages) all but 8 then fit it with their title and headings.
TARGET = 170
MOST = 190
#: For what should stay whole, a recommendation with its strength or a long sentence.
LONGEST = 210
#: A piece shorter than this joins its neighbour up to ``MOST``.
SHORT = 40

_LETTERS = (string.ascii_letters + string.whitespace).encode()
_LETTERS_AND_DIGITS = _LETTERS + string.digits.encode()
#: Where a sentence that is too long may be cut, best first: between clauses or cells, between words, anywhere.
_CUTS = (re.compile(r"(?<=[,;:|–—])\s+"), re.compile(r"\s+"))
_CHARACTERS = 40
#: Sentences are looked for in windows of so many characters, so that time grows with a text's length and no faster.
_WINDOW = 20_000

Span = tuple[int, int]


def estimated_tokens(text: str) -> float:
    """WordPieces of the packaged encoder's tokenizer, about, for a tenth of the time of counting them.

    Least squares over 13,281 excerpts of 300 to 900 characters from BioASQ, MedQuAD, CovidQA, MedicationQA and
    PubMedQA. The count is 0.84 to 1.25 of the estimate from the 5th to the 95th percentile of each collection, at most
    1.5. A letter outside ASCII counts as a symbol: it is mostly a token of its own.
    """
    ascii_text = text.encode("ascii", "replace")
    symbols = len(ascii_text.translate(None, _LETTERS_AND_DIGITS))
    digits = len(ascii_text.translate(None, _LETTERS)) - symbols
    return 0.182 * len(text) + 0.26 * digits + 1.245 * symbols


class Piece(NamedTuple):
    """A half-open span of the document, with its sentences (spans of the document) and the block that it begins in."""

    start: int
    end: int
    tokens: float
    sentences: tuple[Span, ...]
    block: Block


def whole(document: Document, block: Block) -> Piece:
    """A block as one piece. A table row is one sentence, for its cells mean nothing apart."""
    tokens = estimated_tokens(document.text[block.start : block.end])
    if block.kind is BlockKind.TABLE_ROW and tokens <= LONGEST:
        return Piece(block.start, block.end, tokens, ((block.start, block.end),), block)
    spans = list(_sentences(document.text, block.start, block.end))
    if tokens > LONGEST:
        spans = [part for span in spans for part in _short_enough(document.text, span, block)]
    return Piece(block.start, block.end, tokens, tuple(spans), block)


def joined(pieces: Sequence[Piece]) -> Piece:
    """Neighbours as one piece."""
    sentences = tuple(s for piece in pieces for s in piece.sentences)
    return Piece(pieces[0].start, pieces[-1].end, sum(p.tokens for p in pieces), sentences, pieces[0].block)


def cut(document: Document, pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The sentences of the pieces, in runs of even size that do not exceed ``MOST``."""
    text = document.text
    return [
        *even([Piece(s, e, estimated_tokens(text[s:e]), ((s, e),), p.block) for p in pieces for s, e in p.sentences])
    ]


def even(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Runs of about even size, up to ``MOST`` unless one piece is more: 200 tokens give two of 100, not 190 and 10."""
    left = sum(piece.tokens for piece in pieces)
    run: list[Piece] = []
    size, share = 0.0, _share(left)
    for piece in pieces:
        if run and (size + piece.tokens > MOST or size + piece.tokens / 2 > share):
            yield run
            left -= size
            run, size, share = [], 0.0, _share(left)
        run.append(piece)
        size += piece.tokens
    if run:
        yield run


def _share(tokens: float) -> float:
    return tokens if tokens <= MOST else tokens / math.ceil(tokens / TARGET)


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        stop = end
        if end - start > _WINDOW:
            stop = text.rfind(" ", start + 1, start + _WINDOW) + 1 or start + _WINDOW
        yield from ((start + s, start + e) for s, e in sentence_spans(text[start:stop]))
        start = stop


def _short_enough(text: str, span: Span, block: Block) -> list[Span]:
    """A sentence as it is, or in parts of at most ``MOST`` tokens when it is longer than ``LONGEST``."""
    if estimated_tokens(text[slice(*span)]) <= LONGEST:
        return [span]
    return [(run[0].start, run[-1].end) for run in even([*_parts(text, span, block)])]


def _parts(text: str, span: Span, block: Block, level: int = 0) -> Iterator[Piece]:
    start, end = span
    tokens = estimated_tokens(text[start:end])
    if tokens <= MOST or end - start <= _CHARACTERS:
        if start < end:
            yield Piece(start, end, tokens, (), block)
    elif level == len(_CUTS):
        for at in range(start, end, _CHARACTERS):
            yield from _parts(text, (at, min(at + _CHARACTERS, end)), block, level)
    else:
        for gap in _CUTS[level].finditer(text, start, end):
            yield from _parts(text, (start, gap.start()), block, level + 1)
            start = gap.end()
        yield from _parts(text, (start, end), block, level + 1)
