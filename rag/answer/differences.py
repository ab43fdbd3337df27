"""In what two sentences of different sources differ: advice, a dose, an outcome, a rate, whether something matters.

They differ only where they speak of the same treatment, test or outcome in the same patients: a dose for Child-Pugh B
is no contradiction of one for Child-Pugh C.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from rag.answer.question import Query
from rag.answer.select import ADVISING, OUTCOMES
from rag.answer.sides import Side
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance
from rag.language.quantities import Quantity

_ADVICE = frozenset({"use of", "dose of", "highest dose of", "start of", "recommendation on"})
#: Of which Child-Pugh classes are grades, however it is called.
_LIVER = "hepatic impairment"
#: Rates of which the higher is so many times the lower are different; nearer ones are within what studies vary.
_OTHER_RATE = 1.5


class Topic(NamedTuple):
    """What two sentences differ about: an aspect of a treatment or outcome, in the condition that both name, if any, or
    in two conditions of which each names one.
    """

    aspect: str
    treatment: str
    conditions: tuple[str, ...]

    @property
    def is_advice(self) -> bool:
        """What to do comes before what studies found."""
        return self.aspect in _ADVICE


class Differences:
    """Compares sentences for one question."""

    def __init__(self, query: Query, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._patient = [c for c in query.patient if lexicon.kind(c) == "condition" and c not in OUTCOMES]

    def topic(self, one: Side, other: Side) -> Topic | None:
        """In what they differ, if they do."""
        if one.sentence.is_divided or other.sentence.is_divided:
            declared = self._declared(one, other)
            if declared:
                return declared
        if one.treatments.isdisjoint(other.treatments):
            return self._of_rates(one, other) if one.rates and other.rates else None
        if one.is_normative and other.is_normative:
            spoken = one.spoken | other.spoken
            if Stance.ABSENT in spoken and (silence := self._of_silence(one, other)):
                return silence
            return self._of_advice(one, other) if {one.role, other.role} <= ADVISING else None
        return self._of_findings(one, other) if one.is_study and other.is_study else None

    def _declared(self, one: Side, other: Side) -> Topic | None:
        """A source says itself that others differ on a test, or on one of two conditions that both speak of."""
        condition = self._shared(one, other, one.conditions & other.conditions)
        measure = self._shared(one, other, one.tests & other.tests)
        if not measure and one.treatments.isdisjoint(other.treatments):
            measure = self._shared(one, other, self._besides(condition, one, other))
        return Topic("what is said of", measure, _of(condition)) if measure else None

    def _besides(self, condition: str, one: Side, other: Side) -> frozenset[str]:
        """Conditions that both name besides the one that both are about."""
        is_a = self._lexicon.is_a
        both = one.sentence.concepts & other.sentence.concepts & one.conditions & other.conditions
        return frozenset(c for c in both if c not in OUTCOMES and not is_a(c, condition) and not is_a(condition, c))

    def _of_silence(self, one: Side, other: Side) -> Topic | None:
        """One body says that it makes no recommendation, and another makes one or covers the matter."""
        treatment, condition = self._matter(one, other)
        if not treatment or not condition or not _same_population(one, other):
            return None
        for silent, spoken in ((one, other), (other, one)):
            said = spoken.stances_on(treatment)
            is_silent = Stance.ABSENT in silent.stances_on(treatment) and Stance.ABSENT not in said
            if is_silent and silent.sentence.source.issuing_body != spoken.sentence.source.issuing_body:
                is_advice = spoken.role in ADVISING and not said.isdisjoint({Stance.FOR, Stance.AGAINST})
                is_covered = spoken.covers and said <= {Stance.NEUTRAL}
                return Topic("recommendation on", treatment, (condition,)) if is_advice or is_covered else None
        return None

    def _of_advice(self, one: Side, other: Side) -> Topic | None:
        """Guidelines, labels or regulators that advise for and against, or different doses, in the same patients; or
        for and against in two conditions that this patient has.
        """
        if not _same_population(one, other):
            return None
        treatment, condition = self._matter(one, other)
        condition = "" if condition in OUTCOMES else condition
        if Stance.AGAINST in one.spoken | other.spoken:
            for drug in self._all_shared(one, other, one.treatments & other.treatments):
                topic = self._of_opposed(one, other, drug, condition)
                if topic:
                    return topic
        drugs = [c for c in one.sentence.concepts & other.sentence.concepts if self._lexicon.kind(c) == "drug"]
        started = next((d for d in sorted(drugs) if _is_started_otherwise(one, other, d)), "")
        if started and condition:
            return Topic("start of", started, (condition,))
        is_dose = one.role is other.role is Role.DOSING and _other_dose(one, other)
        is_beyond = bool(one.highest & other.beyond or other.highest & one.beyond)
        if not condition or not (is_dose or is_beyond) or not self._same_conditions(one, other):
            return None
        return Topic("dose of" if is_dose else "highest dose of", treatment, (condition,))

    def _of_opposed(self, one: Side, other: Side, treatment: str, condition: str) -> Topic | None:
        against = _opposing(one, other, treatment)
        if against is None:
            return None
        favoured = other if against is one else one
        # What is barred in cirrhosis is barred in cirrhosis with thrombosis; the other way it is an exception.
        if condition and self._is_barred(against, favoured):
            return Topic("use of", treatment, (condition,))
        both = self._apart(one, other)
        return Topic("use of", treatment, both) if both else None

    def _is_barred(self, against: Side, favoured: Side) -> bool:
        """Whether what the one bars is what the other is for."""
        required, alternatives = against.barred
        concepts = favoured.sentence.concepts
        if _same_class(against, favoured):
            required = frozenset(c for c in required if not self._lexicon.is_a(c, _LIVER))
            return self._covers(concepts, required)
        is_met = not alternatives or any(self._covers(concepts, (c,)) for c in alternatives)
        return is_met and self._covers(concepts, required)

    def _apart(self, one: Side, other: Side) -> tuple[str, str] | None:
        """Two conditions of this patient, kinds of one, of which each sentence speaks of one and not of the other."""
        mine = [c for c in self._patient if c in one.conditions and c not in other.conditions]
        theirs = [c for c in self._patient if c in other.conditions and c not in one.conditions]
        parents = self._lexicon.parents
        pairs = ((a, b) for a in mine for b in theirs if not set(parents(a)).isdisjoint(parents(b)))
        return next(pairs, None)

    def _of_findings(self, one: Side, other: Side) -> Topic | None:
        """Studies in which the same outcome went another way or had another rate, or a factor mattered or did not."""
        if not _same_population(one, other):
            return None
        treatment, condition = self._matter(one, other)
        is_opposed = (one.is_related and other.is_unrelated) or (one.is_unrelated and other.is_related)
        if is_opposed and one.bearing & other.bearing:
            factor = self._shared(one, other, one.tests & other.tests) or condition
            if factor:
                return Topic(f"effect of {factor} on", treatment, ())
        differing = next((o for o, way in one.outcomes.items() if other.outcomes.get(o, way) != way), None)
        if not differing and {one.effect, other.effect} == {True, False}:
            differing = "effect"
        if differing and treatment and condition and not self._is_outcome(condition):
            return Topic(f"{differing} with", treatment, (condition,))
        return self._of_rates(one, other) if one.rates and other.rates else None

    def _is_outcome(self, condition: str) -> bool:
        """Whether a condition is what studies count rather than what their patients have."""
        return condition not in self._patient and any(self._lexicon.is_a(condition, o) for o in OUTCOMES)

    def _of_rates(self, one: Side, other: Side) -> Topic | None:
        """The same outcome in the same patients, with the same treatment where one is named."""
        treatment, condition = self._matter(one, other)
        firsts = (one.first_treatment, other.first_treatment)
        if any(bool(first) != bool(treatment) or not self._lexicon.is_a(first, treatment) for first in firsts):
            return None
        if not condition or self._is_outcome(condition) or not _same_population(one, other):
            return None
        for outcome, rate in one.rates.items():
            theirs = other.rates.get(outcome)
            if theirs and outcome != condition and _is_other_rate(rate, theirs):
                mine, others = (
                    {c for c in s.people if not self._lexicon.is_a(c, treatment)} for s in (one, other)
                )  # fmt: skip
                if self._covers(mine, others) and self._covers(others, mine):
                    return Topic(f"rate of {outcome}{' with' if treatment else ''}", treatment, (condition,))
        return None

    def _matter(self, one: Side, other: Side) -> tuple[str, str]:
        """The treatment and the condition that both are about; empty for none."""
        treatments, conditions = one.treatments & other.treatments, one.conditions & other.conditions
        return self._shared(one, other, treatments), self._shared(one, other, conditions)

    def _shared(self, one: Side, other: Side, common: Iterable[str]) -> str:
        """The most specific of ``common`` that either names; empty for none."""
        return next(iter(self._all_shared(one, other, common)), "")

    def _all_shared(self, one: Side, other: Side, common: Iterable[str]) -> list[str]:
        """Those of ``common`` that either names, the most specific first."""
        named = one.sentence.concepts | other.sentence.concepts
        usable = [c for c in common if c in named]
        return sorted(usable, key=lambda c: (-len(self._lexicon.ancestors(c)), c)) if len(usable) > 1 else usable

    def _same_conditions(self, one: Side, other: Side) -> bool:
        """Whether every condition that either names is one that the other names, broader or narrower.

        Naming a Child-Pugh class in common is enough: the indication may differ.
        """
        if _same_class(one, other):
            return True
        concepts = one.sentence.concepts, other.sentence.concepts
        return self._covers(concepts[1], one.named) and self._covers(concepts[0], other.named)

    def _covers(self, concepts: Collection[str], named: Iterable[str]) -> bool:
        """Whether each of ``named`` is broader or narrower than one of ``concepts``."""
        is_a = self._lexicon.is_a
        return all(any(is_a(c, mine) or is_a(mine, c) for c in concepts) for mine in named)


def _of(condition: str) -> tuple[str, ...]:
    return (condition,) if condition else ()


def _same_class(one: Side, other: Side) -> bool:
    return not one.sentence.child_pugh.isdisjoint(other.sentence.child_pugh)


def _same_population(one: Side, other: Side) -> bool:
    """Not about different Child-Pugh classes, nor one about those whom the other leaves out."""
    mine, theirs = one.sentence.child_pugh, other.sentence.child_pugh
    if mine and theirs and not mine & theirs:
        return False
    return one.excluded.isdisjoint(other.conditions) and other.excluded.isdisjoint(one.conditions)


def _opposing(one: Side, other: Side, treatment: str) -> Side | None:
    """The one that advises against a treatment where the other is for it; one that says that others differ does both.

    "Not routinely, but an option with bleeding" and "only with bleeding" are one.
    """
    for mine, theirs in ((one, other), (other, one)):
        if mine.is_for_now:
            continue  # "not until the platelets have recovered" and how to start it then are one
        favourable = theirs.stances_on(treatment) & {Stance.FOR, Stance.CONDITIONAL}
        is_same = Stance.CONDITIONAL in mine.spoken and Stance.FOR not in favourable
        if favourable and not is_same and Stance.AGAINST in mine.stances_on(treatment):
            return mine
    return None


def _is_started_otherwise(one: Side, other: Side, treatment: str) -> bool:
    """Whether both tell how a drug is started, one at what dose it is at most and the other without saying so."""
    sides = (one, other)
    if any(s.role is not Role.DOSING or not s.starts(treatment) for s in sides):
        return False
    most = [{(q.low, q.unit) for q in s.sentence.quantities if q.comparator == "<=" and q.unit == "mg"} for s in sides]
    return bool(most[0]) != bool(most[1])


def _other_dose(one: Side, other: Side) -> bool:
    """Whether both give a dose by weight in the same unit and none of the doses meet."""
    shared = {q.unit for q in one.doses} & {q.unit for q in other.doses}
    return bool(shared) and not any(
        a.low <= b.high and b.low <= a.high
        for a in one.doses
        for b in other.doses
        if a.unit == b.unit and a.unit in shared
    )


def _is_other_rate(one: Quantity, other: Quantity) -> bool:
    if one.unit != other.unit or not one.low or not other.low:
        return False
    low, high = sorted((one, other), key=lambda q: q.high)
    return float(high.low) >= _OTHER_RATE * float(low.high)
