"""Variables that would change the answer: what the shown statements depend on and the question does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rag.answer.question import TREATMENTS, Intent, Query
from rag.answer.select import ADVISING, OUTCOMES, Candidate, Place
from rag.answer.sentences import Sentence
from rag.clinical.decisive import VARIABLES, Variable
from rag.domain import Role
from rag.language.lexicon import Lexicon

#: Roles whose statements decide what is done.
_DECIDING = ADVISING | {Role.MONITORING, Role.DIAGNOSIS}
#: Kinds of question on which nothing is decided.
_EXPLAINING = frozenset({Intent.MECHANISM, Intent.DEFINITION, Intent.EVIDENCE, Intent.PROGNOSIS})
#: So many of the first statements decide most; elsewhere one that depends on a variable is none that decides.
_LEADING = 3
_PER_VALUE = 3
_MOST_VALUES = 4
#: Kinds of question on what to do with a patient, of whom more must be known than for a single fact.
_WIDE = frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE})
#: So many variables are listed with branches, for a single fact and for more, and so many in all.
_FEW_BRANCHED, _MOST_BRANCHED, _MOST = 2, 4, 8
_REMEMBERED = 20_000
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Conditionals:
    """Which variables the sentences of one snapshot are conditional on, and which values they name; read on demand and
    remembered, for none of it depends on a question."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._variables: dict[Sentence, frozenset[str]] = {}
        self._values: dict[tuple[Sentence, str], tuple[str, ...]] = {}

    def depends(self, sentence: Sentence, variable: Variable) -> bool:
        """Whether what a sentence says is conditional on a variable."""
        found = self._variables.get(sentence)
        if found is None:
            if len(self._variables) >= _REMEMBERED:
                self._variables.clear()
            found = frozenset(v.name for v in VARIABLES if v.depends.search(sentence.text))
            self._variables[sentence] = found
        return variable.name in found

    def values(self, sentence: Sentence, variable: Variable) -> tuple[str, ...]:
        """The values of a variable that a sentence names."""
        key = (sentence, variable.name)
        found = self._values.get(key)
        if found is None:
            if len(self._values) >= _REMEMBERED:
                self._values.clear()
            found = self._values[key] = variable.values(sentence.text)
        return found


class Branch(NamedTuple):
    value: str
    candidate: Candidate
    note: str | None


class Missing(NamedTuple):
    variable: str
    why: str
    branches: tuple[Branch, ...]


def missing(
    query: Query, shown: Sequence[Candidate], pool: Sequence[Candidate], others: Sequence[Candidate], main: str | None,
    conditionals: Conditionals,
) -> list[Missing]:  # fmt: skip
    """Missing variables, those first on which most shown statements depend.

    Branches come from ``pool``: what it says for each value, about a treatment and the condition that the statements
    are about which depend on it. For a value of which it says nothing, ``others`` are asked what holds without the
    condition.

    Args:
        main: the condition that the answer is mostly about.
    """
    if query.intent in _EXPLAINING:
        return []
    found, lexicon = [], conditionals.lexicon
    deciding = [c for c in shown if c.role in _DECIDING]
    leading = {c.record.row for c in shown[:_LEADING]}
    for variable in VARIABLES:
        dependent = [c for c in deciding if conditionals.depends(c.sentence, variable)]
        is_decisive = len(dependent) > 1 or any(c.record.row in leading for c in dependent)
        if not is_decisive or variable.given.search(query.text) or not _concerns(variable, query, lexicon):
            continue
        branches = _Branches(variable, query, dependent, main, conditionals).of(pool, others)
        found.append((len(dependent), Missing(variable.name, variable.why, branches)))
    found.sort(key=lambda item: -item[0])
    most = _MOST_BRANCHED if query.intent in _WIDE else _FEW_BRANCHED
    branched = [m for _, m in found if m.branches][:most]
    return [*branched, *(m for _, m in found if not m.branches)][:_MOST]


def _concerns(variable: Variable, query: Query, lexicon: Lexicon) -> bool:
    asked = query.concepts
    if variable.is_for_classes:
        return not set(query.focus).isdisjoint(variable.concerns)
    return not variable.concerns or any(lexicon.is_a(mine, c) for mine in asked for c in variable.concerns)


