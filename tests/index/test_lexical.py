"""BM25 against the independent implementation of bm25s."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.index.lexical import FILES, K1, B, Postings, PostingsWriter, idf

WORDS = [f"w{i}" for i in range(12)]
documents = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=25), min_size=1, max_size=20)


def written(corpus: list[list[str]], folder: Path) -> dict[str, tuple[int, int]]:
    writer = PostingsWriter()
    for terms in corpus:
        writer.add(terms)
    return writer.write(folder)


def scores(corpus: list[list[str]], query: dict[str, float]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as name:
        vocabulary = written(corpus, Path(name))
        weights = {
            vocabulary[t][0]: w * idf(len(corpus), vocabulary[t][1]) for t, w in query.items() if t in vocabulary
        }
        mean_length = max(1.0, sum(map(len, corpus)) / len(corpus))
        return Postings(Path(name)).scores(weights, mean_length, np.arange(len(corpus)))


@settings(max_examples=60, deadline=None)
@given(documents, st.sets(st.sampled_from(WORDS), min_size=1))
def test_scores_equal_those_of_bm25s(corpus: list[list[str]], query: set[str]) -> None:
    ids = {word: i for i, word in enumerate(sorted({w for d in corpus for w in d}))}
    known = sorted(query & ids.keys())
    ours = scores(corpus, dict.fromkeys(known, 1.0))
    if not known:
        assert not ours.any()
        return
    other = bm25s.BM25(method="lucene", k1=K1, b=B)
    other.index(([[ids[w] for w in d] for d in corpus], ids), show_progress=False)
    theirs = other.get_scores([ids[w] for w in known])
    assert ours.shape == (len(corpus),)
    assert np.abs(ours - theirs).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(documents, st.sampled_from(WORDS), st.integers(1, 5))
def test_a_weight_multiplies(corpus: list[list[str]], word: str, weight: int) -> None:
    assert scores(corpus, {word: float(weight)}) == pytest.approx(weight * scores(corpus, {word: 1.0}), abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(documents)
def test_the_vocabulary_counts_documents(corpus: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        vocabulary = written(corpus, Path(name))
    assert list(vocabulary) == sorted({w for d in corpus for w in d})
    assert [term_id for term_id, _ in vocabulary.values()] == list(range(len(vocabulary)))
    for word, (_, df) in vocabulary.items():
        assert df == sum(word in d for d in corpus)


def test_a_hand_computed_score() -> None:
    corpus = [["argatroban", "dose", "dose"], ["heparin"]]
    expected = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5)) * 2 / (2 + K1 * (1 - B + B * 3 / 2))
    assert scores(corpus, {"dose": 1.0}) == pytest.approx([expected, 0])


def test_counts_end_where_16_bits_do(tmp_path: Path) -> None:
    written([["dose"] * 70_000, ["dose"]], tmp_path)
    assert Postings(tmp_path).counts([0], np.arange(2)).tolist() == [[65_535], [1]]
    assert Postings(tmp_path).lengths(np.arange(2)).tolist() == [70_000, 1]


def test_idf_is_never_negative_and_falls_with_the_frequency() -> None:
    values = [idf(10, df) for df in range(11)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0
    assert values[0] == pytest.approx(math.log(1 + 10.5 / 0.5))
    assert idf(0, 0) == pytest.approx(math.log(2))


def test_no_terms_score_nothing() -> None:
    assert scores([["a"], ["b"]], {}).tolist() == [0, 0]
    assert scores([["a"], ["b"]], {"missing": 1.0}).tolist() == [0, 0]


def test_documents_without_terms_can_be_written_and_opened(tmp_path: Path) -> None:
    assert written([[], []], tmp_path) == {}
    assert Postings(tmp_path).scores({}, 1.0, np.arange(2)).tolist() == [0, 0]
    assert Postings(tmp_path).search({}, 1.0, 5)[0].tolist() == []


def test_written_files_hold_no_pickles(tmp_path: Path) -> None:
    written([["a", "b"], ["b"]], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        np.load(tmp_path / name, allow_pickle=False)
