"""Passages that nearly repeat an earlier one: linked, never merged.

A changed dose or a "not" leaves nearly all words in place, so that a near-duplicate may say the opposite. What links
are for is that two copies of a text do not count as two sources.

MinHash with locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
chapter 3). A passage's keys depend on its text alone: an index stores them beside the passage, appends those of new
passages, drops those of removed ones, and never computes a key twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Raise it when the keys of a text change: stored ones are then worth nothing.
KEYS_VERSION = "1"
#: Share of their shingles that two passages must have in common (Jaccard). One changed word in 110 leaves 0.91.
LEAST = 0.8
WORDS = 5
PERMUTATIONS = 128
#: 16 bands of 8 find 95% of pairs at 0.8 and all but 1 in 8,000 at 0.9: 1 - (1 - s**8)**16. A key takes 8 bytes.
BANDS = 16

_SEED = 1
_PRIME = np.uint64(0x100000001B3)
_OFFSET = np.uint64(0xCBF29CE484222325)

Keys = NDArray[np.uint64]


class Link(NamedTuple):
    """A passage that nearly repeats an earlier one, by rows; ``similarity`` is their true Jaccard index."""

    row: int
    earlier: int
    similarity: float


def shingles(text: str) -> set[bytes]:
    """Runs of five words, case folded; of a shorter text, the whole. Words keep their marks: "<5" is not ">5"."""
    words = text.casefold().split()
    return {" ".join(words[at : at + WORDS]).encode("utf-8", "replace") for at in range(max(1, len(words) - WORDS + 1))}


def alike(one: set[bytes], other: set[bytes]) -> float:
    """Jaccard index of two sets of shingles, neither of them empty."""
    return len(one & other) / len(one | other)


def signatures(texts: Iterable[str]) -> NDArray[np.uint32]:
    """MinHash signatures, of shape (texts, ``PERMUTATIONS``)."""
    from datasketch import MinHash  # type: ignore[import-untyped]  # imports SciPy: most of a second

    hashed = MinHash.generator(
        map(shingles, texts), num_perm=PERMUTATIONS, seed=_SEED, scheme="affine32", hashfunc=zlib.crc32
    )
    rows = [minhash.hashvalues for minhash in hashed]
    return np.array(rows, np.uint32).reshape(-1, PERMUTATIONS)


def band_keys(signed: NDArray[np.uint32]) -> Keys:
    """Keys of shape (texts, ``BANDS``): passages that share one in the same column are likely alike."""
    bands = signed.reshape(len(signed), BANDS, PERMUTATIONS // BANDS).astype(np.uint64)
    keys = np.full((len(signed), BANDS), _OFFSET)
    for at in range(bands.shape[2]):  # FNV-1a over a band's values; overflow is what it is made of
        keys = (keys ^ bands[:, :, at]) * _PRIME
    return keys


def candidates(parts: Sequence[Keys], new_from: int = 0) -> NDArray[np.int64]:
    """Pairs (row, earlier row) that share a key, each once, sorted; of shape (pairs, 2).

    Rows count through all ``parts``, which may be memory-mapped: one column is in memory at a time. Only pairs with a
    row from ``new_from`` on are given. In a group that shares a key each row is paired with the first and with the one
    before it, not with all: a disclaimer that stands in ten thousand documents would give fifty million pairs.
    """
    found = np.empty((0, 2), np.int64)
    for band in range(BANDS):
        column = np.concatenate([part[:, band] for part in parts]) if parts else np.empty(0, np.uint64)
        order = np.argsort(column, kind="stable")
        same = column[order[1:]] == column[order[:-1]]
        at = np.flatnonzero(same) + 1
        begins = np.flatnonzero(np.concatenate(([True], ~same)))
        first = begins[np.searchsorted(begins, at, side="right") - 1]
        pairs = np.concatenate([np.stack([order[at], order[other]], axis=1) for other in (at - 1, first)])
        found = np.unique(np.concatenate([found, pairs[pairs[:, 0] >= new_from]]), axis=0)
    return found


def links(parts: Sequence[Keys], text_of: Callable[[int], str], new_from: int = 0) -> Iterator[Link]:
    """Near-duplicates among passages whose keys are ``parts``, by row; candidates are compared word by word.

    Args:
        parts: keys, in the order of the rows.
        text_of: the text of a row.
        new_from: the first row that was not compared before.
    """
    row, own = -1, set[bytes]()
    for candidate, earlier in candidates(parts, new_from).tolist():
        if candidate != row:
            row, own = candidate, shingles(text_of(candidate))
        similarity = alike(own, shingles(text_of(earlier)))
        if similarity >= LEAST:
            yield Link(row, earlier, similarity)
