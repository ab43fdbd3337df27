"""Answering only when sure: risk against coverage.

Items are answered from the most confident down. *Coverage* is the share answered, *risk* the mean loss of those
(El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks",
arXiv 1705.08500). A loss is 1 for wrong and 0 for right, or any number, lower is better.

Equal confidences have no order. Risk inside such a block is its expectation over all orders, so a system that gives
one confidence to all is exactly as good as chance, however its items are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Covered(NamedTuple):
    """``risk`` when the share ``coverage`` is answered: items of at least the confidence ``threshold``."""

    coverage: float
    risk: float
    threshold: float


def risk_coverage(confidences: Sequence[float], losses: Sequence[float]) -> list[Covered]:
    """The curve at coverage 1/n, 2/n, …, 1; empty without items. Within a block of equal confidences a point is an
    expectation (above) and its threshold the block's.

    Raises:
        ValueError: Lengths differ, or a number is not finite.
    """
    values, lost = _checked(confidences, losses)
    risks = _risks(values, lost)
    thresholds = np.sort(values)[::-1]
    n = values.size
    return [Covered((k + 1) / n, float(risks[k]), float(thresholds[k])) for k in range(n)]


def aurc(confidences: Sequence[float], losses: Sequence[float]) -> float | None:
    """Area under the curve: the mean risk over coverage 1/n to 1. Lower is better; None without items.

    Sorting at random gives the mean loss.
    """
    values, lost = _checked(confidences, losses)
    return float(_risks(values, lost).mean()) if values.size else None


def excess_aurc(confidences: Sequence[float], losses: Sequence[float]) -> float | None:
    """E-AURC: AURC less that of the best order of the same losses, so 0 is perfect ranking at any accuracy.

    Geifman et al. 2019 (arXiv 1805.08206), who approximate the best by an integral; here it is computed. None without
    items.
    """
    values, lost = _checked(confidences, losses)
    if not values.size:
        return None
    # Rounding must not make a perfect order better than perfect.
    return max(0.0, float(_risks(values, lost).mean() - _risks(-lost, lost).mean()))


def _checked(confidences: Sequence[float], losses: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, lost = np.asarray(confidences, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if values.shape != lost.shape or not (np.isfinite(values).all() and np.isfinite(lost).all()):
        raise ValueError(f"{values.size} confidences and {lost.size} losses: expected as many of each, all finite")
    return values, lost


def _risks(values: NDArray[np.float64], lost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected risk after 1, 2, …, n items."""
    if not values.size:
        return lost
    _, block, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    expected = np.repeat(np.bincount(block, weights=lost) / sizes, sizes)
    return np.cumsum(expected) / np.arange(1, values.size + 1)
