"""Lexical search: BM25 over the postings of segments.

Lucene's variant (Kamphuis et al., Which BM25 do you mean?, ECIR 2020): idf = ln(1 + (N - df + 0.5) / (df + 0.5)),
tf part = tf / (tf + k1 (1 - b + b length / mean length)). A segment stores counts and lengths like a sparse matrix by
term, memory-mapped; N, df and the mean length are those of the whole snapshot, so that a score does not depend on how
the corpus lies in segments.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

K1 = 0.9
B = 0.4
ROWS, COUNTS, STARTS, LENGTHS = FILES = (
    "postings.rows.npy", "postings.counts.npy", "postings.starts.npy", "postings.lengths.npy",
)  # fmt: skip
_MOST = np.iinfo(np.uint16).max


def idf(documents: int, df: int) -> float:
    """Inverse document frequency, at least 0; a term that no document has gets the highest value."""
    return float(np.log(1 + (documents - df + 0.5) / (df + 0.5)))


class PostingsWriter:
    """Collects the terms of passages, row by row, in about 12 bytes for each different term of a passage."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._terms, self._rows, self._counts, self._lengths = array("I"), array("I"), array("H"), array("I")

    def add(self, terms: Sequence[str]) -> None:
        row = len(self._lengths)
        self._lengths.append(len(terms))
        for term, count in Counter(terms).items():
            self._terms.append(self._ids.setdefault(term, len(self._ids)))
            self._rows.append(row)
            self._counts.append(min(count, _MOST))

    @property
    def total_length(self) -> int:
        return sum(self._lengths)

    def write(self, folder: Path) -> dict[str, tuple[int, int]]:
        """Writes the postings; returns the vocabulary, sorted: term to (term id, number of passages that have it)."""
        vocabulary = sorted(self._ids)
        renumbered = np.empty(len(vocabulary), np.int64)
        renumbered[[self._ids[term] for term in vocabulary]] = np.arange(len(vocabulary))
        terms = renumbered[np.frombuffer(self._terms, np.uint32)] if len(vocabulary) else np.empty(0, np.int64)
        order = np.argsort(terms, kind="stable")  # rows of a term stay in order
        df = np.bincount(terms, minlength=len(vocabulary))
        np.save(folder / ROWS, np.frombuffer(self._rows, np.uint32)[order].astype(np.int32))
        np.save(folder / COUNTS, np.frombuffer(self._counts, np.uint16)[order])
        np.save(folder / STARTS, np.concatenate([[0], np.cumsum(df)]).astype(np.int64))
        np.save(folder / LENGTHS, np.frombuffer(self._lengths, np.uint32).astype(np.int32))
        return {term: (i, int(df[i])) for i, term in enumerate(vocabulary)}


def write_filtered(source: Path, folder: Path, kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Writes the postings in ``source`` for the rows ``kept`` alone, numbered anew, into ``folder``.

    Returns how many passages have each of the old terms, and the sum of the lengths. Terms that none has any more are
    left out, the others keep their order.
    """
    rows, counts, starts, lengths = (np.load(source / name, mmap_mode="r") for name in FILES)
    place = np.full(len(lengths), -1, np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    moved = place[rows]
    stays = moved >= 0
    df = np.diff(np.concatenate([[0], np.cumsum(stays)])[starts])
    np.save(folder / ROWS, moved[stays])
    np.save(folder / COUNTS, counts[stays])
    np.save(folder / STARTS, np.concatenate([[0], np.cumsum(df[df > 0])]).astype(np.int64))
    np.save(folder / LENGTHS, lengths[kept])
    return df, int(lengths[kept].sum())


class Postings:
    """The written postings of one segment, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self._rows, self._counts, self._starts, self._lengths = (np.load(folder / n, mmap_mode="r") for n in FILES)

    def __len__(self) -> int:
        return len(self._lengths)

    def scores(self, weights: Mapping[int, float], mean_length: float) -> NDArray[np.float32]:
        """BM25 of every passage, shape (passages,), for term ids with their idf times their weight in the query."""
        total = np.zeros(len(self), np.float32)
        for term_id, weight in weights.items():
            span = slice(int(self._starts[term_id]), int(self._starts[term_id + 1]))
            rows, counts = self._rows[span], self._counts[span].astype(np.float32)
            norms = np.float32(K1 * (1 - B)) + np.float32(K1 * B / mean_length) * self._lengths[rows]
            total[rows] += np.float32(weight) * counts / (counts + norms)  # a row occurs once in a term's postings
        return total
