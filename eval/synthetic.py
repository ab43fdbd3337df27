"""Texts that nobody wrote and vectors that mean nothing, for measuring speed and size where content does not matter.

The words are those of the starter corpus as often as they stand there, drawn by chance with a fixed seed: tokenising
and counting them costs what real text costs, and every run measures the same texts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.domain import Block, Document, Source

STARTER = Path(__file__).parent.parent / "corpus"
_WORD = re.compile(r"(?<!\S)[a-z]{2,}(?!\S)")
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
#: Words of a synthetic passage: one short sentence, so that a million of them are built within minutes.
_PASSAGE_WORDS = 40
_BLOCK = 1000


@cache
def running_words(folder: Path = STARTER) -> tuple[str, ...]:
    """All words in small letters of a folder of texts, repeats kept."""
    return tuple(word for path in sorted(folder.glob("*.md")) for word in _WORD.findall(path.read_text("utf-8")))


def texts_of(lengths: Sequence[int], pieces_of: Callable[[Sequence[str]], list[int]], seed: int = 0) -> list[str]:
    """Texts of exactly so many WordPieces, the two that every text is given among them.

    ``pieces_of`` says into how many pieces each of some words is cut.
    """
    words = running_words()
    sizes = pieces_of(words)
    short = next(i for i, size in enumerate(sizes) if size == 1)
    drawn, found = np.random.default_rng(seed), []
    for length in lengths:
        chosen, room = list[int](), length - 2
        while room:
            at = int(drawn.integers(len(words)))
            at = at if sizes[at] <= room else short
            chosen.append(at)
            room -= sizes[at]
        found.append(" ".join(words[at] for at in chosen))
    return found


def documents(count: int, seed: int = 0) -> Iterator[Document]:
    """Documents of one passage of one sentence each, made one after the other.

    Each has a word of its own, as a vocabulary goes on growing with real text.
    """
    words, drawn = running_words(), np.random.default_rng(seed)
    for first in range(0, count, _BLOCK):
        rows = drawn.integers(len(words), size=(_BLOCK, _PASSAGE_WORDS)).tolist()
        names = drawn.integers(len(SYLLABLES), size=(_BLOCK, 5)).tolist()
        for number, row, name in zip(range(first, min(count, first + _BLOCK)), rows, names, strict=False):
            own = "".join(SYLLABLES[i] for i in name)
            text = f"{own.capitalize()} {' '.join([words[i] for i in row])}."
            source = Source(key=f"synthetic-{number}", title=f"Report {number} on {own}")
            yield Document(source=source, text=text, blocks=(Block(start=0, end=len(text)),))


class RandomEncoder:
    """Stands in for the model where memory is measured: a unit vector that depends on the text's digest alone."""

    encoder_id, dimension = "random", 384

    def __init__(self, folder: Path) -> None:
        """``folder`` is the exported model's, which is not opened."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
            np.random.default_rng(seed).standard_normal(out=found[row], dtype=np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found
