from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from written_vectors import best_of, clustered, unit, write_vectors

from rag.errors import SnapshotError
from rag.index.vectors import DenseIndex, write_compressed

ROWS, DIMENSION = 20_000, 48
LISTS = 128


@pytest.fixture(scope="module")
def stored() -> NDArray[np.float32]:
    return clustered(ROWS, DIMENSION, 1)


@pytest.fixture(scope="module")
def queries() -> NDArray[np.float32]:
    """Near some of the vectors, as questions are."""
    near = clustered(ROWS, DIMENSION, 1)[::1000] + 0.8 * unit(20, DIMENSION, 5)
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(stored: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compressed")
    write_vectors(stored, made / "v.faiss")
    write_compressed(DenseIndex(made / "v.faiss"), made / "v.ivf.faiss", lists=LISTS, threads=1)
    return made


@pytest.fixture(scope="module")
def index(folder: Path) -> DenseIndex:
    return DenseIndex(folder / "v.faiss", folder / "v.ivf.faiss", exact_up_to=0)


def some(left: int) -> NDArray[np.bool_]:
    allowed = np.zeros(ROWS, np.bool_)
    allowed[np.random.default_rng(left).choice(ROWS, left, replace=False)] = True
    return allowed


#: Noise in every dimension is harder to code than text: at 1,000,000 embeddings of passages it is .988.
RECALL = 0.95


def recall(
    index: DenseIndex, stored: NDArray[np.float32], queries: NDArray[np.float32], allowed: NDArray[np.bool_] | None
) -> float:
    found = [np.isin(best_of(stored, q, 10, allowed)[0], index.search(q, 10, allowed)[0]).mean() for q in queries]
    return float(np.mean(found))


def test_most_of_the_nearest_are_found(
    index: DenseIndex, stored: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    assert len(index) == ROWS
    assert recall(index, stored, queries, None) >= RECALL


@pytest.mark.parametrize("left", [15_000, 4000, 1000])
def test_most_of_the_nearest_allowed_are_found(
    index: DenseIndex, stored: NDArray[np.float32], queries: NDArray[np.float32], left: int
) -> None:
    assert recall(index, stored, queries, some(left)) >= RECALL


@pytest.mark.parametrize("left", [0, 1, 9, 10, 11, 200, 3000, 19_999])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_none_is_missing_where_there_are_k(index: DenseIndex, queries: NDArray[np.float32], left: int, k: int) -> None:
    allowed = some(left)
    rows, scores = index.search(queries[0], k, allowed)
    assert len(rows) == len(set(rows.tolist())) == min(k, left)
    assert allowed[rows].all()
    assert np.array_equal(np.lexsort((rows, -scores)), np.arange(len(rows)))


def test_a_filter_that_leaves_only_what_is_far_off_is_answered_in_full(
    index: DenseIndex, stored: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    for query in queries:
        far = np.zeros(ROWS, np.bool_)
        far[best_of(stored, query, ROWS)[0][-1000:]] = True
        rows, _ = index.search(query, 10, far)
        assert len(rows) == 10
        assert far[rows].all()


def test_few_allowed_rows_are_searched_exactly(
    folder: Path, stored: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    index = DenseIndex(folder / "v.faiss", folder / "v.ivf.faiss")
    for left in (5, 300, 2048):
        for query in queries[:5]:
            assert index.search(query, 10, some(left))[0].tolist() == best_of(stored, query, 10, some(left))[0].tolist()


def test_who_asks_for_a_large_part_gets_it_exactly(
    index: DenseIndex, stored: NDArray[np.float32], queries: NDArray[np.float32]
) -> None:
    for k in (5000, ROWS, ROWS + 1):
        assert index.search(queries[0], k)[0].tolist() == best_of(stored, queries[0], k)[0].tolist()


def test_scores_are_those_of_exact_search(folder: Path, index: DenseIndex, queries: NDArray[np.float32]) -> None:
    exact = DenseIndex(folder / "v.faiss")
    for query in queries:
        rows, scores = index.search(query, 20)
        assert (scores == exact.scores(query, rows)).all()


def test_threads_change_nothing(folder: Path, index: DenseIndex, queries: NDArray[np.float32]) -> None:
    alone = [index.search(query, 10) for query in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: index.search(query, 10), [*queries, *queries]))
    for (rows, scores), found in zip([*alone, *alone], together, strict=True):
        assert (rows == found[0]).all()
        assert (scores == found[1]).all()
    again = folder / "again.ivf.faiss"
    write_compressed(DenseIndex(folder / "v.faiss"), again, lists=LISTS, threads=2)
    assert again.read_bytes() == (folder / "v.ivf.faiss").read_bytes(), "the same vectors give the same bytes"


def test_equal_vectors_have_equal_scores_and_come_by_row(tmp_path: Path) -> None:
    stored = np.repeat(clustered(3000, DIMENSION, 3), 5, axis=0)
    write_vectors(stored, tmp_path / "v.faiss")
    write_compressed(DenseIndex(tmp_path / "v.faiss"), tmp_path / "c.faiss", lists=32, threads=1)
    index = DenseIndex(tmp_path / "v.faiss", tmp_path / "c.faiss", exact_up_to=0)
    for query in stored[::1500]:
        rows, scores = index.search(query, 10)
        assert rows[:5].tolist() == best_of(stored, query, 5)[0].tolist()
        assert np.array_equal(np.lexsort((rows, -scores)), np.arange(10))


@pytest.mark.parametrize("count", [16, 33, 1500])
@pytest.mark.parametrize("dimension", [6, 7, 8])
def test_any_number_of_vectors_of_any_dimension_can_be_compressed(tmp_path: Path, count: int, dimension: int) -> None:
    stored, query = unit(count, dimension, 1), unit(1, dimension, 2)[0]
    write_vectors(stored, tmp_path / "v.faiss")
    write_compressed(DenseIndex(tmp_path / "v.faiss"), tmp_path / "c.faiss", threads=1)
    index = DenseIndex(tmp_path / "v.faiss", tmp_path / "c.faiss", exact_up_to=0)
    rows, scores = index.search(query, 5)
    assert rows[0] == best_of(stored, query, 1)[0][0]
    assert (scores == index.scores(query, rows)).all()


def test_the_file_is_a_small_part_of_the_vectors_and_is_not_read_when_it_is_opened(folder: Path) -> None:
    assert (folder / "v.ivf.faiss").stat().st_size < (folder / "v.faiss").stat().st_size / 2, "8 bytes each are rows"
    tracemalloc.start()
    DenseIndex(folder / "v.faiss", folder / "v.ivf.faiss")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_damaged_file_or_that_of_other_vectors_is_refused(folder: Path, tmp_path: Path) -> None:
    content = (folder / "v.ivf.faiss").read_bytes()
    cut = [content[:kept] for kept in (0, 50, len(content) // 100, -8, -1)]
    other = [content + b"12345678", content[:-8] + bytes(8), (folder / "v.faiss").read_bytes()]
    for number, damaged in enumerate([*cut, *other]):
        (tmp_path / f"{number}.faiss").write_bytes(damaged)
        with pytest.raises(SnapshotError, match=rf"{number}\.faiss: .*build the index again"):
            DenseIndex(folder / "v.faiss", tmp_path / f"{number}.faiss")
    write_vectors(unit(100, DIMENSION, 0), tmp_path / "other.faiss")
    with pytest.raises(SnapshotError, match="not the compressed form of 100 vectors"):
        DenseIndex(tmp_path / "other.faiss", folder / "v.ivf.faiss")
    with pytest.raises(SnapshotError, match=r"absent\.faiss"):
        DenseIndex(folder / "v.faiss", tmp_path / "absent.faiss")
