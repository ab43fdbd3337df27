"""Guards on places: numbers, drugs, conditions, advice and the sides of a comparison that changed places."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from rag.answer.advising import LEVELS
from rag.answer.condensing import Reason
from rag.answer.contrasts import SIDES
from rag.answer.pool import Pool
from rag.answer.reading import Reading
from rag.language.lexicon import Mention


def order(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """What stands where another stood: two numbers, drugs, conditions or strengths that changed places."""
    families: dict[Hashable, list[Slot]] = {}
    for slot in (s for r in pool.readings for s in _slots(r)):
        families.setdefault(slot.family, []).append(slot)
    for slot in _slots(statement):
        theirs = families.get(slot.family, [])
        if slot.family == _QUANTITY and not any(s.key == slot.key for s in theirs):
            continue  # whether the evidence has it at all is for another guard
        own = max((_likeness(slot, s) for s in theirs if s.key == slot.key), default=0.0)
        full = _likeness(slot, slot)
        if own == full:
            continue
        others = (s for s in theirs if s.key != slot.key and not _is_softer(slot, s) and not _is_kin(slot, s, pool))
        other = max((_likeness(slot, s) for s in others), default=0.0)
        if other > own and other >= max(min(own + _CLEARLY, full), _ENOUGH):
            yield Reason("order", f"{slot.written} stands where the evidence has something else")


def comparisons(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """ "A rather than B" is not "B rather than A", unless the evidence has that comparison too."""
    theirs = [(r.around(s.first, s.last)) for r, s in pool.steers(frozenset({"comparative"}))]
    for steer in (s for s in statement.steers if s.kind == "comparative"):
        left, right = statement.around(steer.first, steer.last)
        straight = max((len(left & a) + len(right & b) for a, b in theirs), default=0)
        crossed = max((len(left & b) + len(right & a) for a, b in theirs), default=0)
        if crossed >= 2 and crossed > straight:
            yield Reason("order", f"the sides of {statement.written(steer.first, steer.last)!r} are exchanged")


def bindings(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """A number belongs to the drug and the condition next to it: not the dose of one drug to another's name."""
    for place, quantity in statement.quantity_at.items():
        places = [(r, i) for r in pool.readings for i, q in r.quantity_at.items() if quantity.same_as(q)]
        for kinds in (_DRUGS, _CONDITIONS):
            mine = _beside(statement, place, kinds)
            if mine and places and quantity.unit != "year" and not any(mine & _beside(r, i, kinds) for r, i in places):
                yield Reason("order", f"{statement.written(place, place)} belongs to something else in the evidence")


def _beside(reading: Reading, place: int, kinds: frozenset[str]) -> frozenset[str]:
    """The nearest concepts of ``kinds`` before and after an atom, within its sentence."""
    low, high = next(((a, b) for a, b in reading.sentences if a <= place < b), (0, len(reading.atoms)))
    sides = (range(place - 1, low - 1, -1), range(place + 1, high))
    return frozenset(c for side in sides for c in _first_concept(reading, side, kinds))


def _first_concept(reading: Reading, side: range, kinds: frozenset[str]) -> tuple[str, ...]:
    for i in side:
        mention = reading.mention_at.get(i)
        if mention and mention.kind in kinds:
            return (mention.concept,)
    return ()


_QUANTITY, _ADVICE, _MENTION = "quantity", "advice", ("mention",)
_CONDITION = (*_MENTION, "condition")
#: Kinds of things that can stand for one another.
_ALIKE = {"drug_class": "drug", "procedure": "drug", "population": "condition", "setting": "condition"}
_DRUGS, _CONDITIONS = frozenset({"drug", "drug_class"}), frozenset({"condition"})
# Likeness by which another thing's place fits better, and what it takes to be a place at all; 12 is the most.
_CLEARLY, _ENOUGH = 2.5, 5


class Slot(NamedTuple):
    """A thing in its place: what it is, and the keys of the three atoms before and after, nearest first.

    Only things of one ``family`` can stand for one another.
    """

    family: Hashable
    key: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    written: str


def _is_softer(one: Slot, other: Slot) -> bool:
    """Whether advice stands where firmer advice stood: a statement may say less."""
    return one.family == _ADVICE and LEVELS[one.key] < LEVELS[other.key]


def _is_kin(one: Slot, other: Slot, pool: Pool) -> bool:
    """Whether two things are one but for a narrower name: refractory HIT is HIT."""
    return one.family == _CONDITION and (pool.lexicon.is_a(one.key, other.key) or pool.lexicon.is_a(other.key, one.key))


def _slots(reading: Reading) -> list[Slot]:
    places: list[tuple[Hashable, str, int, int]] = [(_QUANTITY, reading.keys[i], i, i) for i in reading.quantity_at]
    spans: dict[Mention, list[int]] = {}
    for i, mention in reading.mention_at.items():
        spans.setdefault(mention, []).append(i)
    places += [((*_MENTION, _ALIKE.get(m.kind, m.kind)), m.concept, at[0], at[-1]) for m, at in spans.items()]
    places += [(_ADVICE, s.sense, s.first, s.last) for s in reading.steers if s.kind == "modality"]
    for i, atom in enumerate(reading.atoms):
        if i not in reading.mention_at:  # the name stands for its words
            places += [(group, str(side), i, i) for _, group, side in SIDES.get(atom.key, ())]
    keys = reading.keys
    return [
        Slot(family, key, tuple(keys[max(0, first - 3) : first][::-1]), tuple(keys[last + 1 : last + 4]),
             reading.written(first, last))
        for family, key, first, last in places
    ]  # fmt: skip


def _likeness(one: Slot, other: Slot) -> float:
    """Weight of the shared neighbours, 0 to 12: the nearest weigh most, one step out of place counts half."""
    total = 0.0
    for mine, theirs in ((one.before, other.before), (one.after, other.after)):
        for distance, key in enumerate(mine):
            if distance < len(theirs) and theirs[distance] == key:
                total += 3 - distance
            elif key in theirs:
                total += (3 - distance) / 2
    return total
