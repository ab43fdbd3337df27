"""What forms send, read: patients in words, filters, values of what was missing."""

from __future__ import annotations

import pytest

from api.http.problems import ProblemError
from api.page.forms import Patient, asked, filled
from rag.domain import EvidenceType


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, ""),
        ({"age": 67, "sex": "woman"}, "Patient: 67-year-old woman."),
        ({"age": 0}, "Patient: 0 years old."),
        ({"sex": "man", "weight": 80.5}, "Patient: man, 80.5 kg."),
        ({"creatinine": 186, "creatinine_unit": "µmol/L"}, "Patient: creatinine 186 µmol/L."),
        ({"crcl": 0, "child_pugh": "C"}, "Patient: CrCl 0 mL/min, Child-Pugh C."),
        ({"bilirubin": 5, "platelets": 20}, "Patient: bilirubin 5 mg/dL, platelets 20 × 10⁹/L."),
        ({"more": " on dialysis. "}, "Patient: on dialysis."),
    ],
)
def test_a_patient_in_words(known: dict[str, object], said: str) -> None:
    assert Patient.model_validate(known).words() == said


@pytest.mark.parametrize(
    ("sent", "question"),
    [
        ([("question", " How is argatroban dosed? "), ("age", "")], "How is argatroban dosed?"),
        ([("question", "argatroban dose"), ("weight", "80")], "argatroban dose? Patient: 80 kg."),
        ([("question", "Dose?"), ("more", "on dialysis")], "Dose? Patient: on dialysis."),
        ([("variable", "body weight"), ("question", "80 kg")], "Patient: body weight 80 kg."),
        ([("variable", "body weight"), ("question", "80"), ("unit", "kg")], "Patient: body weight 80 kg."),
        ([("variable", "body weight"), ("question", "80 kg"), ("unit", "kg")], "Patient: body weight 80 kg."),
        ([("variable", "bilirubin"), ("question", "1.5-3"), ("unit", "mg/dL")], "Patient: bilirubin 1.5-3 mg/dL."),
        ([("variable", "age"), ("question", "67"), ("unit", "years")], "Patient: age 67 years."),
        ([("variable", "platelet count"), ("question", "<20 × 10⁹/L")], "Patient: platelet count <20 × 10⁹/L."),
        ([("variable", "Child-Pugh class"), ("question", "C")], "Patient: Child-Pugh class C."),
        ([("variable", "critical illness"), ("question", "critically ill")], "Patient: critically ill."),
        ([("variable", "whether it was provoked"), ("question", "provoked")], "Patient: provoked."),
    ],
)
def test_a_question_with_what_is_known(sent: list[tuple[str, str]], question: str) -> None:
    assert asked(filled(sent)).question == question


def test_sources_are_chosen() -> None:
    sent = [("question", "x"), ("evidence_types", "guideline"), ("evidence_types", "rct"), ("year_from", "2012"),
            ("jurisdictions", "us, gb INT"), ("audience", "patient"), ("conversation_id", "c1")]  # fmt: skip
    ask = asked(filled(sent))
    assert ask.filter.evidence_types == (EvidenceType.GUIDELINE, EvidenceType.RCT)
    assert (ask.filter.year_from, ask.filter.jurisdictions) == (2012, ("US", "GB", "INT"))
    assert (ask.audience, ask.conversation_id) == ("patient", "c1")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([], "question is empty"),
        ([("weight", "80")], "question is empty"),
        ([("question", "x"), ("age", "old")], "age cannot be used"),
        ([("question", "x"), ("weight", "nan")], "weight cannot be used"),
        ([("question", "x"), ("weight", "-1")], "weight cannot be used"),
        ([("question", "x"), ("jurisdictions", "France")], "jurisdictions cannot be used"),
        ([("question", "x"), ("audience", "nurse")], "audience cannot be used"),
        ([("variable", "body weight"), ("question", "heavy"), ("unit", "kg")], "a figure, in kg"),
    ],
)
def test_what_cannot_be_used_is_named(sent: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(ProblemError, match=f"(?i){said}"):
        asked(filled(sent))
