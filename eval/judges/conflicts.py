"""How a sentence of an answer stands to a claim: it agrees, it conflicts, or it says something else.

A sentence may say the claim and much more, so the two are compared where they speak of the same: a negation, a number
or a direction conflicts with what stands among the same words in the other, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from eval.judges.premises import Sentence
from rag.answer.reading import Reading, Steer
from rag.answer.verify import Reason, Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.language.quantities import Quantity
from rag.language.terms import stem

#: Reasons of the verifier that make another claim of it. A paraphrase may change hedges, conditions, words of scope.
_OTHER = frozenset({"comparator", "unit", "drug", "strength"})
_CONTRARY = frozenset({"unit", "comparator", "negation"})
_NAMES = frozenset({"drug", "drug_class", "condition", "population"})
#: Words within which a negation denies a term; share of the words around two numbers or directions
#: from which they are said of the same, of ``_FEWEST`` words at least; share of a sentence's words from which it is
#: the claim but for a change, and of its words about the claim from which that part of it is.
_REACH, _SAME_PLACE, _FEWEST, _SAME_SENTENCE, _SAME_PART = 4, 0.6, 2, 0.9, 0.75
_NOT = ("not", "without")
_OPPOSITE = {"more": "less", "less": "more"}


class Standing(NamedTuple):
    """``other`` is a sentence that is about something else: another drug, another strength of advice."""

    kind: Literal["supports", "agrees", "other", "conflicts"]
    reason: str


def standing(claim: Sentence, sentence: Sentence, verifier: Verifier, lexicon: Lexicon) -> Standing:
    """Meant for a sentence that has most words of the claim. What of them is unlike decides."""
    found = verifier.verify(claim.text, [sentence.text])
    if found.verdict is Verdict.SUPPORTED and found.support == 1.0:  # below, a word not there may be its subject
        return Standing("supports", "the words of the claim")
    strange = _another_name(claim.reading, sentence, lexicon)
    if strange:
        return Standing("other", f"not about {strange}")
    conflict = next(_conflicts(claim, sentence, verifier, found.reasons), None)
    if conflict:
        return Standing("conflicts", conflict)
    rest = next((r for r in found.reasons if r.kind in _OTHER and not r.detail.startswith("deleted")), None)
    return Standing("other", f"{rest.kind}: {rest.detail}") if rest else Standing("agrees", "")


def _conflicts(claim: Sentence, sentence: Sentence, verifier: Verifier, reasons: Sequence[Reason]) -> Iterator[str]:
    """In what the sentence is contrary to the claim, for a reader."""
    mine, theirs = claim.reading, sentence.reading
    if len(mine.content & theirs.content) >= _SAME_SENTENCE * len(theirs.content):  # any change is one of it
        yield from (f"{r.kind}: {r.detail}" for r in reasons if r.kind in _CONTRARY)
    if _negated(mine) and not any(s.kind == "negation" for s in theirs.steers):
        yield "negation: the claim denies, and nothing is denied there"
    for one, other in ((mine, theirs), (theirs, mine)):
        yield from (f"negation: {term.lstrip('=')} is denied in one of them" for term in _denied(one, other))
    yield from _other_values(mine, theirs)
    yield from _other_ways(mine, theirs)
    if _overlap(mine, theirs) >= _SAME_PART:
        contrary = verifier.contradicts(claim.text, sentence.text)
        yield from (f"{contrary.kind}: {contrary.detail}",) if contrary else ()


def _denied(reading: Reading, other: Reading) -> list[str]:
    """Terms and numbers of both that a "not" stands before wherever the one has them, and no negation in the other."""
    denied, elsewhere = _negated(reading), _places(other)
    near = {i for steer in other.steers if steer.kind == "negation" for i in _reached(steer)}
    found = (name for name, at in _places(reading).items() if denied.issuperset(at))
    return [name for name in found if name in elsewhere and near.isdisjoint(elsewhere[name])]


def _reached(steer: Steer) -> range:
    """The atoms that a negation may bear on: those after it, and before it where it is a verb ("is avoided")."""
    before = _REACH if steer.sense not in _NOT else 0
    return range(steer.first - before, steer.last + 1 + _REACH)


def _places(reading: Reading) -> dict[str, list[int]]:
    """The atoms of each content term and of each quantity."""
    found: dict[str, list[int]] = {}
    for i, atom in enumerate(reading.atoms):
        if atom.term or i in reading.quantity_at:
            found.setdefault(atom.term or atom.key, []).append(i)
    return found


def _negated(reading: Reading) -> set[int]:
    """The first term or quantity after each "not" or "without" within reach."""
    placed = {i for at in _places(reading).values() for i in at}
    found: set[int] = set()
    for steer in reading.steers:
        if steer.kind == "negation" and steer.sense in _NOT:
            found.update([i for i in _reached(steer) if i in placed and i > steer.last][:1])
    return found


def _other_values(claim: Reading, sentence: Reading) -> Iterator[str]:
    """Numbers in whose place the sentence has another of the same unit, or the same with the contrary comparator."""
    for i, quantity in claim.quantity_at.items():
        if any(quantity.same_as(other) for other in sentence.quantities):
            continue
        for j, other in sentence.quantity_at.items():
            unlike = _are_unlike(quantity, other) and not any(other.same_as(q) for q in claim.quantities)
            if unlike and _in_same_place(claim.around(i, i), sentence.around(j, j)):
                written = claim.text[quantity.start : quantity.end]
                yield f"number: {written} is {sentence.text[other.start : other.end]} there"


def _are_unlike(one: Quantity, other: Quantity) -> bool:
    if not one.same_value(other):
        return one.unit == other.unit
    ways = {one.comparator[:1], other.comparator[:1]}
    return ways == {"<", ">"}


def _other_ways(claim: Reading, sentence: Reading) -> Iterator[str]:
    """Directions, more or less, in whose place the sentence has the contrary one."""
    mine, theirs = _directions(claim), _directions(sentence)
    for one in mine:
        opposite = [o for o in theirs if _OPPOSITE[one.sense] == o.sense and _same_steer(claim, one, sentence, o)]
        same = [o for o in theirs if one.sense == o.sense and _same_steer(claim, one, sentence, o)]
        if opposite and not same:
            yield f"negation: {_OPPOSITE[one.sense]} against {one.sense}"


def _directions(reading: Reading) -> list[Steer]:
    return [s for s in reading.steers if s.kind == "direction" and s.sense in _OPPOSITE]


def _same_steer(claim: Reading, one: Steer, sentence: Reading, other: Steer) -> bool:
    return _in_same_place(claim.around(one.first, one.last), sentence.around(other.first, other.last))


Around = tuple[frozenset[str], frozenset[str]]


def _in_same_place(one: Around, other: Around) -> bool:
    mine, theirs = one[0] | one[1], other[0] | other[1]
    shared, fewest = len(mine & theirs), min(len(mine), len(theirs))
    return shared >= _FEWEST and shared >= _SAME_PLACE * fewest


def _overlap(claim: Reading, sentence: Reading) -> float:
    """Share of the content words of the sentence, from the first to the last that the claim has, that it has."""
    terms = [atom.term for atom in sentence.atoms if atom.term]
    there = [i for i, term in enumerate(terms) if term in claim.content]
    return len(there) / (there[-1] - there[0] + 1) if there else 0.0


def _another_name(claim: Reading, sentence: Sentence, lexicon: Lexicon) -> str | None:
    """A drug, condition or group of people of the claim that the sentence does not name, as written."""
    concepts, words = sentence.reading.concepts, {stem(w) for w in sentence.text.lower().replace("-", " ").split()}
    for mention in claim.mentions:
        written = claim.text[mention.start : mention.end]
        is_named = any(lexicon.is_a(c, mention.concept) or lexicon.is_a(mention.concept, c) for c in concepts)
        if mention.kind in _NAMES and not is_named and not {stem(w) for w in written.lower().split()} <= words:
            return written
    return None


def missing(claim: Reading, said: tuple[Quantity, ...]) -> str | None:
    """A number or dose of the claim that is nowhere in the answer, as written; None if all are said.

    A bare number word ("one option", "two drugs") is no value.
    """
    for quantity in claim.quantities:
        written = claim.text[quantity.start : quantity.end]
        is_value = bool(quantity.unit) or any(c.isdigit() for c in written)
        if is_value and not any(quantity.same_value(other) for other in said):
            return written
    return None
