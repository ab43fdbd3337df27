"""A study says nothing about people whom it left out."""

from __future__ import annotations

import pytest

from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon

VERIFIER = Verifier(Lexicon.load())
LEFT_OUT = "left out of what the evidence studied"


@pytest.mark.parametrize(
    ("statement", "quotes"),
    [
        (
            "Rivaroxaban reduced recurrent thrombosis in patients with cirrhosis.",
            ["Rivaroxaban reduced recurrent thrombosis.", "Patients with cirrhosis were excluded."],
        ),
        (
            "Rivaroxaban reduced recurrent thrombosis in dialysis patients.",
            ["Rivaroxaban reduced recurrent thrombosis in patients with normal renal function."],
        ),
        (
            "Rivaroxaban reduced thrombosis in pregnancy.",
            ["Rivaroxaban reduced thrombosis.", "Exclusion criteria were pregnancy and bleeding."],
        ),
        (
            "Rivaroxaban reduced thrombosis in hepatic impairment.",
            ["Rivaroxaban reduced thrombosis.", "It has not been studied in hepatic impairment."],
        ),
        (
            "In patients with bilirubin >1.5 mg/dL, argatroban was effective in Guzzi 2006.",
            ["Guzzi 2006 (argatroban in HIT) excluded patients with bilirubin >1.5 mg/dL or AST/ALT >100 U/L."],
        ),
    ],
)
def test_a_statement_about_people_who_were_left_out_is_refused(statement: str, quotes: list[str]) -> None:
    found = VERIFIER.verify(statement, quotes)
    assert found.verdict is not Verdict.SUPPORTED
    assert any(r.kind == "population" and LEFT_OUT in r.detail for r in found.reasons)


@pytest.mark.parametrize(
    ("statement", "quotes"),
    [
        (
            "Argatroban was effective in patients without liver disease.",
            ["Argatroban was effective in patients without liver disease."],
        ),
        (
            "Rivaroxaban reduced thrombosis in patients with cirrhosis.",
            ["Rivaroxaban reduced thrombosis in patients with cirrhosis; patients with cancer were excluded."],
        ),
        ("Patients with cirrhosis were excluded.", ["Patients with cirrhosis were excluded from it."]),
        (
            "Guzzi 2006 excluded patients with bilirubin >1.5 mg/dL.",
            ["Guzzi 2006 (argatroban in HIT) excluded patients with bilirubin >1.5 mg/dL or AST/ALT >100 U/L."],
        ),
        ("", ["Patients with cirrhosis were excluded."]),
    ],
)
def test_who_was_studied_and_who_is_said_to_be_left_out_is_no_fault(statement: str, quotes: list[str]) -> None:
    assert not [r for r in VERIFIER.verify(statement, quotes).reasons if LEFT_OUT in r.detail]
