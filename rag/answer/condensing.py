"""Deleting words from evidence: which deletions leave a sentence that the evidence still says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.reading import Reading, covers
from rag.language.lexicon import Lexicon


class Reason(NamedTuple):
    """Why a statement is not supported. ``kind`` is one of number, unit, comparator, negation, exception, modality,
    drug, population, strength, order, coverage, entailment, empty.
    """

    kind: str
    detail: str


_KIND_OF_CUE = {"negation": "negation", "exclusion": "negation", "exception": "exception", "limit": "comparator",
                "hedge": "modality", "modality": "modality", "scope": "population", "comparative": "order",
                "direction": "negation", "cause": "modality"}  # fmt: skip
# A closing clause that starts so turns or limits what stands before it.
_PEOPLE = frozenset({"patients", "people", "persons", "individuals", "those"})
_TURNS = frozenset({"but", "however", "though", "although", "yet", "not", "nor", "without"})


def deletion_faults(statement: Reading, evidence: Reading, lexicon: Lexicon) -> list[Reason] | None:
    """What was deleted from ``evidence`` and must not be; empty if nothing, None if words were added or moved."""
    if not set(statement.keys) <= set(evidence.keys) or statement.signs - evidence.signs:
        return None
    best: list[Reason] | None = None
    for low, high in [*evidence.sentences, (0, len(evidence.atoms))]:
        for kept in _alignments(statement.keys, evidence.keys, low, high):
            faults = _faults(statement, evidence, frozenset(kept), lexicon)
            if not faults:
                return []
            best = faults if best is None or len(faults) < len(best) else best
    return best


def _alignments(part: Sequence[str], whole: Sequence[str], low: int, high: int) -> list[list[int]]:
    """Ways to find ``part`` in order in ``whole[low:high]``: in one piece, from the left, from the right."""
    leftmost = _greedy(part, whole, range(low, high))
    if leftmost is None:
        return []
    n = len(part)
    runs = [list(range(i, i + n)) for i in range(low, high - n + 1) if whole[i] == part[0] and whole[i : i + n] == part]
    rightmost = _greedy(part[::-1], whole, range(high - 1, low - 1, -1)) or leftmost
    return [*runs[:1], leftmost, rightmost[::-1] if rightmost is not leftmost else leftmost]


def _greedy(part: Sequence[str], whole: Sequence[str], places: range) -> list[int] | None:
    found, want = [], iter(part)
    key = next(want, None)
    for i in places:
        if whole[i] == key:
            found.append(i)
            if len(found) == len(part):
                return found
            key = next(want)
    return None


def _faults(statement: Reading, evidence: Reading, kept: frozenset[int], lexicon: Lexicon) -> list[Reason]:
    removed = set(range(len(evidence.atoms))) - kept - _removable(statement, evidence, kept, lexicon)
    removed -= _alternatives(statement, evidence, lexicon)
    faults = [
        Reason(_KIND_OF_CUE[s.kind], f"deleted: {evidence.written(s.first, s.last)}")
        for s in evidence.steers
        if s.kind in _KIND_OF_CUE and not removed.isdisjoint(range(s.first, s.last + 1))
    ]
    for i in sorted(removed):
        quantity, mention, atom = evidence.quantity_at.get(i), evidence.mention_at.get(i), evidence.atoms[i]
        if (quantity and quantity.unit != "year") or (not quantity and any(c.isdigit() for c in atom.key)):
            faults.append(Reason("number", f"deleted: {evidence.written(i, i)}"))
        if mention and mention.concept not in statement.concepts:
            kind = "population" if mention.kind in {"condition", "population", "setting"} else "drug"
            faults.append(Reason(kind, f"deleted: {evidence.text[mention.start : mention.end]}"))
    return faults


def _alternatives(statement: Reading, evidence: Reading, lexicon: Lexicon) -> set[int]:
    """Atoms of alternatives of which the statement keeps one: "moderate or severe". And "patients with" before them."""
    kept = {m for m in evidence.mentions if any(covers(m.concept, own.concept, lexicon) for own in statement.mentions)}
    free = {i for i, mention in evidence.mention_at.items() if mention in kept}
    for i in sorted(free):
        if i >= 2 and i - 1 not in free and evidence.keys[i - 1] == "with" and evidence.keys[i - 2] in _PEOPLE:
            free |= {i - 1, i - 2}
    return free


def _removable(statement: Reading, evidence: Reading, kept: frozenset[int], lexicon: Lexicon) -> set[int]:
    """Atoms of whole parentheses, whole sentences and whole closing clauses that nothing was kept of."""
    free: set[int] = set()
    for low, high in evidence.parentheses:
        if kept.isdisjoint(range(low, high)) and not _limits(statement, evidence, low, high, lexicon):
            free |= set(range(low, high))
    for low, high in evidence.sentences:
        if kept.isdisjoint(range(low, high)):
            free |= set(range(low, high))
        else:
            free |= _closing_clauses(evidence, low, high, max(i for i in kept if low <= i < high))
    return free


def _closing_clauses(evidence: Reading, low: int, high: int, last_kept: int) -> set[int]:
    numbers = evidence.clause_of
    closing = [i for i in range(last_kept + 1, high) if numbers[i] > numbers[last_kept]]
    governs = {s.first for s in evidence.steers if s.kind in {"exception", "exclusion"}}
    starts = [i for i in closing if numbers[i - 1] != numbers[i]]
    if any(i in governs or evidence.keys[i] in _TURNS for i in starts):
        return set()
    return set(closing)


def _limits(statement: Reading, evidence: Reading, low: int, high: int, lexicon: Lexicon) -> bool:
    """Whether a parenthesis narrows what is said outside it. What only is short for the name before it does not."""
    if any(s.kind in {"negation", "exception", "exclusion"} and low <= s.first < high for s in evidence.steers):
        return True
    named, before = evidence.mention_at.get(low), evidence.mention_at.get(low - 1)
    if high - low == 1 and named and before and lexicon.is_a(before.concept, named.concept):
        return False
    inside = {m.concept for i, m in evidence.mention_at.items() if low <= i < high
              and m.kind in {"condition", "population"}}  # fmt: skip
    return not inside <= statement.concepts
