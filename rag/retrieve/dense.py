"""Passages by their vectors alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.index.snapshot import Snapshot
from rag.retrieve.base import best


class DenseRetriever:
    """The passages whose vectors are nearest to the question's. A score is the cosine, in [-1, 1].

    Every passage has one, so that ``k`` are found where there are ``k``. A vector of zeros is as near to all.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, within: NDArray[np.bool_] | None = None
    ) -> list[Hit]:
        """See ``Retriever.search``; ``text`` plays no part."""
        return best(self._snapshot, lambda n: self._snapshot.dense.search(vector, n, within), k)
