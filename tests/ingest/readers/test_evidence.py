"""Evidence types from publication types and MeSH."""

from __future__ import annotations

import pytest

from rag.domain import EvidenceType
from rag.ingest.readers.evidence import evidence_type_of


@pytest.mark.parametrize(
    ("types", "mesh", "expected"),
    [
        (["Practice Guideline"], [], "guideline"),
        (["Consensus Development Conference, NIH"], [], "guideline"),
        (["Meta-Analysis", "Randomized Controlled Trial"], [], "systematic_review"),
        (["Randomized Controlled Trial", "Review"], [], "rct"),
        (["Observational Study"], ["Cohort Studies"], "cohort"),
        (["Observational Study"], ["Humans"], "unclassified"),
        (["Journal Article"], ["Cohort Studies"], "unclassified"),
        (["Journal Article"], ["Case-Control Studies"], "case_control"),
        (["case reports"], [], "case_report"),
        (["Review"], [], "narrative_review"),
        (["Letter", "Randomized Controlled Trial"], [], "unclassified"),
        (["Letter", "Case Reports"], [], "case_report"),
        (["Comment", "Practice Guideline"], ["Case-Control Studies"], "unclassified"),
        ([], [], "unclassified"),
    ],
)
def test_the_strongest_kind_named_wins(types: list[str], mesh: list[str], expected: str) -> None:
    assert evidence_type_of(types, mesh) is EvidenceType(expected)
