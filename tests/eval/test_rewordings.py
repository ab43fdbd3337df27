"""Rewordings: another form, the same meaning."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from dataset_examples import write

from eval.datasets import altered
from eval.rewordings import other_names, rewordings
from rag.language.lexicon import Lexicon
from rag.language.quantities import quantities

LEXICON = Lexicon.load()
NAMES = other_names(LEXICON)


def of(sentence: str) -> dict[str, str]:
    return {r.kind: r.text for r in rewordings(sentence, LEXICON, NAMES)}


@pytest.mark.parametrize(
    ("sentence", "kind", "expected"),
    [
        ("Give 0.5 mcg/kg/min.", "unit", "Give 0.5 µg/kg/min."),
        ("Wait at least 5 days.", "unit", "Wait ≥5 days."),
        ("Of all, 5% died.", "unit", "Of all, 5 per cent died."),
        ("If P <0.05.", "unit", "If P less than 0.05."),
        ("The haemoglobin fell.", "spelling", "The hemoglobin fell."),
        ("It was randomised.", "spelling", "It was randomized."),
        ("Give argatroban.", "name", "Give argatra."),
    ],
)
def test_what_is_reworded(sentence: str, kind: str, expected: str) -> None:
    assert of(sentence)[kind] == expected


def test_what_cannot_be_reworded_is_left() -> None:
    assert of("It helps.") == {}


@pytest.mark.parametrize("sentence", ["Give 0.5 mcg/kg/min for at least 5 days.", "In 5% (P <0.05) it fell > 30 mg."])
def test_quantities_stay_the_same(sentence: str) -> None:
    before = quantities(sentence)
    for text in of(sentence).values():
        after = quantities(text)
        assert len(after) == len(before)
        assert all(a.same_as(b) for a, b in zip(before, after, strict=True))


def test_a_name_keeps_its_concept() -> None:
    for concept, other in NAMES.items():
        assert {m.concept for m in LEXICON.mentions(other)} == {concept}


ABSTRACT = [
    "Argatroban was given to 24 adults with acute thrombocytopenia for at least 5 days.",
    "Short.",
    "Argatroban may be associated with bleeding in 5% of adults with renal failure.",
]


def test_the_abstracts_of_scifact_are_altered(tmp_path: Path) -> None:
    claim = {"id": 1, "claim": "It bleeds.", "cited_doc_ids": [10], "evidence": {}}
    abstracts = {"doc_id": 10, "title": "Bleeding", "abstract": ABSTRACT}
    names = ("claims_train.jsonl", "claims_dev.jsonl", "corpus.jsonl")
    rows = (claim, {**claim, "id": 2}, abstracts)
    found = altered.load(write({n: json.dumps(r) + "\n" for n, r in zip(names, rows, strict=True)}, tmp_path))
    kinds = Counter(item.kind for item in found.items)
    assert {"altered_number", "altered_population", "altered_strength", "true_unit"} <= kinds.keys()
    assert set(kinds.values()) == {1}, "of each abstract the first sentence that a kind fits"
    assert "CC BY" in found.licence
    assert not [item for item in found.items if "Short." in item.evidence]
