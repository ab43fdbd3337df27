"""The verifier: whether evidence says what a statement says, how surely, and what speaks against it.

Words of the evidence, whole or shortened, are supported unless a deletion changed their meaning. A statement that is
one quote but for a little is refused for whatever the guards find, and supported when they find nothing. Of a
statement in other words a model decides, where there is one; it cannot support one with a number, unit, drug or
strength that the evidence has not. What a machine has written is held to all guards, however near it is, and to the
model. Composers, the command line and the evaluation share this.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from rag.answer.advising import agreement
from rag.answer.condensing import Reason, deletion_faults
from rag.answer.contradictions import contradiction, same_drugs
from rag.answer.opinion import Entailment, Opinion
from rag.answer.pool import Pool
from rag.answer.reading import Reading, read
from rag.answer.rewording import COVERED, PARTLY, Reworded, is_whole, reworded
from rag.answer.strictness import strict
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.language.quantities import TYPOGRAPHY

__all__ = ["Reason", "Verification", "Verifier"]

RULES = "rules"
_CONFLICTS = frozenset({"number", "unit", "comparator", "negation"})
#: Chances by rule: the evidence's own words, most words of a quote that pass the guards, and those that do not.
_OWN_WORDS, _NEAR, _REFUSED = 0.99, 0.95, 0.02
#: Least chance of a statement that a model supports, with which 99 % of the suite ``altered`` are caught, and of one
#: that it supports in part.
_SUPPORTED, _PARTIAL = 0.44, 0.3
#: Share of words from which a statement of a machine that all guards let pass is that of the evidence.
_SAME_WORDS = 0.9
_REMEMBERED = 2048
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_CLAUSE = re.compile(r",\s+(?:so|because|since|and|but)\s+|;\s+")
#: Numbers of references. Not after a number or "CI", where brackets hold an interval.
_CITATIONS = re.compile(r"(?<![\d%I\s])\s*\[\d+(?:\s*[,;–-]\s*\d+)*\]")


class Verification(NamedTuple):
    """``support`` is in [0, 1]: 1 for the evidence's own words, the share of words covered otherwise, 0 if refused.

    ``probability``, in [0, 1], is the chance that the evidence supports the statement. Without a model it is a share of
    words, like ``support``. ``by`` names what decided: rules, or a model.
    """

    verdict: Verdict
    support: float
    reasons: tuple[Reason, ...]
    probability: float = 0.0
    by: str = RULES


class Verifier:
    """Checks statements against evidence. Deterministic; safe to share between threads.

    Args:
        entailment: judges statements in other words than their evidence; without it only their words are counted.
    """

    def __init__(self, lexicon: Lexicon, entailment: Entailment | None = None) -> None:
        self._lexicon = lexicon
        self._entailment = entailment
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    @property
    def lexicon(self) -> Lexicon:
        return self._lexicon

    def verify(
        self, statement: str, quotes: Sequence[str], *, strength: str | None = None, is_strict: bool = False
    ) -> Verification:
        """Whether ``quotes`` support ``statement``. Numbers of references in brackets are no part of either.

        ``strength`` is the stated strength of the evidence's recommendation when it is not in its words; ``is_strict``
        is for what a machine has written: see ``rag.answer.strictness``.
        """
        said, evidence = bare(statement), [bare(q) for q in quotes if q.strip()]
        if not said.strip() or not evidence:
            return Verification(Verdict.UNSUPPORTED, 0.0, (Reason("empty", "no statement or no evidence"),))
        plain = _plain(said)
        if any(plain == _plain(q) for q in evidence):
            return Verification(Verdict.SUPPORTED, 1.0, (), _OWN_WORDS)
        mine = read(said, self._lexicon)
        readings = tuple(map(self._reading, evidence))
        shortened = _shortened(mine, readings, self._lexicon)
        if shortened:
            return shortened
        pool = _pool(mine, readings, strength or "", self._lexicon)
        if is_strict and (reasons := strict(mine, pool)):
            return Verification(Verdict.UNSUPPORTED, 0.0, reasons, _REFUSED)
        found = reworded(mine, pool)
        if is_strict:
            return self._weighed_strictly(mine, readings, found, pool)
        if not found.is_near and (advised := _advised(mine, pool, found)):
            return advised
        if self._entailment is None or found.is_near or not mine.content:
            return self._ruled(said, evidence, mine, pool, found)
        return _weighed(found, self._entailment.opinion(mine, readings), self._entailment.name)

    def _weighed_strictly(
        self, mine: Reading, readings: Sequence[Reading], found: Reworded, pool: Pool
    ) -> Verification:
        """What the model makes of a statement that all guards let pass; without one, whether its words are covered."""
        is_same = found.is_near and not found.replaced and found.coverage >= _SAME_WORDS
        if self._entailment is None or not mine.content or is_same:
            return _counted(found._replace(refusals=()), pool)
        passed = found._replace(vetoes=())  # they are among the guards that it has passed
        return _weighed(passed, self._entailment.opinion(mine, readings), self._entailment.name)

    def _ruled(self, said: str, quotes: Sequence[str], mine: Reading, pool: Pool, found: Reworded) -> Verification:
        """What the rules alone say. The guards look for cues; what a quote denies is looked for by its meaning."""
        ruled = _counted(found, pool)
        if ruled.verdict not in (Verdict.SUPPORTED, Verdict.PARTIAL) or is_whole(mine, pool.nearest):
            return ruled
        denials = (self.contradicts(said, quote) for quote in quotes)
        denial = next((d for d in denials if d and d.kind == "negation"), None)
        return Verification(Verdict.CONTRADICTED, 0.0, (denial,), _REFUSED) if denial else ruled

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


def bare(text: str) -> str:
    """A text without numbers of references in brackets."""
    return _CITATIONS.sub("", text) if "[" in text else text


def _plain(text: str) -> str:
    return " ".join(text.translate(TYPOGRAPHY).split())


def _pool(statement: Reading, readings: tuple[Reading, ...], strength: str, lexicon: Lexicon) -> Pool:
    nearest = max(readings, key=lambda r: len(r.content & statement.content))
    return Pool(readings, nearest, strength, lexicon)


def _shortened(statement: Reading, readings: Sequence[Reading], lexicon: Lexicon) -> Verification | None:
    """The verdict on a statement made of a quote's words in their order; None if it is of no quote."""
    faults: list[Reason] | None = None
    for reading in readings:
        found = deletion_faults(statement, reading, lexicon) if statement.atoms else None
        if found == []:
            return Verification(Verdict.SUPPORTED, 1.0, (), _OWN_WORDS)
        faults = faults or found
    if not faults:
        return None
    changed = any(f.kind in _CONFLICTS and f.kind != "number" for f in faults)
    verdict = Verdict.CONTRADICTED if changed else Verdict.UNSUPPORTED
    return Verification(verdict, 0.0, tuple(dict.fromkeys(faults)), _REFUSED)


