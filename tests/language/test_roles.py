from __future__ import annotations

import pytest

from rag.domain import Role
from rag.language.roles import role_of

CORPUS_HEADINGS = {
    "Recommendations": Role.ACTION,
    "Exceptions": Role.EXCEPTION,
    "Mechanism": Role.MECHANISM,
    "Dosing": Role.DOSING,
    "Monitoring": Role.MONITORING,
    "Pitfalls": Role.PITFALL,
    "Prognosis": Role.PROGNOSIS,
    "Diagnosis": Role.DIAGNOSIS,
    "Background": Role.BACKGROUND,
}


@pytest.mark.parametrize(("heading", "role"), CORPUS_HEADINGS.items())
def test_headings_of_the_starter_corpus_decide(heading: str, role: Role) -> None:
    assert role_of("Argatroban 2 mcg/kg/min is contraindicated and must be monitored.", (heading,)) is role


@pytest.mark.parametrize(
    ("heading", "role"),
    [
        ("2.1 Dosage in Hepatic Impairment", Role.DOSING),
        ("WARNINGS AND PRECAUTIONS", Role.PITFALL),
        ("4.3 Contraindications", Role.EXCEPTION),
        ("Clinical pharmacology", Role.MECHANISM),
        ("Laboratory tests", Role.MONITORING),
        ("Use in special populations", Role.EXCEPTION),
        ("Results", Role.PROGNOSIS),
        ("Screening", Role.DIAGNOSIS),
        ("What to do", Role.ACTION),
    ],
)
def test_headings_of_labels_and_papers(heading: str, role: Role) -> None:
    assert role_of("A sentence.", (heading,)) is role


def test_the_nearest_heading_that_names_a_role_decides() -> None:
    assert role_of("A sentence.", ("Dosing", "Monitoring")) is Role.MONITORING
    assert role_of("A sentence.", ("Dosing", "Adults")) is Role.DOSING
    assert role_of("A sentence.", ("Dosing", "Background")) is Role.BACKGROUND
    assert role_of("Give 5 mg.", ("Adults", "Women")) is Role.DOSING


@pytest.mark.parametrize(
    ("sentence", "role"),
    [
        ("Argatroban is contraindicated in severe hepatic impairment.", Role.PITFALL),
        ("Do not confuse HIT with ITP.", Role.PITFALL),
        ("ASH 2018 recommends stopping heparin.", Role.ACTION),
        ("The panel suggests against platelet transfusion.", Role.ACTION),
        ("The infusion is started at 0.5 mcg/kg/min.", Role.DOSING),
        ("The bolus is 5000 IU.", Role.DOSING),
        ("Measure the aPTT two hours after each change.", Role.MONITORING),
        ("Mortality at 30 days was 12%.", Role.PROGNOSIS),
        ("The 4Ts score has a high negative predictive value.", Role.DIAGNOSIS),
        ("Argatroban's half-life is longer in cirrhosis.", Role.MECHANISM),
        ("HIT was first described in 1973.", Role.BACKGROUND),
        ("", Role.BACKGROUND),
    ],
)
def test_without_a_heading_the_first_cue_decides(sentence: str, role: Role) -> None:
    assert role_of(sentence) is role


def test_a_dose_that_is_recommended_is_an_action() -> None:
    assert role_of("It is recommended to start at 2 mcg/kg/min.") is Role.ACTION
