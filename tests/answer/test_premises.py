"""Claims that questions take for granted: how they are found, and by what they are refuted."""

from __future__ import annotations

import pytest

from rag.answer.presuppositions import premises
from rag.pipeline import Pipeline

FOUND = [
    ("The PF4 ELISA should turn negative after IVIG, so on what day do I repeat it?",
     "The PF4 ELISA should turn negative after IVIG"),
    ("IVIG is kind to the kidneys, so I need not check creatinine, correct?", "IVIG is kind to the kidneys"),
    ("Apixaban is labelled for Child-Pugh C, isn't it?", "Apixaban is labelled for Child-Pugh C"),
    ("Which of the randomised trials of IVIG was the largest?", "there are randomised trials of IVIG"),
    ("How much protamine reverses argatroban, its specific antidote?", "argatroban has the specific antidote"),
    ("I don't have an X-waiver so I can't prescribe it.", "X-waiver is needed to prescribe it"),
    ("What is the maximum dose, which the FDA sets at 24 mg?", "the maximum dose the FDA sets at 24 mg"),
    ("Which lab does the genotyping that has to be done before IVIG?", "the genotyping has to be done before IVIG"),
]  # fmt: skip
NONE = [
    "Should IVIG be given to a patient with cirrhosis and HIT who is on argatroban?",
    "eGFR 18, liver tests normal, HIT. Does argatroban need a lower dose?",
    "My patient has cirrhosis. Which anticoagulant?",
    "Newly diagnosed ITP with platelets of 14 - admit or home?",
    "What is the dose of argatroban in HIT?",
]
REFUTED = [
    ("As the US label contraindicates argatroban in Child-Pugh C, what do American hospitals use for HIT?", "hit075"),
    ("IVC filters are routine in acute HIT. Which model is preferred?", "hit016"),
    ("ACCP prefers fondaparinux for HIT with thrombosis and renal insufficiency. Once daily?", "hit032"),
    ("Eltrombopag carries no clotting risk in cirrhosis, so may I use it?", "new035"),
    ("Prednisone acts faster than IVIG in ITP, so is there any point in IVIG?", "itp005"),
    ("Given that BPC-157 is FDA approved for tendon injury, what is the usual course?", "pep013"),
    ("As watchful waiting suits femoral hernias too, how often should I review him?", "her020"),
    ("Creatinine is 490 mg/dL and the HIT test is positive. Which anticoagulant?", "hit130"),
    ("I don't have an X-waiver so I can't prescribe Suboxone. Where do I apply for one?", "bup014"),
    ("No guideline anywhere deals with IVIG in HIT - am I on my own?", "hit041"),
]
TRUE = [
    "Since UK product information contraindicates argatroban in Child-Pugh C, how does the American label differ?",
    "With liver and kidneys both failing, argatroban needs are lower than with the liver alone. By how much?",
    "Fondaparinux is contraindicated below a creatinine clearance of 30. What is left for HIT on dialysis?",
    "ASH 2018 makes no recommendation on IVIG in HIT. In which situations is it considered all the same?",
    "IVIG is the quickest way to raise platelets in ITP. What comes after it in speed?",
]


def corrected(pipeline: Pipeline, question: str) -> set[str | None]:
    shown = [s for s in pipeline.ask(question).bottom_line if s.correction_of]
    return {pipeline.passage(e.passage_id)[0].anchor for s in shown for e in s.evidence}


@pytest.mark.parametrize(("question", "claim"), FOUND)
def test_claims_are_found_in_the_ways_in_which_people_put_them(question: str, claim: str) -> None:
    assert claim in premises(question)


@pytest.mark.parametrize("question", NONE)
def test_history_and_what_is_asked_are_no_claims(question: str) -> None:
    assert premises(question) == []


@pytest.mark.parametrize(("question", "anchor"), REFUTED)
def test_a_false_premise_is_corrected_in_the_bottom_line(pipeline: Pipeline, question: str, anchor: str) -> None:
    assert anchor in corrected(pipeline, question)


@pytest.mark.parametrize("question", TRUE)
def test_a_true_premise_is_left_alone(pipeline: Pipeline, question: str) -> None:
    assert corrected(pipeline, question) == set()


def test_a_statement_with_another_number_is_a_false_premise(pipeline: Pipeline) -> None:
    claim = "Since in HIT with moderate hepatic impairment (Child-Pugh B) argatroban is started at {}, what next?"
    assert corrected(pipeline, claim.format("5 mcg/kg/min"))
    assert not corrected(pipeline, claim.format("0.5 mcg/kg/min"))
