"""What finds passages, and how rows that were found become hits: rounded, sorted, ties by passage id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.index.snapshot import Snapshot

#: Scores are rounded before they are sorted, so that what is shown is sorted, and the last digits of a sum, which vary
#: with the order of its parts, decide nothing.
DECIMALS = 6
#: Most rows beyond those asked for that are looked at because they tie with the last one.
_MOST_TIED = 4096
#: So many rows more than asked for are searched, in turn, until one of them no longer ties.
_SPARE = (16, 256, _MOST_TIED)

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows of a snapshot and their scores, best first."""


class Retriever(Protocol):
    """Finds passages of one snapshot for a question. Safe to share between threads.

    Every implementation passes ``tests/retrieve/conformance.py``.
    """

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, within: NDArray[np.bool_] | None = None
    ) -> list[Hit]:
        """The best passages for a question, at most ``k``, sorted by (-score, passage id).

        The same for the same arguments, whatever the number of threads and however the corpus lies in segments.

        Args:
            text: the question, of any length; without lone surrogates, which are no text.
            vector: its unit vector, float32, shape (dimension,).
            k: none is found for 0 or less; there are fewer than ``k`` when the snapshot, or ``within``, has fewer.
            within: which rows may be found, shape (passages,); all when absent.
        """


def best(snapshot: Snapshot, search: Callable[[int], Found], k: int) -> list[Hit]:
    """The ``k`` best rows of a search by index, which decides ties by row, as hits, whose ties go by passage id."""
    return hits(snapshot, *with_ties(search, k), k) if k > 0 else []


def with_ties(search: Callable[[int], Found], k: int) -> Found:
    """The ``k`` best rows of a search by index and all that tie with the last one, so that none is cut off by its row.

    Where more than 4,096 tie, those with the lowest rows are taken: the same every time on one snapshot, but not on one
    whose segments lie otherwise.

    Args:
        search: gives the best rows, as many as asked for where there are so many.
        k: at least 1.
    """
    for spare in _SPARE:
        rows, scores = search(k + spare)
        if len(rows) < k + spare or rounded(scores[-1:])[0] < rounded(scores[k - 1 : k])[0]:
            break
    shown = rounded(scores)
    kept = shown >= shown[min(k, len(rows)) - 1] if len(rows) else slice(0)
    return rows[kept], scores[kept]


def hits(snapshot: Snapshot, rows: NDArray[np.int64], scores: NDArray[np.floating], k: int) -> list[Hit]:
    """The ``k`` best of ``rows``, each given once and in any order, sorted by (-score, passage id).

    Ids are looked up for those alone that can be among them, and for 4,096 ties of the last one at most.
    """
    if k <= 0 or not len(rows):
        return []
    shown = rounded(scores)
    order = np.lexsort((rows, -shown))
    falling = shown[order]
    ties_end = int(np.searchsorted(-falling, -falling[min(k, len(rows)) - 1], side="right"))
    kept = order[: min(ties_end, k + _MOST_TIED)]
    own = rows[kept].tolist()
    found = map(Hit, snapshot.store.passage_ids(own), shown[kept].tolist(), own)
    return sorted(found, key=lambda hit: (-hit.score, hit.passage_id))[:k]


def rounded(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores as they are shown; no -0.0 among them."""
    result: NDArray[np.float64] = np.asarray(scores, np.float64).round(DECIMALS) + 0.0
    return result
