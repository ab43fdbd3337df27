"""K-QA's completeness and hallucination (Manes et al. 2024, arXiv 2401.14493).

Physicians wrote for each question the statements that an answer must have and those that are nice to have. An answer
entails a statement, contradicts it, or neither. Over a set, K-QA reports the mean completeness and the mean *number*
of hallucinations of a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Label = Literal["entails", "neutral", "contradicts"]


def completeness(must: Sequence[Label]) -> float | None:
    """Share of the must-have statements that the answer entails; None without any."""
    return must.count("entails") / len(must) if must else None


def hallucinations(must: Sequence[Label], nice: Sequence[Label] = ()) -> int:
    """Number of statements, must-have or nice to have, that the answer contradicts."""
    return [*must, *nice].count("contradicts")
