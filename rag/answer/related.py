"""Questions that a reader may ask next, each of which the corpus answers.

They are made from what the corpus holds: one for a treatment or condition and a role in which at least two of the
sentences about this patient speak. A treatment that the corpus only speaks against in the patient's condition (heparin
in heparin-induced thrombocytopenia) is not asked about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rag.answer.question import Query
from rag.answer.scoring import answering_roles
from rag.answer.select import Candidate
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_LEAST, _MOST, _MOST_OF_A_KIND = 2, 6, 2

_ABOUT_TREATMENT: dict[Role, str] = {
    Role.DOSING: "How is {t} dosed in {c}?",
    Role.MONITORING: "How is {t} monitored in {c}?",
    Role.PITFALL: "What are the risks of {t} in {c}?",
    Role.EXCEPTION: "When is {t} avoided or changed in {c}?",
    Role.MECHANISM: "How does {t} work, and how is it cleared?",
    Role.PROGNOSIS: "What outcomes have been reported with {t} in {c}?",
    Role.ACTION: "What do guidelines say about {t} in {c}?",
}
_ABOUT_CONDITION: dict[Role, str] = {
    Role.DIAGNOSIS: "How is {c} confirmed?",
    Role.PROGNOSIS: "What is the prognosis of {c}?",
    Role.ACTION: "What is recommended in {c}?",
}


def related(query: Query, pool: Sequence[Candidate], main: str | None, lexicon: Lexicon) -> list[str]:
    """Up to six questions, those first about which the corpus holds most that is relevant here."""
    condition = main or _commonest(pool, "condition", lexicon)
    if condition is None:
        return []
    asked_roles = answering_roles(query)
    found: dict[tuple[str, Role], list[Candidate]] = defaultdict(list)
    for candidate in pool:
        for treatment in _treatments(candidate, lexicon):
            found[treatment, candidate.role].append(candidate)
        found["", candidate.role].append(candidate)
    questions = []
    for (treatment, role), members in sorted(found.items(), key=lambda item: (-_weight(item[1]), item[0])):
        is_asked = role in asked_roles and (treatment in query.focus or not treatment)
        members = [c for c in members if c.speaks_of((condition,))]
        if len(members) >= _LEAST and not is_asked and not _is_unsafe(treatment, members):
            template = (_ABOUT_TREATMENT if treatment else _ABOUT_CONDITION).get(role)
            if template:
                where = _special(role, members, query, condition, lexicon)
                questions.append(template.format(t=_name(treatment, query), c=_name(where, query)))
    return _varied(questions)


def _treatments(candidate: Candidate, lexicon: Lexicon) -> list[str]:
    """Single drugs; a sentence that compares many is about none of them."""
    named = sorted(c for c in candidate.sentence.concepts if lexicon.kind(c) == "drug")
    return named if len(named) <= 2 else []


def _weight(members: Sequence[Candidate]) -> float:
    return sum(c.relevance for c in members[:4])


def _special(role: Role, members: Sequence[Candidate], query: Query, condition: str, lexicon: Lexicon) -> str:
    """For doses and risks the other condition of this patient of which most sentences speak, else the main one."""
    if role not in {Role.DOSING, Role.EXCEPTION}:
        return condition
    others = [c for c in query.patient if c != condition and lexicon.kind(c) == "condition"]
    counts = {c: sum(not m.sentence.concepts.isdisjoint((c, *lexicon.parents(c))) for m in members) for c in others}
    best = max(others, key=lambda c: counts[c], default=condition)
    return best if counts.get(best, 0) >= _LEAST else condition


def _commonest(pool: Sequence[Candidate], kind: str, lexicon: Lexicon) -> str | None:
    counts = Counter(c for s in pool for c in s.sentence.concepts if lexicon.kind(c) == kind)
    return min(counts, key=lambda c: (-counts[c], c), default=None)


def _is_unsafe(treatment: str, members: Sequence[Candidate]) -> bool:
    """Whether the sentences only speak against the treatment."""
    stances = {c.sentence.stance_on(treatment) for c in members} if treatment else set()
    return Stance.AGAINST in stances and not stances & {Stance.FOR, Stance.CONDITIONAL}


def _name(concept: str, query: Query) -> str:
    """A concept as the question calls it; a code such as BPC-157 in capitals."""
    is_code = any(c.isdigit() for c in concept) and " " not in concept
    return query.names.get(concept, concept.upper() if is_code else concept)


def _varied(questions: Sequence[str]) -> list[str]:
    """No repeats, and at most two with the same opening, so that the list is not one question six times."""
    seen: Counter[str] = Counter()
    varied = []
    for question in dict.fromkeys(questions):
        opening = " ".join(question.split()[:3])
        seen[opening] += 1
        if seen[opening] <= _MOST_OF_A_KIND:
            varied.append(question)
    return varied[:_MOST]
