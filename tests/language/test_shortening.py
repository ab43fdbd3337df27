"""Sentences are cut only where nothing that they say can change, and nothing is lost or put in by it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from rag.language.shortening import shorter

TABLE = Path(__file__).parent.parent / "tables" / "altered_sentences.yaml"
SENTENCES = sorted({item["source"] for item in yaml.safe_load(TABLE.read_text("utf-8"))["altered"]})
#: What may be put in: labels, and a remark as a sentence; and what they stand for.
PUT_IN = set("topic source strength this is that but".split())
LEFT_OUT = set("in for at and whereas although because so".split())


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
            "The drug is safe in adults; the dose is lower in children (our inference).",
            "The drug is safe in adults. The dose is lower in children. This is our inference.",
        ),
        (
            "In severe impairment the drug is avoided; another drug is an option.",
            "In severe impairment the drug is avoided. Another drug is an option.",
        ),
        (
            "Binding is unchanged (Doe 2017), so a positive test does not mean failure (our inference).",
            "Binding is unchanged (Doe 2017), so a positive test does not mean failure. This is our inference.",
        ),
        (
            "The test remains positive after it (Doe 2017), so a positive test is no sign of failure.",
            "The test remains positive after it. Source: Doe 2017. So a positive test is no sign of failure.",
        ),
        (
            "ASH suggests one of five drugs (conditional recommendation, very low certainty); its table has doses.",
            "ASH suggests one of five drugs. Strength: conditional recommendation, very low certainty. Its table has "
            "doses.",
        ),
        (
            "In a review of collagen for sore knees (Doe 2023; 4 trials, 507 people) pain improved in both.",
            "Source: a review of collagen for sore knees (Doe 2023; 4 trials, 507 people). Pain improved in both.",
        ),
        (
            "For people with a swelling of the eyelid (chalazion), warm compresses are helpful.",
            "Topic: people with a swelling of the eyelid (chalazion). Warm compresses are helpful.",
        ),
        (
            "ASH 2018 remark on acute HIT with severe liver disease: it may be advisable to avoid the drug.",
            "Topic: ASH 2018 remark on acute HIT with severe liver disease. It may be advisable to avoid the drug.",
        ),
        (
            "The drug is given before the test; if the test is negative, stop it.",
            "The drug is given before the test. If the test is negative, stop it.",
        ),
        (
            "A tumour was found in half of them, although this was in one hospital.",
            "A tumour was found in half of them. But this was in one hospital.",
        ),
        (
            "A drug that is injected is preferred, because few of them were given tablets.",
            "A drug that is injected is preferred, because few of them were given tablets.",
        ),
        (
            "An injected drug is preferred then, because few of them were given tablets.",
            "An injected drug is preferred then. That is because few of them were given tablets.",
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
        ("If bleeding is severe, heparin is stopped, and platelets are given.", "the condition reaches over both"),
        ("In severe impairment the drug is avoided, and another drug is given.", "the condition reaches over both"),
        (
            "In adults with severe liver disease, ASH 2018 recommends against the drug.",
            "what is denied keeps its people",
        ),
        ("In most adults with severe liver disease, the drug is given.", "how many is no topic"),
        ("The review found that bleeding is rare, so the drug is given.", "the report may reach over the conclusion"),
        ("The drug is given to adults (at half the dose in children).", "this parenthesis is a part of it"),
        ("It is not inherited, but usually occurs at random.", "what follows has no subject"),
        ("The trial showed that bleeding was rare, and thrombosis was not seen.", "what was shown reaches over both"),
        ("It is given if the count is low, and the drug is stopped.", "the condition may reach over both"),
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


def words(text: str) -> Counter[str]:
    return Counter("".join(c if c.isalnum() else " " for c in text.lower()).split())


@pytest.mark.parametrize("text", SENTENCES, ids=lambda text: text[:60])
def test_no_word_is_lost_and_none_put_in_but_labels(text: str) -> None:
    before, after = words(text), words(shorter(text))
    assert set(after - before) <= PUT_IN
    assert set(before - after) <= LEFT_OUT
    assert shorter(shorter(text)) == shorter(text), "what is short stays as it is"
