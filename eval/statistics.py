"""How sure a number is: means and pooled figures with bootstrap intervals, and paired comparisons.

Items that are related (paraphrases of a question, claims of an answer) form a *cluster* and are resampled together, as
otherwise an interval is too narrow. An item without a cluster (no clusters at all, or "") is its own.

Intervals are percentile bootstrap intervals (Efron and Tibshirani 1993, chapter 13): clusters are drawn with
replacement, as many as there are, the figure is computed anew, and the interval runs between percentiles of those.
With few clusters they are too narrow: in simulations of skewed values, 86 % of the 95 % intervals held the true mean
with 10 clusters, 90 % with 20, 94 % from 50. Everything is drawn from a seed, so a result can be made again.

Where every value is 0 or every value is 1 all resamples are alike and a bootstrap would claim certainty. Such a mean
gets the exact binomial interval instead (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404), with the clusters as
its trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[NDArray[np.intp]], float | None]
"""A figure of the items at some rows, which may repeat; None where it is undefined."""

RESAMPLES = 10_000
_CHUNK = 1_000
_MAX_ENUMERATED = 14


class Interval(NamedTuple):
    """A figure of ``n`` items in ``clusters``. ``value`` is None without items, the bounds below two clusters."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


class Paired(NamedTuple):
    """Two systems on the same items. ``difference`` is the mean of first less second, with its interval.

    ``p`` is two-sided, ``exact`` whether all sign flips were enumerated for it; None below two clusters. ``wins`` are
    items where the first is higher by more than epsilon, ``losses`` where it is lower.
    """

    difference: Interval
    p: float | None
    exact: bool
    wins: int
    ties: int
    losses: int


def summarise(
    values: Sequence[float | None],
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """The mean of the values that are not None, with its interval.

    Of m clusters whose values are all 1 the interval is Clopper and Pearson's, from (alpha/2)^(1/m) to 1 with alpha =
    1 - level; of values that are all 0 it is from 0 to 1 - (alpha/2)^(1/m). It bounds the mean of values in [0, 1];
    where a count is 0 throughout, it bounds the share of clusters in which it is not.

    Args:
        values: One per item; None is unscored and left out.
        clusters: As many names.
        seed: Of the resampling.
        resamples: How many are drawn.
        level: Of the interval, in (0, 1).

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    (scored,), groups = _scored([values], clusters)
    found = _mean(scored, groups, seed, resamples, level)
    if groups.count < 2 or not ((scored == 0).all() or (scored == 1).all()):
        return found
    low, high = _clopper_pearson(bool(scored[0]), groups.count, level)
    return found._replace(low=low, high=high)


def summarise_pooled(
    statistic: Statistic,
    n: int,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """A figure that is no mean of the items (macro-F1, AUC, or the difference of two such), with its interval.

    Args:
        statistic: Called with rows in [0, n), for all items once and then for each resample.
        n: How many items there are.
        clusters: As many names.
        seed: Of the resampling.
        resamples: How many are drawn. Those for which the statistic is None are left out; if that is more than half,
            there is no interval.
        level: Of the interval, in (0, 1).
    """
    _, groups = _scored([[0.0] * n], clusters)
    value = statistic(np.arange(n)) if n else None
    if value is None or groups.count < 2:
        return Interval(value, None, None, n, groups.count)
    draws = (groups.rows(draw) for draw in _draws(groups.count, seed, resamples))
    found = [f for f in map(statistic, draws) if f is not None]
    if len(found) <= resamples / 2:
        return Interval(value, None, None, n, groups.count)
    return Interval(value, *_bounds(np.array(found), level), n, groups.count)


def compare(
    first: Sequence[float | None],
    second: Sequence[float | None],
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    *,
    epsilon: float = 1e-9,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Paired:
    """First against second on the items that both have a value for.

    ``p`` is of the randomisation test (Fisher 1935; Smucker et al. 2007, doi:10.1145/1321440.1321528): if the systems
    were alike, the sign of a cluster's summed difference would be a coin's, and ``p`` is how often coins give a mean
    as far from 0. All flips are enumerated up to 14 clusters that differ; else ``resamples`` are drawn and
    p = (b + 1)/(m + 1) (Phipson and Smyth 2010), never 0.

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    (ours, theirs), groups = _scored([first, second], clusters)
    differences = ours - theirs
    p, exact = _sign_flips(groups.sums(differences), seed, resamples) if groups.count > 1 else (None, False)
    wins, losses = int((differences > epsilon).sum()), int((differences < -epsilon).sum())
    interval = _mean(differences, groups, seed, resamples, level)
    return Paired(interval, p, exact, wins, differences.size - wins - losses, losses)


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """p-values corrected for several measures tested at once (Holm 1979), in the same order.

    The smallest is multiplied by the number of tests, the next by one less, …, each at least the one before and at
    most 1: those below a level are significant together at that level. None was no test and stays None.
    """
    tested = sorted((p, name) for name, p in p_values.items() if p is not None)
    corrected: dict[str, float | None] = dict(p_values)
    largest = 0.0
    for index, (p, name) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - index)))
        corrected[name] = largest
    return corrected


