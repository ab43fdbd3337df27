"""Passages for a question by meaning and by words: two rankings, then a closer look at what either found.

Both rankings give candidates. Each candidate has then three cosines with the question: of the passage, of its best
sentence, and of the stretch of its source that it stands in. Their weighted mean and the BM25 score, as a share of the
best candidate's, are added.

Cosines are taken as they are, not stretched between the best and the worst candidate: where meaning tells the
candidates apart they differ much and decide, and where it does not the words do. That is what the weight of a question
comes to; to learn it from statistics of its scores gained nothing on collections that were not learned from. The
constants were chosen on the mean nDCG@10 of SciFact, BioASQ, MediQA-AnS, MediQA 2019 and MedicationQA, development
halves: ``eval/README.md`` has what else was tried.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.index.snapshot import Snapshot
from rag.retrieve.base import hits, with_ties
from rag.retrieve.lexical import term_weights

#: Candidates of each ranking, as a multiple of what is asked for, and the fewest.
_DEPTH, _LEAST = 2, 100
#: Weights of the best sentence's and of the stretch's cosine, against 1 for the passage's own.
_SENTENCE, _STRETCH = 0.5, 0.5
#: A stretch is a passage with so many before and after it.
_AROUND = 2


class HybridRetriever:
    """The best passages by vectors and words. A score is at most 1; below 0 nothing is near.

    Every passage can be found, so that ``k`` are where there are ``k``.

    Args:
        dense_weight: of the cosines against the words, in [0, 1].
    """

    def __init__(self, snapshot: Snapshot, dense_weight: float = 0.8) -> None:
        self._snapshot, self._dense_weight = snapshot, dense_weight

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, within: NDArray[np.bool_] | None = None
    ) -> list[Hit]:
        """See ``Retriever.search``."""
        if k <= 0:
            return []
        depth, lexical = max(_DEPTH * k, _LEAST), self._snapshot.lexical
        weights = term_weights(self._snapshot, text)
        by_meaning, _ = with_ties(lambda n: self._snapshot.dense.search(vector, n, within), depth)
        by_words, _ = with_ties(lambda n: lexical.search(weights, n, within), depth)
        rows = np.union1d(by_meaning, by_words)
        if not len(rows):
            return []
        words = lexical.scores(weights, rows)
        share = words / words.max() if words.any() else words
        fused = self._dense_weight * closeness(self._snapshot, vector, rows) + (1 - self._dense_weight) * share
        return hits(self._snapshot, rows, fused, k)


def closeness(snapshot: Snapshot, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """How near passages are to a question by meaning: shape (rows,), a weighted mean of three cosines."""
    cosines = snapshot.dense.scores(vector, rows)
    parts = cosines + _SENTENCE * _best_sentence(snapshot, vector, rows) + _STRETCH * _stretch(snapshot, vector, rows)
    result: NDArray[np.float32] = parts / np.float32(1 + _SENTENCE + _STRETCH)
    return result


def _best_sentence(snapshot: Snapshot, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The highest cosine of a sentence of each passage, shape (rows,)."""
    starts, ends = snapshot.sentence_vectors.spans(rows)
    counts = ends - starts
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    own = np.arange(counts.sum()) + np.repeat(starts - firsts, counts)
    best: NDArray[np.float32] = np.maximum.reduceat(snapshot.sentence_vectors.scores(vector, own), firsts)
    return best


def _stretch(snapshot: Snapshot, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean cosine of each passage and those of its source next to it, shape (rows,)."""
    around = rows[:, None] + np.arange(-_AROUND, _AROUND + 1)
    sources = snapshot.owners.codes(around)
    same = sources == sources[:, _AROUND, None]
    wanted = np.unique(around[same])
    cosines = np.zeros(around.shape, np.float32)
    cosines[same] = snapshot.dense.scores(vector, wanted)[np.searchsorted(wanted, around[same])]
    mean: NDArray[np.float32] = cosines.sum(axis=1) / same.sum(axis=1, dtype=np.float32)
    return mean
