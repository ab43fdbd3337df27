"""Citation recall and precision as ALCE defines them (Gao et al. 2023, "Enabling Large Language Models to Generate Text
with Citations", EMNLP, section 4.2; arXiv 2305.14627).

A statement is *recalled* if it has citations and all cited passages together entail it. A citation is *precise* if its
statement is recalled and it is not *irrelevant*: it is irrelevant if it alone does not entail the statement while the
other citations still do without it. Who decides about entailment is the caller's.

ALCE's program looks at the first three citations of a sentence only, and leaves sentences with a citation of nothing
out of precision. Here all citations count, and where one leads nowhere none of the statement is precise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from eval.measures.triple import harmonic

Entails = Callable[[Sequence[str], str], bool]
"""Whether passages, read together, entail a claim."""


class Cited(NamedTuple):
    """``precise`` has a value for each citation of the statement."""

    recalled: bool
    precise: tuple[bool, ...]


class Citations(NamedTuple):
    """Of an answer. ``recall`` is the share of statements recalled, ``precision`` the share of citations precise.

    Without statements all are None; with statements but no citations precision is 0, as in ALCE's program.
    """

    recall: float | None
    precision: float | None
    f1: float | None
    statements: tuple[Cited, ...]


def statement(claim: str, passages: Sequence[str | None], entails: Entails) -> Cited:
    """One statement with the passages that it cites, in order; None is a citation that leads to no passage."""
    there = [p for p in passages if p is not None]
    if not there or len(there) < len(passages) or not entails(there, claim):
        return Cited(False, (False,) * len(passages))
    if len(there) == 1:
        return Cited(True, (True,))
    return Cited(True, tuple(_is_relevant(i, there, claim, entails) for i in range(len(there))))


def answer(statements: Sequence[tuple[str, Sequence[str | None]]], entails: Entails) -> Citations:
    """An answer: its statements, each with the passages that it cites."""
    if not statements:
        return Citations(None, None, None, ())
    cited = tuple(statement(claim, passages, entails) for claim, passages in statements)
    recall = sum(c.recalled for c in cited) / len(cited)
    citations = [precise for c in cited for precise in c.precise]
    precision = sum(citations) / len(citations) if citations else 0.0
    return Citations(recall, precision, harmonic(precision, recall), cited)


def _is_relevant(i: int, passages: Sequence[str], claim: str, entails: Entails) -> bool:
    return entails([passages[i]], claim) or not entails([*passages[:i], *passages[i + 1 :]], claim)
