"""The plan of an article from statements that were written to stand alone: bottom line, sections by role, headings."""

from __future__ import annotations

import operator
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
#: What speaks of an organ as impaired as this patient's may come first from this share of the best score, and so may
#: what to do about something new, or how to monitor, where that is asked.
_EARLY = 0.6
#: Roles in which that is said.
_DECIDED = ADVISING | {Role.PITFALL}
#: Kinds of question on what to do with a patient.
_ACTED = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE, Intent.DOSE, Intent.OTHER})
#: Kinds of question that ask for an explanation; elsewhere only the mechanism of a treatment in question matters.
_EXPLAINED = frozenset({Intent.MECHANISM, Intent.DEFINITION})
#: Kinds of question for which it matters whether the condition is there at all.
_DIAGNOSTIC = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.DIAGNOSIS, Intent.DEFINITION, Intent.OTHER})
#: Sections that go first when there are too many.
_SPARE = frozenset({Role.PROGNOSIS, Role.BACKGROUND})
_MOST_IN_SECTION, _MOST_SECTIONS, _MOST_FOR_FACTOID = 4, 8, 4
_MOST_IN = {Role.ACTION: 6, Role.BACKGROUND: 3, Role.PROGNOSIS: 3, Role.MECHANISM: 3}
_FACTOID = frozenset({Intent.DOSE, Intent.DEFINITION, Intent.MECHANISM, Intent.TIMING})


def plan(query: Query, pool: Sequence[Candidate], lexicon: Lexicon, warnings: Sequence[Candidate]) -> Plan:
    """The article for ``query`` from ``pool``, which is sorted by relevance.

    Args:
        warnings: on what is asked about that name a condition of this patient, the gravest first.
    """
    return _Composer(query, pool, lexicon, warnings).plan()


