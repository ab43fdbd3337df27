"""ROUGE: the library's own values for three, and the definition of the fourth with ROUGE-1.5.5's figures."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from eval.measures.overlap import NAMES, rouge, rouge_su4
from eval.measures.triple import Triple

WORDS = ["the", "dose", "doses", "of", "argatroban", "heparin", "is", "was", "0.5", "reduced", "HIT", "Child-Pugh"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


@given(text=TEXTS, reference=TEXTS)
def test_the_first_three_are_the_librarys(text: str, reference: str) -> None:
    official = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, text)
    found = rouge(text, [reference])
    assert tuple(found) == NAMES
    for name, score in official.items():
        assert found[name] == pytest.approx((score.precision, score.recall, score.fmeasure))


@given(text=TEXTS, reference=TEXTS)
def test_su4_is_symmetric_and_bounded(text: str, reference: str) -> None:
    there, back = rouge_su4(text, reference), rouge_su4(reference, text)
    assert there == pytest.approx((back.recall, back.precision, back.f1))
    assert all(0 <= value <= 1 for value in there)
    assert min(there[:2]) <= there.f1 + 1e-12 <= max(there[:2]) + 2e-12


@given(words=st.lists(st.sampled_from(WORDS), min_size=2, max_size=14))
def test_a_text_is_itself(words: list[str]) -> None:
    assert rouge(" ".join(words), [" ".join(words)]) == dict.fromkeys(NAMES, Triple(1, 1, 1))


def test_su4_by_hand() -> None:
    # a b c / a c b. Units: a, b, ab, ac, bc against a, c, ac, ab, cb; the last words do not count singly.
    assert rouge_su4("aa bb cc", "aa cc bb") == pytest.approx((3 / 5, 3 / 5, 3 / 5))
    # Six words and then x: with four words between a pair counts (b and x), with five it does not (a and x).
    assert rouge_su4("bb p q r s x", "bb y x").precision == pytest.approx(2 / 20)
    assert rouge_su4("aa p q r s t x", "aa y x").precision == pytest.approx(1 / 26)
    # Repeated units match as often as the rarer side has them.
    assert rouge_su4("aa aa aa bb", "aa aa cc") == pytest.approx((3 / 9, 3 / 5, 6 / 14))


#: Printed by ROUGE-1.5.5.pl with -2 4 -u: recall and precision.
PRINTED = [
    ("the cat was under the bed", "the cat was found under the bed", 0.73077, 0.95),
    ("police killed the gunman", "the gunman killed police", 3 / 9, 3 / 9),
]


@pytest.mark.parametrize(("text", "reference", "recall", "precision"), PRINTED)
def test_su4_is_what_the_original_program_prints(text: str, reference: str, recall: float, precision: float) -> None:
    found = rouge_su4(text, reference)
    assert (found.recall, found.precision) == pytest.approx((recall, precision), abs=1e-5)


def test_the_best_reference_counts() -> None:
    text = "Heparin is stopped at once."
    found = rouge(text, ["Warfarin was given for months.", text, "Stop heparin."])
    assert {name: t.f1 for name, t in found.items()} == dict.fromkeys(NAMES, 1.0)


def test_words_are_stemmed() -> None:
    assert rouge("Reduced doses", ["reduce dose"])["rouge1"].f1 == 1


def test_empty_texts_score_0() -> None:
    for text, reference in (("", "a dose"), ("a dose", ""), ("", ""), ("…", "βγ")):
        assert rouge(text, [reference]) == dict.fromkeys(NAMES, Triple(0, 0, 0))
    with pytest.raises(ValueError, match="no reference"):
        rouge("a dose", [])


def test_scoring_needs_no_network_and_warns_of_nothing() -> None:
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise OSError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from eval.measures import overlap, ranking\n"
        "assert overlap.rouge('a b c', ['a b d'])['rouge1'].f1 > 0\n"
        "assert ranking.evaluate({'q': {'d': 1}}, {'q': [('d', 1.0)]}).means['AP'] == 1\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
