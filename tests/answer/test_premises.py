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
#: What is said to be forbidden, unsafe, or to need less for an organ's sake, where sources say otherwise.
FORBIDDEN = [
    ("Given that argatroban is contraindicated in renal failure, what should I use for HIT?", {"hit032"}),
    ("Since argatroban is unsafe in renal failure, which anticoagulant is preferred in HIT with CrCl 15?", {"hit032"}),
    ("As argatroban must be avoided in CKD, what do I give a man with HIT and a GFR of 12?", {"hit087", "hit091"}),
    ("Because argatroban needs dose reduction in renal impairment, what dose in HIT with CrCl 20?", {"hit091"}),
    ("As bivalirudin is contraindicated in liver failure, what should be used in HIT with cirrhosis?", {"hit105"}),
    ("Since apixaban needs a dose reduction in mild hepatic impairment, which dose in Child-Pugh A?", {"liv008"}),
    ("Since anticoagulation is contraindicated in cirrhosis, what do I do about a clot?", {"liv022", "liv004"}),
    ("Because buprenorphine is cleared by haemodialysis, when do I dose on dialysis days?", {"bup012"}),
    ("Since fondaparinux is contraindicated in HIT, what can be given subcutaneously?", {"hit002", "hit006", "hit010"}),
    ("Given that anticoagulation is unsafe in HIT with platelets of 15, do I wait for recovery?", {"hit127"}),
    ("Pregnancy must be avoided after cerebral venous thrombosis. Which contraception do I advise?", {"cvt015"}),
    ("Since eltrombopag is safe in cirrhosis, what dose for ITP?", {"itp011", "new035"}),
    ("Given that bivalirudin needs no dose reduction in renal failure, what rate in HIT with CrCl 20?",
     {"hit107", "hit108", "hit109", "new009", "new010"}),
    ("ASH ranks argatroban first of the non-heparin drugs for every patient with HIT. What comes second?", {"hit002"}),
    ("Lupus anticoagulant makes patients bleed, so how much factor VIIa before his biopsy?", {"per009"}),
    ("Because buprenorphine kept more people in treatment than methadone, should everybody be switched?", {"new019"}),
]  # fmt: skip
#: The same, where sources say so.
BARRED = [
    "Since argatroban is contraindicated in severe hepatic impairment in the UK, what is used there for HIT?",
    "Because rivaroxaban should be avoided in Child-Pugh B, which DOAC may I use for a DVT?",
    "Given that DOACs should be avoided in Child-Pugh C, what is used for DVT?",
    "As warfarin should be avoided in acute HIT, what do I use?",
    "Since heparin is contraindicated in acute HIT, what do I use on dialysis?",
    "Given that the argatroban dose must be reduced in liver impairment, what start dose in HIT?",
    "Since argatroban needs dose reduction when liver and kidneys both fail, how low do I go in HIT?",
    "As bivalirudin needs a lower dose in renal impairment, what rate for HIT at CrCl 25?",
    "As argatroban needs no dose adjustment for the kidneys alone, what start dose for HIT in ESRD?",
    "Since argatroban is contraindicated in Child-Pugh C, what do I use for HIT?",
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


@pytest.mark.parametrize(("question", "anchors"), FORBIDDEN)
def test_what_is_wrongly_held_to_be_forbidden_is_corrected_first(
    pipeline: Pipeline, question: str, anchors: set[str]
) -> None:
    first = pipeline.ask(question).bottom_line[0]
    assert first.correction_of is not None
    assert anchors & corrected(pipeline, question)


@pytest.mark.parametrize("question", BARRED)
def test_what_is_rightly_held_to_be_forbidden_is_left_alone(pipeline: Pipeline, question: str) -> None:
    assert corrected(pipeline, question) == set()


@pytest.mark.parametrize("question", TRUE)
def test_a_true_premise_is_left_alone(pipeline: Pipeline, question: str) -> None:
    assert corrected(pipeline, question) == set()


def test_a_statement_with_another_number_is_a_false_premise(pipeline: Pipeline) -> None:
    claim = "Since in HIT with moderate hepatic impairment (Child-Pugh B) argatroban is started at {}, what next?"
    assert corrected(pipeline, claim.format("5 mcg/kg/min"))
    assert not corrected(pipeline, claim.format("0.5 mcg/kg/min"))
