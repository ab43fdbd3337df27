"""The plan of an article from statements that were written to stand alone: bottom line, sections by role, headings."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.claims import Claim, is_novel, with_support
from rag.answer.headings import heading, is_held_back
from rag.answer.plans import Plan, PlannedSection
from rag.answer.question import Intent, Query
from rag.answer.scoring import Scorer
from rag.answer.select import ADVISING, Candidate
from rag.answer.yes_no import of_stance
from rag.domain import Decision, Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_NOT_FIRST = frozenset({"adjunct", "rescue", "not_first"})
_PLACES = frozenset({"first", "not_first", "adjunct"})
#: So many pieces of advice are heard for a decision.
_HEARD = 8
#: Roles that report or warn rather than advise.
_REPORTING = frozenset({Role.PROGNOSIS, Role.PITFALL, Role.MECHANISM, Role.DIAGNOSIS})
#: Sentences below this share of the best one of their section, or below the floor, are left out; the second sentence of
#: a bottom line must be nearer to the first.
_KEEP, _FLOOR, _SECOND = 0.5, 0.24, 0.75
#: Kinds of question that ask for an explanation; elsewhere only the mechanism of a treatment in question matters.
_EXPLAINED = frozenset({Intent.MECHANISM, Intent.DEFINITION})
#: Kinds of question for which it matters whether the condition is there at all.
_DIAGNOSTIC = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.DIAGNOSIS, Intent.DEFINITION, Intent.OTHER})
#: Sections that go first when there are too many.
_SPARE = frozenset({Role.PROGNOSIS, Role.BACKGROUND})
_MOST_IN_SECTION, _MOST_SECTIONS, _MOST_FOR_FACTOID = 4, 8, 4
_MOST_IN = {Role.ACTION: 6, Role.BACKGROUND: 3, Role.PROGNOSIS: 3, Role.MECHANISM: 3}
_FACTOID = frozenset({Intent.DOSE, Intent.DEFINITION, Intent.MECHANISM, Intent.TIMING})


def plan(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> Plan:
    """The article for ``query`` from ``pool``, which is sorted by relevance."""
    return _Composer(query, pool, lexicon).plan()


class _Composer:
    def __init__(self, query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> None:
        self.query = query
        self.lexicon = lexicon
        self.scorer = Scorer(query, pool, lexicon)
        self.pool = [c for c in pool if self.scorer.is_about_this_patient(c)]
        self.decision = self._decision()

    def plan(self) -> Plan:
        if not self.pool:
            return Plan((), (), None, (), self.scorer.main)
        bottom = self._bottom_line()
        on_topic = tuple(c for c in self.pool if self.scorer.is_on_topic(c))
        sections = tuple(self._sections(bottom))
        return Plan(tuple(bottom), sections, self.decision, on_topic, self.scorer.main, self._answer())

    def _answer(self) -> Decision | None:
        """Yes or no, only where the question proposes a treatment: advice on it is advice on what was proposed."""
        return of_stance(self.decision) if self.query.proposes else None

    def _decision(self) -> Stance | None:
        """Stance of the best advice on the treatments asked about; None when there is none or guidelines are divided.

        Advice for an adjunct or a rescue is conditional, whatever its verb.
        """
        of_others = self.scorer.is_of_other_value
        advice = [
            c for c in self.pool if c.speaks_of(self.query.focus) and c.role not in _REPORTING and not of_others(c)
        ]
        stances: list[tuple[Stance, bool]] = []
        for candidate in sorted(advice, key=lambda c: -self.scorer.answering(c))[:_HEARD]:
            sentence = candidate.sentence
            found = Stance.CONDITIONAL if sentence.line in _NOT_FIRST else self.scorer.stance_for_patient(candidate)
            if found is not Stance.NEUTRAL:
                stances.append((found, sentence.source.evidence_type.is_normative))
        normative = {found for found, is_norm in stances if is_norm}
        is_divided = Stance.FOR in normative and bool(normative & {Stance.ABSENT, Stance.AGAINST})
        return stances[0][0] if stances and not is_divided else None

    def _bottom_line(self) -> list[Claim]:
        """What answers the question: the best sentence, another that adds to it, a warning for this patient."""
        scorer = self.scorer
        # What holds for a patient with another score or class is wrong for this one.
        mine = [c for c in self.pool if not scorer.is_of_other_value(c)] or self.pool
        scored = sorted(
            ((scorer.answering(c), c) for c in mine),
            key=lambda p: (not scorer.is_of_given_value(p[1]), -p[0], p[1].place),
        )
        best, first = scored[0]
        seconds = [
            c for score, c in scored[1:] if score >= _SECOND * best and is_novel(c, [first]) and self._adds(c, first)
        ]
        # Of several sides of a decision, the one that gives the treatment its place says most.
        is_decision = self.query.intent is Intent.DECISION
        placing = [c for c in seconds if c.sentence.line in _PLACES and c.role not in _REPORTING] if is_decision else []
        chosen = [first, *(placing or seconds)[:1]]
        if is_decision:
            # Advice before what explains it; what is said on a diagnosis of this likelihood is advice.
            chosen.sort(key=lambda c: c.role in _REPORTING and not scorer.is_of_given_value(c))
            chosen += [c for c in self._warnings() if is_novel(c, chosen)][:1]
        return with_support(chosen, self.pool)

    def _adds(self, candidate: Candidate, first: Candidate) -> bool:
        """For a decision, another side of it for this patient: another stance or line of therapy."""
        if self.query.intent is not Intent.DECISION:
            return True
        focus = self.query.focus
        if not first.speaks_of(focus):  # what is advised on a class holds for its drugs
            focus = (*focus, *(p for c in focus for p in self.lexicon.parents(c) if first.speaks_of((p,))))
        if focus and not candidate.speaks_of(focus):
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

    def _sections(self, bottom: Sequence[Claim]) -> list[PlannedSection]:
        shown = [c for claim in bottom for c in claim.members]
        by_role: dict[Role, list[Candidate]] = {}
        for candidate in self.pool:
            role = self._place(candidate)
            if role and candidate not in shown and self.scorer.is_on_topic(candidate):
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
                title = heading(role, self.query, self.scorer.main, leads, self.decision)
                sections.append(PlannedSection(title, role, tuple(claims)))
        most = _MOST_FOR_FACTOID if self.query.intent in _FACTOID else _MOST_SECTIONS
        best = sorted(sections, key=self._dispensable)[:most]
        return [s for s in sections if s in best]

    def _dispensable(self, section: PlannedSection) -> tuple[bool, float]:
        """Orders sections, those last that are left out first."""
        return section.role in _SPARE, -max(self.scorer.fit(c.lead, section.role) for c in section.claims)

    def _warnings_on(self, shown: Sequence[Candidate]) -> list[Candidate]:
        """Boxed warnings on treatments that the article proposes, where they name a condition of this patient."""
        proposed = {
            c for s in shown if s.role in ADVISING
            for c in s.sentence.concepts if self.lexicon.kind(c) == "drug"
        }  # fmt: skip
        return [
            c for c in self.pool
            if c.sentence.is_boxed and c not in shown and c.speaks_of(proposed)
            and any(self.scorer.meets(condition, c) for condition in self.scorer.conditions)
        ]  # fmt: skip

    def _place(self, candidate: Candidate) -> Role | None:
        """The section a sentence belongs to. About a treatment in question, evidence and warnings are reasons."""
        query = self.query
        if candidate.role is Role.DIAGNOSIS and query.intent not in _DIAGNOSTIC:
            return None
        is_explained = query.intent in _EXPLAINED or candidate.speaks_of(query.treatments)
        if candidate.role is Role.MECHANISM and not is_explained:
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
        scored = sorted(((self.scorer.fit(c, role), c) for c in candidates), key=lambda p: (-p[0], p[1].place))
        most = _MOST_IN.get(role, _MOST_IN_SECTION)
        kept: list[Candidate] = []
        for score, candidate in scored:
            if len(kept) == most or score < max(_KEEP * scored[0][0], _FLOOR):
                break
            if is_novel(candidate, [*shown, *kept]):
                kept.append(candidate)
        return with_support(kept, candidates)
