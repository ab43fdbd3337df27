"""Intervals and comparisons: scipy's where items are independent, brute force where they are not."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval import statistics
from eval.measures import classes

SMALL = st.lists(st.tuples(st.integers(-3, 3).map(float), st.sampled_from("abcdef")), min_size=2, max_size=10)


def skewed(seed: int, n: int = 60) -> list[float]:
    values: list[float] = np.random.default_rng(seed).exponential(1, n).tolist()
    return values


def test_an_interval_of_independent_items_is_scipys() -> None:
    values = skewed(1)
    found = statistics.summarise(values, seed=2)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=3).confidence_interval
    assert found.value == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert (found.n, found.clusters) == (60, 60)


def test_an_interval_of_clusters_is_wider_and_that_of_their_means() -> None:
    levels = skewed(4, 20)
    values, clusters = [v for v in levels for _ in range(5)], [f"c{i}" for i in range(20) for _ in range(5)]
    apart = statistics.summarise(values, seed=1)
    together = statistics.summarise(values, clusters, seed=1)
    assert together == pytest.approx((*statistics.summarise(levels, seed=1)[:3], 100, 20))
    assert width(together) > 1.8 * width(apart)


def width(interval: statistics.Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_clusters_of_different_sizes_weigh_by_their_items() -> None:
    values, clusters = [0.0, 0.0, 0.0, 1.0], ["a", "a", "a", "b"]
    found = statistics.summarise(values, clusters)
    # Two clusters are drawn: aa gives 0, ab 1/4, bb 1.
    assert found == (0.25, 0.0, 1.0, 4, 2)
    narrow = statistics.summarise(values, clusters, level=0.4)
    assert (narrow.low, narrow.high) == (0.25, 0.25)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        of = np.repeat(np.arange(50), generator.integers(1, 5, 50))
        values = generator.exponential(1, 50)[of] + generator.normal(0, 1, of.size)
        found = statistics.summarise(values.tolist(), [str(c) for c in of], seed, resamples=500)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 1 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_a_pooled_mean_is_the_mean() -> None:
    values = np.array(skewed(5))
    clusters = [str(i // 4) if i % 3 else "" for i in range(60)]
    pooled = statistics.summarise_pooled(lambda rows: float(values[rows].mean()), 60, clusters, seed=7)
    assert pooled == pytest.approx(statistics.summarise(values.tolist(), clusters, seed=7))


def test_a_pooled_figure_has_an_interval() -> None:
    generator = np.random.default_rng(0)
    gold = generator.choice(["yes", "no"], 300)
    predicted = np.where(generator.random(300) < 0.8, gold, "no")
    pairs = classes.Pairs(gold.tolist(), predicted.tolist())
    found = statistics.summarise_pooled(lambda rows: pairs.confusion(rows).macro_f1(), 300, seed=1)
    assert found.value == classes.macro_f1(gold.tolist(), predicted.tolist())
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0.75 < found.low < found.value < found.high < 0.98


def test_what_is_undefined_is_none() -> None:
    assert statistics.summarise([]) == statistics.summarise([None]) == (None, None, None, 0, 0)
    assert statistics.summarise([1.0, 3.0], ["a", "a"]) == (2.0, None, None, 2, 1)
    assert statistics.summarise([1.0, None, 3.0], ["a", "b", "a"]) == (2.0, None, None, 2, 1)
    assert statistics.summarise_pooled(lambda rows: None, 3) == (None, None, None, 3, 3)
    assert statistics.summarise_pooled(lambda rows: 1.0, 0) == (None, None, None, 0, 0)
    once = iter([1.0])
    assert statistics.summarise_pooled(lambda rows: next(once, None), 3) == (1.0, None, None, 3, 3)
    nothing = statistics.compare([], [])
    assert nothing == ((None, None, None, 0, 0), None, False, 0, 0, 0)
    assert statistics.compare([1.0, 2.0], [0.0, 0.0], ["a", "a"]).p is None


def test_items_without_a_cluster_are_their_own() -> None:
    assert statistics.summarise([1.0, 2.0, 3.0, 4.0], ["", "", "a", "a"]).clusters == 3


def test_the_seed_makes_the_result_again() -> None:
    values = skewed(8)
    assert statistics.summarise(values, seed=1) == statistics.summarise(values, seed=1)
    assert statistics.summarise(values, seed=1) != statistics.summarise(values, seed=2)


@given(items=SMALL)
def test_few_clusters_are_tested_exactly(items: list[tuple[float, str]]) -> None:
    differences, clusters = [d for d, _ in items], [c for _, c in items]
    names = sorted(set(clusters))
    found = statistics.compare(differences, [0.0] * len(items), clusters, resamples=50)
    if len(names) < 2:
        assert found.p is None
        return
    observed = abs(sum(differences))
    flips = [dict(zip(names, signs, strict=True)) for signs in itertools.product((1, -1), repeat=len(names))]
    extreme = [abs(sum(f[c] * d for d, c in items)) >= observed - 1e-9 for f in flips]
    assert found.exact
    assert found.p == pytest.approx(sum(extreme) / len(flips))
    assert (found.wins, found.losses) == (sum(d > 0 for d in differences), sum(d < 0 for d in differences))
    assert found.wins + found.ties + found.losses == len(items)


def test_many_clusters_are_tested_by_chance_as_scipy_does() -> None:
    first = skewed(9)
    second = [v + d - 0.85 for v, d in zip(first, skewed(10), strict=True)]
    found = statistics.compare(first, second, seed=1)
    theirs = stats.permutation_test((first, second), lambda a, b: np.mean(a - b), permutation_type="samples",
                                    n_resamples=10_000, vectorized=False, rng=1)  # fmt: skip
    assert not found.exact
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)
    assert found.difference.value == pytest.approx(np.mean(np.subtract(first, second)))


def test_a_sure_difference_is_never_impossible_by_chance() -> None:
    found = statistics.compare([1.0] * 40, [0.0] * 40, resamples=999)
    assert found == ((1, 1, 1, 40, 40), 1 / 1000, False, 40, 0, 0)


def test_alike_systems_do_not_differ() -> None:
    found = statistics.compare([0.5] * 20, [0.5 + 1e-12] * 20)
    assert (found.wins, found.ties, found.losses) == (0, 20, 0)
    same = statistics.compare([0.5] * 20, [0.5] * 20)
    assert (same.difference.value, same.p, same.exact) == (0, 1, True)


def test_only_items_with_both_values_are_compared() -> None:
    found = statistics.compare([1.0, None, 1.0, 0.0], [0.0, 0.0, None, 0.5])
    assert (found.difference.n, found.difference.value, found.wins, found.losses) == (2, 0.25, 1, 1)


def test_holm() -> None:
    found = statistics.holm({"a": 0.01, "b": 0.04, "c": None, "d": 0.03})
    assert found == {"a": pytest.approx(0.03), "b": pytest.approx(0.06), "c": None, "d": pytest.approx(0.06)}
    assert list(found) == ["a", "b", "c", "d"]
    assert statistics.holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert statistics.holm({}) == {}


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        statistics.summarise([1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="value nan"):
        statistics.compare([1.0], [float("nan")])
    with pytest.raises(ValueError, match="level 95"):
        statistics.summarise([1.0, 2.0], level=95)


def test_ten_thousand_resamples_of_two_thousand_items_are_quick() -> None:
    values = skewed(11, 2000)
    started = time.process_time()
    statistics.summarise(values)
    statistics.compare(values, values[::-1])
    assert time.process_time() - started < 5
