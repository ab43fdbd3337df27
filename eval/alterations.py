"""True sentences made false in one place: what a verifier must catch.

Each alteration changes what a sentence says and little else: a number, a unit, a comparator, a negation, a drug. Where
there is nothing to alter it gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag.language.lexicon import Lexicon

_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:\.\d+)?(?![\w,./-]|\.\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNITS = {
    "mcg": "mg",
    "mg": "g",
    "g/kg": "mg/kg",
    "days": "weeks",
    "hours": "days",
    "months": "years",
    "%": " per 1000",
}
_OPPOSITES = (("less than", "more than"), ("at least", "at most"), ("above", "below"), ("higher", "lower"), ("<", ">"),
              ("≥", "≤"))  # fmt: skip
_COMPARATORS = _OPPOSITES + tuple((b, a) for a, b in _OPPOSITES)
#: Each with what takes its place: a negation is taken away or, where there is none, put in.
_NEGATIONS = (
    *((rf"\b{verb} not\b", verb) for verb in ("is", "are", "does", "did", "should")),
    *((rf"\b{verb}\b", f"{verb} not") for verb in ("is", "are", "should", "was", "were")),
    (r"\bcan\b", "cannot"),
)


class Altered(NamedTuple):
    kind: str
    text: str


def alterations(sentence: str, lexicon: Lexicon, drugs: Sequence[str]) -> Iterator[Altered]:
    """One false variant of each kind that the sentence allows. ``drugs`` are what a named drug is replaced with."""
    for kind, altered in (
        ("number", _number(sentence)),
        ("unit", _unit(sentence)),
        ("comparator", _first_pair(sentence, _COMPARATORS)),
        ("negation", _negation(sentence)),
        ("drug", _drug(sentence, lexicon, drugs)),
    ):
        if altered and altered != sentence:
            yield Altered(kind, altered)


def _number(sentence: str) -> str | None:
    """The first number that is no year is multiplied by ten."""
    for match in _NUMBER.finditer(sentence):
        if not _YEAR.fullmatch(match[0]):
            ten = f"{float(match[0]) * 10:g}"
            return sentence[: match.start()] + ten + sentence[match.end() :]
    return None


def _unit(sentence: str) -> str | None:
    for unit, other in _UNITS.items():
        changed = re.sub(rf"(?<=\d)(\s?){re.escape(unit)}(?!\w)", rf"\g<1>{other}", sentence, count=1)
        if changed != sentence:
            return changed
    return None


def _first_pair(sentence: str, pairs: Sequence[tuple[str, str]]) -> str | None:
    found = [(sentence.find(word), word, other) for word, other in pairs if word in sentence]
    if not found:
        return None
    at, word, other = min(found)
    return sentence[:at] + other + sentence[at + len(word) :]


def _negation(sentence: str) -> str | None:
    for pattern, other in _NEGATIONS:
        if re.search(pattern, sentence):
            return re.sub(pattern, other, sentence, count=1)
    return None


def _drug(sentence: str, lexicon: Lexicon, drugs: Sequence[str]) -> str | None:
    """The first drug becomes another one that the sentence does not name."""
    mentions = lexicon.mentions(sentence)
    named = {m.concept for m in mentions}
    drug = next((m for m in mentions if m.kind == "drug"), None)
    other = next((d for d in drugs if d not in named), None)
    return sentence[: drug.start] + other + sentence[drug.end :] if drug and other else None
