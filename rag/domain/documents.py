"""What is read and retrieved: documents, their blocks, and passages."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field, model_validator

from rag.domain.base import Frozen
from rag.domain.sources import Source


class Checked(StrEnum):
    """With what a paraphrased statement was compared: the source's own page, its abstract, or another's page."""

    PRIMARY = "primary"
    ABSTRACT = "abstract"
    SECONDARY = "secondary"


class BlockKind(StrEnum):
    """What a block is in its document."""

    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CAPTION = "caption"
    BOX = "box"
    STATEMENT = "statement"


class Block(Frozen):
    """A paragraph, list item, table row, caption or box of a document, with what the document states about it.

    A table row's text names its columns: "Drug: argatroban | Dose: 2 mcg/kg/min". ``page`` counts from 1.
    ``attributes`` are the reader's: in the starter format ``anchor``, ``strength``, ``certainty``, ``population``,
    ``checked`` and ``derived``. A block with attributes is never merged with another one into a passage.
    """

    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    kind: BlockKind = BlockKind.PARAGRAPH
    attributes: dict[str, str] = Field(default={})


class Document(Frozen):
    """A source with its text, in reading order.

    ``cites`` are the works in its reference list: "doi:10.1182/…", "pmid:123", or else the entry as printed.
    """

    source: Source
    text: str
    blocks: tuple[Block, ...]
    cites: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _blocks_lie_in_the_text(self) -> Document:
        previous = 0
        for block in self.blocks:
            if not previous <= block.start < block.end <= len(self.text):
                raise ValueError(f"block {block.start}:{block.end} of {self.source.key} overlaps or leaves the text")
            previous = block.end
        return self


class Passage(Frozen):
    """The unit of retrieval and citation: ``document.text[start:end] == text``.

    ``sentences`` are half-open spans within ``text``. ``strength`` and ``certainty`` are the source's own words.
    """

    passage_id: str
    source_key: str
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...] = ()
    page: int | None = None
    sentences: tuple[tuple[int, int], ...]
    anchor: str | None = None
    strength: str | None = None
    certainty: str | None = None
    population: str | None = None
    checked: Checked | None = None
    derived: bool = False

    @model_validator(mode="after")
    def _spans_fit(self) -> Passage:
        if self.end - self.start != len(self.text):
            raise ValueError(f"passage {self.passage_id}: span {self.start}:{self.end} is not as long as its text")
        if not self.sentences or any(not 0 <= s < e <= len(self.text) for s, e in self.sentences):
            raise ValueError(f"passage {self.passage_id}: sentence spans leave its text")
        return self

    @property
    def heading(self) -> str | None:
        return self.heading_path[-1] if self.heading_path else None


class Hit(NamedTuple):
    """A retrieved passage: ``row`` is its position in the snapshot, and a higher ``score`` is better.

    What a score means, and its range, is the retriever's; it is comparable within one search.
    """

    passage_id: str
    score: float
    row: int
