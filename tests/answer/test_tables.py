"""The question tables: floors that the pipeline has reached and must not fall below.

The tables are read and extended by clinicians; single items may fail, so shares are asserted, not items. What is
reached is printed by ``make bench``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rag.domain import Answer, Outcome
from rag.pipeline import Pipeline

TABLES = Path(__file__).parents[1] / "tables"
SPOKEN = {Outcome.ANSWERED, Outcome.PARTIAL}


def load(name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = yaml.safe_load((TABLES / name).read_text("utf-8"))
    return items


def share(passed: list[bool]) -> float:
    return sum(passed) / len(passed)


def anchors(pipeline: Pipeline, answer: Answer) -> set[str | None]:
    return {pipeline.passage(e.passage_id)[0].anchor for s in answer.statements() for e in s.evidence}


def corrections(pipeline: Pipeline, question: str) -> set[str | None]:
    shown = pipeline.ask(question).bottom_line
    return {pipeline.passage(e.passage_id)[0].anchor for s in shown if s.correction_of for e in s.evidence}


def test_tables_name_existing_statements(pipeline: Pipeline) -> None:
    known = {pipeline.snapshot.store.passage(row).anchor for row in range(len(pipeline.snapshot.dense))}
    named = {f for name in ("answerable.yaml", "premises.yaml") for item in load(name) for f in item["facts"]}
    assert named <= known


def test_answerable_questions_are_answered_with_what_they_need(pipeline: Pipeline) -> None:
    items = load("answerable.yaml")
    answers = [pipeline.ask(item["question"]) for item in items]
    assert share([a.outcome in SPOKEN for a in answers]) >= 0.88
    shown = [set(i["must"]) <= anchors(pipeline, a) for i, a in zip(items, answers, strict=True)]
    assert share(shown) >= 0.80


def test_unanswerable_questions_are_not_answered(pipeline: Pipeline) -> None:
    answers = [pipeline.ask(item["question"]) for item in load("unanswerable.yaml")]
    assert share([a.outcome is Outcome.ABSTAINED for a in answers]) >= 0.94


def test_paraphrases_of_the_starter_questions_are_answered(pipeline: Pipeline) -> None:
    questions = [q for item in load("paraphrases.yaml") for q in item["paraphrases"]]
    assert share([pipeline.ask(q).outcome in SPOKEN for q in questions]) >= 0.88


def test_false_premises_are_corrected_and_true_ones_left_alone(pipeline: Pipeline) -> None:
    items = load("premises.yaml")
    false = [i for i in items if not i.get("true")]
    true = [i for i in items if i.get("true")]
    assert share([bool(set(i["facts"]) & corrections(pipeline, i["question"])) for i in false]) >= 0.40
    assert share([not corrections(pipeline, i["question"]) for i in true]) == 1.0


def test_a_statement_of_the_corpus_is_no_false_premise(pipeline: Pipeline) -> None:
    """Every statement, put as a premise, is left alone but for the few that sources truly dispute."""
    store, rows = pipeline.snapshot.store, range(0, len(pipeline.snapshot.dense), 3)
    questions = [f"Since {store.passage(row).text.rstrip('.')}, what follows?" for row in rows]
    assert sum(bool(corrections(pipeline, q)) for q in questions) <= 0.02 * len(questions)
