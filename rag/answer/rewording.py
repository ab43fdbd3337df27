"""What rules make of a statement in other words than its evidence: guards, and whether the words are covered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rag.answer.condensing import Reason
from rag.answer.guards import GUARDS, VETOES
from rag.answer.pool import Pool
from rag.answer.reading import Reading

#: Share of words from which a statement is covered, and from which it is in part.
COVERED, PARTLY = 0.75, 0.5
_WHOLE = 0.9  # share of the words of both that makes them the same sentence, but for what the guards look at


class Reworded(NamedTuple):
    """``refusals`` are what the guards have against a statement, and ``vetoes`` what no model outweighs.

    ``coverage`` is the share of its words in the evidence, in [0, 1]; ``is_near`` whether it is one quote but for a
    little, so that what the guards find is a change; ``replaced`` a word put in the place of one of the evidence.
    """

    refusals: tuple[Reason, ...]
    vetoes: tuple[Reason, ...]
    coverage: float
    is_near: bool
    replaced: str | None


def reworded(statement: Reading, pool: Pool) -> Reworded:
    refusals, vetoes = (tuple(dict.fromkeys(r for g in gs for r in g(statement, pool))) for gs in (GUARDS, VETOES))
    mine, theirs = statement.content, pool.nearest.content
    shared = len(mine & theirs)
    is_near = shared >= COVERED * len(mine) or (bool(refusals) and shared >= PARTLY * max(len(mine), len(theirs)))
    return Reworded(refusals, vetoes, _coverage(statement, pool), is_near, _replaced(statement, pool.nearest))


def is_whole(statement: Reading, evidence: Reading) -> bool:
    """Whether a statement says all that its evidence says, so that a denial in the one is also in the other."""
    return len(statement.content & evidence.content) >= _WHOLE * max(len(evidence.content), len(statement.content))


def _coverage(statement: Reading, pool: Pool) -> float:
    """Share of content words in the evidence; the words of one clause must come from one quote."""
    clauses: dict[int, set[str]] = {}
    for atom, clause in zip(statement.atoms, statement.clause_of, strict=True):
        if atom.term:
            clauses.setdefault(clause, set()).add(atom.term)
    covered = sum(max(len(terms & r.content) for r in pool.readings) for terms in clauses.values())
    total = sum(map(len, clauses.values()))
    return covered / total if total else 0.0


def _replaced(statement: Reading, evidence: Reading) -> str | None:
    """A content word put in the place of another between the same neighbours, or at the same end of the sentence."""
    frames = dict(_framed(evidence))
    for i, (frame, term) in enumerate(_framed(statement)):
        there = frames.get(frame)
        if term and there and term not in evidence.content and there not in statement.content:
            return statement.written(i, i)
    return None


def _framed(reading: Reading) -> Iterator[tuple[tuple[str, str], str]]:
    """Each content term between the keys of its neighbours, "" beyond the ends."""
    keys = ["", *reading.keys, ""]
    for i, atom in enumerate(reading.atoms):
        yield (keys[i], keys[i + 2]), atom.term
