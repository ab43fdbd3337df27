"""Answers to neighbouring questions: contradictions are found, disagreements that are shown are none."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builders import make_answer, make_statement

from rag.answer.consistency import Consistency, Contradiction, Said, consistency
from rag.answer.held import Held, opposite, other_value, same_patients
from rag.answer.verify import Verifier
from rag.domain import Answer, Disagreement, Position
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
QUESTIONS = (ROOT / "corpus" / "questions.list").read_text("utf-8").splitlines()
LEXICON = Lexicon.load()
VERIFIER = Verifier(LEXICON)

FOR = "Argatroban is recommended in HIT with severe hepatic impairment."
AGAINST = "Argatroban is contraindicated in HIT with severe hepatic impairment."


def answer(name: str, *texts: str, question: str = "Which anticoagulant for HIT?", **changes: Any) -> Answer:
    """An answer that says ``texts``."""
    empty: dict[str, Any] = {"sections": (), "disagreements": (), "gaps": (), "needed": (), "glossary": ()}
    references = make_answer().references[:1]
    said = tuple(make_statement(text) for text in texts)
    fields = {"answer_id": name, "question": question, "bottom_line": said, "references": references}
    return make_answer(**{**empty, **fields, **changes})


def compared(*answers: Answer, cosine: float = 1.0) -> Consistency:
    """With questions whose vectors all have this cosine with the first one's."""
    vectors = np.array([[1.0, 0.0]] + [[cosine, (1 - cosine**2) ** 0.5]] * (len(answers) - 1), np.float32)
    return consistency(answers, vectors, VERIFIER, LEXICON)


def test_two_answers_that_contradict_each_other_are_reported_with_links() -> None:
    found = compared(answer("a1", FOR), answer("a2", AGAINST, question="HIT in liver failure?"))
    assert (found.answers, found.neighbours, found.compared) == (2, 1, 1)
    (conflict,) = found.contradictions
    assert (conflict.one.text, conflict.other.text) == (FOR, AGAINST)
    (place,) = conflict.other.places
    assert (place.answer_id, place.question) == ("a2", "HIT in liver failure?")
    assert place.statement_id == make_statement(AGAINST).statement_id
    assert conflict.other.passage_ids == ("cuker2018:p1",)
    assert conflict.reason


def test_an_answer_is_its_own_neighbour() -> None:
    assert len(compared(answer("a1", FOR, AGAINST)).contradictions) == 1


def test_what_is_shown_side_by_side_is_a_disagreement() -> None:
    positions = tuple(
        Position(statement=make_statement(text), issuing_body=None, jurisdiction=country, year=2020)
        for text, country in ((FOR, "US"), (AGAINST, "GB"))
    )
    told = answer("a1", FOR, disagreements=(Disagreement(topic="use of argatroban", positions=positions),))
    assert compared(told, answer("a2", AGAINST)).contradictions == ()


def test_a_sentence_that_names_both_sides_tells_of_them() -> None:
    both = "The US label allows argatroban in HIT with severe hepatic impairment, whereas UK labels rule it out."
    assert compared(answer("a1", FOR, both), answer("a2", AGAINST)).contradictions == ()
    elsewhere = "The US label allows bivalirudin in dialysis, whereas UK labels rule it out."
    assert len(compared(answer("a1", FOR, elsewhere), answer("a2", AGAINST)).contradictions) == 1


def test_answers_that_are_not_neighbours_are_not_compared() -> None:
    one, other = answer("a1", FOR, question="What about the liver?"), answer("a2", AGAINST, question="And the heart?")
    far = compared(one, other, cosine=0.1)
    assert (far.neighbours, far.compared, far.contradictions) == (0, 0, ())
    assert len(compared(one, other, cosine=0.5).contradictions) == 1
    named = [a.model_copy(update={"question": f"{a.question} On argatroban?"}) for a in (one, other)]
    assert compared(*named, cosine=0.1).neighbours == 1, "both name argatroban"


