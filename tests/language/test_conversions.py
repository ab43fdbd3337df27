"""Mass and amount of substance: the same only for a substance that both texts name, and as it is rounded."""

from __future__ import annotations

import pytest

from rag.language.conversions import is_converted
from rag.language.quantities import quantities


def converted(mine: str, theirs: str) -> bool:
    return is_converted(quantities(mine)[0], mine, quantities(theirs)[0], theirs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("creatinine 106 µmol/L", "creatinine 1.2 mg/dL"),
        ("creatinine of 1.2 mg/dL", "a serum creatinine above all of 106 µmol/L"),
        ("creatinine > 133 µmol/L", "creatinine > 1.5 mg/dL"),
        ("glucose 10 mmol/L", "glucose 180 mg/dL"),
        ("a fasting glucose of 126 mg/dL", "glucose of 7.0 mmol/L"),
        ("bilirubin 34 µmol/L", "bilirubin 2 mg/dL"),
        ("LDL cholesterol 70 mg/dL", "LDL cholesterol 1.8 mmol/L"),
        ("1.2 mg/dL of creatinine", "106 µmol/L of creatinine"),
        ("creatinine 88-133 µmol/L", "creatinine 1.0-1.5 mg/dL"),
    ],
)
def test_the_same_concentration_in_the_other_unit(one: str, other: str) -> None:
    assert converted(one, other) or converted(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("106 µmol/L", "1.2 mg/dL"),
        ("creatinine 106 µmol/L", "1.2 mg/dL"),
        ("creatinine 106 µmol/L", "bilirubin 1.2 mg/dL"),
        ("creatinine 120 µmol/L", "creatinine 1.2 mg/dL"),
        ("creatinine > 106 µmol/L", "creatinine < 1.2 mg/dL"),
        ("urea nitrogen 7.1 mmol/L", "urea nitrogen 20 mg/dL"),
        ("creatinine was high; 106 µmol/L", "creatinine 1.2 mg/dL"),
        ("glucose 5 mg/dL", "glucose 5 mmol/L"),
        ("creatinine 106 µmol/L", "creatinine 106 µmol/L"),
    ],
)
def test_without_the_substance_or_with_another_number_it_is_not(one: str, other: str) -> None:
    assert not converted(one, other)
    assert not converted(other, one)