class _Branches:
    """What is said for each value of one variable."""

    def __init__(
        self, variable: Variable, query: Query, dependent: Sequence[Candidate], main: str | None,
        conditionals: Conditionals,
    ) -> None:  # fmt: skip
        lexicon = conditionals.lexicon
        self._variable, self._lexicon, self._conditionals = variable, lexicon, conditionals
        self._roles = _DECIDING if variable.is_diagnostic else ADVISING
        asked = (*query.current, *query.focus)
        is_asked = any(s.speaks_of(asked) for s in dependent)
        #: Those of the question where the dependent statements speak of them, else those that they name.
        self._treatments = asked if is_asked else tuple(sorted({c for s in dependent for c in self._named(s)}))
        #: What the variable grades needs no other name.
        is_graded = main is None or main in OUTCOMES or any(lexicon.is_a(main, c) for c in variable.concerns)
        self._condition = None if is_graded and not variable.is_diagnostic else main

    def of(self, pool: Sequence[Candidate], others: Sequence[Candidate]) -> tuple[Branch, ...]:
        about = sorted((c for c in pool if self._is_about(c)), key=_preference)
        valued = [(c, self._conditionals.values(c.sentence, self._variable)) for c in about]
        below = {v for c, _ in valued for v in self._variable.below(c.text)}
        values = sorted({v for _, mine in valued for v in mine} | below, key=_order)
        listed = [_of_value(value, valued) or self._without(value, others) for value in values]
        return tuple(branch for branches in [b for b in listed if b][:_MOST_VALUES] for branch in branches)

    def _is_about(self, candidate: Candidate) -> bool:
        """Whether it advises on one of the treatments, or names none where the dependent statements do not either, in
        the condition.
        """
        if candidate.role not in self._roles or not self._is_in_condition(candidate):
            return False
        if self._variable.is_diagnostic:
            return True
        return candidate.speaks_of(self._treatments) or not (self._treatments and self._named(candidate))

    def _is_in_condition(self, candidate: Candidate) -> bool:
        """Whether it names the condition, a kind of it or the next broader one."""
        condition = self._condition
        if condition is None or candidate.speaks_of((condition,)):
            return True
        return not candidate.sentence.concepts.isdisjoint(self._lexicon.parents(condition))

    def _named(self, candidate: Candidate) -> set[str]:
        return {c for c in candidate.sentence.concepts if self._lexicon.kind(c) in TREATMENTS}

    def _without(self, value: str, others: Sequence[Candidate]) -> list[Branch]:
        """For a value below a threshold that no statement speaks of: what is said of people without the condition."""
        variable = self._variable
        note = (
            f"no statement here speaks of {variable.name} {value}; this is about people without {variable.concerns[0]}"
        )
        doses = [
            c for c in others
            if c.role is Role.DOSING and c.speaks_of(self._treatments)
            and not c.sentence.excludes.isdisjoint(variable.concerns)
            and self._is_in_condition(c)
        ]  # fmt: skip
        return [Branch(value, c, note) for c in sorted(doses, key=_preference)[:1]]


def _of_value(value: str, valued: Iterable[tuple[Candidate, tuple[str, ...]]]) -> list[Branch]:
    """The first statement for one value, and what other bodies that advise by their office say."""
    bodies: dict[tuple[str | None, str | None], Branch] = {}
    for candidate, mine in valued:
        source = candidate.source
        if value in mine and (not bodies or source.evidence_type.is_normative):
            bodies.setdefault((source.jurisdiction, source.issuing_body), Branch(value, candidate, None))
    return list(bodies.values())[:_PER_VALUE]


def _order(value: str) -> tuple[float, bool, str]:
    """Values in words by the alphabet, numbers by their size, "<30" before "≥30"."""
    number = _NUMBER.search(value)
    return float(number[0]) if number else 0.0, not value.startswith(("<", "≤")), value


def _preference(candidate: Candidate) -> tuple[bool, bool, float, Place]:
    """What a source says before what was derived from several; guidelines, labels and regulators first."""
    normative = candidate.source.evidence_type.is_normative
    return (candidate.passage.derived, not normative, -candidate.relevance, candidate.place)
