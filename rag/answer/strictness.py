"""Guards on what a language model writes, in whatever words: more than a verdict of the learned model may rest on.

The learned model knows what sentences are about; whether one says the opposite of the other, of milder disease or of
another organ, it does not. What an author writes for people is judged with some trust, what a machine writes is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answer.condensing import Reason
from rag.answer.contrasts import SIDES
from rag.answer.guards import GUARDS, VETOES, exceptions, negations
from rag.answer.pool import Guard, Pool
from rag.answer.reading import Reading, term_of
from rag.answer.signs import denials, signs

_ELLIPSIS = re.compile(r"[(,;]")
_ORGANS = SIDES["renal"][0][1]
#: Share of the words of both from which a statement is one sentence of the evidence said in other words.
_SAME_SENTENCE = 0.8
_ADDED = re.compile(r"(?:if|when|whenever|whether|provided(?: that)?|as long as) is not in the evidence", re.IGNORECASE)


def qualified(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """A word of a contrast before a thing that has only others of that contrast in the evidence: mild renal failure."""
    theirs = [(a.key, _head(r, i)) for r in pool.readings for i, a in enumerate(r.atoms) if a.key in SIDES]
    for i, atom in enumerate(statement.atoms):
        head = _head(statement, i)
        for kind, group, side in SIDES.get(atom.key, ()) if head else ():
            sides = {s for key, other in theirs if other == head for _, g, s in SIDES[key] if g == group}
            left_out = {s for key, other in theirs if other is None for _, g, s in SIDES[key] if g == group}
            if sides and side not in sides | left_out:
                yield Reason(kind, f"{statement.written(i, i)} is otherwise in the evidence")


def organs(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """An organ before a condition that the evidence has without one: kidney cirrhosis."""
    theirs = {(side, _head(r, i)) for r in pool.readings for i, a in enumerate(r.atoms) for side in _organ(a.key)}
    words = {word for r in pool.readings for word in (term_of(key) for key in r.keys) if word}
    for i, atom in enumerate(statement.atoms[:-1]):
        mention, head = statement.mention_at.get(i + 1), _head(statement, i)
        is_of_name = i in statement.mention_at or mention is None or mention.kind != "condition"
        for side in () if is_of_name else _organ(atom.key):
            if head in words and not {(side, head), (side, None)} & theirs:
                yield Reason("population", f"{statement.written(i, i + 1)} is not in the evidence")


def _organ(key: str) -> list[int]:
    return [side for _, group, side in SIDES.get(key, ()) if group == _ORGANS]


def _head(reading: Reading, i: int) -> str | None:
    """The word that a word stands before, past others of contrasts; None where it is left out: "mild, moderate"."""
    for j in range(i + 1, min(i + 4, len(reading.atoms))):
        if _ELLIPSIS.search(reading.text[reading.atoms[j - 1].end : reading.atoms[j].start]):
            return None
        word = term_of(reading.keys[j])
        if reading.keys[j] not in SIDES and word:
            return word
    return None


def turned(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Exceptions and conditions, as ``exceptions`` has them; one more "if" or "when" only narrows what is said."""
    yield from (r for r in exceptions(statement, pool) if not _ADDED.fullmatch(r.detail))


def recounted(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """One denial more or less than the sentence that it is as a whole: "is backed by" for "is not supported by"."""
    mine, theirs = statement.content, pool.nearest.content
    if len(mine & theirs) >= _SAME_SENTENCE * max(len(mine), len(theirs)):
        more = len(denials(statement)) - len(denials(pool.nearest))
        if more:
            yield Reason("negation", f"a negation is {'not in the evidence' if more > 0 else 'missing'}")


#: In place of ``negations``, which looks for a cue in the same surroundings, ``signs`` looks at what is denied.
STRICT: tuple[Guard, ...] = tuple(
    dict.fromkeys(
        [
            *(g for g in (*GUARDS, *VETOES) if g not in (negations, exceptions)),
            turned,
            qualified,
            organs,
            recounted,
            signs,
        ]
    )
)


def strict(statement: Reading, pool: Pool) -> tuple[Reason, ...]:
    """What speaks against a statement of a machine; nothing where it passes."""
    return tuple(dict.fromkeys(r for guard in STRICT for r in guard(statement, pool)))
