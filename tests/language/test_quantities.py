from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from rag.language.quantities import Quantity, quantities


def only(text: str) -> Quantity:
    (found,) = quantities(text)
    return found


SAME = [
    ("0.5-1.2 mcg/kg/min", "0.5–1.2 µg/kg per minute"),
    ("0.5-1.2 mcg/kg/min", "0.5 to 1.2 micrograms/kg/min"),
    ("0.5-1.2 mcg/kg/min", "0.5 − 1.2 μg/kg/min"),
    ("150 x 10^9/L", "150 × 10⁹/L"),
    ("150 x 10^9/L", "150,000/µL"),
    ("150 x 10^9/L", "150 000/μL"),
    ("150 x 10^9/L", "150 G/L"),
    ("150 x 10^9/L", "150 x 10(9)/L"),
    ("2 g/kg", "2000 mg/kg"),
    ("1.5-3 times baseline", "1.5–3 × baseline"),
    ("3-fold", "three times"),
    ("OD 2.0 or more", ">=2"),
    ("3 or less", "≤3"),
    ("at least 5 days", "≥5 days"),
    ("not exceeding 100 s", "up to 100 seconds"),
    ("maximum 10 mcg/kg/min", "no more than 10 mcg/kg/min"),
    ("below 0.4", "<0.4"),
    ("more than 50%", ">50 %"),
    ("about 30", "approximately 30"),
    ("two consecutive days", "2 days"),
    ("24 h", "1 day"),
    ("7 days", "one week"),
    ("1,267", "1267"),
    ("35.1 per 1000 patient-years", "3.51 per 100 person-years"),
    ("40 mg/day", "40 mg daily"),
    ("between 5 and 10 mg", "5-10 mg"),
    ("5 mg kg-1 min-1", "5 mg/kg/min"),
    ("0.5 mg·kg−1·day−1", "0.5 mg/kg daily"),
    ("5 mg kg(-1) h(-1)", "5 mg per kg per hour"),
    ("500 pg/mL", "0.5 ng/mL"),
    ("5 µM", "5 µmol/L"),
    ("250 nmol/L", "0.25 µmol/L"),
    ("120 mm Hg", "120 mmHg"),
    ("5 cm", "50 mm"),
    ("80 beats per minute", "80 bpm"),
    ("8-hourly", "every 8 hours"),
    ("2.5 million", "2,500,000"),
    ("> or =3 days", "at least 3 days"),
    ("less than or equal to 3 days", "≤3 days"),
    ("12 March 2018", "March 12, 2018"),
    ("12 March 2018", "2018-03-12"),
    ("the 1st of May 2020", "1 May 2020"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_normal_form_for_one_quantity(one: str, other: str) -> None:
    assert only(one).same_as(only(other))
    assert only(other).same_as(only(one))


DIFFERENT = [
    ("15 mg", "15 mcg"),
    ("15 mg", "15 g"),
    ("5 mg/dL", "5 mmol/L"),
    ("5 mg/dL", "5 mg/L"),
    ("5 mg", "5 mg/kg"),
    ("2 mcg/kg/min", "2 mcg/kg/h"),
    ("<0.4", ">0.4"),
    ("<0.4", "0.4"),
    ("<0.4", "<=0.4"),
    ("about 30", "<30"),
    ("0.5-1.2", "0.5-2.1"),
    ("0.5-1.2", "0.5"),
    ("3 months", "3 years"),
    ("150 x 10^9/L", "150 x 10^6/L"),
    ("5%", "5"),
    ("once daily", "twice daily"),
    ("1.5 times baseline", "1.5-fold"),
    ("-0.58", "0.58 mg"),
    ("5 mg/mL", "5 mcg/mL"),
    ("5 mg/mL", "5 mg/dL"),
    ("5 mg/kg/h", "5 mg/kg/min"),
    ("5 mg/kg", "5 mg/m2"),
    ("5 cm", "5 mm"),
    ("10 percentage points", "10%"),
    ("12 March 2018", "12 May 2018"),
    ("12 March 2018", "13 March 2018"),
    ("2 million", "2 billion"),
    ("1:100", "1:1000"),
    ("48 h", "48 days"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_quantities_are_not_the_same(one: str, other: str) -> None:
    assert not only(one).same_as(only(other))


def test_an_approximate_value_agrees_with_the_value() -> None:
    assert only("about 30").same_as(only("30"))


@pytest.mark.parametrize(
    "text",
    ["Grade 2C", "class IIb", "Child-Pugh B", "the 4Ts score", "H/R131", "PF4", "BPC-157", "10^9", "10⁹", "G20210A",
     "CHA2DS2-VASc", "half-life", "no one agrees", "D-dimer", "GLP-1"],
)  # fmt: skip
def test_names_are_no_quantities(text: str) -> None:
    assert quantities(text) == ()


def test_a_year_is_a_year_and_a_count_is_not() -> None:
    assert only("ASH 2018").unit == "year"
    assert only("2008-2014").unit == "year"
    assert only("2000 patients").unit == ""
    assert only("2000 mg").unit == "mg"
    assert only("6 years").unit == "years"


def test_a_comparator_that_begins_the_next_number_is_not_of_this_one() -> None:
    assert [q.comparator for q in quantities(">60, 30-60 and less than 30 mL/min")] == [">", "", "<"]
    assert [q.comparator for q in quantities("above 50 and below 100")] == [">", "<"]


def test_statistics_and_counts() -> None:
    found = quantities("HR 0.94 (95% CI 0.51-1.73), p<0.001, n=304, r=-0.739")
    assert [(q.low, q.high, q.comparator) for q in found] == [
        (Fraction("0.94"), Fraction("0.94"), ""),
        (95, 95, ""),
        (Fraction("0.51"), Fraction("1.73"), ""),
        (Fraction("0.001"), Fraction("0.001"), "<"),
        (304, 304, ""),
        (Fraction("-0.739"), Fraction("-0.739"), ""),
    ]


def test_a_spread_is_a_quantity_of_its_own_and_lends_its_unit() -> None:
    value, spread = quantities("4.7 +/- 1.1 mL/min/kg")
    assert (value.unit, value.comparator) == ("mL/kg/min", "")
    assert (spread.low, spread.unit, spread.comparator) == (Fraction("1.1"), "mL/kg/min", "±")


def test_the_last_unit_of_a_list_belongs_to_all() -> None:
    assert [q.unit for q in quantities("1500, 2250, 3000 or 3750 U for <60, 60-75, 75-90 or >90 kg")] == ["U"] * 4 + [
        "kg"
    ] * 4
    assert [q.unit for q in quantities("OR 1.46, 95% CI 0.81-2.63")] == ["", "%", ""]


def test_dose_and_frequency_are_two_quantities() -> None:
    dose, often = quantities("15 mg twice daily")
    assert (dose.low, dose.unit) == (15, "mg")
    assert (often.low, often.unit) == (Fraction(2, 1440), "/min")


def test_duration_of_an_infusion_is_no_comparison() -> None:
    assert [q.comparator for q in quantities("350 mcg/kg over 3-5 min")] == ["", ""]


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("start at 0.5–1.2 µg/kg per minute daily", "0.5–1.2 µg/kg per minute daily"),
        ("platelets ≥ 150 × 10⁹/L.", "≥ 150 × 10⁹/L"),
        ("overlap for at least 5 days and", "at least 5 days"),
        ("an OD of 2.0 or more,", "2.0 or more"),
        ("in up to about 8% of", "up to about 8%"),
    ],
)
def test_offsets_cover_comparator_number_and_unit(text: str, surface: str) -> None:
    found = only(text)
    assert text[found.start : found.end] == surface


def test_quantities_do_not_overlap_and_are_in_order() -> None:
    text = "At <0.1% none, at 0.1-1.0% every 2-3 days, from day 4 to day 14; 0.53 per 100 person-years."
    found = quantities(text)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    "text", ["1 x 10^5000", "10^99999999 mg", "9" * 5000 + " mg", f"0.{'3' * 5000}", ",".join(["1"] + ["000"] * 2000)]
)
def test_absurd_numbers_are_read_in_time(text: str) -> None:
    quantities(text)


def test_text_without_numbers_has_no_quantities() -> None:
    assert quantities("") == ()
    assert quantities("Heparin must be removed from every source.") == ()
