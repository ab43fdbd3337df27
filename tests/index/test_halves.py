from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from written_vectors import unit

from rag.index import halves
from rag.index.halves import HalvesReader, widened


def test_every_half_keeps_its_number_when_it_is_widened() -> None:
    numbers = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = numbers[np.isfinite(numbers)]
    expected = numbers.astype(np.float32)
    assert (widened(numbers) == expected).all()
    assert (np.signbit(widened(numbers)) == np.signbit(expected)).all()
    assert widened(np.empty((0, 4), np.float16)).shape == (0, 4)
    assert (widened(numbers[:1000].reshape(10, 100)[::2, ::3]) == expected[:1000].reshape(10, 100)[::2, ::3]).all()


@pytest.mark.parametrize("count", [0, 1, 100, 2048, 2049, 5000])
@pytest.mark.parametrize("whole", [0, 5000])
def test_rows_are_given_in_their_order_few_or_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, whole: int
) -> None:
    monkeypatch.setattr(halves, "_FEW", whole)
    stored, query = unit(3000, 24, 1).astype(np.float16), unit(1, 24, 2)[0]
    (tmp_path / "v").write_bytes(bytes(10) + stored.tobytes())
    reader = HalvesReader(tmp_path / "v", 10, stored.shape)
    rows = np.random.default_rng(count).integers(0, 3000, count)
    assert len(reader) == 3000
    assert (reader[rows] == stored[rows].astype(np.float32)).all()
    assert (reader.products(query, rows) == np.vecdot(stored[rows].astype(np.float32), query)).all()


def test_an_array_can_be_read_and_may_be_empty(tmp_path: Path) -> None:
    stored = unit(30, 8, 1).astype(np.float16)
    np.save(tmp_path / "some.npy", stored)
    np.save(tmp_path / "none.npy", np.empty(0, np.float16))
    assert (HalvesReader.of_array(tmp_path / "some.npy")[np.array([29, 3])] == stored[[29, 3]]).all()
    assert len(HalvesReader.of_array(tmp_path / "none.npy")) == 0
    assert HalvesReader.of_array(tmp_path / "some.npy").dimension == 8


def test_a_file_that_is_deleted_is_still_read(tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", unit(30, 8, 1).astype(np.float16))
    reader = HalvesReader.of_array(tmp_path / "some.npy")
    (tmp_path / "some.npy").unlink()
    assert reader[np.array([7])].shape == (1, 8)
