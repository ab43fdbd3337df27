"""Strength and certainty: what passages state, and the many words that grade something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rag.ingest.strength import stated_strength

TABLE = Path(__file__).parents[1] / "tables" / "strength.yaml"
ITEMS: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text("utf-8"))


def test_the_table_is_large_and_half_of_it_was_held_out() -> None:
    assert len(ITEMS) >= 120
    assert sum(item.get("held_out", False) for item in ITEMS) == len(ITEMS) // 2
    assert len({item["text"] for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["text"][:50])
def test_what_is_stated(item: dict[str, Any]) -> None:
    assert stated_strength(item["text"]) == (item.get("strength"), item.get("certainty"))


@pytest.mark.parametrize("text", [i["text"] for i in ITEMS if "strength" in i or "certainty" in i])
def test_it_is_said_in_the_passage_s_own_words(text: str) -> None:
    surrounded = f"A sentence before. {text}\n\nA sentence after."
    for said in stated_strength(surrounded):
        assert said is None or said in text


def test_different_grades_are_never_mixed() -> None:
    strong, weak = "Give A (strong recommendation, low certainty).", "Give B (weak recommendation, high certainty)."
    assert stated_strength(f"{strong} {weak}") == (None, None)
    assert stated_strength(f"{weak} {strong}") == (None, None)
    assert stated_strength(f"{strong} Do not give B (weak recommendation, low certainty).") == (None, "low")
    assert stated_strength("Give A (Grade 2C). We suggest B (2C).") == ("Grade 2C", None)


def test_no_text() -> None:
    assert stated_strength("") == (None, None)
