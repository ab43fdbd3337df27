"""Where sources differ: in what they advise, in the dose they give, in the outcome they found.

Two sentences disagree only when they speak of the same treatment in the same condition: a dose for Child-Pugh B is no
contradiction of one for Child-Pugh C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rag.answer.question import TREATMENTS, Query
from rag.answer.select import ADVISING, OUTCOMES, Candidate
from rag.domain import EvidenceType, Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance
from rag.language.quantities import Quantity

_STUDIES = frozenset({EvidenceType.SYSTEMATIC_REVIEW, EvidenceType.RCT, EvidenceType.COHORT, EvidenceType.CASE_CONTROL})
_CONDITION = frozenset({"condition"})
#: Sentences less alike than this are about different things even if they share a drug and a condition.
_ALIKE = 0.5
_MOST, _MOST_POSITIONS = 4, 4


class Conflict(NamedTuple):
    """A topic on which sources differ, with one sentence a source."""

    topic: str
    positions: tuple[Candidate, ...]


class _Topic(NamedTuple):
    aspect: str
    treatment: str
    condition: str

    @property
    def is_advice(self) -> bool:
        """What to do comes before what studies found."""
        return self.aspect in {"use of", "dose of", "recommendation on"}


def conflicts(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> list[Conflict]:
    """Disagreements among ``pool`` about what the question asks, those first that matter most for it."""
    asked = set(query.treatments or query.patient)
    relevant = [c for c in pool if _takes_sides(c) and c.speaks_of(asked)]
    topics: dict[_Topic, list[Candidate]] = {}
    for one, other in _alike(relevant):
        topic = _disagreement(one, other, lexicon)
        if topic and _concerns(topic, query, lexicon):
            positions = topics.setdefault(topic, [])
            positions += [c for c in (one, other) if c not in positions]
    ranked = sorted(topics.items(), key=lambda item: (not item[0].is_advice, -sum(_two_best(item[1])), item[0]))
    found: list[Conflict] = []
    for topic, positions in ranked:
        distinct = _one_per_source(positions)
        if not any(set(distinct) <= set(c.positions) for c in found):
            found.append(Conflict(_named(topic, query), distinct))
    return found[:_MOST]


def _takes_sides(candidate: Candidate) -> bool:
    """Whether a sentence can disagree: advice or a finding of its source's own, or one that says that others do."""
    if candidate.sentence.is_divided:
        return True
    kind = candidate.source.evidence_type
    is_side = candidate.role in ADVISING if kind.is_normative else kind in _STUDIES
    return is_side and not candidate.passage.derived


def _concerns(topic: _Topic, query: Query, lexicon: Lexicon) -> bool:
    """Whether it is about a treatment in question and a condition of this patient, where the question names them."""
    asked = query.treatments
    if asked and not any(lexicon.is_a(topic.treatment, c) or lexicon.is_a(c, topic.treatment) for c in asked):
        return False
    if not {topic.condition, *lexicon.ancestors(topic.condition)}.isdisjoint(query.absent):
        return False
    conditions = [c for c in query.patient if lexicon.kind(c) == "condition"]
    mine = {topic.condition} | lexicon.ancestors(topic.condition)
    return not conditions or any(not mine.isdisjoint({c} | lexicon.ancestors(c)) for c in conditions)


