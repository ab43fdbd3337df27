"""Arrays written batch by batch, in NumPy's own file format, so that no array need be held in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

_HEADER_BYTES = 128


class ArrayFile:
    """Writes an array of numbers row by row, of which ``np.load`` can map parts.

    Args:
        path: the file; it is whole when ``finish`` has returned.
        dtype: type of the numbers.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._rows, self._row_shape = 0, tuple[int, ...]()
        self._file = path.open("wb")
        self._file.write(bytes(_HEADER_BYTES))  # its place; the number of rows is known at the end

    def add(self, rows: NDArray[np.generic]) -> None:
        """``rows`` (n, …), of the same shape but for n every time."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._rows, self._row_shape = self._rows + len(rows), rows.shape[1:]

    def finish(self) -> None:
        shape = (self._rows, *self._row_shape)
        header = f"{{'descr': {self._dtype.str!r}, 'fortran_order': False, 'shape': {shape}, }}"
        prefix = b"\x93NUMPY\x01\x00" + (_HEADER_BYTES - 10).to_bytes(2, "little")
        self._file.seek(0)
        self._file.write(prefix + header.ljust(_HEADER_BYTES - 11).encode("ascii") + b"\n")
        self._file.close()

    def close(self) -> None:
        """Gives up a file that is not finished."""
        self._file.close()
