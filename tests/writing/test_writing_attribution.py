"""Lead-ins that name a source: taken out where they are true of one that is cited."""

from __future__ import annotations

import pytest

from rag.domain import EvidenceType, Reference
from rag.writing.attribution import unattributed

SOURCE = Reference(
    number=1, source_id="ash", vancouver="Cuker A.", title="Guidelines for heparin-induced thrombocytopenia",
    authors=("Cuker A",), container="Blood Advances", year=2018, doi=None, pmid=None, url=None,
    evidence_type=EvidenceType.GUIDELINE, jurisdiction="US", issuing_body="American Society of Hematology", as_of=None,
    retracted=False, superseded_by=None,
)  # fmt: skip
SAID = "argatroban is given in acute HIT."


@pytest.mark.parametrize(
    "lead_in",
    [
        "According to a 2018 guideline of the American Society of Hematology",
        "According to the ASH 2018 guidelines",
        "According to the American Society of Hematology's guideline",
        "As stated in the US guideline from 2018",
        "As reported by Cuker",
        "Per the 2018 guideline",
    ],
)
def test_what_is_true_of_its_source_is_taken_out(lead_in: str) -> None:
    assert unattributed(f"{lead_in}, {SAID}", [SOURCE]) == "Argatroban is given in acute HIT."


@pytest.mark.parametrize(
    "text",
    [
        f"According to a 2019 guideline of the American Society of Hematology, {SAID}",
        f"According to the British Society of Haematology, {SAID}",
        f"According to a 2018 randomised trial, {SAID}",
        f"According to French labelling, {SAID}",
        f"According to a 2018 guideline for children, {SAID}",
        f"In a 2018 guideline, {SAID}",
        "According to a 2018 guideline: argatroban is given.",
        "According to a 2018 guideline,",
        "Argatroban is given.",
    ],
)
def test_anything_else_stays(text: str) -> None:
    assert unattributed(text, [SOURCE]) == text
    assert unattributed(text, []) == text