CONTRADICTING = [
    ("contradiction", "Fondaparinux is cleared by the kidneys.", "Fondaparinux is cleared by the liver."),
    ("value", "Start argatroban at 2 mcg/kg/min in HIT.", "Start argatroban at 0.5 mcg/kg/min in HIT."),
    ("value", "Avoid fondaparinux if CrCl is below 30 mL/min.", "Avoid fondaparinux if CrCl is below 50 mL/min."),
]
AGREEING = [
    (FOR, "Argatroban is contraindicated in HIT with mild hepatic impairment.", "another grade"),
    (FOR, "Argatroban is contraindicated in HIT with severe renal impairment.", "another condition"),
    ("Argatroban is recommended in HIT.", AGAINST, "a rule and its exception"),
    ("Argatroban is recommended in HIT without hepatic impairment.", AGAINST, "those are left out"),
    ("Start argatroban at 2 mcg/kg/min in HIT.", "Start argatroban at 0.5-2 mcg/kg/min in HIT.", "values that meet"),
    ("Start argatroban at 2 mcg/kg/min in HIT.", "Start bivalirudin at 0.15 mg/kg/h in HIT.", "another drug"),
    ("Bleeding was seen in 5% on argatroban.", "Bleeding was seen in 8% on argatroban.", "findings vary"),
    (FOR, FOR, "the same"),
]


@pytest.mark.parametrize(("kind", "one", "other"), CONTRADICTING)
def test_kinds_of_contradiction(kind: str, one: str, other: str) -> None:
    assert [c.kind for c in compared(answer("a1", one), answer("a2", other)).contradictions] == [kind]


@pytest.mark.parametrize(("one", "other", "why"), AGREEING)
def test_what_holds_together(one: str, other: str, why: str) -> None:
    assert compared(answer("a1", one), answer("a2", other)).contradictions == (), why
    assert compared(answer("a1", other), answer("a2", one)).contradictions == (), why


def test_decisions_in_other_words_are_compared() -> None:
    one = Held.of("The guideline recommends argatroban first for adults with HIT.", LEXICON)
    other = Held.of("In HIT, argatroban should not be chosen by most units.", LEXICON)
    assert opposite(one, other) == "argatroban"
    assert same_patients(one, other, LEXICON)
    assert opposite(one, one) is None


def test_values_are_compared_one_by_one_in_the_same_sentence() -> None:
    one, other = (
        Held.of(f"Bivalirudin is given at 0.15 mg/kg/h, or at {dose} mg/kg/h on dialysis.", LEXICON)
        for dose in ("0.03", "0.3")
    )
    assert other_value(one, other) == "0.03 mg/kg/h against 0.3 mg/kg/h"
    assert other_value(one, one) is None


def test_the_starter_questions_have_none(pipeline: Pipeline) -> None:
    found = pipeline.consistency(QUESTIONS)
    assert found.answers == 12
    assert found.compared > 1000
    assert [(c.kind, c.one.text, c.other.text) for c in found.contradictions] == []


def test_alterations_are_found_and_rewordings_are_none() -> None:
    """docs/consistency.md says how many."""
    tables = yaml.safe_load((ROOT / "tests" / "tables" / "altered_sentences.yaml").read_text("utf-8"))
    kinds = {"negation_added", "negation_removed", "dose_times_ten", "unit_swapped", "comparator_swapped"}
    altered = [i for i in tables["altered"] if i["kind"] in kinds]
    caught = sum(bool(compared(answer("a1", i["source"]), answer("a2", i["altered"])).contradictions) for i in altered)
    accepted = tables["accepted"]
    alarms = sum(bool(compared(answer("a1", i["source"]), answer("a2", i["variant"])).contradictions) for i in accepted)
    page = (ROOT / "docs" / "consistency.md").read_text("utf-8")
    assert f"Of {len(altered)} sentences" in page
    assert f"it finds {caught} to contradict the original, and none of {len(accepted)} harmless" in page
    assert alarms == 0


@pytest.mark.parametrize("model", [Consistency, Contradiction, Said])
def test_the_page_names_every_field(model: type[Consistency]) -> None:
    page = (ROOT / "docs" / "consistency.md").read_text("utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in page] == []


def test_the_order_of_answers_does_not_matter() -> None:
    answers = [answer("a1", FOR), answer("a2", AGAINST), answer("a3", *(text for _, text, _ in CONTRADICTING))]
    found = set()
    for order in permutations(answers):
        conflicts = compared(*order).contradictions
        found.add(
            frozenset(frozenset({re.sub(r"\W", "", c.one.text), re.sub(r"\W", "", c.other.text)}) for c in conflicts)
        )
    assert len(found) == 1
