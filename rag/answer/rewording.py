"""What rules make of a statement in other words than its evidence: guards, and whether the words are covered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rag.answer.advising import level
from rag.answer.condensing import Reason
from rag.answer.guards import GUARDS, VETOES
from rag.answer.pool import Pool
from rag.answer.reading import Reading
from rag.answer.ways import ways

#: Share of words from which a statement is covered, and from which it is in part.
COVERED, PARTLY = 0.75, 0.5
#: Share of a statement's words that stand in one quote in the same order, from which it is that but for a little. Of
#: 2,700 sentences altered in one place (``altered``, both corpora) none has less than .71; honest rewordings have .5.
_IN_ORDER = 0.7
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
    is_near = shared >= COVERED * len(mine)
    if refusals:
        is_near = (is_near or shared >= PARTLY * max(len(mine), len(theirs))) and _is_in_order(statement, pool.nearest)
    return Reworded(refusals, vetoes, _coverage(statement, pool), is_near, _replaced(statement, pool.nearest))


def _is_in_order(statement: Reading, evidence: Reading) -> bool:
    """By the longest common subsequence of their words."""
    row = [0] * (len(evidence.keys) + 1)
    for key in statement.keys:
        left, above = 0, row
        row = [0]
        for i, other in enumerate(evidence.keys):
            left = above[i] + 1 if key == other else max(above[i + 1], left)
            row.append(left)
    return row[-1] >= _IN_ORDER * len(statement.keys)


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
    """A content word put in the place of another between the same neighbours, or at the same end of the sentence.

    Words by which both say that things go the same way, or that advise as much or less, say the same.
    """
    frames = {frame: (term, place) for frame, term, place in _framed(evidence)}
    for frame, term, i in _framed(statement):
        there, j = frames.get(frame, ("", 0))
        is_other = term and there and term not in evidence.content and there not in statement.content
        if is_other and not (_is_one_way(statement, i, evidence, j) or _is_softer(statement, i, evidence, j)):
            return statement.written(i, i)
    return None


def _is_one_way(one: Reading, i: int, other: Reading, j: int) -> bool:
    mine, theirs = ([w.sense for w in ways(r) if w.first <= at <= w.last] for r, at in ((one, i), (other, j)))
    return bool(mine) and mine == theirs


def _is_softer(one: Reading, i: int, other: Reading, j: int) -> bool:
    mine, theirs = ([level(r, s) for s in r.steers if s.kind == "modality" and s.first <= at <= s.last]
                    for r, at in ((one, i), (other, j)))  # fmt: skip
    return bool(mine) and bool(theirs) and mine <= theirs


def _framed(reading: Reading) -> Iterator[tuple[tuple[str, str], str, int]]:
    """Each content term between the keys of its neighbours, "" beyond the ends, and its place."""
    keys = ["", *reading.keys, ""]
    for i, atom in enumerate(reading.atoms):
        yield (keys[i], keys[i + 2]), atom.term, i