class _Composer:
    def __init__(
        self, query: Query, pool: Sequence[Candidate], lexicon: Lexicon, warnings: Sequence[Candidate]
    ) -> None:
        self.query = query
        self.lexicon = lexicon
        self.warnings = warnings
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
        fitting = self.scorer.fitting
        advice = [
            c for c in self.pool
            if c.speaks_of(self.query.focus) and c.role not in _REPORTING
            and not fitting.is_of_another(c) and not fitting.is_for_procedure(c)
        ]  # fmt: skip
        stances: list[tuple[Stance, bool]] = []
        for candidate in sorted(advice, key=lambda c: -self.scorer.answering(c))[:_HEARD]:
            sentence = candidate.sentence
            found = Stance.CONDITIONAL if sentence.line in _NOT_FIRST else self.scorer.stance_for_patient(candidate)
            if any(sentence.is_stopped(c) for c in self.query.focus):
                found = Stance.AGAINST  # what is advised is something else, rather than it
            if found is not Stance.NEUTRAL:
                stances.append((found, sentence.source.evidence_type.is_normative))
        normative = {found for found, is_norm in stances if is_norm}
        is_divided = Stance.FOR in normative and bool(normative & {Stance.ABSENT, Stance.AGAINST})
        return stances[0][0] if stances and not is_divided else None

    def _bottom_line(self) -> list[Claim]:
        """What answers the question: the best sentence, another that adds to it, a warning for this patient."""
        scorer, fitting = self.scorer, self.scorer.fitting
        # What holds for a patient with another score, class or phase is wrong for this one.
        mine = self.pool
        for is_wrong in (fitting.is_of_another, fitting.is_for_another_end, fitting.is_of_another_drug):
            mine = [c for c in mine if not is_wrong(c)] or mine
        scored = [(scorer.answering(c), c) for c in mine]
        highest = max(score for score, _ in scored)
        scored.sort(key=lambda p: (*self._precedence(p[1], p[0] / highest), -p[0], p[1].place))
        first = scored[0][1]
        seconds = [
            c for score, c in scored[1:]
            if score >= _SECOND * highest and is_novel(c, [first]) and self._adds(c, first)
        ]  # fmt: skip
        # Of several sides of a decision, the one that gives the treatment its place says most.
        is_decision = self.query.intent is Intent.DECISION
        placing = [c for c in seconds if c.sentence.line in _PLACES and c.role not in _REPORTING] if is_decision else []
        chosen = [first, *(placing or seconds)[:1]]
        if is_decision:
            # Advice before what explains it; what is said on a diagnosis of this likelihood is advice.
            chosen.sort(key=lambda c: c.role in _REPORTING and not any(map(operator.not_, self._precedence(c, 1.0))))
            chosen += [c for c in self.warnings if is_novel(c, chosen)][:1]
        return with_support(chosen, self.pool)

    def _precedence(self, candidate: Candidate, share: float) -> tuple[bool, bool, bool, bool]:
        """Orders what may come first in the bottom line, false before true: what is advised at the given likelihood of
        a disease, that something must be stopped, what to do or how to monitor where that is asked, what speaks of an
        organ as impaired as this patient's.

        Args:
            share: the candidate's score as a share of the highest.
        """
        scorer = self.scorer
        is_graded = share >= _EARLY and candidate.role in _DECIDED and self._is_for_grade(candidate)
        is_stopping = self.query.intent in _ACTED and scorer.stops(candidate)
        is_asked = share >= _EARLY and self._is_asked_for(candidate)
        return not scorer.is_of_given_value(candidate), not is_stopping, not is_asked, not is_graded

    def _is_asked_for(self, candidate: Candidate) -> bool:
        """Whether it says how to monitor, or what to do about what is new, where that is asked."""
        if self.query.intent is Intent.MANAGEMENT:
            return candidate.role is Role.ACTION and candidate.speaks_of(self.query.problem)
        return self.query.intent is Intent.MONITORING and candidate.role is Role.MONITORING

    def _is_for_grade(self, candidate: Candidate) -> bool:
        """Whether it says what to do with the treatment asked about in an organ as impaired as this patient's, where
        nothing new is the problem.
        """
        query = self.query
        if query.intent not in _ACTED or not query.focus or query.problem:
            return False
        return candidate.speaks_of(query.focus) and self.scorer.fitting.speaks_of_grade(candidate)

    def _adds(self, candidate: Candidate, first: Candidate) -> bool:
        """For a decision, another side of it for this patient: another stance or line of therapy; beside what must be
        stopped, what is given instead.
        """
        scorer, one, other = self.scorer, candidate.sentence, first.sentence
        if scorer.stops(first) and scorer.stops(candidate):
            return False
        asked = self.query.treatments
        if scorer.is_of_given_value(first) and any(one.stance_on(c) is not other.stance_on(c) for c in asked):
            return False  # it holds at another likelihood
        if self.query.intent is not Intent.DECISION:
            return True
        focus = self.query.focus
        if not first.speaks_of(focus):  # what is advised on a class holds for its drugs
            focus = (*focus, *(p for c in focus for p in self.lexicon.parents(c) if first.speaks_of((p,))))
        if focus and not candidate.speaks_of(focus):
            return False
        if any(self.lexicon.kind(c) == "condition" for c in candidate.strange):
            return False
        return (one.stance, one.line) != (other.stance, other.line)

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
        scored = [(self.scorer.fit(c, role), c) for c in candidates]
        least = max(_KEEP * max((score for score, _ in scored), default=0.0), _FLOOR)
        scored = [(score, c) for score, c in scored if score >= least]
        # What the patient must no longer receive comes before what is given instead.
        scored.sort(key=lambda p: (not self.scorer.stops(p[1]), -p[0], p[1].place))
        most = _MOST_IN.get(role, _MOST_IN_SECTION)
        kept: list[Candidate] = []
        for _, candidate in scored:
            if len(kept) == most:
                break
            if is_novel(candidate, [*shown, *kept]):
                kept.append(candidate)
        return with_support(kept, candidates)
