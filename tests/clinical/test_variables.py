"""Variables that recommendations depend on: how text speaks of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.clinical.decisive import VARIABLES
from rag.clinical.variables import child_pugh_below, child_pugh_classes, contains, renal_impairment
from rag.language.lexicon import Lexicon

BY_NAME = {variable.name: variable for variable in VARIABLES}
FUNCTIONAL = "result of a functional (platelet activation) assay"
BLEEDING = "bleeding and bleeding risk (varices, recent or planned procedures)"


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("Child-Pugh A", "A"),
        ("Child-Pugh class B", "B"),
        ("Child Pugh C cirrhosis", "C"),
        ("Child-Turcotte-Pugh class B", "B"),
        ("CTP-C", "C"),
        ("CP class B", "B"),
        ("Child-Pugh B or C", "BC"),
        ("Child-Pugh B and C", "BC"),
        ("Child-Pugh C or B", "BC"),
        ("Child-Pugh B/C", "BC"),
        ("Child-Pugh A, B or C", "ABC"),
        ("Child-Pugh A, while another had Child-Pugh C", "AC"),
        ("Child-Pugh score >6", "BC"),
        ("hepatic impairment (class B or C)", "BC"),
        ("Child's C", "C"),
        ("class B evidence", ""),
        ("a child a day", ""),
        ("Child-Pugh score > 9", "C"),
        ("Child-Pugh score above 6", "BC"),
        ("Child-Pugh score greater than 4", "ABC"),
        ("Child-Pugh score > 14", ""),
        ("mild hepatic impairment", "A"),
        ("moderate or severe hepatic impairment", "BC"),
        ("Mild or moderate liver dysfunction", "AB"),
        ("severe hepatic impairment (Child-Pugh C)", "C"),
        ("severe (Child-Pugh C) hepatic impairment", "C"),
        ("moderate or severe hepatic impairment (Child-Pugh score >6)", "BC"),
        ("class A", ""),
        ("class B recommendation", ""),
        ("severe renal impairment", ""),
        ("severe bleeding", ""),
        ("the Child-Pugh Classification", ""),
        ("Child-Pugh Assessment", ""),
        ("hepatic impairment", ""),
        ("", ""),
    ],
)
def test_child_pugh_classes(text: str, classes: str) -> None:
    assert child_pugh_classes(text) == tuple(classes)


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("Child-Pugh score >6", "A"),
        ("Child-Pugh score > 9", "AB"),
        ("Child-Pugh score over 7", "A"),
        ("Child-Pugh score >5", ""),
        ("Child-Pugh score > 15", "ABC"),
        ("Child-Pugh B", ""),
        ("moderate or severe hepatic impairment", ""),
        ("", ""),
    ],
)
def test_child_pugh_below(text: str, classes: str) -> None:
    assert child_pugh_below(text) == tuple(classes)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20))
def test_no_class_lies_both_above_and_below_a_threshold(points: int) -> None:
    text = f"Child-Pugh score >{points}"
    assert not set(child_pugh_classes(text)) & set(child_pugh_below(text))


@pytest.mark.parametrize(
    ("name", "statement", "question"),
    [
        ("Child-Pugh class", "In Child-Pugh C it is contraindicated.", "She has cirrhosis, Child-Pugh B."),
        ("Child-Pugh class", "The Child-Pugh score decides.", "He has moderate hepatic impairment."),
        ("creatinine clearance", "Avoid it when CrCl is below 30 mL/min.", "CrCl 25 mL/min"),
        ("creatinine clearance", "Halve it at an eGFR under 30.", "creatinine of 2.1 mg/dL"),
        ("bilirubin", "Reduce it when bilirubin is above 25.5 µmol/L.", "total bilirubin 3.2 mg/dL"),
        ("4Ts score", "An intermediate 4Ts score calls for a test.", "4Ts score of 6"),
        ("4Ts score", "A low 4Ts score excludes it.", "a patient with confirmed HIT"),
        (FUNCTIONAL, "Confirm it by a serotonin-release assay.", "SRA negative"),
        ("platelet count", "Wait for 150 × 10⁹/L.", "platelets of 22"),
        ("platelet count", "Below 50 × 10^9/L hold it.", "a count of 22 x 10"),
        (BLEEDING, "With active bleeding hold it.", "He has oesophageal varices."),
        ("body weight", "Start at 2 mcg/kg/min.", "a man of 80 kg"),
    ],
)
def test_a_statement_depends_and_a_question_gives(name: str, statement: str, question: str) -> None:
    variable = BY_NAME[name]
    assert variable.depends.search(statement)
    assert variable.given.search(question)


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("Child-Pugh class", "He has cirrhosis and HIT."),
        ("creatinine clearance", "He has renal impairment."),
        ("bilirubin", "Bilirubin is high."),
        ("4Ts score", "HIT is suspected."),
        (FUNCTIONAL, "The PF4 ELISA is positive."),
        ("platelet count", "He has thrombocytopenia."),
        (BLEEDING, "He has cirrhosis."),
        ("body weight", "an adult on argatroban"),
    ],
)
def test_a_condition_alone_does_not_give_the_variable(name: str, question: str) -> None:
    assert not BY_NAME[name].given.search(question)


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("Child-Pugh class", "Child-Pugh B or C", ("B", "C")),
        ("creatinine clearance", "CrCl <30 mL/min and eGFR 30-50", ("<30 mL/min", "30-50 mL/min")),
        ("creatinine clearance", "CrCl < 30, later CrCl <30", ("<30 mL/min",)),
        ("4Ts score", "low 4Ts, High-probability 4Ts", ("low", "high")),
        ("creatinine clearance", "for CrCl >60, 30-60 and <30 mL/min", (">60 mL/min", "30-60 mL/min", "<30 mL/min")),
        ("platelet count", "<20 × 10⁹/L or 50 x 10^9/L or more", ("<20 × 10⁹/L", "≥50 × 10⁹/L")),
        ("platelet count", "usually to at least 150 × 10⁹/L", ("≥150 × 10⁹/L",)),
        ("platelet count", "a nadir of 22 × 10⁹/L", ()),
        ("bilirubin", "liver dysfunction (bilirubin >1.5 mg/dL)", (">1.5 mg/dL",)),
        ("sex", "3 or more (women)", ("women",)),
        ("phase of heparin-induced thrombocytopenia", "in subacute HIT A/B or remote HIT", ("subacute", "remote")),
        ("body weight", "2 mcg/kg/min", ()),
    ],
)
def test_values_that_a_text_names(name: str, text: str, values: tuple[str, ...]) -> None:
    assert BY_NAME[name].values(text) == values


def test_variables_are_unique_and_explained_and_concern_known_concepts() -> None:
    lexicon = Lexicon.load()
    assert len(BY_NAME) == len(VARIABLES)
    for variable in VARIABLES:
        assert variable.why
        assert isinstance(variable.depends, re.Pattern)
        assert set(variable.concerns) <= lexicon.concepts.keys()
        assert variable.values("") == variable.below("") == ()


@pytest.mark.parametrize(
    ("band", "value", "is_in"),
    [
        ("<30 mL/min", 24, True), ("<30 mL/min", 30, False), ("≤30 mL/min", 30, True), ("30-60 mL/min", 60, True),
        (">1.5 mg/dL", 5, True), ("≥150 × 10⁹/L", 150, True), ("30-60 mL/min", 61, False), ("none", 5, False),
    ],
)  # fmt: skip
def test_a_value_lies_in_a_band_or_not(band: str, value: float, is_in: bool) -> None:
    assert contains(band, value) is is_in


@pytest.mark.parametrize(
    ("name", "text", "points"),
    [
        ("creatinine clearance", "HIT with CrCl 24, dose?", (24,)),
        ("creatinine clearance", "a GFR of 12 mL/min", (12,)),
        ("creatinine clearance", "contraindicated when CrCl is <30 mL/min", ()),
        ("creatinine clearance", "for creatinine clearance 30-60 mL/min", ()),
        ("bilirubin", "bilirubin 5 and rising", (5,)),
        ("bilirubin", "bilirubin 85 µmol/L", ()),
        ("bilirubin", "bilirubin 85", ()),
        ("bilirubin", "bilirubin >1.5 mg/dL", ()),
    ],
)
def test_measurements_are_read_with_their_unit(name: str, text: str, points: tuple[float, ...]) -> None:
    assert BY_NAME[name].points(text) == points


@pytest.mark.parametrize(
    ("text", "values"),
    [("4Ts of 1.", ("low",)), ("4Ts score 5", ("intermediate",)), ("4Ts 6", ("high",)), ("a score of 4-5", ())],
)
def test_a_score_is_the_probability_that_it_means(text: str, values: tuple[str, ...]) -> None:
    assert BY_NAME["4Ts score"].values(text) == values


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("creatinine 490 µmol/L", ["severe renal impairment"]),
        ("creatinine 5.5 mg/dL", ["severe renal impairment"]),
        ("creatinine 90 µmol/L", []),
        ("creatinine 490", []),
    ],
)
def test_a_creatinine_of_the_highest_stage_is_severe_impairment(text: str, concepts: list[str]) -> None:
    assert renal_impairment(text) == concepts
