"""Variables that would change an answer, with a branch for each value that the corpus speaks of."""

from __future__ import annotations

import pytest

from rag.domain import Needed
from rag.pipeline import Pipeline

HIT = "How should argatroban be dosed in a patient with HIT and cirrhosis?"


def needed(pipeline: Pipeline, question: str) -> dict[str, Needed]:
    return {n.variable: n for n in pipeline.ask(question).needed}


def anchors(pipeline: Pipeline, found: Needed, value: str) -> set[str | None]:
    branches = [b for b in found.branches if b.value == value]
    return {pipeline.passage(b.statement.evidence[0].passage_id)[0].anchor for b in branches}


def test_each_value_has_its_statement(pipeline: Pipeline) -> None:
    found = needed(pipeline, HIT)["Child-Pugh class"]
    assert {b.value for b in found.branches} == {"A", "B", "C"}
    assert "hit037" in anchors(pipeline, found, "B")
    assert {"hit036", "hit076"} & anchors(pipeline, found, "C")


def test_branches_are_of_the_same_drug_and_condition(pipeline: Pipeline) -> None:
    for branch in needed(pipeline, HIT)["Child-Pugh class"].branches:
        assert "argatroban" in branch.statement.text.lower()
        assert "HIT" in branch.statement.text


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ("How should argatroban be dosed in HIT with Child-Pugh B cirrhosis?", "Child-Pugh class"),
        ("How should a 70 kg man with HIT and cirrhosis be given argatroban?", "body weight"),
    ],
)
def test_what_the_question_states_is_not_asked_for(pipeline: Pipeline, given: str, variable: str) -> None:
    assert variable not in needed(pipeline, given)


def test_statements_on_the_pretest_probability_need_not_name_the_drug(pipeline: Pipeline) -> None:
    found = needed(pipeline, "Should argatroban be started in suspected HIT?")["4Ts score"]
    assert {"high", "intermediate", "low"} >= {b.value for b in found.branches} > set()


def test_a_question_of_duration_needs_to_know_what_provoked_the_thrombosis(pipeline: Pipeline) -> None:
    found = needed(pipeline, "How long should anticoagulation be continued after cerebral venous thrombosis?")
    assert {b.value for b in found["whether the thrombosis was provoked"].branches} == {"provoked", "unprovoked"}
