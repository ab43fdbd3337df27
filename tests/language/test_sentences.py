"""Sentence boundaries: in the cases a bar marks each one that must be found, and no other may be."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.sentences import MARK, TABLE, score
from rag.language.sentences import sentence_spans

HARD = """
Heparin is stopped.|Argatroban is started.
Is IVIG indicated?|No randomised trial says so.
Start at 2 mcg/kg/min.|Check the aPTT after 2 hours.
Start at 0.5 mcg/kg/min.|Titrate to an aPTT of 1.5-3 times baseline.
The dose is 5 mg.|Repeat after 2 hours.
The dose is 5 mg.|2 hours later it is repeated.
Give 0.5 to 1.2 mg/kg.|Do not exceed 10 mg.
Platelets were <20 × 10⁹/L.|Steroids were given.
Bilirubin was above 25.5 µmol/L.|The rate was halved.
Haemoglobin fell to 70 g/L.|Two units were given.
It was infused over 30 min.|Then the line was flushed.
Patients were older than 65 yr.|Most were men.
Treat for 3 mo.|Then review.
Give max. 10 mg daily.
Flow was 3 L per min. in all.
The half-life is 45 min (range 39-51).|It is longer in cirrhosis.
At pH 7.4.|Na was 140 mmol/L.
The hazard ratio was 0.85 (95% CI 0.52-1.38; p = 0.05).|We found no difference.
Bleeding was more frequent (36% vs. 22%).|It was rarely fatal.
Warfarin vs. Heparin was not tested.
Argatroban, e.g. Acova, is a thrombin inhibitor.
Reptilase, i.e. Batroxobin, is insensitive to heparin.
It is given i.v.|The patient is watched.
Buprenorphine 8 mg b.i.d.|Naloxone is combined.
Cuker et al. Blood Advances 2018 recommend it.
Cuker et al. recommend it.|Others do not.
As shown by A. Greinacher and T. E. Warkentin, it cross-reacts.
Dr. Smith and Prof. Jones agreed.|Mr. Brown did not.
J.-P. Sartre and J. Med. Chem. are not sentences.
Published in N. Engl. J. Med. 2001 and Ann. Intern. Med. 2002.
S. aureus and E. coli grew.|Both were sensitive.
See Fig. 2 and Tab. 3.|Both are in the supplement.
See Figs. 2 and 3, Refs. 4-6, and Eq. 1.
Take St. John's wort with care.
Patients in the U.S. Food and Drug Administration's database were counted.
In Child-Pugh C.|Argatroban is contraindicated in some countries.
In Child-Pugh A or B.|The usual dose is given.
In Child-Pugh class B.|Start low.
Give vitamin K.|Then stop warfarin.
He had hepatitis B.|Entecavir was started.
She has haemophilia A.|Emicizumab is given.
In subacute HIT A.|A DOAC is preferred.
No. 5 of 7 patients died.|None was treated.
Is it safe?|No.|It is not.
In ref. no. 5 and nos. 6 and 7 it was higher.
It is harmful.[1,2]|It is contraindicated.
It is harmful [1,2].|It is contraindicated.
It is harmful.[3-5]|aPTT must be checked.
It is harmful (see above).|It is contraindicated.
"It is harmful."|He repeated it.
“Stop heparin.”|Then he left.
(It is harmful.)|It is not given.
Check it daily.|aPTT should be 60 to 80 s.
Creatinine was measured.|eGFR was 25 mL/min.
Levels rose.|µ receptors were occupied.
Give it now!|Do not wait.
What?!|Again?
1. Stop heparin.|2. Start argatroban.
The three steps are: 1) stop; 2) test; 3) treat.
The dose of 1.5 mg (1.0-2.0) is for a CrCl of 30-50 mL/min.
It costs 3.50 EUR per vial.|Prices vary.
Version 2.1.3 was used.
Visit www.example.org for more.|It is free.
Platelets fall by >50% from day 5.|Thrombosis follows in 30-50%.
Anti-PF4 IgG.|IgM is not pathogenic.
Factor Xa.|It is inhibited.
"""
CASES = [line for line in HARD.splitlines() if line]
#: What the rules look for, and what tells them apart.
PARTS = [
    *'. ? … A a Dr. 5 No. mg ( ) " [1] e.g. - 1. word.Word .1,2 ¹ :'.split(),
    *(" ", "\n", "\n\n", "\r\n", "\u2003", "Heading\n"),
]


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize("case", CASES)
def test_hard_sentences(case: str) -> None:
    text = case.replace("|", " ")
    assert split(text) == case.split("|")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("no full stop", ["no full stop"]),
        ("  padded.  ", ["padded."]),
        ("One paragraph\n\nanother paragraph", ["One paragraph", "another paragraph"]),
        ("Smith et al.\n\nAnother paragraph", ["Smith et al.", "Another paragraph"]),
        (
            "Little is known.METHODS AND RESULTS: It was lower (p = 0.03).CONCLUSION: It is rare.",
            ["Little is known.", "METHODS AND RESULTS: It was lower (p = 0.03).", "CONCLUSION: It is rare."],
        ),
        ("One paragraph\n \n\n\nanother", ["One paragraph", "another"]),
        ("A line\nbroken by hand.", ["A line\nbroken by hand."]),
        ("Given by Dr.\nSmith.\nThen stopped.", ["Given by Dr.\nSmith.", "Then stopped."]),
        ("Trailing paragraph end.\n\n", ["Trailing paragraph end."]),
    ],
)
def test_white_space_and_paragraphs(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def check_order(spans: list[tuple[int, int]]) -> None:
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def check(text: str) -> None:
    spans = sentence_spans(text)
    check_order(spans)
    assert all(text[start:end] and text[start:end] == text[start:end].strip() for start, end in spans)
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split()), "spans cover everything but white space"


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_any_text_is_covered(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PARTS)))
def test_any_punctuation_is_covered(parts: list[str]) -> None:
    check("".join(parts))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([case for case in CASES if "|" not in case and case[-1] == "." and case[0].isupper()])))
def test_whole_sentences_are_found_again(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert split(text) == sentences


@pytest.mark.parametrize(("half", "least"), [("rules", 0.98), ("held_out", 0.97)])
def test_table_of_hard_sentences(half: str, least: float) -> None:
    items = yaml.safe_load(TABLE.read_text("utf-8"))[half]
    assert len(items) >= 120
    assert score(split, items).f1 >= least


def test_items_of_the_table_are_marked_where_a_sentence_starts() -> None:
    halves = yaml.safe_load(TABLE.read_text("utf-8"))
    items = [item for half in halves.values() for item in half]
    assert len(items) == len(set(items))
    assert [item for item in items if any(not part or part[0].isspace() for part in item.split(MARK))] == []


def test_score_counts_inner_boundaries() -> None:
    found = score(lambda text: text.split(" ", 1), ["One. ‖Two. ‖Three.", "One two.", "One.\n‖Two."])
    assert (found.precision, found.recall, found.exact) == (0.5, 1 / 3, 0)


@pytest.mark.parametrize(
    "part",
    [
        "a",
        ".",
        ". ",
        "\n",
        "\n ",
        "\nA",
        "\n- ",
        "(",
        ".(",
        "(a. A ",
        "A. ",
        "Dr. Aa ",
        '?"',
        "Aaaa.",
        "ab.A",
        ".¹",
        "ab.1 2 ",
    ],
)
def test_time_is_linear(part: str) -> None:
    text = "a" + part * (1_000_000 // len(part))
    started = time.perf_counter()
    check_order(sentence_spans(text))
    assert time.perf_counter() - started < 5, "a quadratic step would take minutes"


@pytest.mark.parametrize("stem", [".", "a.", "a.¹", "aa.1,", "a.[1,", "\n", ".A"])
@pytest.mark.parametrize("rest", [")", "1", " ", "\n ", ",1", "¹", "a"])
def test_time_is_linear_after_one_candidate(stem: str, rest: str) -> None:
    text = stem + rest * (300_000 // len(rest))
    started = time.perf_counter()
    check_order(sentence_spans(text))
    assert time.perf_counter() - started < 2
