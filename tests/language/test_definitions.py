"""Sentences that say what a term is, told from those that judge it or advise on it."""

from __future__ import annotations

import pytest

from rag.language.definitions import definition


@pytest.mark.parametrize(
    ("term", "text", "said"),
    [
        ("Argatroban", "Argatroban is a synthetic direct thrombin inhibitor.", "a synthetic direct thrombin inhibitor"),
        ("biopsy", "A biopsy is a procedure in which tissue is taken.", "a procedure in which tissue is taken"),
        ("Sepsis", "Sepsis is defined as organ dysfunction from infection.", "organ dysfunction from infection"),
        ("Asthma", "Asthma (AST) refers to a disease of the airways.", "a disease of the airways"),
        (
            "Cetuximab",
            "Cetuximab, a monoclonal antibody against a growth factor receptor, is given into a vein.",
            "a monoclonal antibody against a growth factor receptor",
        ),
    ],
)
def test_definitions(term: str, text: str, said: str) -> None:
    start = text.index(term)
    found = definition(text, start, start + len(term))
    assert found is not None
    assert text[found.start : found.end] == said


@pytest.mark.parametrize(
    "text",
    [
        "Argatroban is a reasonable option in renal impairment.",
        "Argatroban is an alternative to heparin in most patients.",
        "Argatroban is the most common cause of bleeding here.",
        "Argatroban is given into a vein.",
        "Argatroban is not a vitamin K antagonist at all.",
        "Argatroban was a drug of the last century for many.",
        "Argatroban may be a drug of choice for some of them.",
        "Argatroban is a drug.",
    ],
)
def test_advice_judgement_and_too_little_define_nothing(text: str) -> None:
    assert definition(text, 0, len("Argatroban")) is None


def test_a_term_that_a_sentence_does_not_begin_with_is_not_defined_by_it() -> None:
    text = "In these patients argatroban is a synthetic direct thrombin inhibitor."
    assert definition(text, text.index("argatroban"), text.index(" is")) is None
