from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from written_vectors import best_of, unit, write_vectors

from rag.index.library import Dense
from rag.index.segment import Segment
from rag.index.vectors import DenseIndex


class Part(NamedTuple):
    """What dense search needs of a segment."""

    dense: DenseIndex


def opened(stored: NDArray[np.float32], sizes: Sequence[int], folder: Path, threads: int) -> Dense:
    parts = []
    for number, first in enumerate(np.cumsum([0, *sizes])[:-1].tolist()):
        write_vectors(stored[first : first + sizes[number]], folder / f"{number}.faiss")
        parts.append(Part(DenseIndex(folder / f"{number}.faiss")))
    return Dense(cast(Sequence[Segment], parts), threads)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(-1, 90), st.floats(0, 1),
       st.sampled_from([1, 3]), st.booleans())  # fmt: skip
def test_spreading_vectors_over_segments_changes_nothing(
    sizes: list[int], k: int, share: float, threads: int, alike: bool
) -> None:
    rng, total = np.random.default_rng(len(sizes) + k), sum(sizes)
    stored, query = unit(max(total, 1), 16, k + 1)[:total], unit(1, 16, 99)[0]
    if alike and total:
        stored = stored[rng.integers(0, min(3, total), total)]
    allowed = rng.random(total) < share
    with tempfile.TemporaryDirectory() as name:
        dense = opened(stored, sizes, Path(name), threads)
        assert len(dense) == total
        for within in (None, allowed):
            rows, scores = dense.search(query, k, within)
            expected = best_of(stored, query, max(k, 0), within)
            assert (rows.tolist(), scores.tolist()) == (expected[0].tolist(), expected[1].tolist())
            assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
            assert (dense.scores(query, rows[::-1]) == scores[::-1]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_snapshot_without_segments_has_nothing(threads: int) -> None:
    dense = Dense([], threads)
    assert len(dense) == 0
    assert dense.search(unit(1, 16, 0)[0], 3)[0].shape == (0,)
    assert dense.scores(unit(1, 16, 0)[0], np.empty(0, np.int64)).shape == (0,)
