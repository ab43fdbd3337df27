"""Lexical search leaves out most of the work and nothing of the result."""

from __future__ import annotations

import math
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.index import lexical
from rag.index.lexical import K1, B, Postings, PostingsWriter, idf
from rag.index.library import Lexical, Library
from rag.index.segment import Counts, Segment
from rag.index.store import Store, StoreWriter

Corpus = list[list[str]]
WORDS = [f"w{i:02}" for i in range(40)]


class Part(NamedTuple):
    """What lexical search reads of a segment."""

    store: Store
    postings: Postings
    counts: Counts


def random_corpus(seed: int, passages: int, longest: int = 30) -> Corpus:
    """Words by Zipf's law, so that a few stand in most passages; some passages have none."""
    chance = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(WORDS) + 1)
    lengths = chance.integers(0, longest, passages)
    drawn = chance.choice(len(WORDS), int(lengths.sum()), p=share / share.sum())
    return [[WORDS[w] for w in own] for own in np.split(drawn, np.cumsum(lengths))[:-1]]


def part(corpus: Corpus, folder: Path) -> Part:
    folder.mkdir()
    postings, store = PostingsWriter(), StoreWriter(folder / "store.sqlite")
    for terms in corpus:
        postings.add(terms)
    store.finish(postings.write(folder), ())
    counts = Counts(sources=0, passages=len(corpus), sentences=0, terms=postings.total_length)
    return Part(Store(folder / "store.sqlite"), Postings(folder), counts)


@contextmanager
def opened(*corpora: Corpus) -> Iterator[Lexical]:
    """Lexical search over segments that hold these."""
    with tempfile.TemporaryDirectory() as name:
        parts = [part(corpus, Path(name) / str(i)) for i, corpus in enumerate(corpora)]
        segments = cast("Sequence[Segment]", parts)
        yield Lexical(segments, Library(segments))
        for p in parts:
            p.store.close()


def bm25(corpus: Corpus, query: Mapping[str, float]) -> list[float]:
    """The formula, read from the paper."""
    mean_length = max(1.0, sum(map(len, corpus)) / max(1, len(corpus)))
    df = {term: sum(term in terms for terms in corpus) for term in query}

    def score(terms: list[str], term: str) -> float:
        tf = terms.count(term)
        rarity = math.log(1 + (len(corpus) - df[term] + 0.5) / (df[term] + 0.5))
        return rarity * tf / (tf + K1 * (1 - B + B * len(terms) / mean_length))

    return [sum(weight * score(terms, term) for term, weight in query.items() if df[term]) for terms in corpus]


def ranked(scores: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
    """Rows with their scores, all of them looked at."""
    rows = [row for row, score in enumerate(scores) if score > 0 and (allowed is None or allowed[row])]
    return [(row, float(scores[row])) for row in sorted(rows, key=lambda row: (-scores[row], row))[:k]]


def found(lexical: Lexical, query: Mapping[str, float], k: int, allowed: NDArray[np.bool_] | None = None) -> list[
    tuple[int, float]
]:  # fmt: skip
    rows, scores = lexical.search(query, k, allowed)
    assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
    return list(zip(rows.tolist(), scores.tolist(), strict=True))


queries = st.dictionaries(
    st.sampled_from([*WORDS, "unknown"]), st.sampled_from([0.25, 1.0, 1.0, 2.0, 7.5]), max_size=25
)
seeds = st.integers(0, 10_000)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 120), queries, st.integers(0, 130), st.sampled_from([None, 0.0, 0.02, 0.3, 0.9]))
def test_the_best_are_those_of_the_formula(
    seed: int, passages: int, query: dict[str, float], k: int, share: float | None
) -> None:
    corpus = random_corpus(seed, passages)
    allowed = None if share is None else np.random.default_rng(seed).random(passages) < share
    expected = bm25(corpus, query)
    with opened(corpus) as lexical:
        scores = lexical.scores(query, np.arange(passages))
        assert scores.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-7)
        assert found(lexical, query, k, allowed) == ranked(scores, k, allowed)


@settings(max_examples=30, deadline=None)
@given(seeds, queries, st.integers(1, 60), st.lists(st.integers(0, 200), max_size=4), st.booleans())
def test_segments_change_no_score(seed: int, query: dict[str, float], k: int, cuts: list[int], masked: bool) -> None:
    corpus = random_corpus(seed, 200)
    allowed = np.random.default_rng(seed).random(200) < 0.4 if masked else None
    bounds = [0, *sorted(cuts), 200]
    rows = np.random.default_rng(seed).integers(0, 200, 50)
    with opened(corpus) as one, opened(*(corpus[a:b] for a, b in pairwise(bounds))) as many:
        assert len(one) == len(many) == 200
        assert found(many, query, k, allowed) == found(one, query, k, allowed)
        assert many.scores(query, rows).tolist() == one.scores(query, rows).tolist()
        assert many.scores(query).tolist() == one.scores(query).tolist()
        assert many.counts(list(query), rows).tolist() == one.counts(list(query), rows).tolist()
        assert many.lengths(rows).tolist() == one.lengths(rows).tolist() == [len(corpus[row]) for row in rows]
        assert many.idf(query) == one.idf(query)


