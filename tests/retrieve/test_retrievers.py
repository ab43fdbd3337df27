"""Every retriever against the conformance suite, and what is particular to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from conformance import (
    ODD,
    QUESTIONS,
    AbsoluteConformance,
    RetrieverConformance,
    Vectors,
    check,
    corpus,
    in_order,
    part,
    spread,
)
from numpy.typing import NDArray
from small_corpus import document, empty_index, exported_encoder

from rag.domain import Document, Hit
from rag.errors import QuestionError
from rag.index import build as builder
from rag.index import segment
from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.index.vectors import DenseIndex
from rag.pipeline import Pipeline
from rag.retrieve.base import Found, best, hits, with_ties
from rag.retrieve.dense import DenseRetriever
from rag.retrieve.hybrid import HybridRetriever
from rag.retrieve.lexical import LexicalRetriever, term_weights

#: Questions for the large corpus.
LARGE = (
    "How many people in Oslo had pain with 20 mg of sertraline?",
    "losartan falls Lima",
    "codeine and death",
    "In Cairo 96 people took 8 mg of folate and 2 had fever.",
)


class TestDense(AbsoluteConformance):
    tied = ""

    @staticmethod
    def make(snapshot: Snapshot) -> DenseRetriever:
        return DenseRetriever(snapshot)

    @pytest.mark.parametrize("text", QUESTIONS)
    def test_a_score_is_the_cosine(self, snapshot: Snapshot, vectors: Vectors, text: str) -> None:
        stored = np.concatenate([s.dense.vectors(0, len(s.dense)) for s in snapshot.segments]).astype(np.float32)
        cosines = stored @ vectors[text]
        found = self.make(snapshot).search("other words play no part", vectors[text], len(stored))
        assert [hit.score for hit in found] == pytest.approx([float(cosines[hit.row]) for hit in found], abs=1e-5)
        assert len(found) == len(stored)


class Words:
    """An encoder for a corpus that is large enough to be compressed: a text is the mean of its words' directions."""

    def __init__(self, *_: object) -> None:
        pass

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        total = sum((_direction(word) for word in text.lower().split()[:200]), start=np.zeros(48, np.float32))
        return total / max(float(np.linalg.norm(total)), 1e-9)


@cache
def _direction(word: str) -> NDArray[np.float32]:
    return np.random.default_rng(crc32(word.encode())).normal(size=48).astype(np.float32)


def large_corpus() -> list[Document]:
    """The corpus of all, and 2,400 passages more in 60 documents."""
    drugs, outcomes = ("sertraline", "losartan", "ibuprofen", "codeine", "folate"), ("pain", "death", "falls", "fever")
    places = ("Oslo", "Lima", "Cairo")
    more = [
        document(f"large-{drug}-{outcome}-{place}", "".join(
            f"- In {place} {40 + 7 * n} people took {n} mg of {drug} and {n * n % 31} had {outcome}. {{#s{n}}}\n"
            for n in range(1, 41)
        ))
        for drug, outcome, place in product(drugs, outcomes, places)
    ]  # fmt: skip
    return [*corpus(), *more]


