"""Related questions: answered by the corpus, diverse, about this patient; and whether two questions ask the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rag.answer.alike import aspects, entailment
from rag.domain import Outcome
from rag.pipeline import Pipeline

QUESTIONS = (Path(__file__).parents[2] / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()


def test_related_questions_are_answered(pipeline: Pipeline) -> None:
    asked = [related for question in QUESTIONS for related in pipeline.ask(question).related_questions]
    answered = [pipeline.ask(q).outcome in {Outcome.ANSWERED, Outcome.PARTIAL} for q in asked]
    assert len(asked) >= 4 * len(QUESTIONS)
    assert sum(answered) >= 0.95 * len(answered)


@pytest.mark.parametrize("question", QUESTIONS)
def test_related_questions_differ_and_never_lead_to_heparin(pipeline: Pipeline, question: str) -> None:
    related = pipeline.ask(question).related_questions
    assert len(related) == len(set(related)) <= 8
    openings = Counter(" ".join(r.split()[:3]) for r in related)
    assert max(openings.values(), default=0) <= 2
    for text in related:
        assert question != text
        assert "heparin " not in text.replace("heparin-induced", "").replace("non-heparin", "")


def test_what_the_patient_has_already_is_not_asked_about(pipeline: Pipeline) -> None:
    assert "Can argatroban be used in HIT?" not in pipeline.ask(QUESTIONS[0]).related_questions


def test_questions_that_ask_for_other_things_are_less_alike() -> None:
    known = "How is cirrhosis diagnosed?"
    same, other = "Which tests diagnose cirrhosis?", "How is cirrhosis treated?"
    assert aspects(known) == {"diagnosis"}
    assert entailment(other, known, 0.6) < 0.5 < entailment(same, known, 0.6)
    assert entailment(same, known, 0.2) < entailment(same, known, 0.9) <= 1
