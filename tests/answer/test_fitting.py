"""The answer is for the patient of the question: value, phase, procedure, what is still being given."""

from __future__ import annotations

import pytest

from rag.domain import Answer, Outcome, Role
from rag.pipeline import Pipeline

FIRST = [
    # What is still given and must not be comes before what is given instead.
    ("Severe CKD with confirmed HIT, still on heparin infusion. What should I do?", {"hit001"}),
    ("A patient with severe CKD and suspected HIT is still receiving heparin. What is the next step?", {"hit132"}),
    ("Platelets fell from 220 to 80 on day 7 of enoxaparin, 4Ts 6. What now?", {"hit132"}),
    ("Severe CKD, positive HIT test, platelets fell while on heparin for a DVT. Management?", {"hit001", "hit116"}),
    ("Patient on warfarin is diagnosed with acute HIT. What do I do?", {"hit014"}),
    # The value that is given picks what speaks of it.
    ("4Ts score of 3 on heparin after bypass. Should I stop heparin and send an ELISA?", {"hit023"}),
    ("Can fondaparinux be used for HIT when CrCl is 24?", {"hit111"}),
    ("What is the dose of apixaban in HIT with creatinine clearance of 20?", {"hit114"}),
    ("What is the starting dose of bivalirudin in HIT with CrCl 25?", {"hit107", "hit108", "hit109"}),
    ("Argatroban in HIT, bilirubin 5 mg/dL: what dose?", {"hit007"}),
    ("What argatroban dose in hepatic impairment (class B or C)?", {"hit075", "itp018"}),
    ("What is the dose of argatroban in HIT?", {"hit007", "hit073"}),
    ("Danaparoid dose in HIT for an 80 kg patient with normal kidneys?", {"hit009"}),
    # What is asked about is not answered by what is said of another drug.
    ("Is there an antidote for argatroban?", {"hit080"}),
    ("Should FFP be given for a long aPTT?", {"per007"}),
    ("What non-heparin agent is preferred in HIT with renal failure?", {"hit032"}),
    ("When should platelets not be transfused in HIT?", {"hit015"}),
    ("Newly diagnosed ITP with platelets of 25 and no bleeding: treat?", {"itp007", "itp009"}),
]  # fmt: skip


def bottom_line(pipeline: Pipeline, answer: Answer) -> list[str | None]:
    return [pipeline.passage(s.evidence[0].passage_id)[0].anchor for s in answer.bottom_line]


@pytest.mark.parametrize(("question", "anchors"), FIRST)
def test_what_is_for_this_patient_comes_first(pipeline: Pipeline, question: str, anchors: set[str]) -> None:
    assert bottom_line(pipeline, pipeline.ask(question))[0] in anchors


def test_beside_what_is_stopped_stands_what_is_given_instead(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Severe CKD with confirmed HIT, still on heparin infusion. What should I do?")
    assert bottom_line(pipeline, answer)[1] == "hit032"
    actions = next(s for s in answer.sections if s.role is Role.ACTION)
    assert "eparin must be removed" in actions.statements[0].text, "stopping leads what is to be done, too"


def test_a_dose_for_an_intervention_is_no_dose_without_one(pipeline: Pipeline) -> None:
    for question in ("Bivalirudin dose in HIT with liver failure?", "What is the starting dose of bivalirudin in HIT?"):
        assert not any("PCI dosing" in s.text for s in pipeline.ask(question).bottom_line)


@pytest.mark.parametrize(
    "question",
    [
        "How should anticoagulation be managed for cardiac surgery in a patient with a history of HIT?",
        "HIT ten years ago, now for bypass surgery: which anticoagulant?",
    ],
)
def test_what_is_advised_in_acute_disease_is_not_carried_over_to_remote(pipeline: Pipeline, question: str) -> None:
    assert pipeline.ask(question).outcome is Outcome.ABSTAINED


def test_what_is_said_of_remote_disease_is_found(pipeline: Pipeline) -> None:
    for question in (
        "What should replace heparin for dialysis in remote HIT?",
        "A dialysis patient had HIT two years ago and needs nothing else anticoagulated. What goes in the circuit?",
    ):
        assert bottom_line(pipeline, pipeline.ask(question))[0] == "hit021"


def test_a_history_that_is_treated_now_is_no_history(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Patient with a history of HIT on argatroban. How is it monitored?")
    assert answer.outcome is Outcome.ANSWERED


def test_no_yes_to_what_is_only_said_of_stopping_it(pipeline: Pipeline) -> None:
    for question in ("Can heparin be used again in a patient with remote HIT?", "Can LMWH be given in acute HIT?"):
        answer = pipeline.ask(question)
        assert answer.decision is None or answer.decision.value != "yes"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How is argatroban dosed in HIT?", "start argatroban at 2 mcg/kg/min"),
        ("How is argatroban monitored in HIT with Child-Pugh C?", "aPTT"),
        (
            "How is a patient with HIT and cirrhosis managed who develops hyperbilirubinemia on argatroban?",
            "reduce or pause the infusion",
        ),
    ],
)
def test_what_is_asked_for_leads(pipeline: Pipeline, question: str, said: str) -> None:
    assert said in pipeline.ask(question).bottom_line[0].text
