"""Questions that a reader may ask next, each of which the corpus answers.

They are made from what the corpus holds: one for a treatment, test or condition and a role in which at least two of the
sentences about this patient speak. A treatment that the corpus only speaks against in the patient's condition (heparin
in heparin-induced thrombocytopenia) is not asked about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rag.answer.alike import aspects
from rag.answer.doses import gives_dose
from rag.answer.headings import own_name
from rag.answer.question import Query
from rag.answer.scoring import answering_roles
from rag.answer.select import OUTCOMES, Candidate
from rag.answer.sufficiency import SPECIAL_POPULATIONS
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_LEAST, _MOST, _MOST_OF_A_KIND, _MOST_OF_A_TREATMENT = 2, 8, 2, 3
#: So many sentences decide how much the corpus holds on a question.
_WEIGHED = 4
#: A question whose sentences are less relevant than this share of the best one's is about something else; there are a
#: few all the same. Chosen by the related questions of the reference articles and those off the starter's topics.
_NEAR_BEST, _FEW = 0.7, 3
_ABOUT_TREATMENT: dict[Role, str] = {
    Role.DOSING: "How {be} {t} dosed in {c}?",
    Role.MONITORING: "How {be} {t} monitored in {c}?",
    Role.PITFALL: "What are the risks of {t} in {c}?",
    Role.EXCEPTION: "When should {t} be avoided or changed in {c}?",
    Role.MECHANISM: "By what mechanism {do} {t} act in {c}?",
    Role.PROGNOSIS: "What outcomes have been reported with {t} in {c}?",
    Role.ACTION: "Can {t} be used in {c}?",
}
_ABOUT_PROCEDURE = "What do guidelines say about {t} in {c}?"
_ABOUT_CONDITION: dict[Role, str] = {
    Role.DIAGNOSIS: "How is {c} confirmed?",
    Role.PROGNOSIS: "What outcomes have been reported in {c}?",
}
_SCORE = "How is the {t} worked out in {c}?"
_BY_CLEARANCE = "How {be} {t} dosed in {c} by creatinine clearance?"
_DURATION = "How long is {c} anticoagulated?"
_CLEARANCE = "creatinine clearance"
_LASTING = re.compile(r"\b(?:duration|continu\w+|at least the|beyond)\b[^.;]*\b(?:month|week|year)", re.IGNORECASE)
_CONFIRMS = re.compile(r"\b(?:diagnos\w+|confirm\w*|assays?|score|CT|MRI|ultraso\w+)\b", re.IGNORECASE)
#: Procedures that say no more than that something is treated.
_PLAIN = frozenset({"anticoagulation", "transfusion"})
_SOUGHT = {Role.ACTION, Role.DOSING, Role.EXCEPTION}


class _Idea(NamedTuple):
    """A question that could be asked, and the sentences that answer it; ``subject`` is empty for the condition."""

    text: str
    subject: str
    role: Role
    members: tuple[Candidate, ...]

    @property
    def weight(self) -> float:
        return sum(c.relevance for c in self.members[:_WEIGHED])

    @property
    def relevance(self) -> float:
        """Mean of its most relevant sentences."""
        return self.weight / min(len(self.members), _WEIGHED)

    @property
    def opening(self) -> str:
        return " ".join(self.text.split()[:3])


def related(query: Query, pool: Sequence[Candidate], main: str | None, lexicon: Lexicon) -> list[str]:
    """Up to eight questions, those first about which the corpus holds most that is relevant here."""
    condition = main or _commonest(pool, "condition", lexicon)
    if condition is None or condition in OUTCOMES:
        return []  # what can happen in any condition is none to ask about
    ideas = sorted(_Maker(query, pool, condition, lexicon).ideas(), key=lambda i: (-i.weight, i.text))
    least = _NEAR_BEST * max((i.relevance for i in ideas), default=0.0)
    # Of a question that names no condition the treatments are all that it is about.
    apt = [i for i in ideas if main or any(lexicon.is_a(i.subject, c) for c in query.treatments)]
    return _varied(query, apt, least)


class _Maker:
    """Makes ideas for one question, on what is said of ``condition``."""

    def __init__(self, query: Query, pool: Sequence[Candidate], condition: str, lexicon: Lexicon) -> None:
        self._query, self._lexicon = query, lexicon
        known = {condition}
        members = [c for c in pool if c.speaks_of(known)]
        if len(members) < 2 * _LEAST and lexicon.parents(condition):
            condition = lexicon.parents(condition)[0]  # few speak of so narrow a condition itself
            members = [c for c in pool if c.speaks_of((condition,))]
        self._condition = condition
        self._members = [c for c in members if not _is_special(c, query)]

    def ideas(self) -> Iterator[_Idea]:
        found: dict[tuple[str, Role], list[Candidate]] = defaultdict(list)
        for candidate in self._members:
            for subject in ("", *self._treatments(candidate)):
                found[subject, candidate.role].append(candidate)
        asked_roles = answering_roles(self._query)
        for (subject, role), members in sorted(found.items()):
            is_asked = role in asked_roles and (subject in self._query.focus or not subject)
            is_asked |= role is Role.ACTION and subject in self._query.treatments  # whether it may be used is decided
            if len(members) >= _LEAST and not is_asked and not _is_unsafe(subject, members):
                yield from self._on_treatment(subject, role, members) if subject else self._on_condition(role, members)
        yield from self._on_scores()
        lasting = [c for c in self._members if c.role in _SOUGHT and _LASTING.search(c.text)]
        anticoagulating = [c for c in lasting if c.speaks_of(("anticoagulation",))]
        if len(anticoagulating) >= _LEAST:
            yield self._idea(_DURATION, "", Role.ACTION, anticoagulating)

    def _on_treatment(self, treatment: str, role: Role, members: list[Candidate]) -> Iterator[_Idea]:
        is_procedure = self._lexicon.kind(treatment) == "procedure"
        template = _ABOUT_PROCEDURE if is_procedure else _ABOUT_TREATMENT.get(role)
        if template is None or (is_procedure and role is not Role.ACTION):
            return
        if role is Role.DOSING:
            members = [c for c in members if gives_dose(c, (treatment,), self._lexicon)]
            cleared = [c for c in members if _CLEARANCE in c.sentence.concepts]
            if len(cleared) >= _LEAST:
                yield self._idea(_BY_CLEARANCE, treatment, role, cleared)
        if len(members) >= _LEAST:
            yield self._idea(template, treatment, role, members)

    def _on_condition(self, role: Role, members: list[Candidate]) -> Iterator[_Idea]:
        if role is Role.DIAGNOSIS:
            members = [c for c in members if _CONFIRMS.search(c.text)]
        if role in _ABOUT_CONDITION and len(members) >= _LEAST:
            yield self._idea(_ABOUT_CONDITION[role], "", role, members)

    def _on_scores(self) -> Iterator[_Idea]:
        """Scores of which two sentences speak, one of which says what they count."""
        scores: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in self._members:
            for concept in candidate.sentence.concepts:
                if concept.endswith("score") and candidate.role is Role.DIAGNOSIS:
                    scores[concept].append(candidate)
        for score, members in sorted(scores.items()):
            if len(members) >= _LEAST and score not in self._query.tests:
                yield self._idea(_SCORE, score, Role.DIAGNOSIS, members)

    def _idea(self, template: str, subject: str, role: Role, members: Sequence[Candidate]) -> _Idea:
        where = self._special(role, members)
        be, do = ("are", "do") if self._lexicon.kind(subject) == "drug_class" else ("is", "does")
        text = template.format(t=self._named(subject, members), c=self._query.names.get(where, where), be=be, do=do)
        return _Idea(text, subject, role, tuple(members))

    def _named(self, concept: str, members: Sequence[Candidate]) -> str:
        """A concept as the question calls it, else by its own name, with the capitals of the corpus; a class in the
        plural.
        """
        named = self._query.names.get(concept)
        if named is None:
            named = own_name(concept, members)
        is_plural = self._lexicon.kind(concept) == "drug_class" and not named.endswith("s")
        return f"{named}s" if is_plural else named

    def _treatments(self, candidate: Candidate) -> list[str]:
        """What a sentence treats; one that compares many drugs is about none of them."""
        kinds = {c: self._lexicon.kind(c) for c in sorted(candidate.sentence.concepts)}
        drugs = [c for c, kind in kinds.items() if kind == "drug"]
        classes = [c for c, kind in kinds.items() if kind == "drug_class" and not drugs]
        procedures = [c for c, kind in kinds.items() if kind == "procedure" and c not in _PLAIN]
        return [*(drugs if len(drugs) <= 2 else []), *classes[:2], *procedures]

    def _special(self, role: Role, members: Sequence[Candidate]) -> str:
        """For doses the other condition of this patient of which most sentences speak, else the main one."""
        if role not in {Role.DOSING, Role.EXCEPTION}:
            return self._condition
        kind, parents = self._lexicon.kind, self._lexicon.parents
        others = [
            c for c in self._query.patient if c != self._condition and kind(c) == "condition" and c not in OUTCOMES
        ]
        counts = {c: sum(not m.sentence.concepts.isdisjoint((c, *parents(c))) for m in members) for c in others}
        best = max(others, key=lambda c: counts[c], default=self._condition)
        return best if counts.get(best, 0) >= _LEAST else self._condition


def _is_special(candidate: Candidate, query: Query) -> bool:
    """Whether a sentence is about children or the pregnant, of whom the question does not speak."""
    return candidate.speaks_of(set(SPECIAL_POPULATIONS) - set(query.patient))


def _commonest(pool: Sequence[Candidate], kind: str, lexicon: Lexicon) -> str | None:
    counts = Counter(c for s in pool for c in s.sentence.concepts if lexicon.kind(c) == kind)
    return min(counts, key=lambda c: (-counts[c], c), default=None)


def _is_unsafe(treatment: str, members: Sequence[Candidate]) -> bool:
    """Whether the sentences only speak against the treatment."""
    stances = {c.sentence.stance_on(treatment) for c in members} if treatment else set()
    return Stance.AGAINST in stances and not stances & {Stance.FOR, Stance.CONDITIONAL}


def _varied(query: Query, ideas: Iterable[_Idea], least: float) -> list[str]:
    """No question that was asked, no repeats, and few with the same opening or on the same treatment; after the first
    few only those of which the corpus holds what is relevant enough.
    """
    openings, subjects, chosen = Counter[str](), Counter[str](), dict[str, None]()
    wanted, treatments = aspects(query.text), set(query.focus)
    for idea in ideas:
        is_asked = idea.subject in treatments and not wanted.isdisjoint(aspects(idea.text))
        is_spent = openings[idea.opening] >= _MOST_OF_A_KIND or (
            idea.subject and subjects[idea.subject] >= _MOST_OF_A_TREATMENT
        )
        is_apt = idea.relevance >= least or len(chosen) < _FEW
        if idea.text not in chosen and is_apt and not is_asked and not is_spent:
            openings[idea.opening] += 1
            subjects[idea.subject] += 1
            chosen[idea.text] = None
    return list(chosen)[:_MOST]
