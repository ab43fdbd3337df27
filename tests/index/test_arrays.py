"""Arrays written batch by batch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.index.arrays import ArrayFile


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 9), max_size=5),
    st.sampled_from([(), (3,), (2, 4)]),
    st.sampled_from(["<f2", "<i8", "<u8", "u1", "<u4"]),
)
def test_a_file_written_batch_by_batch_is_a_numpy_array(sizes: list[int], row: tuple[int, ...], dtype: str) -> None:
    batches = [np.random.default_rng(n).integers(0, 100, size=(n, *row)).astype(dtype) for n in sizes]
    with tempfile.TemporaryDirectory() as name:
        file = ArrayFile(Path(name) / "a.npy", dtype)
        for batch in batches:
            file.add(batch)
        file.finish()
        found = np.load(Path(name) / "a.npy", allow_pickle=False)
    assert found.dtype == np.dtype(dtype)
    assert found.tolist() == [row for batch in batches for row in batch.tolist()]
    assert not batches or found.shape[1:] == row


def test_parts_of_it_can_be_mapped(tmp_path: Path) -> None:
    file = ArrayFile(tmp_path / "a.npy", np.float16)
    file.add(np.arange(12, dtype=np.float16).reshape(4, 3)[::2])  # not contiguous
    file.finish()
    assert np.load(tmp_path / "a.npy", mmap_mode="r")[1].tolist() == [6, 7, 8]


@pytest.mark.parametrize("rows", [0, 3])
def test_what_is_given_up_is_no_array(tmp_path: Path, rows: int) -> None:
    file = ArrayFile(tmp_path / "a.npy", np.int32)
    file.add(np.ones(rows, np.int32))
    file.close()
    with pytest.raises(ValueError, match="pickled"):
        np.load(tmp_path / "a.npy", allow_pickle=False)
