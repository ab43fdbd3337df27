"""True sentences made false in one place: what a verifier must catch.

Each alteration changes what a sentence says and little else: a number, a unit, a comparator, a negation, a drug, whom
it is about, how firmly it is said. Where there is nothing to alter it gives nothing. ``eval.rewordings`` has the
counterpart: changes after which a sentence is as true as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from rag.language.lexicon import Lexicon

#: Not a part of a word, a range, a fraction or a number with commas.
_NUMBER = re.compile(r"(?<![\w/–-])(?<!\d[.,])\d+(?:\.\d+)?(?![\w/–-]|[.,]\d)")
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
_PAIRS = (("less than", "more than"), ("at least", "at most"), ("above", "below"), ("higher", "lower"), ("<", ">"),
          ("≥", "≤"))  # fmt: skip


def _both(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    return dict(pairs) | {b: a for a, b in pairs}


_OPPOSITES = _both(_PAIRS)
#: Neither within a word ("slower") nor within an arrow or "<=".
_COMPARATOR = re.compile(
    r"\b(?:less than|more than|at least|at most|above|below|higher|lower)\b|(?<![-<=>])[<>](?![-<=>])|[≥≤]"
)
_NEGATED = re.compile(r"\b(is|are|was|were|do|does|did|has|have|had|can|could|should|must|would) not\b|\b(can)not\b")
#: Where another negation follows ("there is no antidote"), one more would make nonsense.
_ASSERTED = re.compile(r"\b(?:is|are|was|were|should|can)\b(?! (?:no|not|none|never|neither|nor)\b)")

#: Each for the other, whole words in small letters.
_GROUPS = _both((("adults", "children"), ("adult", "child"), ("men", "women"), ("male", "female"), ("males", "females"),
                 ("boys", "girls"), ("acute", "chronic"), ("mild", "severe"), ("renal", "hepatic"), ("kidney", "liver"),
                 ("arterial", "venous"), ("untreated", "treated"), ("symptomatic", "asymptomatic"), ("mice", "humans"),
                 ("inpatients", "outpatients"), ("primary", "secondary")))  # fmt: skip
#: The firmer for the weaker, never the other way: a statement may say less than its evidence.
_FIRMER = {"conditional recommendation": "strong recommendation", "very low certainty": "high certainty",
           "low certainty": "high certainty", "suggests": "recommends", "suggest that": "prove that",
           "recommends": "requires", "recommended": "required", "should": "must", "may": "must", "might": "must",
           "could": "must", "likely to": "certain to", "associated with": "caused by",
           "possible": "certain"}  # fmt: skip


class Altered(NamedTuple):
    kind: str
    text: str


def alterations(sentence: str, lexicon: Lexicon, drugs: Sequence[str]) -> Iterator[Altered]:
    """One false variant of each kind that the sentence allows. ``drugs`` are what a named drug is replaced with."""
    for kind, altered in (
        ("number", _number(sentence)),
        ("unit", _unit(sentence)),
        ("comparator", _comparator(sentence)),
        ("negation", _negation(sentence)),
        ("drug", _drug(sentence, lexicon, drugs)),
        ("population", _word(sentence, _GROUPS)),
        ("strength", _word(sentence, _FIRMER)),
    ):
        if altered and altered != sentence:
            yield Altered(kind, altered)


def _number(sentence: str) -> str | None:
    """The first number that is neither a year nor 0 is multiplied by ten."""
    for match in _NUMBER.finditer(sentence):
        value = Decimal(match[0])
        if value and not _YEAR.fullmatch(match[0]):
            return _with(sentence, match, f"{(value * 10).normalize():f}")
    return None


def _unit(sentence: str) -> str | None:
    """The first place of the first unit of the table that stands after a number."""
    for unit, other in _UNITS.items():
        if match := re.search(rf"(?<=\d)\s?({re.escape(unit)})(?!\w)", sentence):
            start = match.start() if other.startswith(" ") else match.start(1)
            return sentence[:start] + other + sentence[match.end() :]
    return None


def _comparator(sentence: str) -> str | None:
    match = _COMPARATOR.search(sentence)
    return _with(sentence, match, _OPPOSITES[match[0]]) if match else None


def _negation(sentence: str) -> str | None:
    """The first negation is taken away or, where there is none, put in after the first verb that takes one."""
    if match := _NEGATED.search(sentence):
        return _with(sentence, match, match[1] or match[2])
    if match := _ASSERTED.search(sentence):
        return _with(sentence, match, "cannot" if match[0] == "can" else f"{match[0]} not")
    return None


def _drug(sentence: str, lexicon: Lexicon, drugs: Sequence[str]) -> str | None:
    """The first drug becomes another that the sentence does not name, and that is neither a kind of it nor broader."""
    mentions = lexicon.mentions(sentence)
    drug = next((m for m in mentions if m.kind == "drug"), None)
    if drug is None:
        return None
    named = {m.concept for m in mentions}
    others = (d for d in drugs if d not in named)
    other = next((d for d in others if not (lexicon.is_a(d, drug.concept) or lexicon.is_a(drug.concept, d))), None)
    return sentence[: drug.start] + other + sentence[drug.end :] if other else None


def _word(sentence: str, others: Mapping[str, str]) -> str | None:
    """The first word or phrase of a table becomes its other, unless the sentence has that too."""
    match = re.search(rf"\b(?<!-)(?:{'|'.join(map(re.escape, others))})\b(?!-)", sentence)
    if not match or re.search(rf"\b{re.escape(others[match[0]])}\b", sentence):
        return None
    return _with(sentence, match, others[match[0]])


def _with(sentence: str, match: re.Match[str], other: str) -> str:
    return sentence[: match.start()] + other + sentence[match.end() :]
