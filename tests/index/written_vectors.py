"""Vectors on disk, for tests of dense search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.index.vectors import DenseWriter


def unit(n: int, d: int, seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def clustered(n: int, d: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors around ``n // 50`` centres, as those of texts on some subjects are."""
    rng = np.random.default_rng(seed)
    centres = unit(n // 50, d, seed)
    made = centres[rng.integers(0, len(centres), n)] + 0.8 * unit(n, d, seed + 1)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def write_vectors(vectors: NDArray[np.float32], path: Path, batch: int = 1000) -> None:
    writer = DenseWriter(path)
    for first in range(0, len(vectors), batch):
        writer.add(vectors[first : first + batch].astype(np.float16))
    writer.finish()


def best_of(
    vectors: NDArray[np.float32], query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What exact search of ``vectors`` gives: rows and scores, ties by row."""
    scores = np.vecdot(vectors.astype(np.float16).astype(np.float32), query)
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    best = rows[np.lexsort((rows, -scores[rows]))[:k]]
    return best, scores[best]
