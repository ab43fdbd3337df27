"""BioASQ's measures of exact answers (task B, phase B), as its evaluation program computes them since BioASQ 5.

Definitions: Malakasiotis et al., "Evaluation Measures for Task B" (bioasq.org); program: github.com/BioASQ/
Evaluation-Measures. An entity is a sequence of names for one thing. Two entities match if they share a name, compared
in lower case; white space is made equal here too, which the program leaves to the submission.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eval.measures.triple import Triple, counted

MAX_CANDIDATES = 5
MAX_LISTED = 100

Entities = Sequence[Sequence[str]]


class Factoid(NamedTuple):
    """``strict``: the first candidate is right. ``lenient``: one is. ``reciprocal_rank``: of the first right one, or 0.

    The means over questions are BioASQ's strict and lenient accuracy and MRR.
    """

    strict: float
    lenient: float
    reciprocal_rank: float


def factoid(gold: Entities, candidates: Entities) -> Factoid | None:
    """One factoid question. Candidates past the fifth are not looked at. None if gold has no name."""
    right = {name for entity in gold for name in _names(entity)}
    if not right:
        return None
    hits = [not right.isdisjoint(_names(c)) for c in candidates[:MAX_CANDIDATES]]
    rank = hits.index(True) + 1 if any(hits) else 0
    return Factoid(float(rank == 1), float(rank > 0), 1 / rank if rank else 0.0)


def listed(gold: Entities, answers: Entities) -> Triple | None:
    """One list question; the means over questions are BioASQ's mean precision, recall and F-measure.

    Each answer, in order, takes the first gold entity that it matches and that is still free, so a second name of an
    entity already found is wrong. Answers past the hundredth are not looked at. None if gold has no name.
    """
    free = [names for names in map(_names, gold) if names]
    expected = len(free)
    if not expected:
        return None
    given = answers[:MAX_LISTED]
    for names in map(_names, given):
        match = next((entity for entity in free if not entity.isdisjoint(names)), None)
        if match is not None:
            free.remove(match)
    return counted(expected - len(free), len(given), expected)


def _names(entity: Sequence[str]) -> frozenset[str]:
    return frozenset(filter(None, (" ".join(name.split()).lower() for name in entity)))