@pytest.mark.parametrize("share", [None, 0.5, 0.1, 0.01, 0.001])
def test_every_way_through_a_large_index_gives_what_scoring_all_of_it_gives(share: float | None) -> None:
    """Rare words and frequent ones, many rows for each of few places: postings are scored, passed over, looked up."""
    corpus, chance = random_corpus(5, 12_000, longest=12), np.random.default_rng(6)
    allowed = None if share is None else chance.random(len(corpus)) < share
    with opened(corpus[:9000], corpus[9000:]) as lexical:
        for k in (1, 10, 160, 20_000):
            for _ in range(12):
                own = chance.choice(WORDS, chance.integers(1, 16), replace=False)
                query = {str(word): float(chance.choice([0.5, 1, 3])) for word in own}
                scores = lexical.scores(query, np.arange(len(corpus)))
                assert found(lexical, query, k, allowed) == ranked(scores, k, allowed)


def test_most_postings_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = random_corpus(5, 12_000)
    query = {WORDS[0]: 1.0, WORDS[1]: 1.0, WORDS[2]: 1.0, WORDS[39]: 3.0, WORDS[38]: 3.0}
    scored, parts = [0], lexical._parts

    def counted(weight: float, counts: NDArray[np.number], *rest: object) -> NDArray[np.float32]:
        scored[0] += len(counts)
        return parts(weight, counts, *rest)  # type: ignore[arg-type]

    with opened(corpus) as search:
        monkeypatch.setattr(lexical, "_parts", counted)
        search.search(query, 10)
    postings = sum(word in terms for word in query for terms in corpus)
    assert 0 < scored[0] < postings / 3


def test_a_passage_full_of_a_lesser_word_is_not_left_out() -> None:
    """A term that stands in it 400 times adds nearly its whole weight, which is what is reckoned with."""
    corpus = [["a", *["c"] * 5]] * 40 + [["b"] * 400] + [["c"]] * 40
    with opened(corpus) as lexical:
        by_idf = lexical.idf(["a", "b"])
        for share in np.linspace(0.4, 1.1, 29).tolist():
            query = {"a": 1.0, "b": share * by_idf["a"] / by_idf["b"]}
            scores = lexical.scores(query, np.arange(len(corpus)))
            assert found(lexical, query, 1) == ranked(scores, 1)


def test_ties_go_to_the_lower_row_and_a_zero_is_not_found() -> None:
    corpus = [["b"], ["a"], ["c"], ["a"], ["a"]]
    with opened(corpus[:2], corpus[2:]) as lexical:
        assert [row for row, _ in found(lexical, {"a": 1.0}, 2)] == [1, 3]
        assert [row for row, _ in found(lexical, {"a": 1.0}, 9)] == [1, 3, 4]
        assert found(lexical, {"a": 1.0}, 9, np.array([True, False, True, False, True]))[0][0] == 4


@pytest.mark.parametrize("query", [{}, {"unknown": 1.0}, {"a": 0.0}, {"a": -1.0}])
def test_a_query_without_terms_finds_nothing(query: dict[str, float]) -> None:
    with opened([["a"], ["b"]]) as lexical:
        assert found(lexical, query, 5) == []
        assert lexical.scores(query, np.arange(2)).tolist() == [0, 0]
    with opened([]) as empty:
        assert found(empty, query, 5) == []
        assert empty.scores(query, np.arange(0)).tolist() == []


@pytest.mark.parametrize("k", [0, -1])
def test_none_is_found_for_no_places(k: int) -> None:
    with opened([["a"], ["b"]]) as lexical:
        assert found(lexical, {"a": 1.0}, k) == []


def test_counts_in_the_order_of_rows_and_terms() -> None:
    with opened([["a", "a", "b"], ["b"]], [["c", "a"]]) as lexical:
        rows = np.array([2, 0, 1, 0])
        assert lexical.counts(["c", "a", "unknown", "a"], rows).tolist() == [
            [1, 1, 0, 1], [0, 2, 0, 2], [0, 0, 0, 0], [0, 2, 0, 2],
        ]  # fmt: skip
        assert lexical.counts([], rows).shape == (4, 0)
        assert lexical.counts(["a"], rows[:0]).shape == (0, 1)


def test_idf_counts_the_passages_of_all_segments() -> None:
    with opened([["a"], ["b"]], [["a"]]) as lexical:
        assert lexical.idf(["a", "b", "unknown"]) == {"a": idf(3, 2), "b": idf(3, 1), "unknown": idf(3, 0)}


def test_a_term_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    with opened([["a"], ["b"]], [["a"]]) as lexical:
        read = Store.terms
        monkeypatch.setattr(Store, "terms", lambda self, terms: asked.append(list(terms)) or read(self, terms))
        lexical.search({"a": 1.0, "unknown": 1.0}, 5)
        lexical.scores({"a": 1.0, "unknown": 1.0, "b": 1.0}, np.arange(3))
        lexical.idf(["b"])
    assert asked == [["a", "unknown"]] * 2 + [["b"]] * 2


def test_a_query_may_have_more_terms_than_sqlite_takes_parameters() -> None:
    with sqlite3.connect(":memory:") as db:
        most = db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    db.close()
    words = [f"word{i}" for i in range(min(most, 40_000) + 1)]
    with opened([words[:5], words[-1:]]) as lexical:
        assert [row for row, _ in found(lexical, dict.fromkeys(words, 1.0), 5)] == [0, 1]
