from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.errors import SnapshotError
from rag.index.vectors import DenseIndex, DenseWriter, HalvesFile


def unit(n: int, d: int, seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def write_vectors(vectors: NDArray[np.float32], path: Path, batch: int = 7) -> None:
    writer = DenseWriter(path)
    for first in range(0, len(vectors), batch):
        writer.add(vectors[first : first + batch].astype(np.float16))
    writer.finish()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_search_is_exact(n: int, k: int, seed: int) -> None:
    stored, query = unit(n, 16, seed), unit(1, 16, seed + 1)[0]
    with tempfile.TemporaryDirectory() as name:
        write_vectors(stored, Path(name) / "v.faiss")
        index = DenseIndex(Path(name) / "v.faiss")
        rows, scores = index.search(query, k)
    products = stored.astype(np.float16).astype(np.float32) @ query
    expected = np.argsort(-products, kind="stable")[:k]
    assert len(index) == n
    assert len(rows) == min(k, n)
    assert rows.dtype == np.int64
    assert np.abs(scores - products[expected]).max() < 1e-5
    assert np.abs(products[rows] - products[expected]).max() < 1e-5, "ties may change places"


@pytest.mark.parametrize("k", [0, -1])
def test_nothing_asked_nothing_found(tmp_path: Path, k: int) -> None:
    write_vectors(unit(3, 8, 0), tmp_path / "v.faiss")
    rows, scores = DenseIndex(tmp_path / "v.faiss").search(unit(1, 8, 1)[0], k)
    assert rows.shape == scores.shape == (0,)


def test_an_index_without_vectors_finds_nothing(tmp_path: Path) -> None:
    write_vectors(np.empty((0, 8), np.float32), tmp_path / "v.faiss")
    index = DenseIndex(tmp_path / "v.faiss")
    assert len(index) == 0
    assert index.search(unit(1, 8, 1)[0], 5)[0].shape == (0,)


def test_vectors_are_kept_as_halves_and_given_back(tmp_path: Path) -> None:
    stored = unit(500, 64, 7)
    write_vectors(stored, tmp_path / "v.faiss")
    index = DenseIndex(tmp_path / "v.faiss")
    assert (tmp_path / "v.faiss").stat().st_size < 500 * 64 * 2.2
    assert [index.search(v, 1)[0][0] for v in stored[::25]] == list(range(0, 500, 25))
    assert (index.vectors(10, 3) == stored[10:13].astype(np.float16)).all()
    assert index.vectors(0, 0).shape == (0, 64)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 9))
def test_a_file_of_halves_is_a_numpy_array(sizes: list[int], d: int) -> None:
    batches = [unit(n, d, n).astype(np.float16) for n in sizes]
    with tempfile.TemporaryDirectory() as name:
        file = HalvesFile(Path(name) / "h.npy")
        for batch in batches:
            file.add(batch)
        file.finish()
        found = np.load(Path(name) / "h.npy", allow_pickle=False)
    assert found.dtype == np.float16
    assert found.tolist() == [row for batch in batches for row in batch.tolist()]


@pytest.mark.parametrize("content", [b"", b"not an index", b"IxFI" + bytes(8), bytes(4096)])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.faiss").write_bytes(content)
    with pytest.raises(SnapshotError, match=r"v\.faiss: not a readable FAISS index .*build the index again"):
        DenseIndex(tmp_path / "v.faiss")


@pytest.mark.parametrize("kept", [1, 10, 40, 100, 1000])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    write_vectors(unit(100, 8, 0), tmp_path / "v.faiss")
    (tmp_path / "v.faiss").write_bytes((tmp_path / "v.faiss").read_bytes()[:kept])
    with pytest.raises(SnapshotError, match="build the index again"):
        DenseIndex(tmp_path / "v.faiss")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"v\.faiss"):
        DenseIndex(tmp_path / "v.faiss")
