"""Whether confidence means what it says: reliability by bins, expected calibration error, Brier score.

Each item has a confidence in [0, 1] and was right or wrong. For several classes the confidence is that of the chosen
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Point(NamedTuple):
    """A bin with ``n`` items: their mean ``confidence`` and ``accuracy``, the share that was right."""

    confidence: float
    accuracy: float
    n: int


def reliability(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> list[Point]:
    """The points of a reliability diagram, by rising confidence; empty bins are left out.

    Args:
        confidences: In [0, 1].
        correct: As many.
        bins: At least 1; of equal width, open below and closed above, 0 in the first (Guo et al. 2017).

    Raises:
        ValueError: A confidence outside [0, 1], lengths differ, or no bins.
    """
    values, right = _checked(confidences, correct)
    if bins < 1:
        raise ValueError(f"{bins} bins: expected at least 1")
    if not values.size:
        return []
    numbers = np.searchsorted(np.arange(1, bins) / bins, values, side="left")
    chosen = (numbers == number for number in np.unique(numbers))
    return [Point(float(values[rows].mean()), float(right[rows].mean()), int(rows.sum())) for rows in chosen]


def ece(confidences: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float | None:
    """Expected calibration error: the mean of abs(accuracy - confidence) over bins, weighted by their items.

    Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), with 15 bins of equal width as
    there. In [0, 1], 0 best; biased upwards when bins have few items. None without items. Arguments and errors as for
    ``reliability``.
    """
    points = reliability(confidences, correct, bins)
    n = sum(p.n for p in points)
    return sum(p.n * abs(p.accuracy - p.confidence) for p in points) / n if n else None


def brier(confidences: Sequence[float], correct: Sequence[bool]) -> float | None:
    """Mean squared difference of confidence and outcome (Brier 1950), in [0, 1], 0 best. None without items."""
    values, right = _checked(confidences, correct)
    return float(((values - right) ** 2).mean()) if values.size else None


def _checked(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, right = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if values.shape != right.shape:
        raise ValueError(f"{values.size} confidences and {right.size} outcomes: expected as many of each")
    outside = values[~((values >= 0) & (values <= 1))]
    if outside.size:
        raise ValueError(f"confidence {outside[0]}: expected a number in [0, 1]")
    return values, right
