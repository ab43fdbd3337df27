from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_vectors import best_of, unit, write_vectors

from rag.errors import SnapshotError
from rag.index.vectors import DenseIndex, DenseWriter


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_search_is_exact(n: int, k: int, seed: int) -> None:
    stored, query = unit(n, 16, seed), unit(1, 16, seed + 1)[0]
    with tempfile.TemporaryDirectory() as name:
        write_vectors(stored, Path(name) / "v.faiss", batch=7)
        index = DenseIndex(Path(name) / "v.faiss")
        rows, scores = index.search(query, k)
    assert len(index) == n
    assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
    assert rows.tolist() == best_of(stored, query, k)[0].tolist()
    assert scores.tolist() == best_of(stored, query, k)[1].tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 200), st.floats(0, 1), st.integers(0, 99))
def test_equal_vectors_are_found_by_row_however_many_there_are(k: int, n: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stored, query = unit(3, 16, seed)[rng.integers(0, 3, n)], unit(1, 16, seed + 1)[0]
    allowed = rng.random(n) < share
    with tempfile.TemporaryDirectory() as name:
        write_vectors(stored, Path(name) / "v.faiss")
        index = DenseIndex(Path(name) / "v.faiss")
        for within in (None, allowed):
            assert index.search(query, k, within)[0].tolist() == best_of(stored, query, k, within)[0].tolist()


@pytest.mark.parametrize("left", [0, 1, 5, 30, 31, 32, 500, 1999, 2000])
@pytest.mark.parametrize("k", [1, 10, 400, 3000])
def test_only_allowed_rows_are_found_and_all_of_them(tmp_path: Path, left: int, k: int) -> None:
    stored, query = unit(2000, 16, 1), unit(1, 16, 2)[0]
    write_vectors(stored, tmp_path / "v.faiss")
    allowed = np.zeros(2000, np.bool_)
    allowed[np.random.default_rng(left).choice(2000, left, replace=False)] = True
    rows, scores = DenseIndex(tmp_path / "v.faiss").search(query, k, allowed)
    expected = best_of(stored, query, k, allowed)
    assert len(rows) == min(k, left)
    assert (rows.tolist(), scores.tolist()) == (expected[0].tolist(), expected[1].tolist())


def test_a_row_has_one_score(tmp_path: Path) -> None:
    stored, query = unit(3000, 48, 1), unit(1, 48, 2)[0]
    write_vectors(stored, tmp_path / "v.faiss")
    index = DenseIndex(tmp_path / "v.faiss")
    scores = index.scores(query, np.arange(3000))
    shuffled = np.random.default_rng(0).permutation(3000)
    assert (index.scores(query, shuffled) == scores[shuffled]).all()
    assert [index.scores(query, np.array([row]))[0] for row in range(50)] == scores[:50].tolist()
    for allowed in (None, scores > 0, np.arange(3000) < 20):
        rows, found = index.search(query, 12, allowed)
        assert (found == scores[rows]).all()
    assert index.scores(query, np.array([7, 7])).tolist() == [scores[7]] * 2
    assert index.scores(query, np.empty(0, np.int64)).shape == (0,)


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


@pytest.mark.parametrize("sizes", [[], [0], [5], [3, 0, 4, 1]])
def test_what_is_written_batch_by_batch_is_the_file_that_faiss_writes(tmp_path: Path, sizes: list[int]) -> None:
    import faiss

    vectors = [unit(n, 24, i).astype(np.float16) for i, n in enumerate(sizes)]
    writer = DenseWriter(tmp_path / "v.faiss")
    expected = faiss.IndexScalarQuantizer(24 if sizes else 1, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    expected.is_trained = True
    for batch in vectors:
        writer.add(batch)
        expected.add(batch.astype(np.float32))
    writer.finish()
    assert (tmp_path / "v.faiss").read_bytes() == faiss.serialize_index(expected).tobytes()


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
