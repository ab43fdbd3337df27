"""Which passages of a snapshot are of one source, without reading the sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.index.library import Rows
from rag.index.segment import Segment


class Owners:
    """A code for the source of each passage, by row; different sources have different ones (see ``name_code``)."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._rows = Rows(s.counts.passages for s in segments)

    def __len__(self) -> int:
        return len(self._rows)

    def codes(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Codes of ``rows``, in the same shape; 0, which no source has, for a row that there is not."""
        found = np.zeros(rows.shape, np.uint64)
        there = (rows >= 0) & (rows < len(self))
        wanted, codes = rows[there], np.zeros(int(there.sum()), np.uint64)
        for number, own, places in self._rows.parted(wanted):
            codes[places] = self._segments[number].columns.sources[own]
        found[there] = codes
        return found
