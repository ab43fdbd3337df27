"""Vectors of 16-bit floats in a file, read row by row as 32-bit ones."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Rows up to which a file is widened once and kept: 25 MB at most with 384 numbers each.
_FEW = 16_384
#: Rows from which on the map is used.
_MANY = 2048
#: Rows after which what was mapped of them is let go: with a page for each, 128 MB.
_LET_GO = 32_768
#: Rows that are widened together, so that they stay in the processor's cache.
_CHUNK = 1024


class HalvesReader:
    """Reads rows of a file here and there. Usable from several threads.

    A short file is read whole when a row of it is first asked for. Of a longer one some rows are read one by one, all
    of them announced first: when the disk must bring them, 120 of 1,000,000 took 2.5 ms, and 17 ms unannounced; when it
    need not, 0.3 ms. They are not mapped, since a page that is brings its neighbours into the resident memory, after a
    thousand questions the whole file. Many rows are taken from a map, in a fifth of the time.

    Args:
        path: a file that ends with the vectors.
        start: where in it they start, in bytes.
        shape: of the vectors (n, d).
    """

    def __init__(self, path: Path, start: int, shape: tuple[int, int]) -> None:
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_RANDOM)
        self._content = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
        self._content.madvise(mmap.MADV_RANDOM)
        self._map: NDArray[np.float16] = np.ndarray(shape, "<f2", self._content, start)
        self._start, self.dimension = start, shape[1]
        self._touched = 0  # rows taken from the map since it was last let go; a guess when threads count at once

    @classmethod
    def of_array(cls, path: Path) -> HalvesReader:
        """Of an array in NumPy's own file format, which may have no rows and then no dimension."""
        array = np.load(path, mmap_mode="r")
        return cls(path, array.offset, (len(array), array.size // max(1, len(array))))

    def __len__(self) -> int:
        return len(self._map)

    @cached_property
    def _whole(self) -> NDArray[np.float32] | None:
        """All vectors of a short file."""
        return widened(self._map) if len(self) <= _FEW else None

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of ``rows``, in their order: shape (rows, d)."""
        found = np.empty((len(rows), self.dimension), np.float32)
        for first, vectors in self._chunks(rows):
            found[first : first + len(vectors)] = vectors
        return found

    def products(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner products of ``rows`` with a vector: shape (rows,). That of a row does not depend on the others."""
        found = np.empty(len(rows), np.float32)
        for first, vectors in self._chunks(rows):
            # Row by row: the order in which a product of matrices adds depends on how many rows there are.
            np.vecdot(vectors, vector, out=found[first : first + len(vectors)])
        return found

    def _chunks(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The vectors of ``rows``, some at a time, with the place of the first among them."""
        for first in range(0, len(rows), _CHUNK):
            chunk = rows[first : first + _CHUNK]
            if self._whole is not None:
                yield first, self._whole[chunk]
            else:
                yield first, widened(self._mapped(chunk) if len(rows) > _MANY else self._one_by_one(chunk))

    def _mapped(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """From the map, of which the process then lets go, now and again: the system still has the pages."""
        found: NDArray[np.float16] = self._map[rows]
        self._touched += len(rows)
        if self._touched > _LET_GO:
            self._touched = 0
            self._content.madvise(mmap.MADV_DONTNEED)
        return found

    def _one_by_one(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        width = 2 * self.dimension
        places = (self._start + width * rows).tolist()
        for place in places:
            os.posix_fadvise(self._file, place, width, os.POSIX_FADV_WILLNEED)
        found = b"".join([os.pread(self._file, width, place) for place in places])
        return np.frombuffer(found, "<f2").reshape(len(rows), self.dimension)


def widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same finite numbers as 32-bit floats, seven times faster than by ``astype``.

    A half is a sign, 5 bits of exponent and 10 of fraction. Moved to where a 32-bit float has its own, only the
    exponent's bias is wrong, 15 for 127, and a product with a power of two rights it, for subnormal numbers as well.
    """
    bits = np.ascontiguousarray(halves).view(np.int16).astype(np.int32)  # the sign is repeated in the upper bits
    bits <<= 13
    bits &= np.int32(-0x70002000)  # 0x8fffe000, all but the repeated signs
    numbers = bits.view(np.float32)
    numbers *= np.float32(2.0**112)
    return numbers