def _alike(relevant: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Pairs from different groups whose vectors are near."""
    if len(relevant) < 2:
        return []
    vectors = np.stack([c.vector for c in relevant])
    rows, columns = np.nonzero(np.triu(vectors @ vectors.T >= _ALIKE, 1))
    pairs = ((relevant[i], relevant[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True))
    return [(a, b) for a, b in pairs if a.source.key != b.source.key and not _same_group(a, b)]


def _same_group(one: Candidate, other: Candidate) -> bool:
    """Whether two papers are of the same authors and year: two analyses of one group are no disagreement."""
    mine, theirs = one.source, other.source
    return bool(mine.authors) and mine.authors[:2] == theirs.authors[:2] and mine.year == theirs.year


def _two_best(positions: Sequence[Candidate]) -> list[float]:
    return sorted((c.relevance for c in positions), reverse=True)[:2]


def _named(topic: _Topic, query: Query) -> str:
    treatment = query.names.get(topic.treatment, topic.treatment)
    condition = query.names.get(topic.condition, topic.condition)
    return f"{topic.aspect} {treatment}{f' in {condition}' if condition else ''}"


def _disagreement(one: Candidate, other: Candidate, lexicon: Lexicon) -> _Topic | None:
    kinds = {one.source.evidence_type, other.source.evidence_type}
    if one.sentence.is_divided or other.sentence.is_divided:
        declared = _declared(one, other, lexicon)
        if declared:
            return declared
    if all(k.is_normative for k in kinds) and {one.role, other.role} <= ADVISING:
        return _of_advice(one, other, lexicon)
    return _of_findings(one, other, lexicon) if kinds <= _STUDIES else None


def _declared(one: Candidate, other: Candidate, lexicon: Lexicon) -> _Topic | None:
    """A source says itself that others differ on a test."""
    measure = _shared(one, other, frozenset({"test"}), lexicon)
    return _Topic("what is said of", measure, _shared(one, other, _CONDITION, lexicon)) if measure else None


def _of_advice(one: Candidate, other: Candidate, lexicon: Lexicon) -> _Topic | None:
    """Guidelines, labels or regulators that advise for and against, or different doses, in the same patients."""
    treatment = _shared(one, other, TREATMENTS, lexicon)
    condition = _shared(one, other, _CONDITION, lexicon) if treatment and _same_population(one, other) else ""
    if not condition:
        return None
    if _silence(one, other, treatment):
        return _Topic("recommendation on", treatment, condition)
    is_opposed = _opposed_advice(one, other, treatment)
    is_dose = one.role is other.role is Role.DOSING and _other_dose(one, other)
    if not (is_opposed or is_dose) or not _same_conditions(one, other, lexicon):
        return None
    return _Topic("use of" if is_opposed else "dose of", treatment, condition)


def _of_findings(one: Candidate, other: Candidate, lexicon: Lexicon) -> _Topic | None:
    """Studies in which the same outcome went another way, in a condition that is not itself an outcome."""
    differing = _opposed_outcomes(one, other)
    treatment = _shared(one, other, TREATMENTS, lexicon) if differing and _same_population(one, other) else ""
    condition = _shared(one, other, _CONDITION, lexicon) if treatment else ""
    if not condition or any(lexicon.is_a(condition, outcome) for outcome in OUTCOMES):
        return None
    return _Topic(f"{differing} with", treatment, condition)


def _shared(one: Candidate, other: Candidate, kinds: frozenset[str], lexicon: Lexicon) -> str:
    """The most specific concept of these kinds that both speak of, itself or by a kind of it; empty for none."""
    common = one.sentence.about & other.sentence.about
    named = one.sentence.concepts | other.sentence.concepts
    usable = [c for c in common & named if lexicon.kind(c) in kinds]
    return max(sorted(usable), key=lambda c: len(lexicon.ancestors(c)), default="")


def _same_population(one: Candidate, other: Candidate) -> bool:
    """Not about different Child-Pugh classes, nor one about those whom the other leaves out."""
    mine, theirs = one.sentence, other.sentence
    if mine.child_pugh and theirs.child_pugh and not mine.child_pugh & theirs.child_pugh:
        return False
    return mine.excludes.isdisjoint(theirs.about) and theirs.excludes.isdisjoint(mine.about)


def _same_conditions(one: Candidate, other: Candidate, lexicon: Lexicon) -> bool:
    """Whether every condition that either names is one that the other names, broader or narrower.

    Naming a Child-Pugh class in common is enough: the indication may differ.
    """
    if one.sentence.child_pugh & other.sentence.child_pugh:
        return True

    def met(mine: Candidate, theirs: Candidate) -> bool:
        named = [c for c in mine.sentence.concepts if lexicon.kind(c) in {"condition", "procedure"}]
        return all(
            c in theirs.sentence.about or not lexicon.ancestors(c).isdisjoint(theirs.sentence.concepts) for c in named
        )

    return met(one, other) and met(other, one)


def _silence(one: Candidate, other: Candidate, treatment: str) -> bool:
    """Whether one body says that it makes no recommendation and another makes one."""
    stances = {one.sentence.stance_on(treatment), other.sentence.stance_on(treatment)}
    return Stance.ABSENT in stances and bool(stances & {Stance.FOR, Stance.AGAINST})


def _opposed_advice(one: Candidate, other: Candidate, treatment: str) -> bool:
    stances = {one.sentence.stance_on(treatment), other.sentence.stance_on(treatment)}
    return Stance.AGAINST in stances and bool(stances & {Stance.FOR, Stance.CONDITIONAL})


def _other_dose(one: Candidate, other: Candidate) -> bool:
    """Whether both give a dose by weight in the same unit and none of the doses meet."""
    mine, theirs = _doses(one), _doses(other)
    shared = {q.unit for q in mine} & {q.unit for q in theirs}
    return bool(shared) and not any(
        a.low <= b.high and b.low <= a.high for a in mine for b in theirs if a.unit == b.unit and a.unit in shared
    )


def _doses(candidate: Candidate) -> list[Quantity]:
    return [q for q in candidate.sentence.quantities if "/kg" in q.unit]


def _opposed_outcomes(one: Candidate, other: Candidate) -> str | None:
    """The outcome that went another way, in words."""
    mine, theirs = one.sentence.outcomes, other.sentence.outcomes
    return next((outcome for outcome in mine if outcome in theirs and mine[outcome] != theirs[outcome]), None)


def _one_per_source(positions: Sequence[Candidate]) -> tuple[Candidate, ...]:
    by_source: dict[str, Candidate] = {}
    for candidate in sorted(positions, key=lambda c: (-c.relevance, c.place)):
        by_source.setdefault(candidate.source.key, candidate)
    return tuple(list(by_source.values())[:_MOST_POSITIONS])
