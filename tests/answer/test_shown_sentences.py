"""Which sentences of documents that nobody curated can be shown."""

from __future__ import annotations

import pytest

from rag.answer.sentences import can_be_shown


@pytest.mark.parametrize(
    "text",
    [
        "Argatroban is started at 2 mcg/kg/min.",
        "mRNA vaccines were given in two doses.",
        "aPTT should be 1.5–3 times baseline.",
        "“Avoid heparin” is printed on the wrist band.",
        "12 of 40 patients bled (30%).",
        "The dose is halved in moderate impairment.3,4",
        "Drug: argatroban | Dose: 2 mcg/kg/min",
        "Chan EY and others report a cohort of 30 patients.",
        "CONCLUSIONS: Lactate levels are predictors of mortality in sepsis.",
        "To determine the dose, the aPTT was measured every 2 h.",
    ],
)
def test_sentences_and_rows_can_be_shown(text: str) -> None:
    assert can_be_shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "lenacapavir for HIV prevention",
        "Dosing in renal impairment",
        "choice for people at risk, as part of combination prevention.",
        "Does argatroban raise the INR?",
        "Doe J, Roe R, Poe E, et al. Evidence for a shorter schedule in adults.",
        "†† Source: Doe J, Roe R. Agreement between two tests.",
        "* Source: Modified from an earlier review.",
        "Doe JA; Roe R. A trial of something.",
        "SIONS: Lactate levels are predictors of mortality in sepsis.",
        "To determine under what conditions people find it acceptable to breach confidentiality.",
    ],
)
def test_fragments_questions_and_references_cannot(text: str) -> None:
    assert not can_be_shown(text)
