"""Answers against reference answers: labels, entities, overlap, K-QA's statements, rubrics; and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.domain import (
    Article,
    Claim,
    Criterion,
    Gold,
    Importance,
    Item,
    Listed,
    Outcome,
    Part,
    Response,
    Said,
    Scores,
    Usage,
)
from eval.judges.base import Judgement, Label
from eval.measures.overlap import rouge
from eval.scorers.kqa import kqa_scores
from eval.scorers.labels import cost_scores, entailment_scores, failed, label_scores
from eval.scorers.reference_answers import entity_scores, evidence_scores, overlap_scores, rubric_scores, said_text


def item(kind: str = "", **gold: object) -> Item:
    return Item(item_id="i", question="q", kind=kind, gold=Gold.model_validate(gold))


def response(text: str = "", **fields: object) -> Response:
    return Response.model_validate({"item_id": "i", "outcome": Outcome.ANSWERED, "text": text} | fields)


FAILED = response(outcome=Outcome.FAILED, error="timed out")
ABSTAINED = response("I cannot say.", outcome=Outcome.ABSTAINED)


def values(scores: Scores) -> dict[str, float | None]:
    return {name: score.value for name, score in scores.items()}


# labels


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("yes", {"accuracy": 1.0, "decided": 1.0}),
        ("maybe", {"accuracy": 0.0, "decided": 1.0}),
        (None, {"accuracy": 0.0, "decided": 0.0}),
    ],
)
def test_no_decision_is_wrong(given: str | None, expected: dict[str, float]) -> None:
    scores = label_scores(item(label="yes"), response(label=given))
    assert values(scores) == expected
    assert scores["accuracy"].details == {"given": given, "right": "yes"}


def test_without_a_right_label_nothing_is_scored() -> None:
    assert label_scores(item(), response(label="yes")) == {}
    assert values(label_scores(item(label="yes"), FAILED)) == {"accuracy": 0.0, "decided": 0.0}


def test_altered_sentences_are_caught_when_not_called_supported() -> None:
    altered, true = item("altered_number"), item("true")
    caught = {label: entailment_scores(altered, response(label=label)) for label in ("supports", "refutes", "neutral")}
    assert {label: values(s) for label, s in caught.items()} == {
        "supports": {"altered_caught": 0.0}, "refutes": {"altered_caught": 1.0}, "neutral": {"altered_caught": 1.0},
    }  # fmt: skip
    assert caught["supports"]["altered_caught"].details == {"alteration": "altered_number"}
    assert values(entailment_scores(true, response(label="supports"))) == {"true_accepted": 1.0}
    assert values(entailment_scores(true, response(label="neutral"))) == {"true_accepted": 0.0}
    assert entailment_scores(item("other"), response(label="supports")) == {}


def test_who_failed_has_caught_nothing() -> None:
    assert values(entailment_scores(item("altered_unit"), FAILED)) == {"altered_caught": 0.0}
    assert values(entailment_scores(item("true"), FAILED)) == {"true_accepted": 0.0}


# overlap


REFERENCES = ("Argatroban is given [1, 2].", "Danaparoid is another choice [3].")


def alike(one: str, other: str) -> float:
    """1 for the same first word, else -0.5."""
    return 1.0 if one.split()[0] == other.split()[0] else -0.5


def test_overlap_is_with_the_best_reference_and_without_marks() -> None:
    scores = overlap_scores(item(answers=REFERENCES), response("Danaparoid is another choice."), alike)
    expected = rouge("Danaparoid is another choice.", ["Argatroban is given.", "Danaparoid is another choice."])
    assert values(scores) == {
        f"{name}_{part}": getattr(expected[name], part) for name in expected for part in ("f1", "recall")
    } | {"short_rouge2_f1": 1.0, "short_rougeL_f1": 1.0, "short_words": 4.0, "similarity": 1.0}
    assert scores["rouge2_f1"].value == 1.0
    assert scores["rouge1_f1"].details == {"precision": 1.0}


def test_what_is_not_answered_overlaps_with_nothing() -> None:
    for nothing in (ABSTAINED, FAILED, response()):
        assert set(values(overlap_scores(item(answers=REFERENCES), nothing, alike)).values()) == {0.0}
    assert overlap_scores(item(), response("So."), alike) == {}
    assert overlap_scores(item(answers=REFERENCES), response("So."), alike)["similarity"].value == -0.5


def test_what_is_read_first_is_bottom_line_and_first_section() -> None:
    def part(text: str) -> Part:
        return Part(heading="", said=(Said(text=text),))

    article = Article(bottom_line=(Said(text="Argatroban"),), parts=(part("is given."), part("Watch the count.")))
    scores = values(overlap_scores(item(answers=REFERENCES), response(article=article), alike))
    assert scores["short_rouge2_f1"] == 1.0
    assert scores["short_words"] == 3.0
    assert (scores["rouge2_f1"] or 0) < 1.0


def test_evidence_counts_quotes_that_stand_in_marked_text_and_the_other_way_round() -> None:
    asked = item(evidence=("Argatroban is started at 2 mcg/kg/min; more later.", "INR", "Never shown."))
    said = (
        Said(text="In other words.", quotes=("argatroban is started at 2 mcg/kg/min",)),
        Said(text="The INR rises."),
        Said(text="Nobody marked this."),
    )
    scores = values(evidence_scores(asked, response(article=Article(bottom_line=said))))
    assert scores == pytest.approx({"evidence_precision": 2 / 3, "evidence_recall": 2 / 3, "evidence_f1": 2 / 3})
    assert set(values(evidence_scores(asked, ABSTAINED)).values()) == {0.0}
    assert evidence_scores(item(), response("So.")) == {}


def test_what_is_said_is_neither_title_nor_references() -> None:
    article = Article(
        title="Argatroban",
        bottom_line=(Said(text="Give it.", citations=(1,)),),
        parts=(Part(heading="More", said=(Said(text="Wait."),)),),
        references=(Listed(number=1, text="A label"),),
        disclaimer="No advice.",
    )
    assert said_text(response("all of it", article=article)) == "Give it.\nWait."
    assert said_text(response("prose")) == "prose"
    written = "# Which drug?\n\nGive it [1].\n\n## Dosing\n\n- Wait.\n\n## References\n\n1. A label."
    assert said_text(response(written)) == "Give it.\nWait."
    assert said_text(ABSTAINED) == said_text(FAILED) == ""


# entities


EXACT = (("heparin-induced thrombocytopenia", "HIT"), ("PF4",))


def test_factoids_are_bioasqs() -> None:
    asked = item("factoid", exact=EXACT[:1])
    second = entity_scores(asked, response("It is HIT.", exact=(("ITP",), ("hit",))))
    assert values(second) == {
        "named": 1.0, "mentioned": 1.0, "factoid_strict": 0.0, "factoid_lenient": 1.0, "factoid_mrr": 0.5,
    }  # fmt: skip
    none = entity_scores(asked, response("It is a hit-and-run."))
    assert values(none) == {
        "named": 0.0, "mentioned": 1.0, "factoid_strict": 0.0, "factoid_lenient": 0.0, "factoid_mrr": 0.0,
    }  # fmt: skip
    assert second["named"].details["right"] == [list(EXACT[0])]


def test_lists_are_bioasqs() -> None:
    scores = entity_scores(item("list", exact=EXACT), response("PF4 only.", exact=(("PF4",), ("ITP",), ("pf4",))))
    assert values(scores) == {
        "named": 1.0, "mentioned": 0.5, "list_precision": pytest.approx(1 / 3), "list_recall": 0.5,
        "list_f1": pytest.approx(0.4),
    }  # fmt: skip
    assert scores["mentioned"].details == {"missed": ["heparin-induced thrombocytopenia"]}


def test_an_entity_is_mentioned_by_whole_words() -> None:
    asked = item("factoid", exact=(("anti-PF4 IgG",),))
    texts = ("It is anti PF4, IgG.", "It is Anti‑PF4 igg", "anti-PF4 IgGs", "anti-PF44 IgG")
    assert [entity_scores(asked, response(t))["mentioned"].value for t in texts] == [1.0, 1.0, 0.0, 0.0]
    assert entity_scores(asked, ABSTAINED)["mentioned"].value == 0.0


def test_a_name_without_letters_is_not_mentioned_by_silence() -> None:
    assert entity_scores(item("list", exact=(("+",), ("PF4",))), response("PF4."))["mentioned"].value == 1.0
    for exact in ((("+",),), ((),)):
        score = entity_scores(item("factoid", exact=exact), ABSTAINED)["mentioned"]
        assert score.value is None
        assert score.reason
    assert entity_scores(item("factoid"), response("PF4.")) == {}


# K-QA


class Known:
    """Judges claims by a table."""

    name = "known 1"

    def __init__(self, labels: dict[str, Label]) -> None:
        self._labels = labels

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        label = self._labels[claim] if premises else "neutral"
        return Judgement(label, float(label == "entailed"), "")


def kqa_item(labels: Sequence[tuple[Label, Importance]], answers: tuple[str, ...] = ("So.",)) -> tuple[Item, Known]:
    claims = [Claim(claim_id=str(i), text=f"claim {i}", importance=weight) for i, (_, weight) in enumerate(labels)]
    table = {claim.text: label for claim, (label, _) in zip(claims, labels, strict=True)}
    return item(claims=tuple(claims), answers=answers), Known(table)


@given(
    labels=st.lists(
        st.tuples(st.sampled_from(["entailed", "neutral", "contradicted"]), st.sampled_from(["must", "nice"])),
        min_size=1,
        max_size=8,
    )
)
def test_kqa_counts_what_must_be_said_and_all_that_is_denied(labels: list[tuple[Label, Importance]]) -> None:
    asked, judge = kqa_item(labels)
    found = values(kqa_scores(asked, response("It is so."), judge))
    must = [label for label, weight in labels if weight == "must"]
    expected = {"hallucinations": float(sum(label == "contradicted" for label, _ in labels))}
    if must:
        expected["completeness"] = must.count("entailed") / len(must)
    assert found == expected


def test_kqa_of_silence_and_of_items_that_are_none() -> None:
    asked, judge = kqa_item([("entailed", "must"), ("contradicted", "nice")])
    silent = kqa_scores(asked, ABSTAINED, judge)
    assert values(silent) == {"completeness": 0.0, "hallucinations": 0.0}
    assert {score.reason for score in silent.values()} == {"nothing was said: abstained"}
    no_answers, judge = kqa_item([("entailed", "must")], ())
    assert kqa_scores(no_answers, response("So."), judge) == {}
    assert kqa_scores(item(answers=("So.",)), response("So."), judge) == {}


# rubrics and costs


def test_a_rubric_without_a_judge_is_unscored() -> None:
    score = rubric_scores(item(rubric=(Criterion(text="Says so.", points=5),)))["rubric"]
    assert score.value is None
    assert "no judge" in score.reason
    assert rubric_scores(item()) == {}


def test_costs_are_those_that_the_system_counts() -> None:
    assert cost_scores(response()) == {}
    assert values(cost_scores(response(seconds=0.0))) == {"seconds": 0.0}
    counted = response(seconds=1.5, usage=Usage(prompt=20))
    assert values(cost_scores(counted)) == {"seconds": 1.5, "tokens_prompt": 20.0, "tokens_completion": 0.0}


def test_failures_are_counted_with_their_reason() -> None:
    assert values(failed(response("So."))) == values(failed(ABSTAINED)) == {"failed": 0.0}
    assert failed(FAILED)["failed"].value == 1.0
    assert failed(FAILED)["failed"].reason == "timed out"
