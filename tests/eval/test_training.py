"""Training of the entailment model: which pairs are made, that nothing unseen is used, that it learns what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_examples import PUBLISHED, write

from eval.training import entailment
from eval.training.pairs import LABELS, Pair, read
from rag.answer.alignment import FEATURES
from rag.errors import InputError

FINDINGS = {
    "prompts_merged.csv": "PromptID,PMCID,Outcome,Intervention,Comparator\n1,7,hops,oil,water\n2,7,croaks,oil,water\n",
    "annotations_merged.csv": "PromptID,Valid Label,Valid Reasoning,Label,Annotations\n"
    "1,True,True,significantly increased,Frogs with oil hopped more often.\n"
    "2,True,True,no significant difference,Frogs croaked alike with oil and water.\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, example in (("scifact", "scifact"), ("expertqa_med", "expertqa"), ("kqa_nli", "kqa_nli")):
        write(PUBLISHED[example], tmp_path / name)
    write(FINDINGS, tmp_path / "evidence_inference")
    return tmp_path


def test_pairs_are_made_of_each_set(folder: Path) -> None:
    pairs, sets = read(folder, seed=1)
    assert [s.name for s in sets] == ["scifact", "expertqa", "kqa_nli", "evidence_inference"]
    assert {p.part for p in pairs} >= {"scifact", "scifact rationales", "expertqa", "kqa_nli", "findings"}
    findings = [p for p in pairs if p.part == "findings"]
    assert [p.label for p in findings] == [LABELS["supports"], LABELS["refutes"]] * 2
    assert all("oil" in p.statement.lower() and p.evidence for p in findings)
    others = [p for p in pairs if p.part == "other findings"]
    assert all(p.label == LABELS["neutral"] for p in others)
    assert read(folder, seed=1)[0] == pairs


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scifact: no such folder"):
        read(tmp_path, seed=1)


def made() -> tuple[list[Pair], np.ndarray]:
    """Pairs whose first feature tells the class, and that of the unseen set the other way round."""
    rng = np.random.default_rng(0)
    pairs, values = [], rng.normal(size=(400, len(FEATURES)))
    for i in range(400):
        label, part = i % 3, ("scifact", "kqa_nli", "expertqa", "healthver")[i % 4]
        values[i, 0] += 4 * label if part != "healthver" else 4 * (2 - label)
        pairs.append(Pair(part, f"{part} {i // 8}", "It is.", ("It is.",), label))
    return pairs, values


def test_it_learns_and_never_from_what_it_is_measured_on() -> None:
    pairs, values = made()
    model, figures = entailment.trained(pairs, values)
    assert figures["scifact"]["accuracy"] > 0.75
    assert figures["healthver"]["accuracy"] < 0.5, "it was not trained on"
    assert figures["scifact"]["ece"] < 0.2
    unseen = [p.part == "healthver" for p in pairs]
    values[unseen] = 99.0
    again, _ = entailment.trained(pairs, values)
    assert all((a == b).all() for a, b in zip(model[:4], again[:4], strict=True))
