"""Sentences are cut only where nothing that they say can change."""

from __future__ import annotations

import pytest

from rag.language.shortening import shorter


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "IVIG can cause renal dysfunction and death; predisposing factors include age over 65 and sepsis.",
            "IVIG can cause renal dysfunction and death. Predisposing factors include age over 65 and sepsis.",
        ),
        (
            "US label: it is cleared by the liver; about 22% is found in urine, so renal disease is no reason to stop.",
            "US label: it is cleared by the liver. About 22% is found in urine. So renal disease is no reason to stop.",
        ),
        (
            "BPC-157 has no US FDA approval, and WADA lists it under S0 (no approval); no human dose is established.",
            "BPC-157 has no US FDA approval. WADA lists it under S0 (no approval). No human dose is established.",
        ),
        (
            "The guideline does not cover children, but the label has a dose for them.",
            "The guideline does not cover children. But the label has a dose for them.",
        ),
        (
            "The count is low in most people; aPTT results are not a guide.",
            "The count is low in most people. aPTT results are not a guide.",
        ),
        (
            "There is no single drug of choice: the choice depends on the liver and the kidneys.",
            "There is no single drug of choice. The choice depends on the liver and the kidneys.",
        ),
    ],
)
def test_main_clauses_become_sentences(text: str, said: str) -> None:
    assert shorter(text) == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("In severe impairment the drug is avoided; another drug is an option.", "the condition reaches over both"),
        ("If bleeding is severe, heparin is stopped, and platelets are given.", "the condition reaches over both"),
        ("ASH 2018 on liver disease: the drug is avoided; another is an option.", "so does one before a colon"),
        ("The trial showed that bleeding was rare, and thrombosis was not seen.", "what was shown reaches over both"),
        ("It is given if the count is low, and the drug is stopped.", "the condition may reach over both"),
        ("The drug is safe in adults; the dose is lower in children (our inference).", "the remark is on both"),
        ("Options are heparin, warfarin, and bed rest is not one.", "a list may end at the comma"),
        ("The drug has risks (it can bleed; it can clot) in most people.", "in parentheses"),
        ("Argatroban, bivalirudin, and danaparoid are options.", "no main clause before the comma"),
        ("The dose is halved; not in children, who are given it whole.", "what follows depends on what precedes"),
        (
            "Bleeding was higher in both, but shivering was lower in one group than the other.",
            "what is compared is late",
        ),
        ("The count was low in both groups.CONCLUSIONS: This was found in most of them.", "a heading before the colon"),
        ("Stop it.", "nothing to cut"),
        ("", "nothing at all"),
    ],
)
def test_what_reaches_over_the_cut_keeps_a_sentence_whole(text: str, why: str) -> None:
    assert shorter(text) == text, why
