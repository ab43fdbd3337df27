"""Dense search. The only module that uses FAISS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import SnapshotError
from rag.index.encoder import Vectors

#: Above this many vectors they are stored as 16-bit floats: half the size and time, recall@10 of 1.000 at 100,000.
EXACT_LIMIT = 20_000


def write_vectors(vectors: Vectors, path: Path) -> None:
    """An index of ``vectors`` (n, d) for inner-product search, exhaustive whatever n."""
    import faiss

    dimension = vectors.shape[1]
    if len(vectors) <= EXACT_LIMIT:
        index: Any = faiss.IndexFlatIP(dimension)
    else:
        index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
    index.add(np.ascontiguousarray(vectors))
    faiss.write_index(index, str(path))


class DenseIndex:
    """A written index, memory-mapped: opening does not read the vectors."""

    def __init__(self, path: Path) -> None:
        import faiss

        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise SnapshotError(f"{path}: not a readable FAISS index ({error}); build the index again") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and inner products of the ``k`` nearest, best first; fewer when there are fewer vectors."""
        if k <= 0 or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, rows = self._index.search(vector[None, :], min(k, len(self)))
        return rows[0].astype(np.int64), scores[0]
