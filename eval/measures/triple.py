"""Precision, recall and their harmonic mean, which several measures share."""

from __future__ import annotations

from typing import NamedTuple


class Triple(NamedTuple):
    """Each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def triple(precision: float, recall: float) -> Triple:
    """With F1, the harmonic mean; 0 when both are 0."""
    return Triple(precision, recall, harmonic(precision, recall))


def harmonic(precision: float, recall: float) -> float:
    """F1 of precision and recall; 0 when both are 0."""
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0


def counted(hits: int, given: int, expected: int) -> Triple:
    """From ``hits`` among ``given`` and ``expected``; a share of nothing is 0."""
    return triple(hits / given if given else 0.0, hits / expected if expected else 0.0)
