"""Citations, K-QA and cost: the cases that their definitions name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures import citations, cost, kqa
from eval.measures.citations import Cited


def has_all_words(premises: Sequence[str], claim: str) -> bool:
    """Entailment for these tests: the premises together have the claim's words."""
    return set(claim.split()) <= set(" ".join(premises).split())


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        ([], Cited(False, ())),
        (["a b"], Cited(True, (True,))),
        (["a"], Cited(False, (False,))),
        # Each is needed: neither alone entails, neither can go.
        (["a", "b"], Cited(True, (True, True))),
        # The second adds nothing and can go; the first entails alone.
        (["a b", "c"], Cited(True, (True, False))),
        # Both entail alone: citing twice is not a fault.
        (["a b", "a b c"], Cited(True, (True, True))),
        # Part of the claim, but the other does without it.
        (["a", "a b"], Cited(True, (False, True))),
        # Together they fail, so none is precise.
        (["a", "c"], Cited(False, (False, False))),
        # A reference that is not there.
        (["a b", None], Cited(False, (False, False))),
        ([None], Cited(False, (False,))),
    ],
)
def test_a_statement_with_its_citations(passages: list[str | None], expected: Cited) -> None:
    assert citations.statement("a b", passages, has_all_words) == expected


def test_an_answer_is_the_mean_over_statements_and_over_citations() -> None:
    found = citations.answer([("a", ["a", "x"]), ("b", ["b"]), ("c", []), ("d", ["x"])], has_all_words)
    assert found[:3] == pytest.approx((2 / 4, 2 / 4, 0.5))
    assert citations.answer([("a", [])], has_all_words)[:3] == (0, 0, 0)
    assert citations.answer([], has_all_words) == (None, None, None, ())


def test_kqa() -> None:
    must: list[kqa.Label] = ["entails", "neutral", "contradicts", "entails"]
    assert (kqa.completeness(must), kqa.completeness([])) == (0.5, None)
    assert (kqa.hallucinations(must, ["contradicts", "neutral"]), kqa.hallucinations([], ["entails"])) == (2, 0)


@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=30), q=st.floats(0, 100))
def test_a_percentile_is_linear_between_neighbours(values: list[float], q: float) -> None:
    place = (len(values) - 1) * q / 100
    low = sorted(values)[int(place)]
    high = sorted(values)[min(int(place) + 1, len(values) - 1)]
    assert cost.percentile(values, q) == pytest.approx(low + (high - low) * (place - int(place)), rel=1e-6, abs=1e-6)


def test_stages_that_an_item_did_not_pass_are_not_0() -> None:
    found = cost.by_stage([{"retrieve": 10.0, "compose": 1.0}, {"retrieve": 20.0}, {}])
    assert list(found) == ["retrieve", "compose"]
    assert found["retrieve"] == (2, 15, 15, pytest.approx(19.5), pytest.approx(19.9), 20)
    assert found["compose"].n == 1
    assert cost.latency([]) is None
    assert cost.percentile([], 50) is None
    assert cost.latency(list(np.arange(101.0)))[:5] == (101, 50, 50, 95, 99)  # type: ignore[index]
