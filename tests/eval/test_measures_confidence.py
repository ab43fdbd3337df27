"""Calibration and selective answering, against sums written out here."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from eval.measures import calibration, selective

CONFIDENCE = st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9, 1.0]), st.floats(0, 1))
SURE = st.lists(st.tuples(CONFIDENCE, st.booleans()), min_size=1, max_size=40)
FEW = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8]), st.booleans()), min_size=1, max_size=6)


def columns(items: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [c for c, _ in items], [right for _, right in items]


@given(items=SURE, bins=st.integers(1, 20))
def test_ece_is_the_weighted_sum_over_bins(items: list[tuple[float, bool]], bins: int) -> None:
    total = 0.0
    for m in range(1, bins + 1):
        inside = [(c, r) for c, r in items if (m - 1) / bins < c <= m / bins or (m == 1 and c == 0)]
        if inside:
            gap = sum(r for _, r in inside) / len(inside) - sum(c for c, _ in inside) / len(inside)
            total += len(inside) / len(items) * abs(gap)
    assert calibration.ece(*columns(items), bins=bins) == pytest.approx(total, abs=1e-9)


@given(items=SURE, bins=st.integers(1, 20))
def test_bins_part_the_items_whatever_their_order(items: list[tuple[float, bool]], bins: int) -> None:
    points = calibration.reliability(*columns(items), bins)
    assert len(points) <= bins
    assert sum(p.n for p in points) == len(items)
    assert sum(p.n * p.accuracy for p in points) == pytest.approx(sum(right for _, right in items))
    assert [p.confidence for p in points] == sorted(p.confidence for p in points)
    turned = calibration.reliability(*columns(items[::-1]), bins)
    assert [tuple(p) for p in turned] == [pytest.approx(tuple(p)) for p in points]


@given(items=SURE)
def test_brier_is_scikit_learns(items: list[tuple[float, bool]]) -> None:
    confidences, right = columns(items)
    assert calibration.brier(confidences, right) == pytest.approx(
        metrics.brier_score_loss(right, confidences, labels=[False, True])
    )


def test_perfect_confidence() -> None:
    assert calibration.ece([1.0, 0.0, 1.0], [True, False, True]) == 0
    assert calibration.ece([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert calibration.ece([1.0, 1.0], [False, False]) == 1


def test_mistakes_in_confidences_are_named() -> None:
    with pytest.raises(ValueError, match=r"confidence 1\.5"):
        calibration.ece([1.5], [True])
    with pytest.raises(ValueError, match="confidence nan"):
        calibration.brier([math.nan], [True])
    with pytest.raises(ValueError, match="0 bins"):
        calibration.ece([0.5], [True], bins=0)


@given(items=FEW)
def test_equal_confidences_count_as_the_mean_over_their_orders(items: list[tuple[float, bool]]) -> None:
    confidences, wrong = columns(items)
    n = len(items)
    orders = [o for o in itertools.permutations(items) if all(a[0] >= b[0] for a, b in itertools.pairwise(o))]
    risks = [sum(sum(w for _, w in order[:k]) / k for order in orders) / len(orders) for k in range(1, n + 1)]
    curve = selective.risk_coverage(confidences, wrong)
    assert [p.risk for p in curve] == pytest.approx(risks)
    assert [p.coverage for p in curve] == pytest.approx([k / n for k in range(1, n + 1)])
    assert [p.threshold for p in curve] == sorted(confidences, reverse=True)
    area = sum(risks) / n
    assert selective.aurc(confidences, wrong) == pytest.approx(area)
    best = min(sum(sum(o[:k]) / k for k in range(1, n + 1)) / n for o in itertools.permutations(wrong))
    assert selective.excess_aurc(confidences, wrong) == pytest.approx(area - best, abs=1e-12)


def test_one_confidence_for_all_is_chance() -> None:
    assert selective.aurc([0.5] * 4, [1, 0, 0, 0]) == pytest.approx(0.25)
    assert [p.risk for p in selective.risk_coverage([0.5] * 4, [1, 0, 0, 0])] == pytest.approx([0.25] * 4)


def test_a_perfect_order_has_no_excess() -> None:
    confidences, losses = [0.1 * i for i in range(10, 0, -1)], [0.0] * 7 + [1.0] * 3
    risks = [p.risk for p in selective.risk_coverage(confidences, losses)]
    assert risks == pytest.approx([0] * 7 + [1 / 8, 2 / 9, 0.3])
    assert selective.excess_aurc(confidences, losses) == 0


def test_nothing_is_not_0() -> None:
    assert calibration.reliability([], []) == selective.risk_coverage([], []) == []
    for value in (calibration.ece([], []), calibration.brier([], []), selective.aurc([], []),
                  selective.excess_aurc([], [])):  # fmt: skip
        assert value is None
