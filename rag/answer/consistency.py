"""Whether answers to neighbouring questions contradict one another.

Two statements do when they say opposite things of one treatment in the same patients: by the verifier's rules of
contradiction, by their decisions (recommended in one answer, contraindicated in another), or by values of one quantity
that do not meet. A general rule and its exception do not, nor do rules for different grades of an illness. Where
sources differ and one of the answers shows both side by side, or has a sentence that names both sides, its reader is
told: that is a disagreement, not an inconsistency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, combinations_with_replacement
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.answer.held import Held, opposite, other_value, same_patients, tells_of
from rag.answer.verify import Verifier
from rag.domain import Answer, Frozen
from rag.language.lexicon import Lexicon

Kind = Literal["contradiction", "decision", "value"]
#: Cosine from which two questions are neighbours: of questions paired at random 99 in 100 are below it (the pairs of
#: ``rqe``, see ``eval.scorers.structure``).
NEAR = 0.45
#: Concepts that make questions neighbours when both name one.
_SUBJECTS = frozenset({"drug", "drug_class", "procedure", "condition", "test"})


class Place(Frozen):
    """Where a statement stands."""

    answer_id: str
    question: str
    statement_id: str


class Said(Frozen):
    """A statement, the passages that it is quoted from, and all compared answers in which it conflicts."""

    text: str
    passage_ids: tuple[str, ...]
    places: tuple[Place, ...]


class Contradiction(Frozen):
    """Two statements of neighbouring answers that cannot both hold, and in what."""

    kind: Kind
    reason: str
    one: Said
    other: Said


class Consistency(Frozen):
    """What comparing found. ``neighbours`` are pairs of answers, ``compared`` pairs of statements on one subject."""

    answers: int
    neighbours: int
    compared: int
    contradictions: tuple[Contradiction, ...]


def consistency(
    answers: Sequence[Answer],
    vectors: NDArray[np.float32],
    verifier: Verifier,
    lexicon: Lexicon,
    near: float = NEAR,
) -> Consistency:
    """Compares the statements of neighbouring answers, and of each answer with itself.

    Args:
        answers: stored or freshly made; those without statements are compared with nothing.
        vectors: of their questions, unit length, shape (answers, dimension).
        near: cosine from which questions are neighbours; those that name a drug, condition, test or procedure in
            common are neighbours whatever their cosine.
    """
    return _Comparison(answers, vectors, verifier, lexicon, near).result()


class _Comparison:
    def __init__(
        self, answers: Sequence[Answer], vectors: NDArray[np.float32], verifier: Verifier, lexicon: Lexicon, near: float
    ) -> None:
        self._answers = answers
        self._verifier = verifier
        self._lexicon = lexicon
        self._neighbours = set(_neighbours([a.question for a in answers], vectors, lexicon, near))
        self._said: dict[str, dict[int, str]] = {}  # by text, the answers that say it, each with its statement's id
        self._passages: dict[str, list[str]] = {}
        for number, answer in enumerate(answers):
            for statement in answer.statements():
                self._said.setdefault(statement.text, {}).setdefault(number, statement.statement_id)
                found = self._passages.setdefault(statement.text, [])
                found += [e.passage_id for e in statement.evidence if e.passage_id not in found]
        self._held = {text: Held.of(text, lexicon) for text in self._said}
        self._beside = [_side_by_side(answer) for answer in answers]
        self._divided = [[h for s in a.statements() if (h := self._held[s.text]).is_divided] for a in answers]

    def result(self) -> Consistency:
        held = self._held
        pairs = [(a, b) for a, b in combinations(self._said, 2) if held[a].subjects & held[b].subjects]
        compared, found = 0, list[Contradiction]()
        for one, other in pairs:
            places = list(self._places(one, other))
            compared += bool(places)
            conflict = self._conflict(held[one], held[other]) if places else None
            places = [p for p in places if not self._is_told(held[one], held[other], p)] if conflict else []
            if conflict and places:
                mine, theirs = (dict.fromkeys(side) for side in zip(*places, strict=True))
                sides = self._side(one, mine), self._side(other, theirs)
                found.append(Contradiction(kind=conflict[0], reason=conflict[1], one=sides[0], other=sides[1]))
        real = sum(a != b for a, b in self._neighbours)
        return Consistency(answers=len(self._answers), neighbours=real, compared=compared, contradictions=tuple(found))

    def _places(self, one: str, other: str) -> Iterator[tuple[int, int]]:
        """Neighbouring answers of which each says one of two texts, and neither shows both as a disagreement."""
        texts = frozenset({one, other})
        for mine in self._said[one]:
            for theirs in self._said[other]:
                pair = (min(mine, theirs), max(mine, theirs))
                if pair in self._neighbours and texts not in self._beside[mine] | self._beside[theirs]:
                    yield mine, theirs

    def _is_told(self, one: Held, other: Held, place: tuple[int, int]) -> bool:
        """Whether one of the answers says itself that sources differ on this."""
        return any(tells_of(d, one, other, self._lexicon) for number in place for d in self._divided[number])

    def _conflict(self, one: Held, other: Held) -> tuple[Kind, str] | None:
        if one.is_divided or other.is_divided or not same_patients(one, other, self._lexicon):
            return None
        contradicts = self._verifier.contradicts
        reason = contradicts(one.text, other.text) or contradicts(other.text, one.text)
        if reason:
            return "contradiction", reason.detail
        if treatment := opposite(one, other):
            return "decision", f"for and against {treatment}"
        if values := other_value(one, other):
            return "value", values
        return None

    def _side(self, text: str, numbers: dict[int, None]) -> Said:
        said = ((self._answers[n], self._said[text][n]) for n in numbers)
        places = (Place(answer_id=a.answer_id, question=a.question, statement_id=i) for a, i in said)
        return Said(text=text, passage_ids=tuple(self._passages[text]), places=tuple(places))


def _neighbours(
    questions: Sequence[str], vectors: NDArray[np.float32], lexicon: Lexicon, near: float
) -> Iterator[tuple[int, int]]:
    """Pairs (smaller number, larger number) of neighbours, each with itself."""
    named = [{m.concept for m in lexicon.mentions(q) if m.kind in _SUBJECTS} for q in questions]
    cosines = vectors @ vectors.T
    for i, j in combinations_with_replacement(range(len(questions)), 2):
        if i == j or named[i] & named[j] or cosines[i, j] >= near:
            yield i, j


def _side_by_side(answer: Answer) -> set[frozenset[str]]:
    """Pairs of texts that an answer shows as a disagreement."""
    return {
        frozenset({a.statement.text, b.statement.text})
        for disagreement in answer.disagreements
        for a, b in combinations(disagreement.positions, 2)
    }
