"""From candidate sentences to the plan of an article: bottom line, sections by role, headings.

Extractive and deterministic: sentences are chosen and ordered, never changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.claims import Claim, is_novel, with_support
from rag.answer.doses import gives_dose
from rag.answer.headings import heading, is_held_back
from rag.answer.question import Intent, Query
from rag.answer.select import OUTCOMES, SEXES, Candidate
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

#: Roles whose sentences answer each kind of question; any role answers the other kinds.
_ANSWERING: dict[Intent, frozenset[Role]] = {
    Intent.DECISION: frozenset({Role.ACTION, Role.EXCEPTION}),
    Intent.DOSE: frozenset({Role.DOSING}),
    Intent.MONITORING: frozenset({Role.MONITORING}),
    Intent.DIAGNOSIS: frozenset({Role.DIAGNOSIS}),
    Intent.TIMING: frozenset({Role.ACTION, Role.DOSING, Role.MONITORING}),
    Intent.PROGNOSIS: frozenset({Role.PROGNOSIS}),
    Intent.MECHANISM: frozenset({Role.MECHANISM}),
    Intent.EVIDENCE: frozenset({Role.PROGNOSIS, Role.BACKGROUND}),
    Intent.CHOICE: frozenset({Role.ACTION}),
    Intent.MANAGEMENT: frozenset({Role.ACTION}),
    Intent.DEFINITION: frozenset({Role.BACKGROUND, Role.DIAGNOSIS, Role.MECHANISM}),
}
#: Kinds of question that only sentences of their role answer.
_ROLE_LEADS = frozenset({Intent.EVIDENCE, Intent.MECHANISM})
_NOT_FIRST = frozenset({"adjunct", "rescue", "not_first"})
_PLACES = frozenset({"first", "not_first", "adjunct"})
#: So many pieces of advice are heard for a decision.
_HEARD = 8
#: Roles that report or warn rather than advise.
_REPORTING = frozenset({Role.PROGNOSIS, Role.PITFALL, Role.MECHANISM, Role.DIAGNOSIS})
#: Kinds of question about what to do: they want advice, from those whose office it is to give it.
_ADVICE_SOUGHT = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE})
#: Added to or taken from a sentence's relevance. Found by coordinate search on the development table of answerable
#: questions (nDCG@4 of the sentences that a right answer shows), then rounded.
_ROLE, _ADVICE_ROLE, _FOCUS, _ADVICE, _NORM, _MAIN, _OTHER, _COVER = 0.04, 0.10, 0.02, 0.05, 0.05, 0.09, 0.03, 0.10
_WARNING, _DERIVED, _OTHER_SEX = 0.15, 0.03, 0.15
_PER_RANK = 0.005
_DURATIONS = frozenset({"s", "min", "h", "day", "week", "month", "year"})
_FOREIGN = 0.04
#: Sentences below this share of the best one of their section, or below the floor, are left out.
_KEEP, _FLOOR = 0.5, 0.24
_SECOND = 0.75
_SOME_FOREIGN = 0.34
#: So many sentences on the main condition itself make it needless to look at broader ones.
_ENOUGH = 5
#: Kinds of question that ask for an explanation; elsewhere only the mechanism of a treatment in question matters.
_EXPLAINED = frozenset({Intent.MECHANISM, Intent.DEFINITION})
#: Kinds of question for which it matters whether the condition is there at all.
_DIAGNOSTIC = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.DIAGNOSIS, Intent.DEFINITION, Intent.OTHER})
#: Sections that go first when there are too many.
_SPARE = frozenset({Role.PROGNOSIS, Role.BACKGROUND})
_MOST_IN_SECTION, _MOST_SECTIONS, _MOST_FOR_FACTOID = 4, 8, 4
_MOST_IN = {Role.ACTION: 6, Role.BACKGROUND: 3, Role.PROGNOSIS: 3, Role.MECHANISM: 3}
_FACTOID = frozenset({Intent.DOSE, Intent.DEFINITION, Intent.MECHANISM, Intent.TIMING})


_NEXT_STEP = re.compile(r"\bnext steps?\b|\bwhat(?:'s| is) next\b|\bcomes next\b|work-?up", re.IGNORECASE)


class PlannedSection(NamedTuple):
    heading: str
    role: Role
    claims: tuple[Claim, ...]


class Plan(NamedTuple):
    """``decision`` is what the evidence says about the treatment asked about, None when none was; ``pool`` are
    the sentences that are about this patient, shown or not; ``main`` is the condition that they are mostly about."""

    bottom_line: tuple[Claim, ...]
    sections: tuple[PlannedSection, ...]
    decision: Stance | None
    pool: tuple[Candidate, ...]
    main: str | None

    def shown(self) -> list[Candidate]:
        claims = [*self.bottom_line, *(c for s in self.sections for c in s.claims)]
        return [claim.lead for claim in claims]


def plan(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> Plan:
    """The article for ``query`` from ``pool``, which is sorted by relevance."""
    return _Composer(query, pool, lexicon).plan()


class _Composer:
    def __init__(self, query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> None:
        self.query = query
        self.lexicon = lexicon
        self.main = main_condition(query, pool, lexicon)
        self.subject = subject(self.main, pool, lexicon)
        self.answering_roles = answering_roles(query)
        self.conditions = [c for c in query.patient if lexicon.kind(c) == "condition" and c not in OUTCOMES]
        self.barred = frozenset(query.concepts).union(*(lexicon.ancestors(c) for c in query.patient))
        # A finding in those without the patient's condition says nothing about this patient; a warning about it does.
        self.pool = [
            c for c in pool
            if (c.role is Role.PITFALL or c.sentence.excludes.isdisjoint(self.barred)) and not self._is_about_absent(c)
        ]  # fmt: skip
        self.decision = self._decision()

    def _is_about_absent(self, candidate: Candidate) -> bool:
        """Advice for a condition that the question rules out: a dose in liver disease where the liver is normal."""
        if candidate.role not in {Role.ACTION, Role.DOSING, Role.EXCEPTION}:
            return False
        absent = [c for c in self.query.absent if candidate.speaks_of((c,))]
        return bool(absent) and candidate.sentence.excludes.isdisjoint(absent)

    def plan(self) -> Plan:
        if not self.pool:
            return Plan((), (), None, (), self.main)
        bottom = self._bottom_line()
        on_topic = tuple(c for c in self.pool if self._is_on_topic(c))
        return Plan(tuple(bottom), tuple(self._sections(bottom)), self.decision, on_topic, self.main)

    def _decision(self) -> Stance | None:
        """Stance of the best advice on the treatments asked about; None when there is none or guidelines are divided.

        Advice for an adjunct or a rescue is conditional, whatever its verb.
        """
        advice = [c for c in self.pool if c.speaks_of(self.query.focus) and c.role not in _REPORTING]
        stances: list[tuple[Stance, bool]] = []
        for candidate in sorted(advice, key=lambda c: -self.answering(c))[:_HEARD]:
            sentence = candidate.sentence
            found = Stance.CONDITIONAL if sentence.line in _NOT_FIRST else sentence.stance
            if found is not Stance.NEUTRAL:
                stances.append((found, sentence.source.evidence_type.is_normative))
        normative = {found for found, is_norm in stances if is_norm}
        is_divided = Stance.FOR in normative and bool(normative & {Stance.ABSENT, Stance.AGAINST})
        return stances[0][0] if stances and not is_divided else None

    def _bottom_line(self) -> list[Claim]:
        """What answers the question: the best sentence, another that adds to it, a warning for this patient."""
        scored = sorted(((self.answering(c), c) for c in self.pool), key=lambda p: (-p[0], p[1].record.row))
        best, first = scored[0]
        seconds = [
            c for score, c in scored[1:] if score >= _SECOND * best and is_novel(c, [first]) and self._adds(c, first)
        ]
        # Of several sides of a decision, the one that gives the treatment its place says most.
        is_decision = self.query.intent is Intent.DECISION
        placing = [c for c in seconds if c.sentence.line in _PLACES and c.role not in _REPORTING] if is_decision else []
        chosen = [first, *(placing or seconds)[:1]]
        if self.query.intent is Intent.DECISION:
            chosen.sort(key=lambda c: c.role in _REPORTING)  # advice before what explains it
            chosen += [c for c in self._warnings() if is_novel(c, chosen)][:1]
        return with_support(chosen, self.pool)

    def _adds(self, candidate: Candidate, first: Candidate) -> bool:
        """For a decision, another side of it for this patient: another stance or line of therapy."""
        if self.query.intent is not Intent.DECISION:
            return True
        if self.query.focus and not candidate.speaks_of(self.query.focus):
            return False
        if any(self.lexicon.kind(c) == "condition" for c in candidate.strange):
            return False
        one, other = candidate.sentence, first.sentence
        return (one.stance, one.line) != (other.stance, other.line)

    def _warnings(self) -> list[Candidate]:
        """Warnings on the treatment asked about that name a condition of this patient, boxed ones first."""
        query = self.query
        found = [
            c for c in self.pool
            if c.role is Role.PITFALL and c.speaks_of(query.focus) and c.speaks_of(query.patient)
        ]  # fmt: skip
        return sorted(found, key=lambda c: (not c.sentence.is_boxed, -c.relevance))

    def answering(self, candidate: Candidate) -> float:
        """How well a sentence answers the question on its own."""
        query, sentence = self.query, candidate.sentence
        score = candidate.relevance - _PER_RANK * sentence.evidence_rank - _FOREIGN * candidate.foreign
        seeks_advice = query.intent in _ADVICE_SOUGHT
        if candidate.role in self.answering_roles:
            score += _ADVICE_ROLE if seeks_advice or query.intent in _ROLE_LEADS else _ROLE
        if seeks_advice:
            score += _NORM if sentence.source.evidence_type.is_normative else 0.0
            score += _COVER * self._patient_share(candidate)
            score -= _OTHER * min(2, sum(self.lexicon.kind(c) == "condition" for c in candidate.strange))
        if self.main and candidate.speaks_of(self.subject):
            score += _MAIN
        if not sentence.excludes.isdisjoint(query.absent):
            score += _ADVICE_ROLE
        if self._is_of_other_sex(candidate):
            score -= _OTHER_SEX
        if self._restricts(candidate):
            score += _ADVICE_ROLE
        if query.intent is Intent.DOSE and gives_dose(candidate, query.focus, self.lexicon):
            score += _ADVICE_ROLE
        if query.intent is Intent.TIMING and any(q.unit in _DURATIONS for q in sentence.quantities):
            score += _ROLE
        if candidate.passage.derived:
            score -= _DERIVED  # what a source says comes before what was concluded from it
        if query.focus and candidate.speaks_of(query.focus):
            score += _FOCUS
            if query.intent is Intent.DECISION and (sentence.stance is not Stance.NEUTRAL or sentence.line):
                score += _ADVICE + (_NORM if sentence.line else 0.0)
                is_silence = candidate.role is Role.BACKGROUND and sentence.stance is Stance.ABSENT
                score += _ADVICE_ROLE if is_silence else 0.0
        return score

    def _patient_share(self, candidate: Candidate) -> float:
        """Share of the patient's conditions that a sentence names, itself, by a kind of it or by the next broader."""
        asked = [*self.conditions, *(c for c in self.query.patient if c in SEXES)]
        return sum(self._meets(c, candidate) for c in asked) / len(asked) if asked else 0.0

    def _is_of_other_sex(self, candidate: Candidate) -> bool:
        """Whether a sentence is about men alone where the patient is a woman, or the other way round."""
        mine, theirs = SEXES & set(self.query.patient), SEXES & candidate.sentence.concepts
        return bool(mine and theirs) and mine.isdisjoint(theirs)

    def _sections(self, bottom: Sequence[Claim]) -> list[PlannedSection]:
        shown = [c for claim in bottom for c in claim.members]
        by_role: dict[Role, list[Candidate]] = {}
        for candidate in self.pool:
            role = self._place(candidate)
            if role and candidate not in shown and self._is_on_topic(candidate):
                by_role.setdefault(role, []).append(candidate)
        sections = []
        for role in Role:
            mine = by_role.get(role, [])
            if role is Role.PITFALL:
                mine = [*mine, *(c for c in self._warnings_on(shown) if c not in mine)]
            claims = self._claims(role, mine, shown)
            if claims:
                shown += [c for claim in claims for c in claim.members]
                leads = [claim.lead for claim in claims]
                title = heading(role, self.query, self.main, leads, self.decision)
                sections.append(PlannedSection(title, role, tuple(claims)))
        most = _MOST_FOR_FACTOID if self.query.intent in _FACTOID else _MOST_SECTIONS
        best = sorted(sections, key=lambda s: (s.role in _SPARE, -max(self.fit(c.lead, s.role) for c in s.claims)))[
            :most
        ]
        return [s for s in sections if s in best]

    def _warnings_on(self, shown: Sequence[Candidate]) -> list[Candidate]:
        """Boxed warnings on treatments that the article proposes, where they name a condition of this patient."""
        proposed = {
            c for s in shown if s.role in {Role.ACTION, Role.EXCEPTION, Role.DOSING}
            for c in s.sentence.concepts if self.lexicon.kind(c) == "drug"
        }  # fmt: skip
        return [
            c for c in self.pool
            if c.sentence.is_boxed and c not in shown and c.speaks_of(proposed)
            and any(self._meets(condition, c) for condition in self.conditions)
        ]  # fmt: skip

    def _is_on_topic(self, candidate: Candidate) -> bool:
        """About the patient's main condition, or about a treatment in question and no other condition."""
        treatments = (*self.query.focus, *self.query.current)
        if not self.main and not treatments:
            return candidate.relevance >= _KEEP * self.pool[0].relevance
        if self.main and candidate.speaks_of(self.subject):
            return True
        if candidate.sentence.is_boxed and candidate.speaks_of(self.query.focus):
            return True
        if self._restricts(candidate):
            return True
        if not self.query.patient:
            return candidate.speaks_of(treatments)
        return candidate.foreign < _SOME_FOREIGN and candidate.speaks_of((*treatments, *self.conditions))

    def _restricts(self, candidate: Candidate) -> bool:
        """Whether a guideline, label or regulator speaks against a treatment in question in this patient."""
        sentence = candidate.sentence
        if not sentence.source.evidence_type.is_normative or not candidate.speaks_of(self.query.focus):
            return False
        if not any(Stance.AGAINST in sentence.stances_on(c) for c in self.query.focus):
            return False
        return any(self._meets(c, candidate) for c in self.conditions)

    def _meets(self, condition: str, candidate: Candidate) -> bool:
        """Whether a sentence names a condition: itself, by a kind of it, or by the next broader one."""
        sentence = candidate.sentence
        return condition in sentence.about or not sentence.concepts.isdisjoint(self.lexicon.parents(condition))

    def _place(self, candidate: Candidate) -> Role | None:
        """The section a sentence belongs to. About a treatment in question, evidence and warnings are reasons."""
        query = self.query
        if candidate.role is Role.DIAGNOSIS and query.intent not in _DIAGNOSTIC:
            return None
        treatments = (*query.focus, *query.current)
        if candidate.role is Role.MECHANISM and query.intent not in _EXPLAINED and not candidate.speaks_of(treatments):
            return None
        if query.intent is not Intent.DECISION or not query.focus:
            return candidate.role
        if not candidate.speaks_of(query.focus):
            aside = {Role.MECHANISM: None, Role.BACKGROUND: None, Role.EXCEPTION: Role.PITFALL}
            return aside.get(candidate.role, candidate.role)
        if candidate.role in {Role.PITFALL, Role.PROGNOSIS, Role.BACKGROUND}:
            return Role.RATIONALE
        if candidate.role in {Role.ACTION, Role.DOSING} and is_held_back(self.decision) and query.current:
            return Role.EXCEPTION
        return candidate.role

    def _claims(self, role: Role, candidates: Sequence[Candidate], shown: Sequence[Candidate]) -> list[Claim]:
        scored = sorted(((self.fit(c, role), c) for c in candidates), key=lambda p: (-p[0], p[1].record.row))
        most = _MOST_IN.get(role, _MOST_IN_SECTION)
        kept: list[Candidate] = []
        for score, candidate in scored:
            if len(kept) == most or score < max(_KEEP * scored[0][0], _FLOOR):
                break
            if is_novel(candidate, [*shown, *kept]):
                kept.append(candidate)
        return with_support(kept, candidates)

    def fit(self, candidate: Candidate, role: Role) -> float:
        """How much a sentence adds to its section: relevance, the patient's own treatments and conditions, warnings."""
        query, sentence = self.query, candidate.sentence
        score = candidate.relevance - _PER_RANK * sentence.evidence_rank
        if not sentence.is_warning:
            score -= _FOREIGN * candidate.foreign
        if role is Role.ACTION and (candidate.passage.strength or "").startswith("strong"):
            score += 2 * _NORM
        if query.current and candidate.speaks_of(query.current) and role not in {Role.RATIONALE, Role.EXCEPTION}:
            score += _FOCUS
        if self.main and candidate.speaks_of(self.subject):
            score += _MAIN
        if candidate.speaks_of(c for c in query.patient if c != self.main):
            score += _MAIN
        if sentence.is_warning and role in {Role.RATIONALE, Role.PITFALL}:
            score += 2 * _WARNING if sentence.is_boxed else _WARNING / 2
        return score


