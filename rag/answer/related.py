"""Questions that a reader may ask next, each of which the corpus answers.

They are made from what the corpus holds about the question's treatments and conditions: one for a subject and a role
in which at least two sentences speak. A treatment that the corpus advises against in one of the patient's conditions
is only asked about with that condition named as a reason for care.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rag.answer.question import Query
from rag.answer.select import Candidate
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_LEAST = 2
_MOST = 6

_ABOUT_TREATMENT: dict[Role, str] = {
    Role.DOSING: "How is {t} dosed in {c}?",
    Role.MONITORING: "How is {t} monitored in {c}?",
    Role.PITFALL: "What are the risks of {t} in {c}?",
    Role.EXCEPTION: "When should {t} be avoided or changed in {c}?",
    Role.MECHANISM: "How does {t} work, and how is it cleared?",
    Role.PROGNOSIS: "What outcomes have been reported with {t} in {c}?",
    Role.ACTION: "What is recommended on {t} in {c}?",
}
_ABOUT_CONDITION: dict[Role, str] = {
    Role.DIAGNOSIS: "How is {c} confirmed?",
    Role.PROGNOSIS: "What is the prognosis of {c}?",
    Role.PITFALL: "What are the pitfalls in {c}?",
}


def related(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> list[str]:
    """Up to six questions, those first about which the corpus holds most that is relevant here."""
    support: dict[tuple[str, str, Role], list[Candidate]] = defaultdict(list)
    for candidate in pool:
        for treatment, condition in _subjects(candidate, query, lexicon):
            support[treatment, condition, candidate.role].append(candidate)
    ranked = sorted(support.items(), key=lambda item: (-sum(c.relevance for c in item[1][:4]), item[0]))
    questions: list[str] = []
    used: set[tuple[str, Role]] = set()
    for (treatment, condition, role), members in ranked:
        asked = _question(treatment, condition, role, query)
        key = (treatment or condition, role)
        if asked and len(members) >= _LEAST and key not in used and not _asked_already(asked, query):
            if treatment and _is_unsafe(treatment, pool, query):
                continue
            used.add(key)
            questions.append(asked)
    return _varied(questions)[:_MOST]


def _subjects(candidate: Candidate, query: Query, lexicon: Lexicon) -> list[tuple[str, str]]:
    treatments = sorted(c for c in candidate.sentence.concepts if lexicon.kind(c) == "drug")
    conditions = [c for c in query.patient if candidate.speaks_of((c,)) and lexicon.kind(c) == "condition"]
    pairs = [(t, c) for t in treatments[:2] for c in conditions[:2]]
    return pairs + [("", c) for c in conditions[:1]]


def _question(treatment: str, condition: str, role: Role, query: Query) -> str | None:
    template = (_ABOUT_TREATMENT if treatment else _ABOUT_CONDITION).get(role)
    if not template:
        return None
    return template.format(t=query.names.get(treatment, treatment), c=query.names.get(condition, condition))


def _asked_already(question: str, query: Query) -> bool:
    return question.rstrip("?").lower() in query.text.lower()


def _is_unsafe(treatment: str, pool: Sequence[Candidate], query: Query) -> bool:
    """Whether the corpus only speaks against the treatment in the patient's conditions (heparin in HIT)."""
    advice = [c for c in pool if treatment in c.sentence.concepts and c.speaks_of(query.patient)]
    stances = {c.sentence.stance_on(treatment) for c in advice}
    return Stance.AGAINST in stances and not stances & {Stance.FOR, Stance.CONDITIONAL}


def _varied(questions: Sequence[str]) -> list[str]:
    """Two of the same opening at most, so that the list is not one question six times."""
    seen: dict[str, int] = defaultdict(int)
    varied = []
    for question in questions:
        opening = " ".join(question.split()[:2])
        seen[opening] += 1
        if seen[opening] <= 2:
            varied.append(question)
    return varied
