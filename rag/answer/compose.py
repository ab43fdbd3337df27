"""From candidate sentences to the plan of an article: bottom line, sections by role, headings.

Extractive and deterministic: sentences are chosen and ordered, never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.claims import Claim, is_novel, merged
from rag.answer.headings import heading
from rag.answer.question import Intent, Query
from rag.answer.select import Candidate
from rag.domain import EvidenceType, Role
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
    Intent.CHOICE: frozenset({Role.ACTION, Role.EXCEPTION}),
    Intent.MANAGEMENT: frozenset({Role.ACTION, Role.EXCEPTION}),
    Intent.DEFINITION: frozenset({Role.BACKGROUND, Role.DIAGNOSIS, Role.MECHANISM}),
}
_NORMATIVE = frozenset({EvidenceType.GUIDELINE, EvidenceType.DRUG_LABEL, EvidenceType.REGULATOR})
#: Roles that report or warn rather than advise.
_REPORTING = frozenset({Role.PROGNOSIS, Role.PITFALL, Role.MECHANISM, Role.DIAGNOSIS})
_WEIGHING = frozenset({Intent.DECISION, Intent.EVIDENCE})
_ROLE, _FOCUS, _ADVICE, _NORM, _WARNING, _MAIN = 0.10, 0.08, 0.10, 0.05, 0.15, 0.06
_PER_RANK = 0.01
_DURATIONS = frozenset({"s", "min", "h", "day", "week", "month", "year"})
_FOREIGN = 0.1
#: Sentences below this share of the best one of their section, or below the floor, are left out.
_KEEP, _FLOOR = 0.5, 0.24
_SECOND = 0.82
_SOME_FOREIGN = 0.34
#: Sections that go first when there are too many.
_SPARE = frozenset({Role.PROGNOSIS, Role.BACKGROUND})
_MOST_IN_SECTION, _MOST_IN_BACKGROUND, _MOST_SECTIONS, _MOST_FOR_FACTOID = 4, 3, 8, 4
_FACTOID = frozenset({Intent.DOSE, Intent.DEFINITION, Intent.MECHANISM, Intent.TIMING})


class PlannedSection(NamedTuple):
    heading: str
    role: Role
    claims: tuple[Claim, ...]


class Plan(NamedTuple):
    """``decision`` is what the evidence says about the treatment asked about, None when none was."""

    bottom_line: tuple[Claim, ...]
    sections: tuple[PlannedSection, ...]
    decision: Stance | None

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
        self.barred = frozenset(query.concepts).union(*(lexicon.ancestors(c) for c in query.patient))
        # A finding in those without the patient's condition says nothing about this patient; a warning about it does.
        self.pool = [c for c in pool if c.role is Role.PITFALL or c.sentence.excludes.isdisjoint(self.barred)]
        self.decision = self._decision()

    def plan(self) -> Plan:
        if not self.pool:
            return Plan((), (), None)
        bottom = self._bottom_line()
        return Plan(tuple(bottom), tuple(self._sections(bottom)), self.decision)

    def _decision(self) -> Stance | None:
        """Stance of the most relevant advice on the treatments asked about; advice for an adjunct is conditional."""
        for candidate in sorted(self.pool, key=lambda c: -self.answering(c)):
            if candidate.speaks_of(self.query.focus) and candidate.role not in _REPORTING:
                if candidate.sentence.line in {"adjunct", "rescue", "not_first"}:
                    return Stance.CONDITIONAL
                if candidate.sentence.stance is not Stance.NEUTRAL:
                    return candidate.sentence.stance
        return None

    def _bottom_line(self) -> list[Claim]:
        """What answers the question: the best sentence, another that adds to it, a warning for this patient."""
        scored = sorted(((self.answering(c), c) for c in self.pool), key=lambda p: (-p[0], p[1].record.row))
        first = scored[0][1]
        chosen = [first]
        for score, candidate in scored[1:]:
            if score >= _SECOND * scored[0][0] and is_novel(candidate, chosen) and self._adds(candidate, first):
                chosen.append(candidate)
                break
        if self.query.intent is Intent.DECISION:
            chosen = sorted(chosen, key=lambda c: c.sentence.evidence_rank)  # what guidelines say stands first
            chosen += [c for c in self._warnings() if is_novel(c, chosen)][:1]
        return merged([*chosen, *(c for c in self.pool if c not in chosen)])[: len(chosen)]

    def _adds(self, candidate: Candidate, first: Candidate) -> bool:
        """For a decision, another side of it: another stance or line of therapy."""
        if self.query.intent is not Intent.DECISION:
            return True
        one, other = candidate.sentence, first.sentence
        return (one.stance, one.line) != (other.stance, other.line)

    def _warnings(self) -> list[Candidate]:
        """Warnings on the treatment asked about that name a condition of this patient, boxed ones first."""
        query = self.query
        found = [
            c for c in self.pool
            if c.role is Role.PITFALL and c.speaks_of(query.focus) and c.speaks_of(query.patient)
        ]  # fmt: skip
        return sorted(found, key=lambda c: ("boxed" not in (c.passage.strength or ""), -c.relevance))

    def answering(self, candidate: Candidate) -> float:
        """How well a sentence answers the question on its own."""
        query, sentence = self.query, candidate.sentence
        score = candidate.relevance - _PER_RANK * sentence.evidence_rank - _FOREIGN * candidate.foreign
        if candidate.role in _ANSWERING.get(query.intent, frozenset()):
            score += _ROLE
        if self.main and candidate.speaks_of((self.main,)):
            score += _MAIN
        if not sentence.excludes.isdisjoint(query.absent):
            score += _ROLE
        if query.intent is Intent.TIMING and any(q.unit in _DURATIONS for q in sentence.quantities):
            score += _ROLE
        if candidate.passage.derived:
            score -= _NORM  # what a source says comes before what was concluded from it
        if query.focus and candidate.speaks_of(query.focus):
            score += _FOCUS
            if query.intent is Intent.DECISION and (sentence.stance is not Stance.NEUTRAL or sentence.line):
                score += _ADVICE + (_NORM if sentence.source.evidence_type in _NORMATIVE else 0.0)
                score += _NORM if sentence.line else 0.0
                score += _ROLE if candidate.role is Role.BACKGROUND and sentence.stance is Stance.ABSENT else 0.0
        return score

    def _sections(self, bottom: Sequence[Claim]) -> list[PlannedSection]:
        shown = [c for claim in bottom for c in claim.members]
        by_role: dict[Role, list[Candidate]] = {}
        for candidate in self.pool:
            role = self._place(candidate)
            if role and candidate not in shown and self._is_on_topic(candidate):
                by_role.setdefault(role, []).append(candidate)
        sections = []
        for role in Role:
            claims = self._claims(role, by_role.get(role, []), shown)
            if claims:
                shown += [c for claim in claims for c in claim.members]
                leads = [claim.lead for claim in claims]
                title = heading(role, self.query, self.main, leads, self.decision)
                sections.append(PlannedSection(title, role, tuple(claims)))
        most = _MOST_FOR_FACTOID if self.query.intent in _FACTOID else _MOST_SECTIONS
        best = sorted(sections, key=lambda s: (s.role in _SPARE, -max(self.fit(c.lead, s.role) for c in s.claims)))[:most]
        return [s for s in sections if s in best]

    def _is_on_topic(self, candidate: Candidate) -> bool:
        """About the patient's main condition, or about a treatment in question and no other condition."""
        treatments = (*self.query.focus, *self.query.current)
        if not self.main and not treatments:
            return candidate.relevance >= _KEEP * self.pool[0].relevance
        if self.main and candidate.speaks_of((self.main,)):
            return True
        return candidate.speaks_of(treatments) and (not self.main or candidate.foreign <= _SOME_FOREIGN)

    def _place(self, candidate: Candidate) -> Role | None:
        """The section a sentence belongs to. About a treatment in question, evidence and warnings are reasons."""
        query = self.query
        if query.intent not in _WEIGHING or not query.focus:
            return candidate.role
        if not candidate.speaks_of(query.focus):
            aside = {Role.MECHANISM: None, Role.BACKGROUND: None, Role.EXCEPTION: Role.PITFALL}
            return aside.get(candidate.role, candidate.role)
        if candidate.role in {Role.PITFALL, Role.PROGNOSIS, Role.BACKGROUND}:
            return Role.RATIONALE
        if candidate.role in {Role.ACTION, Role.DOSING} and self.decision is not Stance.FOR and query.current:
            return Role.EXCEPTION
        return candidate.role

    def _claims(self, role: Role, candidates: Sequence[Candidate], shown: Sequence[Candidate]) -> list[Claim]:
        scored = sorted(((self.fit(c, role), c) for c in candidates), key=lambda p: (-p[0], p[1].record.row))
        most = _MOST_IN_BACKGROUND if role in {Role.BACKGROUND, Role.PROGNOSIS, Role.MECHANISM} else _MOST_IN_SECTION
        kept: list[Candidate] = []
        for score, candidate in scored:
            if len(kept) == most or score < max(_KEEP * scored[0][0], _FLOOR):
                break
            if is_novel(candidate, [*shown, *kept]):
                kept.append(candidate)
        return merged(kept)

    def fit(self, candidate: Candidate, role: Role) -> float:
        """How much a sentence adds to its section: relevance, the patient's own treatments and conditions, warnings."""
        query, sentence = self.query, candidate.sentence
        score = candidate.relevance - _PER_RANK * sentence.evidence_rank
        if not sentence.is_warning:
            score -= _FOREIGN * candidate.foreign
        if role is Role.ACTION and (candidate.passage.strength or "").startswith("strong"):
            score += _NORM
        if query.current and candidate.speaks_of(query.current) and role not in {Role.RATIONALE, Role.EXCEPTION}:
            score += _FOCUS
        if self.main and candidate.speaks_of((self.main,)):
            score += _MAIN
        if candidate.speaks_of(c for c in query.patient if c != self.main):
            score += _MAIN
        if sentence.is_warning and role in {Role.RATIONALE, Role.PITFALL}:
            score += _WARNING if "boxed" in (candidate.passage.strength or "") else _WARNING / 2
        return score


def main_condition(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> str | None:
    """The patient's condition of which most of the best sentences speak, with the treatment in question if there is."""
    treatments = (*query.focus, *query.current)
    conditions = [c for c in query.patient if lexicon.kind(c) in {"condition", "term"}]
    counts = {
        c: sum(1 for s in pool[:40] if s.speaks_of((c,)) and (not treatments or s.speaks_of(treatments)))
        for c in conditions
    }
    specific = [c for c in conditions if not any(c in lexicon.ancestors(o) for o in conditions)]
    return max(specific, key=lambda c: counts[c], default=None)
