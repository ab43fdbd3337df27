"""K-QA's completeness and hallucination (Manes et al. 2024, arXiv 2401.14493).

Physicians wrote for each question the statements that an answer must have and those that are nice to have. An answer
entails a statement, contradicts it, or neither. Over a set, K-QA reports the mean completeness and the mean *number*
of hallucinations of a question; its program also has 1 - rate, as "precision".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Label = Literal["entails", "neutral", "contradicts"]


class KQA(NamedTuple):
    """Of one answer. ``completeness`` is None without must-have statements, ``rate`` without any statement."""

    completeness: float | None
    hallucinations: int
    rate: float | None


def completeness(must: Sequence[Label]) -> float | None:
    """Share of the must-have statements that the answer entails; None without any."""
    return must.count("entails") / len(must) if must else None


def hallucinations(must: Sequence[Label], nice: Sequence[Label] = ()) -> int:
    """Number of statements, must-have or nice to have, that the answer contradicts."""
    return [*must, *nice].count("contradicts")


def score(must: Sequence[Label], nice: Sequence[Label] = ()) -> KQA:
    """Both, and the contradicted share of all statements."""
    n = len(must) + len(nice)
    contradicted = hallucinations(must, nice)
    return KQA(completeness(must), contradicted, contradicted / n if n else None)
