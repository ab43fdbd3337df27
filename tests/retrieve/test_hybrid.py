"""What the hybrid retriever adds up, and the words that it looks for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from small_corpus import document, empty_index, exported_encoder, tiny_corpus

from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.language.terms import stem
from rag.retrieve.hybrid import HybridRetriever, closeness
from rag.retrieve.lexical import LexicalRetriever, term_weights

QUESTIONS = (
    "What is the dose of argatroban in hepatic impairment?",
    "Can fondaparinux be used when CrCl is 25 mL/min?",
    "IVIG in refractory HIT",
    "May an inguinal hernia be left alone?",
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, starter_index: object) -> Iterator[Snapshot]:
    index = empty_index(tmp_path_factory.mktemp("hybrid") / "index", exported_encoder(starter_index))  # type: ignore[arg-type]
    points = "".join(f"- Sentence number {i} on danaparoid and nothing else. {{#s{i}}}\n" for i in range(7))
    others = [
        document("danaparoid", f"## Notes\n\n{points}"),
        document("odd", "The aurora response element (ARe) and the inverted node (iN) were measured in mice.\n"),
        document("odder", "A ribosomal entry site (RES) is read by the cell.\n"),
        document("plain", "The mice are in the house.\n"),
    ]
    build([*tiny_corpus(), *others], index)
    with Snapshot(index) as opened:
        yield opened


@pytest.fixture(scope="module")
def vectors(snapshot: Snapshot) -> dict[str, NDArray[np.float32]]:
    return dict(zip(QUESTIONS, snapshot.encoder.encode(QUESTIONS), strict=True))


def source_of(snapshot: Snapshot, row: int) -> str:
    return snapshot.store.passage(row).source_key


@pytest.mark.parametrize(
    ("text", "source"), list(zip(QUESTIONS, ("argatroban", "fondaparinux", "ivig", "hernia"), strict=True))
)
@pytest.mark.parametrize("weight", [0.0, 0.5, 0.8, 1.0])
def test_the_passage_that_answers_comes_first(
    snapshot: Snapshot, vectors: dict[str, NDArray[np.float32]], text: str, source: str, weight: float
) -> None:
    best = HybridRetriever(snapshot, weight).search(text, vectors[text], 3)[0]
    assert source_of(snapshot, best.row) == source


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_score_is_the_weighted_sum_of_closeness_and_words(
    snapshot: Snapshot, vectors: dict[str, NDArray[np.float32]], text: str
) -> None:
    rows = np.arange(len(snapshot.dense))
    near = closeness(snapshot, vectors[text], rows)
    words = snapshot.lexical.scores(term_weights(snapshot, text), rows)
    expected = 0.7 * near + 0.3 * words / words.max()
    found = HybridRetriever(snapshot, 0.7).search(text, vectors[text], len(rows))
    assert len(found) == len(rows)
    assert [hit.score for hit in found] == pytest.approx([float(expected[hit.row]) for hit in found], abs=2e-6)


@pytest.mark.parametrize("text", QUESTIONS)
def test_closeness_is_a_mean_of_passage_best_sentence_and_stretch(
    snapshot: Snapshot, vectors: dict[str, NDArray[np.float32]], text: str
) -> None:
    stored = np.concatenate([s.dense.vectors(0, len(s.dense)) for s in snapshot.segments]).astype(np.float32)
    cosines = stored @ vectors[text]
    keys = [source_of(snapshot, row) for row in range(len(stored))]
    for row, score in enumerate(closeness(snapshot, vectors[text], np.arange(len(stored))).tolist()):
        sentences = [record.row for record in snapshot.store.sentences([row])]
        best = float((snapshot.sentence_vectors[sentences] @ vectors[text]).max())
        beside = [i for i in range(row - 2, row + 3) if 0 <= i < len(keys) and keys[i] == keys[row]]
        expected = (float(cosines[row]) + 0.5 * best + 0.5 * float(cosines[beside].mean())) / 2
        assert score == pytest.approx(expected, abs=1e-5)
    assert max(keys.count(key) for key in keys) > 5, "a stretch that is cut on neither side was among them"


def test_a_question_without_known_words_is_answered_by_vectors(snapshot: Snapshot) -> None:
    assert term_weights(snapshot, "the of and") == {}
    found = HybridRetriever(snapshot).search("the of and", snapshot.encoder.encode(["the of and"])[0], 5)
    assert len(found) == 5
    assert max(hit.score for hit in found) <= 0.8, "words have no part in it"


def test_where_vectors_tell_nothing_apart_words_decide(snapshot: Snapshot) -> None:
    nothing = np.zeros(384, np.float32)
    found = HybridRetriever(snapshot).search("danaparoid", nothing, 7)
    assert {source_of(snapshot, hit.row) for hit in found} == {"danaparoid"}


def found_by_words(snapshot: Snapshot, text: str) -> set[str]:
    hits = LexicalRetriever(snapshot).search(text, np.zeros(384, np.float32), 50)
    return {source_of(snapshot, hit.row) for hit in hits}


@pytest.mark.parametrize(("one", "other", "source"), [
    ("CrCl", "creatinine clearance", "fondaparinux"), ("IVIG", "intravenous immunoglobulin", "ivig"),
    ("RES", "ribosomal entry site", "odder"),
])  # fmt: skip
def test_synonyms_and_mined_abbreviations_are_words(snapshot: Snapshot, one: str, other: str, source: str) -> None:
    assert source in found_by_words(snapshot, one)
    assert source in found_by_words(snapshot, other)


def test_the_words_of_an_abbreviations_other_form_weigh_less_than_those_asked(snapshot: Snapshot) -> None:
    weights = term_weights(snapshot, "RES")
    assert weights[stem("ribosomal")] < weights[stem("res")]
    assert not any(term.startswith("=") for term in weights), "as a concept it stands where it is defined alone"


def test_an_abbreviation_that_is_a_word_in_lower_case_is_not_meant_by_it(snapshot: Snapshot) -> None:
    assert "aurora" not in str(term_weights(snapshot, "Where are the mice in the house?"))
    assert "aurora" in term_weights(snapshot, "ARe")


def test_a_repeated_word_weighs_more_and_rarity_counts_twice(snapshot: Snapshot) -> None:
    once, twice = (term_weights(snapshot, text)["hernia"] for text in ("hernia", "hernia hernia"))
    assert twice == 2 * once
    assert once == pytest.approx(snapshot.lexical.idf(["hernia"])["hernia"])


@pytest.mark.parametrize("typed", ["danaparoud", "danparoid", "danaparoidd", "dnaaparoid"])
def test_a_mistyped_word_is_looked_for_as_the_nearest(snapshot: Snapshot, typed: str) -> None:
    meant = "danaparoid"
    assert found_by_words(snapshot, typed) == found_by_words(snapshot, meant) == {meant}
    assert term_weights(snapshot, typed)[stem(meant)] < term_weights(snapshot, meant)[stem(meant)]


@pytest.mark.parametrize("text", ["danaxxroid", "dana", "hose", "hernia", "o" * 100_000])
def test_short_known_and_distant_words_stay(snapshot: Snapshot, text: str) -> None:
    assert set(term_weights(snapshot, text)) <= {stem(text), "=hernia"}
