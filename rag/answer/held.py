"""What a statement holds, read from its words alone: of what, in whom, for or against, with which values.

For comparing statements of stored answers, whose sentences may be in no index any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise, product
from math import inf
from typing import NamedTuple

from rag.answer.reading import term_of
from rag.clinical.variables import child_pugh_classes
from rag.language.lexicon import Lexicon, Mention, tokens
from rag.language.polarity import Stance, cues, stance, stances
from rag.language.quantities import Quantity, quantities

_TREATMENTS = frozenset({"drug", "drug_class", "procedure"})
_PEOPLE = frozenset({"condition", "population"})
#: Populations that say no more than that somebody is treated.
_ANYBODY = frozenset({"adult", "adults", "patient"})
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_CLAUSE = re.compile(r"[;:]\s|\.\s|,?\s(?:but|whereas|while|although)\s")
_LEFT_OUT = re.compile(
    r"\b(?:without|excluding|excluded|except|other than|absence of)\s+(?:[\w-]+\s+){0,3}$", re.IGNORECASE
)
#: A sentence on what several jurisdictions hold, or that says that they differ, names both sides itself.
_JURISDICTION = re.compile(r"\b(?:US|USA|UK|EU|French|German|Canadian|Australian|Swiss|Italian|Japanese|Nordic)\b")
_DIFFERING = re.compile(
    r"\b(?:conflict|differs?|disagree|unsettled|controversial|not standardised|on the other hand)\b", re.IGNORECASE
)
#: Units in which findings are reported, which vary between studies, and of dates and counts: no values to hold to.
_REPORTED = frozenset({"%", "", ":", "year", "day number", "x", "/person-years", "±"})
_LIMITS = frozenset({"<", ">"})
#: Share of content words in common from which two sentences give values of one thing.
_SAME_THING = 0.6
#: From here on they are one sentence, whose values are compared one by one.
_SAME_SENTENCE = 0.9


class Held(NamedTuple):
    """``by_treatment`` is what the clauses that name a treatment say on it; ``terms`` are its words but numbers."""

    text: str
    subjects: frozenset[str]
    treatments: frozenset[str]
    people: frozenset[str]
    left_out: frozenset[str]
    grades: frozenset[str]
    classes: frozenset[str]
    by_treatment: dict[str, Stance]
    is_divided: bool
    values: tuple[Quantity, ...]
    terms: frozenset[str]

    @classmethod
    def of(cls, text: str, lexicon: Lexicon) -> Held:
        bare = _PARENTHESIS.sub("", text)
        mentions = lexicon.mentions(bare)
        people = [m for m in mentions if m.kind in _PEOPLE and m.concept not in _ANYBODY]
        left_out = frozenset(m.concept for m in people if _LEFT_OUT.search(bare[: m.start]))
        values = quantities(bare)
        return cls(
            text=text,
            subjects=frozenset(m.concept for m in mentions),
            treatments=frozenset(m.concept for m in mentions if m.kind in _TREATMENTS),
            people=frozenset(m.concept for m in people) - left_out,
            left_out=left_out,
            grades=frozenset(bare[c.start : c.end].lower() for c in cues(bare) if c.sense == "severity") - _ANYBODY,
            classes=frozenset(child_pugh_classes(text)),
            by_treatment=_by_treatment(bare, mentions),
            is_divided=_is_divided(text),
            values=tuple(q for q in values if q.unit not in _REPORTED and q.comparator != "±"),
            terms=frozenset(_terms(bare, values)),
        )


def same_patients(one: Held, other: Held, lexicon: Lexicon) -> bool:
    """Whether two statements are about the same people: every condition and population of either is one of the other's,
    broader or narrower, none is left out by the other, grades of the one are among the other's ("severe" among
    "moderate or severe"), and classes meet.
    """
    if one.left_out & other.people or other.left_out & one.people:
        return False
    for mine, theirs in ((one.grades, other.grades), (one.classes, other.classes)):
        if (mine or theirs) and mine.isdisjoint(theirs):
            return False
    if not (one.grades <= other.grades or other.grades <= one.grades):
        return False
    return _covers(one.people, other.people, lexicon) and _covers(other.people, one.people, lexicon)


def tells_of(divided: Held, one: Held, other: Held, lexicon: Lexicon) -> bool:
    """Whether a sentence that names both sides is on what two statements differ about: the treatment and the people."""
    treatments = one.treatments & other.treatments
    return not divided.treatments.isdisjoint(treatments) and _covers(divided.people, one.people & other.people, lexicon)


def opposite(one: Held, other: Held) -> str | None:
    """A treatment that one statement recommends and the other advises against."""
    for treatment in sorted(one.by_treatment.keys() & other.by_treatment.keys()):
        if {one.by_treatment[treatment], other.by_treatment[treatment]} == {Stance.FOR, Stance.AGAINST}:
            return treatment
    return None


def other_value(one: Held, other: Held) -> str | None:
    """The differing values of one thing: nearly the same words of the same treatments, and values that do not meet."""
    common, terms = len(one.terms & other.terms), len(one.terms | other.terms)
    if one.treatments != other.treatments or not terms or common < _SAME_THING * terms:
        return None
    for unit in sorted({q.unit for q in one.values} & {q.unit for q in other.values}):
        mine, theirs = ([q for q in side.values if q.unit == unit] for side in (one, other))
        is_each = common >= _SAME_SENTENCE * terms and len(mine) == len(theirs)
        pairs = list(zip(mine, theirs, strict=True) if is_each else product(mine, theirs))
        apart = [pair for pair in pairs if _are_apart(*pair)]
        if apart and (is_each or len(apart) == len(pairs)):
            bare = [_PARENTHESIS.sub("", side.text) for side in (one, other)]
            return f"{_written(bare[0], apart[0][0])} against {_written(bare[1], apart[0][1])}"
    return None


def _are_apart(one: Quantity, other: Quantity) -> bool:
    """Whether two values do not meet; of two limits, whether they are not the same one."""
    signs = one.comparator[:1], other.comparator[:1]
    if all(sign in _LIMITS for sign in signs):
        return signs != (signs[0], signs[0]) or one.low != other.low
    (low, high), (other_low, other_high) = _span(one), _span(other)
    return high < other_low or other_high < low


def _span(value: Quantity) -> tuple[float, float]:
    sign = value.comparator[:1]
    return (-inf if sign == "<" else float(value.low), inf if sign == ">" else float(value.high))


def _covers(named: Iterable[str], wanted: Iterable[str], lexicon: Lexicon) -> bool:
    return all(any(lexicon.is_a(c, w) or lexicon.is_a(w, c) for c in named) for w in wanted)


def _by_treatment(text: str, mentions: Iterable[Mention]) -> dict[str, Stance]:
    """What the first clause that names a treatment and takes a stance says on it."""
    found: dict[str, Stance] = {}
    starts = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    for begin, end in pairwise(starts):
        said = stance(text[begin:end])
        named = [m.concept for m in mentions if m.kind in _TREATMENTS and begin <= m.start < end]
        if said is not Stance.NEUTRAL and len(set(named)) == 1:  # of two treatments one may be advised over the other
            found.setdefault(named[0], said)
    return found


def _is_divided(text: str) -> bool:
    said = stances(text)
    is_both = Stance.AGAINST in said and bool(said & {Stance.FOR, Stance.CONDITIONAL})
    return is_both or len(set(_JURISDICTION.findall(text))) > 1 or _DIFFERING.search(text) is not None


def _terms(text: str, values: Iterable[Quantity]) -> Iterable[str]:
    spans = [(q.start, q.end) for q in values]
    words = (w for w in tokens(text) if not any(a <= w.start < b for a, b in spans))
    return (term for w in words if (term := term_of(w.key)))


def _written(text: str, value: Quantity) -> str:
    return text[value.start : value.end].strip()
