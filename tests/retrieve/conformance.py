"""What every retriever and every reranker must do, as classes to inherit from, with a corpus made for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray
from small_corpus import document, empty_index, exported_encoder, tiny_corpus
from threadpoolctl import threadpool_limits

from rag.domain import Document, Hit
from rag.index import build as builder
from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.retrieve.base import Retriever
from rag.retrieve.rerank import Reranker

QUESTIONS = (
    "What is the dose of argatroban in hepatic impairment?",
    "Can fondaparinux be used when CrCl is 25 mL/min?",
    "Danaparoid by weight",
    "metformin in asthma",
    "warfarin warfarin warfarin 5 mg",
)
ODD = (
    "",
    " \t\n",
    "the of and is",
    "?!… — “”",
    "zzzyx qwrtp",
    "cafe\u0301 au lait; na\u0308ive T\u0301\u0327cells",
    "ما هي جرعة الوارفارين؟ \u202ewarfarin\u202c",
    "💊🩺 aspirin 👩🏽‍⚕️",
    "heparin\0dose\0",
    "\ufeffwarfarin\u200b\u00ad\u2028dose \U0010ffff",
    "Ⅻ ﬁbrin µg ½ 10⁹/L",
    "'; DROP TABLE passage; -- %s {0} \\",
    "warfarin " * 11_111,
    " ".join(f"word{n}" for n in range(11_111))[:100_000],
    "x" * 100_000,
)
Vectors = dict[str, NDArray[np.float32]]

_DRUGS = ("metformin", "warfarin", "aspirin", "heparin", "digoxin", "amoxicillin", "lithium", "insulin", "morphine")
_CONDITIONS = ("asthma", "gout", "sepsis", "stroke", "psoriasis", "migraine", "anaemia", "pneumonia")
#: Words that do not count, so that passages that differ in them alone score alike by their words.
_STOPS = ("is", "was", "are", "were", "be", "been", "being", "has", "had", "have", "having", "does")
_TIED = len(_STOPS) ** 2


def corpus() -> list[Document]:
    """About 220 passages: 144 with the same words that count, whose ids fall as their rows rise, and 72 of others."""
    tied = [
        document(f"tied{_TIED - n:03}", f"- Danaparoid {a} {b} given by weight. {{#d}}\n")
        for n, (a, b) in enumerate(product(_STOPS, _STOPS))
    ]
    various = [
        document(f"{drug}{n}", f"- {drug.title()} {n} mg daily was tried in {condition}. {{#v}}\n")
        for n, (drug, condition) in enumerate(product(_DRUGS, _CONDITIONS), 3)
    ]
    odd = document("odd", "- الوارفارين warfarin 💊 naïve cafe\u0301 µg. {#o}\n")
    return [*tiny_corpus(), *tied, odd, *various]


def made_once(folder: Path, make: Callable[[], object]) -> Path:
    """``folder``, which ``make`` makes if it is not there."""
    if not folder.exists():
        make()
    return folder


def spread(index: Path, folder: Path, documents: Sequence[Document], passages: int) -> None:
    """Copies an index of ``documents``, and writes it anew in segments of so many passages with the vectors it has."""
    shutil.copytree(index, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "SPLITTER_VERSION", "another")  # so that no segment can stay
        patch.setattr(builder, "SEGMENT_PASSAGES", passages)
        assert build(documents, folder).embedded == 0


def ids(snapshot: Snapshot) -> list[str]:
    """The ids of all passages, by row."""
    return snapshot.store.passage_ids(range(len(snapshot.dense)))


def check(snapshot: Snapshot, found: Sequence[Hit], k: int) -> None:
    """What must hold of any hits."""
    assert list(found) == in_order(found)
    assert len(found) <= k
    assert len({hit.row for hit in found}) == len(found)
    assert [hit.passage_id for hit in found] == snapshot.store.passage_ids([hit.row for hit in found])
    assert all(np.isfinite(hit.score) and hit.score == round(hit.score, 6) for hit in found)
    assert {(type(hit.score), type(hit.row)) for hit in found} <= {(float, int)}


def in_order(found: Sequence[Hit]) -> list[Hit]:
    return sorted(found, key=lambda hit: (-hit.score, hit.passage_id))


class RetrieverConformance:
    """A subclass gives ``make``, and says what is particular to its retriever."""

    #: Whether it finds passages that share no word with the question, as long as there are any.
    finds_all = True
    #: What is best for the words of the passages that differ in stop words alone, with a vector of zeros: all whose
    #: ids begin so.
    tied = "tied"

    @staticmethod
    def make(snapshot: Snapshot) -> Retriever:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def index(cls, starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.getbasetemp() / "conformance"
        encoder = exported_encoder(starter_index)
        return made_once(folder, lambda: build(corpus(), empty_index(folder, encoder)))

    @pytest.fixture(scope="class")
    @classmethod
    def spread_index(cls, index: Path) -> Path:
        folder = index.with_name(f"{index.name}-spread")
        return made_once(folder, lambda: spread(index, folder, corpus(), 40))

    @pytest.fixture(scope="class")
    @classmethod
    def snapshot(cls, index: Path) -> Iterator[Snapshot]:
        with Snapshot(index) as opened:
            yield opened

    @pytest.fixture(scope="class")
    @classmethod
    def vectors(cls, snapshot: Snapshot) -> Vectors:
        texts = (*QUESTIONS, *ODD)
        return dict(zip(texts, snapshot.encoder.encode(texts), strict=True))

    @pytest.fixture
    def retriever(self, snapshot: Snapshot) -> Retriever:
        return self.make(snapshot)

    # what is found

    @pytest.mark.parametrize("k", [1, 7, 40, 10_000])
    @pytest.mark.parametrize("text", QUESTIONS)
    def test_sorted_distinct_and_no_more_than_asked_for(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str, k: int
    ) -> None:
        found = retriever.search(text, vectors[text], k)
        check(snapshot, found, k)
        assert found
        if self.finds_all:
            assert len(found) == min(k, len(snapshot.dense))

    @pytest.mark.parametrize("k", [0, -1])
    def test_nothing_asked_nothing_found(self, vectors: Vectors, retriever: Retriever, k: int) -> None:
        assert retriever.search(QUESTIONS[0], vectors[QUESTIONS[0]], k) == []

    @pytest.mark.parametrize("text", QUESTIONS)
    def test_the_same_every_time(self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str) -> None:
        both = (retriever, retriever, self.make(snapshot))
        assert len({tuple(each.search(text, vectors[text], 30)) for each in both}) == 1

    @pytest.mark.parametrize("k", [1, 5, 20, 110])
    def test_ties_at_the_cut_go_by_id(self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, k: int) -> None:
        found = retriever.search("danaparoid weight", np.zeros_like(vectors[QUESTIONS[0]]), k)
        alike = sorted(i for i in ids(snapshot) if i.startswith(self.tied))
        assert [hit.passage_id for hit in found] == alike[:k]
        assert len({hit.score for hit in found}) == 1

    # odd questions

    @pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
    def test_any_text_is_a_question(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str
    ) -> None:
        for k in (1, 10):
            found = retriever.search(text, vectors[text], k)
            check(snapshot, found, k)
            assert len(found) == k or not self.finds_all

    @pytest.mark.parametrize("text", [ODD[0], *QUESTIONS[:2]])
    def test_a_vector_of_zeros_is_a_vector(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str
    ) -> None:
        found = retriever.search(text, np.zeros_like(vectors[text]), 10)
        check(snapshot, found, 10)
        assert len(found) == 10 or not self.finds_all

    # where and how it runs

    def test_the_same_when_opened_again(self, index: Path, vectors: Vectors, retriever: Retriever) -> None:
        before = [retriever.search(text, vectors[text], 20) for text in QUESTIONS]
        with Snapshot(index) as again:
            other = self.make(again)
            assert [other.search(text, vectors[text], 20) for text in QUESTIONS] == before

    @pytest.mark.parametrize("k", [1, 10, 45, 1000])
    def test_the_same_however_the_corpus_lies_in_segments(
        self, spread_index: Path, vectors: Vectors, retriever: Retriever, k: int
    ) -> None:
        with Snapshot(spread_index) as opened:
            assert len(opened.segments) >= 3
            other = self.make(opened)
            for text in QUESTIONS:
                one, same = retriever.search(text, vectors[text], k), other.search(text, vectors[text], k)
                assert [hit.passage_id for hit in same] == [hit.passage_id for hit in one]
                assert [hit.score for hit in same] == pytest.approx([hit.score for hit in one], abs=1.1e-6)

    def test_the_number_of_threads_changes_nothing(self, vectors: Vectors, retriever: Retriever) -> None:
        def found() -> list[list[Hit]]:
            return [retriever.search(text, vectors[text], 20) for text in QUESTIONS]

        before, was = found(), faiss.omp_get_max_threads()
        try:
            for threads in (1, 2, 4):
                faiss.omp_set_num_threads(threads)
                with threadpool_limits(threads):
                    assert found() == before
        finally:
            faiss.omp_set_num_threads(was)

    def test_several_questions_at_once(self, vectors: Vectors, retriever: Retriever) -> None:
        asked = [(text, vectors[text], k) for text in QUESTIONS for k in (1, 10, 50)] * 4
        with ThreadPoolExecutor(8) as pool:
            at_once = list(pool.map(lambda each: retriever.search(*each), asked))
        assert at_once == [retriever.search(*each) for each in asked]

    # a part of the corpus

    @pytest.mark.parametrize("text", [*QUESTIONS, *ODD[:3]])
    def test_within_nothing_is_nothing(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str
    ) -> None:
        assert retriever.search(text, vectors[text], 10, np.zeros(len(snapshot.dense), np.bool_)) == []

    @pytest.mark.parametrize("k", [1, 10, 1000])
    def test_within_everything_is_as_without(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, k: int
    ) -> None:
        everything = np.ones(len(snapshot.dense), np.bool_)
        for text in QUESTIONS:
            assert retriever.search(text, vectors[text], k, everything) == retriever.search(text, vectors[text], k)

    @pytest.mark.parametrize("allowed", [1, 3, 20, 90, 200])
    @pytest.mark.parametrize("text", QUESTIONS)
    def test_within_a_part_as_many_as_there_are(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str, allowed: int
    ) -> None:
        within = part(len(snapshot.dense), allowed)
        for k in (1, 10, 1000):
            found = retriever.search(text, vectors[text], k, within)
            check(snapshot, found, k)
            assert all(within[hit.row] for hit in found)
            assert len(found) == min(k, allowed) or not self.finds_all

    def test_ties_within_a_part_go_by_id(self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever) -> None:
        within = part(len(snapshot.dense), 180)
        found = retriever.search("danaparoid weight", np.zeros_like(vectors[QUESTIONS[0]]), 5, within)
        alike = [i for i, allowed in zip(ids(snapshot), within, strict=True) if allowed and i.startswith(self.tied)]
        assert [hit.passage_id for hit in found] == sorted(alike)[:5]


class AbsoluteConformance(RetrieverConformance):
    """For a retriever whose scores depend on the question alone, not on what else is found."""

    @pytest.mark.parametrize("text", QUESTIONS)
    def test_fewer_are_the_first_of_more(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str
    ) -> None:
        everything = retriever.search(text, vectors[text], len(snapshot.dense))
        for k in (1, 2, 3, 10, 50, 150):
            assert retriever.search(text, vectors[text], k) == everything[:k]

    @pytest.mark.parametrize("allowed", [1, 3, 20, 90, 200])
    @pytest.mark.parametrize("text", QUESTIONS)
    def test_a_part_is_found_as_it_is_in_the_whole(
        self, snapshot: Snapshot, vectors: Vectors, retriever: Retriever, text: str, allowed: int
    ) -> None:
        within = part(len(snapshot.dense), allowed)
        everything = [hit for hit in retriever.search(text, vectors[text], len(snapshot.dense)) if within[hit.row]]
        for k in (1, 10, 1000):
            assert retriever.search(text, vectors[text], k, within) == everything[:k]


def part(rows: int, allowed: int) -> NDArray[np.bool_]:
    """A mask that allows so many rows, by chance but the same every time."""
    within = np.zeros(rows, np.bool_)
    within[np.random.default_rng(allowed).choice(rows, allowed, replace=False)] = True
    return within


class RerankerConformance:
    """A subclass gives a fixture ``reranker``."""

    HITS = tuple(Hit(f"p{n}", round(1 - n / 20, 6), 100 - n) for n in range(12))
    PASSAGES = tuple(f"About {drug}. {drug.title()} is given {n} times a day." for n, drug in enumerate(_DRUGS))

    @pytest.fixture(scope="class")
    @classmethod
    def reranker(cls) -> Reranker:
        raise NotImplementedError

    def test_the_same_hits_in_order_with_its_scores(self, reranker: Reranker) -> None:
        hits = self.HITS[: len(self.PASSAGES)]
        found = reranker.rerank(QUESTIONS[0], self.PASSAGES, hits)
        assert found == in_order(found)
        assert {(hit.passage_id, hit.row) for hit in found} == {(hit.passage_id, hit.row) for hit in hits}
        assert all(0 <= hit.score <= 1 and hit.score == round(hit.score, 6) for hit in found)
        assert len({hit.score for hit in found}) > 1

    def test_the_same_every_time(self, reranker: Reranker) -> None:
        once, again = (reranker.rerank(QUESTIONS[1], self.PASSAGES, self.HITS) for _ in range(2))
        assert once == again

    def test_the_others_follow_in_their_order(self, reranker: Reranker) -> None:
        for depth in (1, 3, len(self.PASSAGES)):
            found = reranker.rerank(QUESTIONS[0], self.PASSAGES[:depth], self.HITS)
            assert found == in_order(found)
            assert [hit[::2] for hit in found[depth:]] == [hit[::2] for hit in self.HITS[depth:]]
            assert found[:depth] == reranker.rerank(QUESTIONS[0], self.PASSAGES[:depth], self.HITS[:depth])

    def test_nothing_to_rerank(self, reranker: Reranker) -> None:
        assert reranker.rerank(QUESTIONS[0], (), ()) == []
        assert reranker.rerank(QUESTIONS[0], (), self.HITS) == list(self.HITS)

    def test_one_hit(self, reranker: Reranker) -> None:
        (only,) = reranker.rerank(QUESTIONS[0], self.PASSAGES[:1], self.HITS[:1])
        assert only[::2] == self.HITS[0][::2]

    def test_the_same_text_ties_and_goes_by_id(self, reranker: Reranker) -> None:
        hits = [hit._replace(passage_id=f"p{99 - n}") for n, hit in enumerate(self.HITS)]
        found = reranker.rerank(QUESTIONS[0], [self.PASSAGES[0]] * len(hits), hits)
        assert len({hit.score for hit in found}) == 1
        assert [hit.passage_id for hit in found] == sorted(hit.passage_id for hit in hits)

    @pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
    def test_any_text_is_a_question_or_a_passage(self, reranker: Reranker, text: str) -> None:
        found = reranker.rerank(text, [*self.PASSAGES[:3], text], self.HITS[:4])
        assert found == in_order(found)
        assert len(found) == 4

    def test_several_questions_at_once(self, reranker: Reranker) -> None:
        with ThreadPoolExecutor(8) as pool:
            at_once = list(pool.map(lambda text: reranker.rerank(text, self.PASSAGES, self.HITS), QUESTIONS))
        assert at_once == [reranker.rerank(text, self.PASSAGES, self.HITS) for text in QUESTIONS]

    def test_it_is_named_with_a_digest(self, reranker: Reranker) -> None:
        name, digest = reranker.name.split("@")
        assert name
        assert len(digest) == 16
