"""What a model makes of a statement that is in other words than its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from rag.answer.reading import Reading


class Opinion(NamedTuple):
    """Chances, in [0, 1] and 1 together, that evidence supports a statement, contradicts it, or does neither.

    ``verdict`` is the class that the model decides for, which need not be the likeliest; ``nearest`` is the sentence
    that weighs most.
    """

    supported: float
    contradicted: float
    neutral: float
    verdict: Literal["supported", "contradicted", "neutral"]
    nearest: str


class Entailment(Protocol):
    """Judges rewordings. Deterministic, and safe to share between threads.

    Implemented by the learned model of ``entailment`` and by a cross-encoder where one is configured.
    """

    @property
    def name(self) -> str:
        """What a verification says of who judged: a name, and a digest of what decides."""

    def opinion(self, statement: Reading, quotes: Sequence[Reading]) -> Opinion:
        """Of a statement and its evidence, of which there is some; neither is empty."""
