"""The verifier: whether evidence says what a statement says.

Words of the evidence, whole or shortened, are supported unless a deletion changed their meaning. Anything reworded
passes the guards of ``guards`` and needs its words in the evidence. Composers and the evaluation share it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import NamedTuple

from rag.answer.condensing import Reason, deletion_faults
from rag.answer.contradictions import contradiction, same_drugs
from rag.answer.guards import GUARDS
from rag.answer.pool import Pool
from rag.answer.reading import Reading, read
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.language.quantities import TYPOGRAPHY

__all__ = ["Reason", "Verification", "Verifier"]

_SUPPORTED, _PARTIAL = 0.75, 0.5
_CONFLICTS = frozenset({"number", "unit", "comparator", "negation"})
_REMEMBERED = 2048
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_CLAUSE = re.compile(r",\s+(?:so|because|since|and|but)\s+|;\s+")


class Verification(NamedTuple):
    """``support`` is in [0, 1]: 1 for the evidence's own words, the share of words covered otherwise, 0 if refused."""

    verdict: Verdict
    support: float
    reasons: tuple[Reason, ...]


class Verifier:
    """Checks statements against evidence. Deterministic; safe to share between threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def verify(self, statement: str, quotes: Sequence[str], *, strength: str | None = None) -> Verification:
        """Whether ``quotes`` support ``statement``.

        ``strength`` is the stated strength of the evidence's recommendation when it is not in its words.
        """
        if not statement.strip() or not any(q.strip() for q in quotes):
            return Verification(Verdict.UNSUPPORTED, 0.0, (Reason("empty", "no statement or no evidence"),))
        plain = _plain(statement)
        if any(plain == _plain(q) for q in quotes):
            return Verification(Verdict.SUPPORTED, 1.0, ())
        mine = read(statement, self._lexicon)
        readings = tuple(self._reading(q) for q in quotes if q.strip())
        shortened = _shortened(mine, readings)
        return shortened or self._undenied(statement, quotes, _reworded(mine, _pool(mine, readings, strength or "")))

    def _undenied(self, statement: str, quotes: Sequence[str], found: Verification) -> Verification:
        """``found``, unless a quote denies what it would let pass: the guards look for cues, not for their meaning."""
        if found.verdict not in (Verdict.SUPPORTED, Verdict.PARTIAL):
            return found
        denials = (self.contradicts(statement, quote) for quote in quotes if quote.strip())
        denial = next((d for d in denials if d and d.kind == "negation"), None)
        return Verification(Verdict.CONTRADICTED, 0.0, (denial,)) if denial else found

    def contradicts(self, claim: str, evidence: str) -> Reason | None:
        """In what ``evidence`` contradicts ``claim``, a premise that a question takes for granted; None if it does not.

        Conservative: sentences that are merely about the same thing do not contradict one another.
        """
        theirs = self._reading(evidence)
        whole = self._reading(_PARENTHESIS.sub("", claim))
        if not same_drugs(whole, theirs, self._lexicon):
            return None
        found = (contradiction(self._reading(part), theirs, self._lexicon) for part in _parts(claim))
        return next((reason for reason in found if reason), None)

    def _reading(self, text: str) -> Reading:
        with self._lock:
            if text in self._readings:
                self._readings.move_to_end(text)
                return self._readings[text]
        reading = read(text, self._lexicon)
        with self._lock:
            self._readings[text] = reading
            if len(self._readings) > _REMEMBERED:
                self._readings.popitem(last=False)
        return reading


def _parts(claim: str) -> list[str]:
    """A claim, without its parentheses, and each of its clauses: one wrong part makes it wrong."""
    parts = [_PARENTHESIS.sub("", claim), *_CLAUSE.split(claim)]
    return list(dict.fromkeys([claim, *(p for p in parts if len(p.split()) > 3)]))


def _plain(text: str) -> str:
    return " ".join(text.translate(TYPOGRAPHY).split())


def _pool(statement: Reading, readings: tuple[Reading, ...], strength: str) -> Pool:
    nearest = max(readings, key=lambda r: len(r.content & statement.content))
    return Pool(readings, nearest, strength)


def _shortened(statement: Reading, readings: Sequence[Reading]) -> Verification | None:
    """The verdict on a statement made of a quote's words in their order; None if it is of no quote."""
    faults: list[Reason] | None = None
    for reading in readings:
        found = deletion_faults(statement, reading) if statement.atoms else None
        if found == []:
            return Verification(Verdict.SUPPORTED, 1.0, ())
        faults = faults or found
    if not faults:
        return None
    changed = any(f.kind in _CONFLICTS and f.kind != "number" for f in faults)
    verdict = Verdict.CONTRADICTED if changed else Verdict.UNSUPPORTED
    return Verification(verdict, 0.0, tuple(dict.fromkeys(faults)))


def _reworded(statement: Reading, pool: Pool) -> Verification:
    reasons = tuple(dict.fromkeys(r for guard in GUARDS for r in guard(statement, pool)))
    coverage = _coverage(statement, pool)
    if reasons:
        conflicts = coverage >= _PARTIAL and any(_conflicts(r, pool) for r in reasons)
        return Verification(Verdict.CONTRADICTED if conflicts else Verdict.UNSUPPORTED, 0.0, reasons)
    if coverage < _PARTIAL:
        return Verification(Verdict.UNSUPPORTED, 0.0, (Reason("coverage", f"{coverage:.0%} of the words"),))
    strange = _replaced(statement, pool.nearest)
    if coverage < _SUPPORTED or strange:
        detail = f"{strange} is not the evidence's word" if strange else f"{coverage:.0%} of the words"
        return Verification(Verdict.PARTIAL, coverage, (Reason("coverage", detail),))
    return Verification(Verdict.SUPPORTED, coverage, ())


def _conflicts(reason: Reason, pool: Pool) -> bool:
    return reason.kind in _CONFLICTS and (reason.kind != "number" or bool(pool.quantities()))


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