@pytest.mark.slow
class TestDenseCompressed(RetrieverConformance):
    """Searched by codes, and where little is allowed or all of it is asked for without them."""

    tied = ""

    @staticmethod
    def make(snapshot: Snapshot) -> DenseRetriever:
        return DenseRetriever(snapshot)

    @pytest.fixture(scope="class")
    @classmethod
    def index(cls, starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        folder = empty_index(tmp_path_factory.mktemp("compressed") / "index", exported_encoder(starter_index))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(builder, "OpenVinoEncoder", Words)
            patch.setattr(segment, "COMPRESSED_FROM", 1000)
            # A few thousand rows would else be searched without codes.
            patch.setitem(DenseIndex.__init__.__kwdefaults__, "exact_up_to", 0)
            build(large_corpus(), folder)
            yield folder

    @pytest.fixture(scope="class")
    @classmethod
    def spread_index(cls, index: Path) -> Path:
        """The same passages in segments that are too small to be compressed."""
        folder = index.with_name("spread")
        spread(index, folder, large_corpus(), 600)
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def vectors(cls) -> Vectors:
        texts = (*QUESTIONS, *ODD, *LARGE)
        return dict(zip(texts, Words().encode(texts), strict=True))

    def test_it_is_compressed(self, snapshot: Snapshot) -> None:
        assert [bool(one.dense._lists) for one in snapshot.segments] == [True]

    @pytest.mark.parametrize("k", [1, 10])
    def test_the_same_however_the_corpus_lies_in_segments(
        self, spread_index: Path, vectors: Vectors, retriever: DenseRetriever, k: int
    ) -> None:
        """But for what codes miss: each that is found has the score that it has without them."""
        with Snapshot(spread_index) as opened:
            assert len(opened.segments) >= 3
            assert not any(one.dense._lists for one in opened.segments)
            shares = []
            for text in (*QUESTIONS, *LARGE):
                exact = {h.passage_id: h.score for h in self.make(opened).search(text, vectors[text], 5000)}
                best = sorted(exact.values())[-k:]
                found = retriever.search(text, vectors[text], k)
                assert [hit.score for hit in found] == pytest.approx([exact[h.passage_id] for h in found], abs=1.1e-6)
                shares.append(np.mean([hit.score >= best[0] - 1.1e-6 for hit in found]))
            assert np.mean(shares) >= 0.95

    @pytest.mark.parametrize("text", LARGE)
    @pytest.mark.parametrize("allowed", [1500, 2300])
    def test_within_a_large_part(
        self, snapshot: Snapshot, vectors: Vectors, retriever: DenseRetriever, text: str, allowed: int
    ) -> None:
        within = part(len(snapshot.dense), allowed)
        found = retriever.search(text, vectors[text], 10, within)
        check(snapshot, found, 10)
        assert all(within[hit.row] for hit in found)
        everything = [h for h in retriever.search(text, vectors[text], len(snapshot.dense)) if within[h.row]]
        assert sum(hit in everything[:10] for hit in found) >= 9


class TestLexical(AbsoluteConformance):
    finds_all = False

    @staticmethod
    def make(snapshot: Snapshot) -> LexicalRetriever:
        return LexicalRetriever(snapshot)

    @pytest.mark.parametrize("text", QUESTIONS)
    def test_all_that_hold_a_term_are_found_and_no_others(
        self, snapshot: Snapshot, vectors: Vectors, text: str
    ) -> None:
        terms = term_weights(snapshot, text).keys()
        hold = set[int]()
        for row in range(len(snapshot.dense)):
            passage = snapshot.store.passage(row)
            title = snapshot.store.source(passage.source_key).title
            if terms & set(snapshot.analyzer.index_terms(f"{title}. {passage.text}")):
                hold.add(row)
        found = self.make(snapshot).search(text, vectors[QUESTIONS[0]], len(snapshot.dense))
        assert {hit.row for hit in found} == hold
        assert all(hit.score > 0 for hit in found)

    @pytest.mark.parametrize("text", ["", "the of and is", "zzzyx qwrtp", "?!"])
    def test_without_a_known_term_nothing_is_found(self, snapshot: Snapshot, vectors: Vectors, text: str) -> None:
        assert self.make(snapshot).search(text, vectors[QUESTIONS[0]], 10) == []

    def test_a_repeated_word_and_a_synonym_count(self, snapshot: Snapshot) -> None:
        once, twice = (
            term_weights(snapshot, f"{words} dose")["warfarin"] for words in ("warfarin", "warfarin warfarin")
        )
        assert twice == pytest.approx(2 * once)
        assert term_weights(snapshot, "CrCl").keys() & term_weights(snapshot, "creatinine clearance").keys()


class TestHybrid(RetrieverConformance):
    @staticmethod
    def make(snapshot: Snapshot) -> HybridRetriever:
        return HybridRetriever(snapshot)


# from rows to hits


def snapshot_of(ids: Sequence[str], looked_up: list[int] | None = None) -> Any:
    """A snapshot as far as ``hits`` uses one; counts how many ids were looked up."""

    def passage_ids(rows: Sequence[int]) -> list[str]:
        if looked_up is not None:
            looked_up.append(len(rows))
        return [ids[row] for row in rows]

    return SimpleNamespace(store=SimpleNamespace(passage_ids=passage_ids))


def falling(count: int) -> list[str]:
    """Ids that fall as rows rise."""
    return [f"p{count - row:06}" for row in range(count)]


def searched(scores: NDArray[np.float32], asked: list[int]) -> Any:
    """A search by index over these scores, with ties by row; notes how many rows were asked for."""
    order = np.argsort(-scores, kind="stable")

    def search(k: int) -> Found:
        asked.append(k)
        return order[:k], scores[order[:k]]

    return search


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("ties", [1, 8, 15, 17, 200, 300, 3000])
def test_ties_at_the_cut_are_all_looked_at(k: int, ties: int) -> None:
    scores = np.linspace(0.9, 0.1, 5000).astype(np.float32)
    scores[k - 1 : k - 1 + ties] = scores[k - 1]
    ids = falling(5000)
    expected = in_order([Hit(i, round(float(s), 6), row) for row, (i, s) in enumerate(zip(ids, scores, strict=True))])
    assert best(snapshot_of(ids), searched(scores, []), k) == expected[:k]


def test_without_a_tie_one_search_is_enough() -> None:
    asked, looked_up = list[int](), list[int]()
    best(snapshot_of(falling(5000), looked_up), searched(np.linspace(1, 0, 5000).astype(np.float32), asked), 10)
    assert (asked, looked_up) == ([26], [10])


def test_when_too_many_tie_the_work_is_bounded_and_the_result_the_same() -> None:
    asked, looked_up = list[int](), list[int]()
    many = snapshot_of(falling(300_000), looked_up)
    found = [best(many, searched(np.ones(300_000, np.float32), asked), 10) for _ in range(2)]
    assert found[0] == found[1] == in_order(found[0])
    assert [hit.row for hit in found[0]] == list(range(4105, 4095, -1)), "the least ids of the lowest 4,106 rows"
    assert (max(asked), max(looked_up)) == (4106, 4106)


def test_scores_are_rounded_before_they_are_sorted() -> None:
    rows, scores = np.array([2, 0, 1]), np.array([0.1234561, 0.1234564, -1e-9])
    found = hits(snapshot_of(["b", "c", "a"]), rows, scores, 3)
    assert found == [Hit("a", 0.123456, 2), Hit("b", 0.123456, 0), Hit("c", 0.0, 1)]
    assert str(found[2].score) == "0.0"


def test_rows_that_tie_with_the_last_one_are_kept_and_no_others() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.1], np.float32)
    for k, rows in ((1, [0]), (2, [0, 1, 2, 3]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])):
        assert with_ties(searched(scores, []), k)[0].tolist() == rows
    assert len(with_ties(searched(scores[:0], []), 3)[0]) == 0


@pytest.mark.parametrize("k", [0, -1, 5])
def test_no_rows_no_hits(k: int) -> None:
    assert hits(snapshot_of([]), np.empty(0, np.int64), np.empty(0, np.float32), k) == []


def test_ids_are_looked_up_across_segments(pipeline: Pipeline) -> None:
    store = pipeline.snapshot.store
    rows = [7, 3, 3, 200, 0]
    assert store.passage_ids(rows) == [store.passage(row).passage_id for row in rows]
    assert store.passage_ids([]) == []


def test_what_is_no_unicode_is_no_question(pipeline: Pipeline) -> None:
    for search in (pipeline.search, pipeline.ask):
        with pytest.raises(QuestionError, match="no Unicode at character 8"):
            search("heparin \ud83d dose")
    check(pipeline.snapshot, [hit for hit, _, _ in pipeline.search("heparin\0 dose 💊", 5)], 5)
