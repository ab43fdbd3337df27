"""What answers cost in time: percentiles, whole and by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Latency(NamedTuple):
    """Of ``n`` measurements, in their unit."""

    n: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


def percentile(values: Sequence[float], q: float) -> float | None:
    """The ``q``-th percentile, q in [0, 100]; None without values.

    Linear between the two nearest measurements, at rank 1 + (n - 1) q / 100 (type 7 of Hyndman and Fan 1996, numpy's
    default). With fewer than 100 / (100 - q) values it mostly says what the largest was.
    """
    return float(np.percentile(values, q)) if len(values) else None


def latency(values: Sequence[float]) -> Latency | None:
    """Summary of measurements; None without any."""
    if not len(values):
        return None
    p50, p95, p99 = (float(p) for p in np.percentile(values, (50, 95, 99)))
    return Latency(len(values), float(np.mean(values)), p50, p95, p99, float(max(values)))


def by_stage(timings: Sequence[Mapping[str, float]]) -> dict[str, Latency]:
    """Summary of each stage, in order of first appearance. An item without a stage did not go through it: not 0."""
    stages: dict[str, list[float]] = {}
    for timing in timings:
        for stage, value in timing.items():
            stages.setdefault(stage, []).append(value)
    return {stage: found for stage, values in stages.items() if (found := latency(values))}
