from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_corpus import document, empty_index, exported_encoder, tiny_corpus

from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.retrieve.hybrid import lexical_scores, retrieve

QUESTIONS = (
    "What is the dose of argatroban in hepatic impairment?",
    "Can fondaparinux be used when CrCl is 25 mL/min?",
    "IVIG in refractory HIT",
    "May an inguinal hernia be left alone?",
    "Is there a sunscreen for toddlers?",
    "the of and",
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, starter_index: Path) -> Iterator[Snapshot]:
    index = empty_index(tmp_path_factory.mktemp("hybrid") / "index", exported_encoder(starter_index))
    verbs = ("is", "was", "are", "were", "be", "been")  # words that do not count, so that all score alike
    twins = [document(f"twin{i}", f"- Danaparoid {verb} given by weight. {{#d}}\n") for i, verb in enumerate(verbs)]
    build([*tiny_corpus(), *twins], index)
    opened = Snapshot(index)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def vectors(snapshot: Snapshot) -> dict[str, np.ndarray]:
    return dict(zip(QUESTIONS, snapshot.encoder.encode(QUESTIONS), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(QUESTIONS), st.integers(0, 30), st.floats(0, 1))
def test_hits_are_sorted_bounded_and_distinct(
    snapshot: Snapshot, vectors: dict[str, np.ndarray], text: str, k: int, weight: float
) -> None:
    hits = retrieve(snapshot, text, vectors[text], k, weight)
    assert hits == sorted(hits, key=lambda h: (-h.score, h.passage_id))
    assert all(0 <= h.score <= 1 for h in hits)
    assert len(hits) <= k
    assert len({h.passage_id for h in hits}) == len(hits)
    assert all(snapshot.store.row_of(h.passage_id) == h.row for h in hits)
    assert retrieve(snapshot, text, vectors[text], k, weight) == hits


@pytest.mark.parametrize(
    ("text", "source"),
    [(QUESTIONS[0], "argatroban"), (QUESTIONS[1], "fondaparinux"), (QUESTIONS[2], "ivig"), (QUESTIONS[3], "hernia")],
)
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_passage_that_answers_comes_first(
    snapshot: Snapshot, vectors: dict[str, np.ndarray], text: str, source: str, weight: float
) -> None:
    best = retrieve(snapshot, text, vectors[text], 3, weight)[0]
    assert snapshot.store.passage(best.row).source_key == source


@pytest.mark.parametrize("text", QUESTIONS)
def test_with_the_whole_weight_vectors_alone_decide(
    snapshot: Snapshot, vectors: dict[str, np.ndarray], text: str
) -> None:
    k = len(snapshot.dense)
    rows, scores = snapshot.dense.search(vectors[text], k)
    hits = {h.row: h.score for h in retrieve(snapshot, text, vectors[text], k, 1.0)}
    expected = (scores - scores.min()) / (scores.max() - scores.min())
    assert hits == pytest.approx(dict(zip(rows.tolist(), expected.tolist(), strict=True)), abs=1e-5)


@pytest.mark.parametrize("text", QUESTIONS[:4])
def test_without_weight_words_alone_decide(snapshot: Snapshot, vectors: dict[str, np.ndarray], text: str) -> None:
    scores = lexical_scores(snapshot, text)
    k = len(snapshot.dense)
    for hit in retrieve(snapshot, text, vectors[text], k, 0.0):
        assert hit.score == pytest.approx(scores[hit.row] / scores.max(), abs=1e-5)
    other = retrieve(snapshot, text, vectors[QUESTIONS[4]], k, 0.0)
    assert other == retrieve(snapshot, text, vectors[text], k, 0.0), "the vector changed the ranking"


def test_a_question_without_known_words_is_answered_by_vectors(
    snapshot: Snapshot, vectors: dict[str, np.ndarray]
) -> None:
    assert not lexical_scores(snapshot, "the of and").any()
    hits = retrieve(snapshot, "the of and", vectors["the of and"], 5)
    assert len(hits) == 5
    assert max(h.score for h in hits) <= 0.5, "words have no part in it"


def test_equal_passages_are_ordered_by_id(snapshot: Snapshot) -> None:
    text = "Danaparoid is given by weight."
    hits = retrieve(snapshot, text, snapshot.encoder.encode([text])[0], 6, 0.0)
    assert [h.score for h in hits] == [1.0] * 6
    assert [h.passage_id.split("-")[0] for h in hits] == [f"twin{i}" for i in range(6)]


def test_synonyms_and_mined_abbreviations_are_words(snapshot: Snapshot) -> None:
    for one, other in (("CrCl", "creatinine clearance"), ("IVIG", "intravenous immunoglobulin")):
        row = int(lexical_scores(snapshot, one).argmax())
        assert lexical_scores(snapshot, other)[row] > 0


def test_a_repeated_word_weighs_more(snapshot: Snapshot) -> None:
    assert lexical_scores(snapshot, "hernia hernia").max() > lexical_scores(snapshot, "hernia").max()
