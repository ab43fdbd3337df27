"""What a judge is: it says whether texts say, deny, or do not speak of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from rag.errors import FailureError

#: What the name of a judge that is a language model begins with; the model's follows.
LLM = "llm "
Label = Literal["entailed", "neutral", "contradicted"]


class JudgeError(FailureError):
    """A judge could not judge: no server, no JSON. The score that needed it is unscored, never neutral."""


class Judgement(NamedTuple):
    """``support`` in [0, 1] is how surely the claim is said; ``reason`` is for a person: the sentence, the number."""

    label: Label
    support: float
    reason: str


@runtime_checkable
class Judge(Protocol):
    """Safe to share between threads; the same claim and premises give the same judgement."""

    @property
    def name(self) -> str:
        """With version, as it stands in logs beside each score that rests on it: "matcher 1"."""

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """Whether ``premises``, read together, say ``claim``. No premise at all is neutral with support 0."""


def nothing_said(claim: str, premises: Sequence[str]) -> Judgement | None:
    """The judgement when there is no claim or no premise, which is the same for every judge; None otherwise."""
    if not claim.strip():
        return Judgement("neutral", 0.0, "there is no claim")
    if not any(p.strip() for p in premises):
        return Judgement("neutral", 0.0, "nothing is said")
    return None
