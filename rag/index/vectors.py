"""Dense search. The only module that uses FAISS.

A file of vectors is searched exhaustively. From ``COMPRESSED_FROM`` vectors on that is slow, and a second file stands
beside it: the vectors put into lists of neighbours and, in each list, coded in a twelfth of their bytes (product
quantisation, Jégou et al. 2011, doi:10.1109/TPAMI.2010.57, in the layout of André et al. 2015,
doi:10.14778/2856318.2856324). The lists nearest to a question are read, and what looks best by its code is scored
again with the vector itself. So a score is the same number however its row was found.
"""

from __future__ import annotations

import os
from math import ceil, log2, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import SnapshotError
from rag.index.halves import HalvesReader, widened

#: Vectors are kept as 16-bit floats: half the size and time of 32-bit ones, with recall@10 of 1.000 at 100,000.
Halves = NDArray[np.float16]

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows and their scores."""

#: From how many vectors on a segment has a compressed file: 100,000 are searched exhaustively in 2.4 ms, and by lists
#: in a sixth of that, with a recall@10 of .995.
COMPRESSED_FROM = 100_000
#: Lists that are read, as a multiple of the root of how many there are. For 1,020 questions from six collections they
#: hold .989 of the ten best among 1,000,000 vectors and .996 among 100,000; 4 times hold .983 and .988, 8 times .991
#: and .999. Vectors of the corpus itself find more of each other, .995 at 1,000,000.
_PROBES = 6
#: The fewer rows a filter leaves, the farther off are the nearest of them: the lists read grow with the sixth root of
#: how rare these are. At 1 of 100 in one direction of the space, that is 13 times the root with a recall@10 of .985,
#: where 6 times gave .954.
_RARER = 1 / 6
#: Codes that are scored again with the vectors, a multiple of the results and some more. At 1,000,000, 120 for ten give
#: a recall@10 of .988, where 60 gave .979; 660 for a hundred give a recall@100 of .980, where 300 gave .953.
_RESCORED, _RESCORED_MORE = 6, 60
#: Rows left by a filter that are searched exactly, in 3 ms, also where there are lists.
_EXACT_UP_TO = 2048
#: A filter that leaves one row in so many is answered by reading these rows alone, not by passing over all others.
_SPARSE = 512
#: By how much sums of products by FAISS and by NumPy may differ for vectors of length 1; 1e-7 was seen.
_ROUNDING = 1e-5


class DenseWriter:
    """Writes an index for exhaustive inner-product search, batch by batch, without holding it.

    FAISS would hold all vectors until the end. Its file of an ``IndexScalarQuantizer`` is that of an empty one with
    two numbers set, how many vectors there are and how many bytes they take, and then the vectors.
    """

    _COUNT_AT = 8  # after the kind of index and the dimension

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._dimension, self._count = 1, 0
        self._file.write(self._head())  # its place

    def add(self, vectors: Halves) -> None:
        """``vectors`` (n, d), the same d every time."""
        self._dimension, self._count = vectors.shape[1], self._count + len(vectors)
        self._file.write(np.ascontiguousarray(vectors, "<f2").data)

    def _head(self) -> bytes:
        head = bytearray(_faiss().serialize_index(_empty(self._dimension)).tobytes())
        head[self._COUNT_AT : self._COUNT_AT + 8] = self._count.to_bytes(8, "little")
        head[-8:] = (self._count * self._dimension * 2).to_bytes(8, "little")
        return bytes(head)

    def finish(self) -> None:
        self._file.seek(0)
        self._file.write(self._head())
        self._file.close()

    def close(self) -> None:
        """Gives up an index that is not finished."""
        self._file.close()


def _faiss() -> Any:
    """FAISS, loaded when it is first used. Its own type stubs lack much of what is used here."""
    import faiss

    return faiss


def _empty(dimension: int) -> Any:
    index = _faiss().IndexScalarQuantizer(dimension, _faiss().ScalarQuantizer.QT_fp16, _faiss().METRIC_INNER_PRODUCT)
    index.is_trained = True  # there is nothing to learn for 16-bit floats
    return index


class DenseIndex:
    """Written vectors, memory-mapped: opening does not read them. Usable from several threads.

    Args:
        path: as written by ``DenseWriter``.
        compressed: as written by ``write_compressed`` for these vectors, if it was.
        exact_up_to: how many allowed rows are searched exactly also where there is a compressed file.

    Raises:
        SnapshotError: a file that is missing, damaged, or not of these vectors.
    """

    def __init__(self, path: Path, compressed: Path | None = None, *, exact_up_to: int = _EXACT_UP_TO) -> None:
        self._exact = _read(path)
        # The file ends with the vectors.
        shape = (len(self), int(self._exact.d))
        self._vectors = HalvesReader(path, path.stat().st_size - 2 * shape[0] * shape[1], shape)
        self._lists = _Lists(compressed, len(self)) if compressed else None
        self._exact_up_to = exact_up_to

    def __len__(self) -> int:
        return int(self._exact.ntotal)

    def search(self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Found:
        """Rows and inner products of the ``k`` nearest, best first, ties by row; fewer only where there are fewer.

        Exact without a compressed file, and where ``allowed`` leaves few rows. Otherwise about one in a hundred of the
        ten nearest is missed, for which one farther away stands at the end.

        Args:
            vector: of length 1, shape (d,).
            k: how many at most.
            allowed: which rows may be found, shape (rows,); all when absent.
        """
        vector = np.ascontiguousarray(vector, np.float32)
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, count)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rows = self._candidates(vector, k, count, allowed)
        scores = self.scores(vector, rows)
        best = np.lexsort((rows, -scores))[:k]
        return rows[best], scores[best]

    def _candidates(
        self, vector: NDArray[np.float32], k: int, count: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """Rows among which the ``k`` best of the ``count`` allowed ones are, in any order."""
        selector = _selector(allowed)
        if self._lists and count > self._exact_up_to:
            found = self._lists.search(vector, k, count, selector)
            if found is not None:
                return found
        if k == count or count * _SPARSE <= len(self):
            return np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        return self._nearest(vector, k, selector)

    def _nearest(self, vector: NDArray[np.float32], k: int, selector: Any) -> NDArray[np.int64]:
        """The ``k`` best rows by exhaustive search, and all that may be as good as the last of them."""
        _faiss().omp_set_num_threads(1)
        given = _faiss().SearchParameters(sel=selector)
        scores, rows = self._exact.search(vector[None], k + 1, params=given)
        least = float(scores[0, k - 1]) - _ROUNDING
        if scores[0, k] < least:
            return np.asarray(rows[0, :k], np.int64)
        _, _, tied = self._exact.range_search(vector[None], least, params=given)
        return np.asarray(tied, np.int64)

    def scores(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner products with the vectors of ``rows``, which may come in any order: shape (rows,)."""
        return self._vectors.products(vector, rows)

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of ``rows``, in any order: shape (rows, d)."""
        return self._vectors[rows]

    def vectors(self, first: int, count: int) -> Halves:
        """The stored vectors of rows ``first`` to ``first + count``, shape (count, d)."""
        if not count:
            return np.empty((0, self._exact.d), np.float16)
        found: Halves = self._exact.reconstruct_n(first, count).astype(np.float16)
        return found


def _read(path: Path) -> Any:
    try:
        return _faiss().read_index(str(path), _faiss().IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise SnapshotError(f"{path}: not a readable FAISS index ({error}); build the index again") from error


def _selector(allowed: NDArray[np.bool_] | None) -> Any:
    return None if allowed is None else _faiss().IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


# the compressed file

#: Codes are packed in blocks of so many.
_BLOCK = 32
_ALIGNED = 64
#: Vectors in a list, in the mean, and how many lists there are at most.
_LIST, _MOST_LISTS = 1024, 4096
#: Vectors that lists and codes are learned from: 200 MB as 32-bit floats of 384 dimensions.
_LEARNED_FROM = 2**17
_ROUNDS = 10
_SEED = 1
#: Vectors that are coded together.
_BATCH = 2**14


def write_compressed(index: DenseIndex, path: Path, *, lists: int | None = None, threads: int | None = None) -> None:
    """Writes the compressed form of vectors. The same vectors give the same bytes, on processors of one kind.

    The file is a FAISS index with empty lists, padded to 64 bytes, and then the lists, one after the other: codes of 4
    bits, packed for 32 vectors at a time, and rows, int64, each with room for a multiple of 32. At the end stand the
    lengths of all lists, int64.

    Needs 200 MB to learn from a sample, and then up to twice the size of the file: 240 MB in all for 1,000,000.

    Args:
        index: of 16 vectors at least.
        path: the file.
        lists: how many; when absent, one for about a thousand vectors, and at most 4,096.
        threads: how many FAISS may use; when absent, as many as this process may.
    """
    threads = threads or len(os.sched_getaffinity(0))
    coded = _learned(index, lists or min(_MOST_LISTS, 2 ** max(0, round(log2(len(index) / _LIST)))), threads)
    with path.open("wb") as file:
        head = _faiss().serialize_index(coded).tobytes()
        file.write(head + bytes(-len(head) % _ALIGNED))
        _faiss().omp_set_num_threads(threads)
        for first in range(0, len(index), _BATCH):
            coded.add(widened(index.vectors(first, min(_BATCH, len(index) - first))))
        _faiss().omp_set_num_threads(1)
        lengths = np.array([coded.invlists.list_size(i) for i in range(coded.nlist)], "<i8")
        for number, (length, room) in enumerate(zip(lengths.tolist(), _room(lengths).tolist(), strict=True)):
            if length:
                file.write(_faiss().rev_swig_ptr(coded.invlists.get_codes(number), room * coded.code_size).data)
                file.write(_faiss().rev_swig_ptr(coded.invlists.get_ids(number), length).astype("<i8").data)
                file.write(bytes(8 * (room - length)))
        file.write(lengths.data)


def _learned(index: DenseIndex, lists: int, threads: int) -> Any:
    """An empty FAISS index with lists and codes for vectors like those of ``index``."""
    rows = np.random.default_rng(_SEED).choice(len(index), min(len(index), _LEARNED_FROM), replace=False)
    sample = index.rows(np.sort(rows))
    dimension = sample.shape[1]
    centroids = _faiss().IndexFlatIP(dimension)
    clustering = _faiss().Clustering(dimension, lists)
    clustering.niter, clustering.seed, clustering.spherical = _ROUNDS, _SEED, True
    clustering.min_points_per_centroid, clustering.max_points_per_centroid = 1, len(sample)
    _faiss().omp_set_num_threads(threads)
    clustering.train(sample, centroids)
    # The codes are learned piece by piece of the vectors: one thread takes 0.7 s where two, waking for each, took 15.
    _faiss().omp_set_num_threads(1)
    pieces = dimension // next(width for width in (3, 2, 1) if dimension % width == 0)
    coded = _faiss().IndexIVFPQFastScan(centroids, dimension, lists, pieces, 4, _faiss().METRIC_INNER_PRODUCT)
    coded.pq.cp.min_points_per_centroid = 1
    coded.train(sample)
    return coded


def _room(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """For how many vectors lists of these lengths have room."""
    return -(-lengths // _BLOCK) * _BLOCK


class _Lists:
    """An opened compressed file.

    FAISS by itself reads lists of packed codes into memory. But what it calls lists on disk are mapped, and have their
    codes and their rows just where ``write_compressed`` puts them, room included.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._index, size = _read(path), path.stat().st_size
        lists = getattr(self._index, "nlist", 0)
        lengths: NDArray[np.int64] = np.fromfile(path, "<i8", offset=max(0, size - 8 * lists))
        room = _room(lengths)
        ends = np.cumsum(room * (self._index.code_size + 8))
        start = size - 8 * lists - int(ends[-1]) if lists else 0
        if start <= 0 or start % _ALIGNED or (lengths < 0).any() or lengths.sum() != count:
            raise SnapshotError(f"{path}: not the compressed form of {count:,} vectors; build the index again")
        mapped = _faiss().OnDiskInvertedLists(lists, self._index.code_size, str(path))
        mapped.read_only, mapped.totsize, mapped.prefetch_nthread = True, size, 0
        entry, entries = _faiss().OnDiskOneList(), _faiss().OnDiskOneListVector()
        offsets = start + np.concatenate([[0], ends[:-1]])
        for entry.size, entry.capacity, entry.offset in zip(
            lengths.tolist(), room.tolist(), offsets.tolist(), strict=True
        ):
            entries.push_back(entry)
        mapped.lists.swap(entries)
        mapped.do_mmap()
        self._index.replace_invlists(mapped, True)
        mapped.this.disown()
        self._index.ntotal = count

    def search(self, vector: NDArray[np.float32], k: int, count: int, selector: Any) -> NDArray[np.int64] | None:
        """Rows that hold most of the ``k`` best of ``count`` allowed ones; None where it had to read almost all."""
        wanted = _RESCORED * k + _RESCORED_MORE
        if wanted > count // 8:
            return None
        _faiss().omp_set_num_threads(1)
        lists = int(self._index.nlist)
        probes = ceil(_PROBES * sqrt(lists) * (self._index.ntotal / count) ** _RARER)
        while True:
            given = _faiss().SearchParametersIVF(nprobe=min(probes, lists), sel=selector)
            _, rows = self._index.search(vector[None], wanted, params=given)
            if rows[0, -1] >= 0:
                return np.asarray(rows[0], np.int64)
            if probes >= lists:
                return None
            probes *= 4
