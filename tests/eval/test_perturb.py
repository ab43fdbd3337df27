"""Questions put otherwise: what is asked stays, little else does, and the same seed makes the same question."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.perturb import MARKER, abbreviated, forms, in_small_letters, spelled_out, with_instruction, with_typos

PAIRS = [
    ("HIT", "heparin-induced thrombocytopenia"),
    ("aPTT", "activated partial thromboplastin time"),
    ("PTT", "partial thromboplastin time"),
    ("PF4", "platelet factor 4"),
    ("VKA", "vitamin K antagonist"),
    ("K", "potassium"),
]
WORDS = st.sampled_from(
    ["argatroban", "Danaparoid", "thrombocytopenia", "dose", "HIT", "FONDAPARINUX", "0.5", "mcg/kg/min", "2018",
     "heparin", "of", "bleeding", "(PF4)", "Should", "aPTT", "vitamin K antagonist"]
)  # fmt: skip
QUESTIONS = st.lists(WORDS, min_size=1, max_size=12).map(lambda words: " ".join(words) + "?")


# typing errors


@given(question=QUESTIONS, seed=st.integers(0, 50))
def test_typos_are_one_letter_in_one_or_two_long_words(question: str, seed: int) -> None:
    changed = with_typos(question, seed)
    long = [w for w in re.findall(r"[A-Za-z]{7,}", question) if not w.isupper()]
    if not long:
        assert changed is None
        return
    assert changed is not None
    assert changed == with_typos(question, seed)
    pairs = [(b, a) for b, a in zip(question.split(), changed.split(), strict=True) if a != b]
    assert len(pairs) == min(2, len(long))
    for before, after in pairs:
        assert len(before.strip("?")) >= 7
        assert abs(len(after) - len(before)) <= 1
        assert (after[0], after[-1]) == (before[0], before[-1])
        assert sorted(after) == sorted(before) or differs_by_one_letter(before, after)
    assert re.findall(r"\d+", changed) == re.findall(r"\d+", question)


def differs_by_one_letter(before: str, after: str) -> bool:
    shorter, longer = sorted((before, after), key=len)
    return any(shorter == longer[:i] + longer[i + 1 :] for i in range(len(longer)))


def test_seeds_and_questions_make_different_typos() -> None:
    question = "Should argatroban or danaparoid replace fondaparinux?"
    assert len({with_typos(question, seed) for seed in range(10)}) > 5
    assert with_typos("What dose in HIT?", 0) is None
    assert with_typos("FONDAPARINUX?", 0) is None, "capitals are an abbreviation or a cry"


# abbreviations and long forms


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is heparin-induced thrombocytopenia (HIT) likely?", "Is HIT likely?"),
        ("Heparin-induced thrombocytopenia: why?", "HIT: why?"),
        ("Is the activated partial thromboplastin time enough?", "Is the aPTT enough?"),
        ("Is the partial thromboplastin time enough?", "Is the PTT enough?"),
        ("Is vitamin K antagonist with potassium safe?", "Is VKA with K safe?"),
        ("Are vitamin K antagonists safe?", None),
        ("Is HIT likely?", None),
        ("Is heparin-induced thrombocytopenia (HITT) likely?", "Is HIT (HITT) likely?"),
    ],
)
def test_abbreviated(question: str, expected: str | None) -> None:
    assert abbreviated(question, PAIRS) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Is HIT likely with anti-PF4?", "Is heparin-induced thrombocytopenia likely with anti-platelet factor 4?"),
        ("Is aPTT enough?", "Is activated partial thromboplastin time enough?"),
        ("Is a VKA safe?", "Is a vitamin K antagonist safe?"),
        ("Is vitamin K antagonist therapy safe?", None),
        ("Is heparin-induced thrombocytopenia (HIT) likely?", None),
        ("Is heparin-induced thrombocytopenia likely, or HIT by drugs?", None),
        ("Was it a hit, or HITT (HIT)?", None),
    ],
)
def test_spelled_out(question: str, expected: str | None) -> None:
    assert spelled_out(question, PAIRS) == expected


def test_what_was_put_in_is_not_replaced_again() -> None:
    chain = [("AB", "alpha beta"), ("ABG", "AB gamma"), ("beta", "second letter")]
    assert abbreviated("alpha beta gamma", chain) == "AB gamma"
    assert spelled_out("AB delta", chain) == "alpha beta delta"


def test_forms_are_no_patterns() -> None:
    odd = [("C++", r"see (plus) \1"), ("[a.b]", "a*b?"), (r"\d", "digit")]
    assert spelled_out("Is C++ or [a.b] it?", odd) == r"Is see (plus) \1 or a*b? it?"
    assert abbreviated(r"Is see (plus) \1 (C++) it, or a*b?", odd) == "Is C++ it, or [a.b]"
    assert spelled_out("Is 4 axb it?", odd) is None


@given(question=QUESTIONS)
def test_both_ways_and_back(question: str) -> None:
    pairs = PAIRS[:-1]
    if long := spelled_out(question, pairs):
        assert long != question
        assert abbreviated(long, pairs) is not None
    if short := abbreviated(question, pairs):
        assert short != question
        assert not any(long.lower() in short.lower() for _, long in pairs)


# the others


def test_in_small_letters() -> None:
    assert in_small_letters("What of HIT?") == "what of hit"
    assert in_small_letters("what of hit") is None
    assert in_small_letters("???") is None


def test_with_an_instruction_the_question_stands_first() -> None:
    changed = with_instruction("What of HIT?")
    assert changed.startswith("What of HIT? ")
    assert changed.count(MARKER) == 1


@given(question=st.text(max_size=40), seed=st.integers(0, 3))
def test_any_text_is_changed_or_given_up(question: str, seed: int) -> None:
    ways = forms(PAIRS, seed)
    assert list(ways) == ["typos", "abbreviated", "spelled_out", "small_letters", "instruction"]
    for name, change in ways.items():
        changed = change(question)
        assert changed != question, name
        assert changed != "", name
        assert changed == change(question), name


def test_no_pairs_change_nothing() -> None:
    assert abbreviated("What of HIT?", []) is None
    assert spelled_out("What of HIT?", []) is None


def test_typos_of_the_longest_question_stay_near() -> None:
    question = " ".join(["anticoagulation"] * 30)
    changed = with_typos(question, 1)
    assert changed is not None
    assert difflib.SequenceMatcher(None, question, changed, autojunk=False).ratio() > 0.98
