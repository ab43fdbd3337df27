"""How well a sentence serves a question: as its answer, in a section, or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer.doses import gives_dose
from rag.answer.fitting import Fitting, people
from rag.answer.question import TREATMENTS, Intent, Query
from rag.answer.select import ADVISING, OUTCOMES, SEXES, Candidate
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance, stance

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
#: Kinds of question about what to do: they want advice, from those whose office it is to give it.
_ADVICE_SOUGHT = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE})
_NEXT_STEP = re.compile(r"\bnext steps?\b|\bwhat(?:'s| is) next\b|\bcomes next\b|work-?up", re.IGNORECASE)
_STOPPING = re.compile(r"\b(?:stop|discontinu|withdraw|withh[eo]ld|ceas)\w*", re.IGNORECASE)
_PART = re.compile(r"[;,]\s")
_DURATIONS = frozenset({"s", "min", "h", "day", "week", "month", "year"})
#: Added to or taken from a sentence's relevance. Found by coordinate search on the development table of answerable
#: questions (nDCG@4 of the sentences that a right answer shows), then rounded.
_ROLE, _ADVICE_ROLE, _FOCUS, _ADVICE, _NORM, _MAIN, _OTHER, _COVER = 0.04, 0.10, 0.02, 0.05, 0.05, 0.09, 0.03, 0.10
_WARNING, _DERIVED, _OTHER_SEX, _FOREIGN, _PER_RANK = 0.15, 0.03, 0.15, 0.04, 0.005
#: From this share of foreign concepts a sentence that does not name the main condition is about something else.
_SOME_FOREIGN = 0.34
#: Share of the best relevance that keeps a sentence on topic where the question names neither treatment nor condition.
_NEAR_BEST = 0.5
#: So many sentences on the main condition itself make it needless to look at broader ones.
_ENOUGH = 5


class Scorer:
    """Scores the sentences of ``pool``, which is sorted by relevance, for one question.

    ``main`` is the condition that the pool is mostly about, ``subject`` that and what stands for it, ``conditions``
    those of the patient.
    """

    def __init__(self, query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> None:
        self.query = query
        self.lexicon = lexicon
        self.main = main_condition(query, pool, lexicon)
        self.subject = subject(self.main, pool, lexicon)
        self.conditions = [c for c in query.patient if lexicon.kind(c) == "condition" and c not in OUTCOMES]
        self._roles = answering_roles(query)
        self._answering: dict[int, float] = {}
        self._barred = frozenset(query.concepts).union(*(lexicon.ancestors(c) for c in query.patient))
        self._floor = _NEAR_BEST * pool[0].relevance if pool else 0.0
        self.fitting = Fitting(query, lexicon, self.main)
        self._given = self.fitting.named

    def is_about_this_patient(self, candidate: Candidate) -> bool:
        """Not a finding in people without the patient's condition, nor advice for a condition that is ruled out.

        A warning about such a finding is about this patient all the same.
        """
        is_barred = candidate.role is not Role.PITFALL and not candidate.sentence.excludes.isdisjoint(self._barred)
        return not is_barred and not self._is_about_absent(candidate)

    def _is_about_absent(self, candidate: Candidate) -> bool:
        """Advice for a condition that the question rules out: a dose in liver disease where the liver is normal.

        A treatment that is to be done without ("without surgery") may be what the advice is on.
        """
        if candidate.role not in ADVISING:
            return False
        conditions = (c for c in self.query.absent if self.lexicon.kind(c) not in TREATMENTS)
        absent = [c for c in conditions if candidate.speaks_of((c,))]
        sentence, is_a = candidate.sentence, self.lexicon.is_a
        if not absent or not sentence.excludes.isdisjoint(absent):
            return False
        if any(is_a(d, c) for d in sentence.denied for c in absent):
            return False
        is_dosing = candidate.role is Role.DOSING
        return not is_dosing or any(is_a(m.concept, c) for m in people(sentence) for c in absent)

    def is_on_topic(self, candidate: Candidate) -> bool:
        """About the patient's main condition, or about a treatment in question and no other condition."""
        treatments = self.query.treatments
        if not self.main and not treatments:
            return candidate.relevance >= self._floor
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
        return any(self.meets(c, candidate) for c in self.conditions)

    def meets(self, condition: str, candidate: Candidate) -> bool:
        """Whether a sentence names a condition: itself, by a kind of it, or by the next broader one."""
        sentence = candidate.sentence
        return condition in sentence.about or not sentence.concepts.isdisjoint(self.lexicon.parents(condition))

    def answering(self, candidate: Candidate) -> float:
        """How well a sentence answers the question on its own. Remembered, since it is asked again and again."""
        row = candidate.record.row
        if row not in self._answering:
            self._answering[row] = self._of_answering(candidate)
        return self._answering[row]

    def _of_answering(self, candidate: Candidate) -> float:
        query, sentence = self.query, candidate.sentence
        score = candidate.relevance - _PER_RANK * sentence.evidence_rank - _FOREIGN * candidate.foreign
        seeks_advice = query.intent in _ADVICE_SOUGHT
        if candidate.role in self._roles:
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
        if query.intent is Intent.MANAGEMENT and candidate.role is Role.ACTION and candidate.speaks_of(query.problem):
            score += _ADVICE_ROLE  # what to do about what is new
        is_dosing = candidate.role is not Role.MONITORING  # which gives a dose not to be exceeded
        if query.intent is Intent.DOSE and is_dosing and gives_dose(candidate, query.focus, self.lexicon):
            score += _ADVICE_ROLE
        if query.intent is Intent.TIMING and any(q.unit in _DURATIONS for q in sentence.quantities):
            score += _ROLE
        if query.intent is Intent.DECISION and _STOPPING.search(query.text) and _STOPPING.search(candidate.text):
            score += _ADVICE  # against starting is not yet for stopping
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
        denied = candidate.sentence.denied
        met = [c for c in asked if self.meets(c, candidate) and not any(self.lexicon.is_a(c, d) for d in denied)]
        return len(met) / len(asked) if asked else 0.0

    def _is_of_other_sex(self, candidate: Candidate) -> bool:
        """Whether a sentence is about men alone where the patient is a woman, or the other way round."""
        mine, theirs = SEXES & set(self.query.patient), SEXES & candidate.sentence.concepts
        return bool(mine and theirs) and mine.isdisjoint(theirs)

    def stops(self, candidate: Candidate) -> bool:
        """Whether it says to stop what the patient still receives."""
        return self.fitting.stops(candidate, self.subject)

    def stance_for_patient(self, candidate: Candidate) -> Stance:
        """What a sentence advises; where it says something else for each value of a variable, what it does for the one
        that the question gives. Parts that differ are conditions, and so is one that is for something else.
        """
        sentence = candidate.sentence
        for variable, given in self._given:
            theirs = set(variable.values(candidate.text))
            if theirs & given and theirs - given:
                mine = [part for part in _PART.split(candidate.text) if given & set(variable.values(part))]
                said = {stance(part) for part in mine} - {Stance.NEUTRAL}
                if len(said) != 1 or (Stance.FOR in said and not any(map(self._names_focus, mine))):
                    return Stance.CONDITIONAL
                return said.pop()
        return sentence.stance

    def _names_focus(self, text: str) -> bool:
        return any(self.lexicon.is_a(m.concept, c) for m in self.lexicon.mentions(text) for c in self.query.focus)

    def is_of_given_value(self, candidate: Candidate) -> bool:
        """Whether a guideline, label or regulator says what to do at the pretest probability that is given."""
        sentence = candidate.sentence
        if not sentence.source.evidence_type.is_normative or sentence.stance is Stance.NEUTRAL:
            return False
        return candidate.speaks_of(self.subject) and any(
            v.is_diagnostic and not given.isdisjoint(v.values(candidate.text)) for v, given in self._given
        )

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
    specific = lexicon.narrowest(conditions)
    treatments = query.treatments
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
    if query.intent is Intent.PROGNOSIS and query.focus:
        roles |= {Role.PITFALL}  # the risks of a treatment are what is warned of
    if _NEXT_STEP.search(query.text):
        roles |= {Role.DIAGNOSIS}
    return roles
