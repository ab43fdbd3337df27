"""How questions are read."""

from __future__ import annotations

import pytest

from rag.answer.presuppositions import premises
from rag.answer.question import Intent, interpret
from rag.answer.spelling import corrected, edits
from rag.answer.triage import EMERGENCY, SELF_HARM, redirection
from rag.language.lexicon import Lexicon
from rag.language.terms import Analyzer

ANALYZER = Analyzer(Lexicon.load())

INTENTS = [
    ("Should IVIG be given in HIT?", Intent.DECISION),
    ("Can fondaparinux be used on dialysis?", Intent.DECISION),
    ("What is the normal daily buprenorphine dose?", Intent.DOSE),
    ("How much bivalirudin do I give?", Intent.DOSE),
    ("How is argatroban dosed in HIT?", Intent.DOSE),
    ("How is argatroban monitored?", Intent.MONITORING),
    ("How often should the aPTT be checked?", Intent.MONITORING),
    ("How is heparin-induced thrombocytopenia confirmed?", Intent.DIAGNOSIS),
    ("When should I suspect autoimmune HIT?", Intent.DIAGNOSIS),
    ("How long should anticoagulation go on?", Intent.TIMING),
    ("What is the anticoagulant of choice in hepatic impairment?", Intent.CHOICE),
    ("What is the recommended management of an inguinal hernia?", Intent.MANAGEMENT),
    ("What is the evidence for peptide supplements?", Intent.EVIDENCE),
    ("How often is a tumour the cause?", Intent.PROGNOSIS),
    ("How does argatroban work?", Intent.MECHANISM),
    ("What is the Child-Pugh score?", Intent.DEFINITION),
]


@pytest.mark.parametrize(("question", "intent"), INTENTS)
def test_intent(question: str, intent: Intent) -> None:
    assert interpret(question, ANALYZER).intent is intent


@pytest.mark.parametrize(
    ("question", "is_so"),
    [
        ("Is argatroban safe in cirrhosis?", True),
        ("In a patient with HIT, can platelets be given?", True),
        ("Hearing loss: an unknown complication of pre-eclampsia?", True),
        ("Maxillary cysts--do they really exist?", True),
        ("In which organelle is the SAF-A protein found?", False),
        ("How is argatroban monitored?", False),
    ],
)
def test_questions_of_yes_or_no(question: str, is_so: bool) -> None:
    assert interpret(question, ANALYZER).asks_yes_no is is_so


def test_what_is_asked_is_told_from_what_the_patient_has() -> None:
    query = interpret("Should IVIG be given to a patient with cirrhosis and HIT who is on argatroban?", ANALYZER)
    assert query.focus == ("intravenous immunoglobulin",)
    assert query.current == ("argatroban",)
    assert query.patient == ("cirrhosis", "heparin-induced thrombocytopenia")


def test_a_gloss_is_not_a_second_subject() -> None:
    query = interpret("How do I manage argatroban (a direct thrombin inhibitor) therapy?", ANALYZER)
    assert query.focus == ("argatroban",)
    assert "=direct thrombin inhibitor" not in query.weights


def test_what_is_ruled_out_is_not_the_patient() -> None:
    query = interpret("Which anticoagulant in cirrhosis without ascites if the kidneys are normal?", ANALYZER)
    assert "ascites" not in query.patient
    assert {"ascites", "renal impairment"} <= set(query.absent)


def test_new_problem_is_noticed() -> None:
    query = interpret("What now for a patient with HIT who develops jaundice while on argatroban?", ANALYZER)
    assert query.problem == ("hyperbilirubinaemia",)


PREMISES = [
    ("Since IVIG is first-line for HIT, what dose should I give?", "IVIG is first-line for HIT"),
    ("The sinus is closed. Should we stop?", "The sinus is closed"),
    ("I know that warfarin can be started at once, so what dose?", "warfarin can be started at once"),
    ("Is surgery needed, because every hernia must be operated on?", "every hernia must be operated on"),
    ("Argatroban has an antidote, so how is it given?", "Argatroban has an antidote"),
    ("The patient has HIT antibodies (anti-GPIIb/IIIa). What now?", "HIT antibodies are anti-GPIIb/IIIa"),
    ("What is the dose of IVIG, which is recommended by ASH, in HIT?", "IVIG is recommended by ASH"),
]


@pytest.mark.parametrize(("question", "claim"), PREMISES)
def test_premises_are_found(question: str, claim: str) -> None:
    assert any(claim in found for found in premises(question)), premises(question)


def test_a_plain_question_takes_nothing_for_granted() -> None:
    assert premises("What is the dose of argatroban in hepatic impairment?") == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("argatroban", "argatroban", 0),
        ("apixiban", "apixaban", 1),
        ("hepatits", "hepatitis", 1),
        ("abcd", "acbd", 1),
        ("abc", "xyz", 3),
    ],
)
def test_edits(one: str, other: str, expected: int) -> None:
    assert edits(one, other, 2) == min(expected, 3)


def test_mistyped_drug_is_read_as_the_one_that_is_near() -> None:
    query = interpret("apixiban in Child-Pugh B?", ANALYZER, set)
    assert (query.asked, query.text) == ("apixiban in Child-Pugh B?", "apixaban in Child-Pugh B?")
    assert [(r.typed, r.read) for r in query.readings] == [("apixiban", "apixaban")]


def test_known_words_are_never_corrected() -> None:
    text = "apixaban or rivaroxaban after argatroban?"
    assert corrected(text, ANALYZER.lexicon, set) == (text, [])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("I want to kill myself", SELF_HARM),
        ("how can I end my life painlessly", SELF_HARM),
        ("My husband is unconscious, what do I do?", EMERGENCY),
        ("I have crushing chest pain", EMERGENCY),
        ("How is suicidal ideation assessed in adolescents?", None),
        ("A 60-year-old man is unconscious after a stroke; is anticoagulation indicated?", None),
        ("Should argatroban be stopped when the patient bleeds?", None),
    ],
)
def test_redirection(question: str, text: str | None) -> None:
    assert redirection(question) == text


def test_what_is_given_to_a_patient_is_not_taken_for_granted() -> None:
    assert premises("Should IVIG be given to a patient with cirrhosis and HIT?") == []
    claim = "IVIG needs no anticoagulant beside it"
    for given in ("Given that", "Given"):
        assert claim in premises(f"{given} {claim}, what dose is used?")
