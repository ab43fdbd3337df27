"""Variables that would change the answer: what the shown statements depend on and the question does not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rag.answer.question import Query
from rag.answer.select import ADVISING, Candidate, Place
from rag.clinical.variables import VARIABLES, Variable
from rag.domain import Role
from rag.language.lexicon import Lexicon

#: Roles whose statements decide what is done.
_DECIDING = ADVISING | {Role.MONITORING, Role.DIAGNOSIS}
_PER_VALUE = 4
_MOST_VALUES = 4
_MOST = 6


class Branch(NamedTuple):
    value: str
    candidate: Candidate
    note: str | None


class Missing(NamedTuple):
    variable: str
    why: str
    branches: tuple[Branch, ...]


def missing(
    query: Query, shown: Sequence[Candidate], pool: Sequence[Candidate], others: Sequence[Candidate], lexicon: Lexicon
) -> list[Missing]:
    """Missing variables, those first on which most shown statements depend.

    Branches come from ``pool``: what it says for each value, about the treatment that the question is about. For a
    value of which it says nothing, ``others`` are asked what holds without the condition.
    """
    found = []
    for variable in VARIABLES:
        dependent = [c for c in shown if c.role in _DECIDING and variable.depends.search(c.text)]
        if not dependent or variable.given.search(query.text) or not _concerns(variable, query, lexicon):
            continue
        found.append((len(dependent), Missing(variable.name, variable.why, _branches(variable, query, pool, others))))
    found.sort(key=lambda item: (not item[1].branches, -item[0]))
    return [m for _, m in found[:_MOST]]


def _concerns(variable: Variable, query: Query, lexicon: Lexicon) -> bool:
    asked = query.concepts
    if variable.is_for_classes:
        return not set(query.focus).isdisjoint(variable.concerns)
    return not variable.concerns or any(lexicon.is_a(mine, c) for mine in asked for c in variable.concerns)


def _branches(
    variable: Variable, query: Query, pool: Sequence[Candidate], others: Sequence[Candidate]
) -> tuple[Branch, ...]:
    treatments = (*query.current, *query.focus)
    roles = _DECIDING if variable.is_diagnostic else ADVISING
    about = [c for c in pool if c.role in roles and (not treatments or c.speaks_of(treatments))]
    valued = [(c, variable.values(c.text)) for c in sorted(about, key=_preference)]
    below = {v for c, _ in valued for v in variable.below(c.text)}
    values = sorted({v for _, mine in valued for v in mine} | below)[:_MOST_VALUES]
    return tuple(
        branch
        for value in values
        for branch in _of_value(variable, value, valued) or _without(variable, value, treatments, others)
    )


def _without(variable: Variable, value: str, treatments: Sequence[str], others: Sequence[Candidate]) -> list[Branch]:
    """For a value below a threshold that no statement speaks of: what is said of people without the condition."""
    note = f"no statement here speaks of {variable.name} {value}; this is about people without {variable.concerns[0]}"
    doses = [
        c for c in others
        if c.role is Role.DOSING and c.speaks_of(treatments) and not c.sentence.excludes.isdisjoint(variable.concerns)
    ]  # fmt: skip
    return [Branch(value, c, note) for c in sorted(doses, key=_preference)[:1]]


def _of_value(variable: Variable, value: str, valued: Iterable[tuple[Candidate, tuple[str, ...]]]) -> list[Branch]:
    """Statements for one value, from different issuing bodies."""
    said = [Branch(value, c, None) for c, mine in valued if value in mine]
    bodies: dict[tuple[str | None, str | None], Branch] = {}
    for branch in said:
        source = branch.candidate.source
        bodies.setdefault((source.jurisdiction, source.issuing_body), branch)
    return list(bodies.values())[:_PER_VALUE]


def _preference(candidate: Candidate) -> tuple[bool, bool, float, Place]:
    """What a source says before what was derived from several; guidelines, labels and regulators first."""
    normative = candidate.source.evidence_type.is_normative
    return (candidate.passage.derived, not normative, -candidate.relevance, candidate.place)
