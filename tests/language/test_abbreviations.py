"""Abbreviations as Schwartz and Hearst find them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_corpus import CORPUS

from rag.ingest.readers.markdown import read_file
from rag.language.abbreviations import abbreviations, definitions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("activated partial thromboplastin time (aPTT)", [("aPTT", "activated partial thromboplastin time")]),
        ("For heparin-induced thrombocytopenia (HIT) stop it", [("HIT", "heparin-induced thrombocytopenia")]),
        ("the creatinine clearance (CrCl) is low", [("CrCl", "creatinine clearance")]),
        ("high-dose intravenous immunoglobulin (IVIG; 1 g/kg)", [("IVIG", "intravenous immunoglobulin")]),
        ("confidence interval (CI, 0.5-1.2)", [("CI", "confidence interval")]),
        ("immunoglobulin G (IgG)", [("IgG", "immunoglobulin G")]),
        ("low-molecular-weight heparin (LMWH)", [("LMWH", "low-molecular-weight heparin")]),
        ("antibodies to platelet factor 4 (PF4)", [("PF4", "platelet factor 4")]),
        ("a direct oral anticoagulant (DOAC)", [("DOAC", "direct oral anticoagulant")]),
        ("direct oral anticoagulants (DOACs)", [("DOACs", "direct oral anticoagulants")]),
        ("transforming growth factor-β (TGF-β)", [("TGF-β", "transforming growth factor-β")]),
        ("vitamin K antagonist (VKA)", [("VKA", "vitamin K antagonist")]),
        ("the thrombopoietin (TPO) receptor", [("TPO", "thrombopoietin")]),
        (
            "a vein thrombosis (VT) and an embolism of a lung (EL)",
            [("VT", "vein thrombosis"), ("EL", "embolism of a lung")],
        ),
        ("unknown letters here (XYZ)", []),
        ("the United States (see below)", []),
        ("in patients (HIT)", []),
        ("argatroban (Smith 2020)", []),
        ("two doses (2)", []),
        ("p(A)", []),
        ("the HIT (HIT)", []),
        ("(HIT) at the start", []),
        ("lower case (only)", []),
        ("a group (first) heparin (GH)", []),
        ("in a very long parenthesis (ABCDEFGHIJKLMNOP)", []),
        ("", []),
    ],
)
def test_definitions(text: str, expected: list[tuple[str, str]]) -> None:
    assert definitions(text) == expected


def test_the_commonest_long_form_wins_and_pairs_are_sorted() -> None:
    texts = ["inferior vena cava (IVC)", "inferior vena cava (IVC)", "intravenous catheter (IVC)", "body mass (BM)"]
    assert abbreviations(texts) == [("BM", "body mass"), ("IVC", "inferior vena cava")]


def test_of_equally_common_long_forms_the_first_by_alphabet_wins() -> None:
    texts = ["beta cell (BC)", "basal cell (BC)"]
    assert abbreviations(texts) == abbreviations(texts[::-1]) == [("BC", "basal cell")]


def test_no_texts_no_abbreviations() -> None:
    assert abbreviations([]) == []


def test_the_starter_corpus_defines_its_own() -> None:
    files = [path for path in CORPUS.glob("*.md") if path.name != "README.md"]
    mined = dict(abbreviations(read_file(path).text for path in files))
    expected = {
        "HIT": "heparin-induced thrombocytopenia",
        "IVIG": "intravenous immunoglobulin",
        "aPTT": "activated partial thromboplastin time",
        "DOAC": "direct oral anticoagulant",
        "CrCl": "creatinine clearance",
        "LMWH": "low-molecular-weight heparin",
        "CVT": "cerebral venous thrombosis",
        "PF4": "platelet factor 4",
    }
    assert {short: mined.get(short) for short in expected} == expected
    assert all(long[0].isalnum() and len(long) > len(short) for short, long in mined.items())


@settings(max_examples=100, deadline=None)
@given(st.text("aBc (),-4") | st.text())
def test_any_text_gives_pairs_that_stand_in_it(text: str) -> None:
    for short, long in definitions(text):
        assert short in text
        assert " ".join(long.split()) in " ".join(text.split())
        assert long[0].lower() == short[0].lower() or short[0].lower() in long.split()[0].lower()
