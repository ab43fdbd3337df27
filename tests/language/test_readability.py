"""The reading grade: the published formula over syllables that are counted by spelling."""

from __future__ import annotations

import pytest

from rag.language.readability import readability, syllables


@pytest.mark.parametrize(
    ("word", "count"),
    [("dose", 1), ("heparin", 3), ("table", 2), ("argatroban", 4), ("media", 3), ("patient", 2), ("given", 2),
     ("immunoglobulin", 6), ("nation", 2), ("the", 1), ("IVIG", 4), ("INRs", 3), ("0.5", 1), ("patient's", 2),
     ("brr", 1), ("thrombocytopenia", 7)],
)  # fmt: skip
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_grade_is_the_published_formula() -> None:
    found = readability(["The cat sat.", "Heparin is stopped.", "…"])
    assert found[:3] == (6, 2, 8)
    assert found.grade == pytest.approx(0.39 * 6 / 2 + 11.8 * 8 / 6 - 15.59)
    assert readability(["Give 0.5 mcg/kg/min."]).words == 5
    assert readability([]) == readability(["", "—"]) == (0, 0, 0, None)


def test_longer_words_and_sentences_are_harder() -> None:
    easy = readability(["We stop the drug.", "We give a new one."]).grade
    hard = readability(["We discontinue the anticoagulant immediately and administer an alternative medication."]).grade
    assert easy is not None
    assert hard is not None
    assert easy < 3 < 12 < hard