def _advised(statement: Reading, pool: Pool, found: Reworded) -> Verification | None:
    """The verdict on advice in other words, which a model of what things do knows little of; None of what is none."""
    side = agreement(statement, pool)
    if side == "opposite":
        reason = Reason("negation", f"advised otherwise: {pool.nearest.text}")
        return Verification(Verdict.CONTRADICTED, 0.0, (reason,), _REFUSED)
    if side == "same" and not found.vetoes:
        return Verification(Verdict.SUPPORTED, max(found.coverage, COVERED), (), _NEAR)
    return None


def _counted(found: Reworded, pool: Pool) -> Verification:
    """Refused for what the guards found, else by the share of words."""
    coverage = found.coverage
    if found.refusals:
        conflicts = coverage >= PARTLY and any(_conflicts(r, pool) for r in found.refusals)
        return Verification(Verdict.CONTRADICTED if conflicts else Verdict.UNSUPPORTED, 0.0, found.refusals, _REFUSED)
    if coverage < PARTLY:
        return Verification(Verdict.UNSUPPORTED, 0.0, (Reason("coverage", f"{coverage:.0%} of the words"),), coverage)
    if coverage < COVERED or found.replaced:
        strange = f"{found.replaced} is not the evidence's word" if found.replaced else f"{coverage:.0%} of the words"
        return Verification(Verdict.PARTIAL, coverage, (Reason("coverage", strange),), coverage / 2)
    return Verification(Verdict.SUPPORTED, coverage, (), _NEAR)


def _conflicts(reason: Reason, pool: Pool) -> bool:
    return reason.kind in _CONFLICTS and (reason.kind != "number" or bool(pool.quantities()))


def _weighed(found: Reworded, opinion: Opinion, by: str) -> Verification:
    """The verdict of a model on a statement in other words, as far as no veto stands against it."""
    vetoes = found.vetoes
    chance = min(opinion.supported, _REFUSED) if vetoes else opinion.supported
    if opinion.verdict == "contradicted":
        reason = Reason("entailment", f"contradicted by: {opinion.nearest}")
        return Verification(Verdict.CONTRADICTED, 0.0, (*vetoes, reason), chance, by)
    if vetoes:
        return Verification(Verdict.UNSUPPORTED, 0.0, vetoes, chance, by)
    if opinion.verdict == "supported" and chance >= _SUPPORTED:
        return Verification(Verdict.SUPPORTED, max(found.coverage, chance), (), chance, by)
    reason = Reason("entailment", f"nearest: {opinion.nearest}")
    if chance >= _PARTIAL:
        return Verification(Verdict.PARTIAL, found.coverage, (reason,), chance, by)
    return Verification(Verdict.UNSUPPORTED, 0.0, (reason,), chance, by)
