"""Lexical search: BM25 with the scores of every term computed when the index is built.

Lucene's variant (Kamphuis et al., Which BM25 do you mean?, ECIR 2020): idf = ln(1 + (N - df + 0.5) / (df + 0.5)),
tf part = tf / (tf + k1 (1 - b + b length / mean length)). Stored like a sparse matrix by term, memory-mapped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

K1 = 0.9
B = 0.4
FILES = ("postings.rows.npy", "postings.scores.npy", "postings.starts.npy")


def idf(documents: int, df: int) -> float:
    """Inverse document frequency, at least 0; a term that no document has gets the highest value."""
    return float(np.log(1 + (documents - df + 0.5) / (df + 0.5)))


def write_postings(documents: Sequence[Sequence[str]], folder: Path) -> dict[str, tuple[int, int]]:
    """Writes the postings of tokenised ``documents``; returns the vocabulary: term to (term id, df), sorted."""
    mean = max(1.0, float(np.mean([len(d) for d in documents])) if documents else 1.0)
    postings: dict[str, list[tuple[int, float]]] = {}
    for row, terms in enumerate(documents):
        norm = K1 * (1 - B + B * len(terms) / mean)
        for term, count in Counter(terms).items():
            postings.setdefault(term, []).append((row, count / (count + norm)))
    vocabulary, starts = {}, [0]
    rows: list[int] = []
    scores: list[float] = []
    for term_id, term in enumerate(sorted(postings)):
        entries = postings[term]
        weight = idf(len(documents), len(entries))
        rows += [row for row, _ in entries]
        scores += [weight * tf for _, tf in entries]
        starts.append(len(rows))
        vocabulary[term] = (term_id, len(entries))
    np.save(folder / FILES[0], np.array(rows, np.int32))
    np.save(folder / FILES[1], np.array(scores, np.float32))
    np.save(folder / FILES[2], np.array(starts, np.int64))
    return vocabulary


class LexicalIndex:
    """Written postings, memory-mapped."""

    def __init__(self, folder: Path, documents: int) -> None:
        self._rows, self._scores, self._starts = (np.load(folder / name, mmap_mode="r") for name in FILES)
        self._documents = documents

    def scores(self, weights: Mapping[int, float]) -> NDArray[np.float32]:
        """BM25 of every document, shape (documents,), for term ids with their weights in the query."""
        total = np.zeros(self._documents, np.float32)
        for term_id, weight in weights.items():
            span = slice(int(self._starts[term_id]), int(self._starts[term_id + 1]))
            total[self._rows[span]] += np.float32(weight) * self._scores[span]  # a row occurs once in a term's postings
        return total