class _Groups:
    """Items by cluster: ``of`` is the cluster's number for each item, ``count`` the number of clusters."""

    def __init__(self, names: Sequence[str], n: int) -> None:
        numbers: dict[str | int, int] = {}
        of = [numbers.setdefault(names[i] or i if names else i, len(numbers)) for i in range(n)]
        self.of = np.array(of, dtype=np.intp)
        self.count = len(numbers)
        self.sizes = np.bincount(self.of, minlength=self.count)
        self._members = np.argsort(self.of, kind="stable")
        self._starts = np.cumsum(self.sizes) - self.sizes

    def sums(self, values: Floats) -> Floats:
        """Of the values of each cluster."""
        return np.bincount(self.of, weights=values, minlength=self.count).astype(np.float64)

    def rows(self, draw: NDArray[np.intp]) -> NDArray[np.intp]:
        """The items of drawn clusters, one after the other."""
        sizes = self.sizes[draw]
        first = np.cumsum(sizes) - sizes
        places = np.repeat(self._starts[draw] - first, sizes) + np.arange(sizes.sum())
        found: NDArray[np.intp] = self._members[places]
        return found


def _scored(columns: Sequence[Sequence[float | None]], clusters: Sequence[str] | None) -> tuple[list[Floats], _Groups]:
    """The columns without the rows where one of them has None, and the clusters of the other rows."""
    n = len(columns[0])
    lengths = {n, *map(len, columns), n if clusters is None else len(clusters)}
    if len(lengths) > 1:
        raise ValueError(f"values and clusters of lengths {sorted(lengths)}: expected as many of each")
    wrong = [v for column in columns for v in column if v is not None and not math.isfinite(v)]
    if wrong:
        raise ValueError(f"value {wrong[0]}: expected a finite number, or None for unscored")
    rows = [i for i in range(n) if all(column[i] is not None for column in columns)]
    kept = [np.array([column[i] for i in rows], dtype=np.float64) for column in columns]
    return kept, _Groups([clusters[i] for i in rows] if clusters else [], len(rows))


def _mean(values: Floats, groups: _Groups, seed: int, resamples: int, level: float) -> Interval:
    if not values.size:
        return Interval(None, None, None, 0, 0)
    value = float(values.mean())
    if groups.count < 2:
        return Interval(value, None, None, values.size, groups.count)
    sums = groups.sums(values)
    # Clusters of one size make all resamples of one size.
    size = None if (groups.sizes == groups.sizes[0]).all() else groups.sizes
    means = np.concatenate([
        sums[draws].sum(axis=1) / (draws.shape[1] * groups.sizes[0] if size is None else size[draws].sum(axis=1))
        for draws in _chunks(groups.count, seed, resamples)
    ])  # fmt: skip
    return Interval(value, *_bounds(means, level), values.size, groups.count)


def _bounds(figures: Floats, level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level {level}: expected a number between 0 and 1")
    low, high = np.quantile(figures, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _clopper_pearson(succeeded: bool, trials: int, level: float) -> tuple[float, float]:
    """The exact interval of a rate after as many successes as trials, or as many failures."""
    bound = ((1 - level) / 2) ** (1 / trials)
    return (bound, 1.0) if succeeded else (0.0, 1 - bound)


def _chunks(count: int, seed: int, resamples: int) -> Iterator[NDArray[np.intp]]:
    """Drawn clusters, a resample a row, some rows at a time: a matrix of all would not fit."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        yield generator.integers(0, count, (min(_CHUNK, resamples - start), count), dtype=np.intp)


def _draws(count: int, seed: int, resamples: int) -> Iterator[NDArray[np.intp]]:
    return (draw for chunk in _chunks(count, seed, resamples) for draw in chunk)


def _sign_flips(sums: Floats, seed: int, resamples: int) -> tuple[float, bool]:
    """Two-sided p-value, and whether it is exact. Clusters without a difference have no sign to flip."""
    differing = sums[sums != 0]
    observed = abs(differing.sum())
    # Sums of the same numbers in another order differ in their last bits.
    enough = observed - 1e-12 * float(np.abs(differing).sum())
    exact = differing.size <= _MAX_ENUMERATED
    flips = _every(differing.size) if exact else _some(differing.size, seed, resamples)
    extreme = total = 0
    for signs in flips:
        extreme += int((np.abs(signs @ differing) >= enough).sum())
        total += len(signs)
    return (extreme / total if exact else (extreme + 1) / (total + 1)), exact


def _every(count: int) -> Iterator[Floats]:
    yield _signs(np.arange(2**count)[:, None] >> np.arange(count) & 1)


def _some(count: int, seed: int, resamples: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        yield _signs(generator.integers(0, 2, (min(_CHUNK, resamples - start), count), dtype=np.int8))


def _signs(bits: NDArray[Any]) -> Floats:
    return bits.astype(np.float64) * 2 - 1