def main_condition(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> str | None:
    """The patient's condition of which most of the best sentences speak, with the treatment in question if any does."""
    conditions = [c for c in query.patient if lexicon.kind(c) in {"condition", "term"}]
    specific = [c for c in conditions if not any(c in lexicon.ancestors(o) for o in conditions)]
    treatments = (*query.focus, *query.current)
    top = pool[:40]
    both = {c: sum(s.speaks_of((c,)) and s.speaks_of(treatments) for s in top) for c in specific}
    alone = {c: sum(s.speaks_of((c,)) for s in top) for c in specific}
    return max(specific, key=lambda c: (both[c], alone[c]), default=None)


def subject(main: str | None, pool: Sequence[Candidate], lexicon: Lexicon) -> tuple[str, ...]:
    """The main condition, with the next broader ones where few sentences name it itself."""
    if main is None:
        return ()
    named = sum(c.speaks_of((main,)) for c in pool)
    return (main,) if named >= _ENOUGH else (main, *lexicon.parents(main))


def answering_roles(query: Query) -> frozenset[Role]:
    """Roles whose sentences answer the question. How to manage a drug is how to dose and monitor it."""
    roles = _ANSWERING.get(query.intent, frozenset())
    if query.intent is Intent.MANAGEMENT and (query.focus or query.current):
        roles |= {Role.DOSING, Role.EXCEPTION} if query.patient else {Role.DOSING, Role.MONITORING}
    if _NEXT_STEP.search(query.text):
        roles |= {Role.DIAGNOSIS}
    return roles
