from __future__ import annotations

import pytest

from rag.language.polarity import Stance, cues, direction, stance, therapy_line

STANCES = [
    ("ASH 2018 recommends a non-heparin anticoagulant.", Stance.FOR),
    ("ACCP 2012 suggests argatroban over other agents.", Stance.FOR),
    ("Argatroban is indicated in adults with HIT.", Stance.FOR),
    ("A parenteral agent is preferred.", Stance.FOR),
    ("A vitamin K antagonist may be continued for 3-6 months.", Stance.FOR),
    ("Anticoagulation should not be discouraged in cirrhosis.", Stance.FOR),
    ("ASH 2018 recommends against a vena cava filter.", Stance.AGAINST),
    ("Argatroban is contraindicated in severe hepatic impairment.", Stance.AGAINST),
    ("Warfarin should not be used.", Stance.AGAINST),
    ("US label: avoid rivaroxaban in Child-Pugh C.", Stance.AGAINST),
    ("Edoxaban is not recommended in hepatic impairment.", Stance.AGAINST),
    ("Do not start a vitamin K antagonist.", Stance.AGAINST),
    ("Experts advise against platelet transfusion.", Stance.AGAINST),
    ("Watchful waiting is not indicated in women.", Stance.AGAINST),
    ("A DOAC is not a substitute for warfarin.", Stance.AGAINST),
    ("ACCP 2012 suggests platelets only for bleeding.", Stance.CONDITIONAL),
    ("IVIG is used as an adjunct to - not a substitute for - anticoagulation.", Stance.CONDITIONAL),
    ("Indefinite treatment may be considered.", Stance.CONDITIONAL),
    ("A DOAC is reasonable in stable patients.", Stance.CONDITIONAL),
    ("Apixaban with caution in Child-Pugh B.", Stance.CONDITIONAL),
    ("No recommendation could be made on duration; the text suggests 3-12 months.", Stance.ABSENT),
    ("There is inadequate evidence to recommend for or against any DOAC.", Stance.ABSENT),
    ("None of the 33 recommendations is for or against IVIG in HIT.", Stance.ABSENT),
    ("No dosing recommendation can be made in Child-Pugh B.", Stance.ABSENT),
    ("Argatroban prolongs the aPTT.", Stance.NEUTRAL),
    ("The US label does not list Child-Pugh C as a contraindication.", Stance.NEUTRAL),
    ("", Stance.NEUTRAL),
]


@pytest.mark.parametrize(("text", "expected"), STANCES)
def test_stance(text: str, expected: Stance) -> None:
    assert stance(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Argatroban is first-line treatment.", "first"),
        ("It is the treatment of choice.", "first"),
        ("IVIG is not first-line treatment.", "not_first"),
        ("IVIG is not part of the initial treatment of HIT.", "not_first"),
        ("IVIG is an adjunct to anticoagulation.", "adjunct"),
        ("IVIG is added to argatroban.", "adjunct"),
        ("Rituximab is a second-line agent.", "rescue"),
        ("Plasma exchange is a last resort.", "rescue"),
        ("IVIG in refractory HIT.", "rescue"),
        ("In refractory HIT, IVIG is an adjunct.", "adjunct"),
        ("Heparin was not stopped; argatroban is first-line.", "first"),
        ("Argatroban prolongs the aPTT.", None),
    ],
)
def test_therapy_line(text: str, expected: str | None) -> None:
    assert therapy_line(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bleeding was lower on apixaban.", "less"),
        ("There were fewer events.", "less"),
        ("Clearance is reduced in cirrhosis.", "less"),
        ("Exposure was higher in Child-Pugh B.", "more"),
        ("IVIG was associated with increased mortality.", "more"),
        ("There was no difference in dose.", "same"),
        ("Dose was not significantly different.", "same"),
        ("IVIG was not associated with thrombosis.", "same"),
        ("Outcomes were similar.", "same"),
        ("A score of 3 or less is low.", None),
        ("Lower-extremity ultrasonography.", None),
    ],
)
def test_direction(text: str, expected: str | None) -> None:
    assert direction(text) == expected


def test_cues_have_exact_spans() -> None:
    text = "Do not give it, unless bleeding; avoid heparin rather than LMWH."
    found = {(c.kind, text[c.start : c.end]) for c in cues(text)}
    assert {
        ("negation", "not"),
        ("exception", "unless"),
        ("negation", "avoid"),
        ("comparative", "rather than"),
    } <= found


def test_one_phrase_may_hide_no_cue_of_another_kind() -> None:
    kinds = {(c.kind, c.sense) for c in cues("It was not associated with death and may be considered.")}
    assert {("negation", "not"), ("direction", "same"), ("cause", "associated"), ("hedge", "may")} <= kinds


def test_non_in_a_compound_is_a_negation() -> None:
    assert any(c.kind == "negation" for c in cues("a non-heparin anticoagulant"))
