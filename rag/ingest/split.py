"""From a document to passages: what is retrieved and cited."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rag.domain import Block, Checked, Document, Passage
from rag.errors import CorpusError
from rag.language.sentences import sentence_spans

#: Part of every snapshot's digest: raise it when the rules below change.
SPLITTER_VERSION = "2"
#: About 200 tokens of the encoder, below its window of 256.
MAX_CHARS = 900


def split(document: Document) -> list[Passage]:
    """Passages in reading order.

    A block with attributes (a statement of the starter format) is a passage and one sentence: it is quoted whole.
    Other blocks are packed up to ``MAX_CHARS`` within one section and page; a longer block is cut at sentences.

    Raises:
        CorpusError: a block says that it was checked in a way that does not exist.
    """
    passages, seen = [], set[str]()
    for start, end, block in _pieces(document):
        passage = _passage(document, start, end, block)
        if passage.passage_id not in seen:
            seen.add(passage.passage_id)
            passages.append(passage)
    return passages


def passage_id(source_key: str, text: str) -> str:
    """Stable across rebuilds: depends on the source's key and the passage's text only."""
    return f"{source_key}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _pieces(document: Document) -> Iterable[tuple[int, int, Block]]:
    run: list[Block] = []
    for block in document.blocks:
        if run and not _fits(run, block):
            yield from _cut(document, run)
            run = []
        run.append(block)
    if run:
        yield from _cut(document, run)


def _fits(run: list[Block], block: Block) -> bool:
    first = run[0]
    is_plain = not first.attributes and not block.attributes
    same_place = first.heading_path == block.heading_path and first.page == block.page
    return is_plain and same_place and block.end - first.start <= MAX_CHARS


def _cut(document: Document, run: list[Block]) -> Iterable[tuple[int, int, Block]]:
    first, start, end = run[0], run[0].start, run[-1].end
    if first.attributes or end - start <= MAX_CHARS:
        yield start, end, first
        return
    spans = [(start + s, start + e) for s, e in sentence_spans(document.text[start:end])]
    piece = spans[0]
    for span in spans[1:]:
        if span[1] - piece[0] > MAX_CHARS:
            yield *piece, first
            piece = span
        else:
            piece = (piece[0], span[1])
    yield *piece, first


def _passage(document: Document, start: int, end: int, block: Block) -> Passage:
    text, facts = document.text[start:end], block.attributes
    return Passage(
        passage_id=passage_id(document.source.key, text),
        source_key=document.source.key,
        text=text,
        start=start,
        end=end,
        heading_path=block.heading_path,
        page=block.page,
        sentences=((0, len(text)),) if facts else tuple(sentence_spans(text)),
        anchor=facts.get("anchor"),
        strength=facts.get("strength"),
        certainty=facts.get("certainty"),
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
