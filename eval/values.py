"""The values of claims, numbers with units and grades, and whether an answer says them.

Read by ``rag.language.quantities``: "0.5 mcg/kg/min" is said by "0.5 µg/kg per minute", not by "0.5 mg/kg/min".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rag.language.quantities import TYPOGRAPHY, Quantity, quantities
from rag.language.terms import STOP_WORDS, stem

_GRADE = re.compile(
    r"\b(?:grade|class|level|category)\s(?:[1-4][A-D]?|I{1,3}[ab]?|IV|[A-D])(?:[-–](?:[A-D]R?|LD|EO|NR))?\b(?!\s?[%/.]\d)"
    r"|\b(?:Child[-–\s]Pugh|CTP)(?:\s(?:class|score))?\s(?:[A-C]|\d{1,2})\b",
    re.IGNORECASE,
)
_FILLER = re.compile(r"\b(?:class|score|turcotte)\b|[-–\s]+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
#: Which way a comparator points.
_WAY = {"": 0, "~": 0, "±": 0, "<": -1, "<=": -1, ">": 1, ">=": 1}
#: Of the content words of a claim, what a statement must have to speak of it.
_SPEAKS_OF = 0.2


def values_in(text: str) -> tuple[str, ...]:
    """Values of ``text``, as written in it and in order, each once.

    They are quantities with a unit, numbers without one if they are written in digits, and grades ("Grade 2C",
    "Child-Pugh C"). Calendar years and numbers in words ("three patients") are none.
    """
    grades = [(m.start(), m.end()) for m in _GRADE.finditer(text)]
    spans = [(q.start, q.end) for q in quantities(text) if _is_value(text, q)]
    apart = [s for s in spans if not any(start < s[1] and s[0] < end for start, end in grades)]
    return tuple(dict.fromkeys(text[start:end].strip() for start, end in sorted(grades + apart)))


def _is_value(text: str, quantity: Quantity) -> bool:
    if quantity.unit in ("", "day number"):
        return any(c.isdigit() for c in text[quantity.start : quantity.end])
    return quantity.unit != "year"


def is_said(value: str, text: str, claim: str = "") -> bool:
    """Whether ``text`` says ``value``, which stands in ``claim``.

    Numbers and units must agree after normalising. Comparators may be left out or say the same otherwise, but not
    point the other way. In "1500, 2250 or 3000 U" the claim gives the unit of the first two. What is no quantity is
    said when its words stand in the text, grades whatever their punctuation and the word "class".
    """
    mine = _quantities_of(value, claim)
    if mine and not _GRADE.fullmatch(value):
        theirs = quantities(text)
        return all(any(_agree(q, other) for other in theirs) for q in mine)
    words = _FILLER.sub(" ", value.translate(TYPOGRAPHY)).casefold().split()
    pattern = r"\W+".join(map(re.escape, words))
    return bool(re.search(rf"(?<!\w){pattern}(?!\w)", " ".join(_FILLER.sub(" ", text).casefold().split())))


def _quantities_of(value: str, claim: str) -> tuple[Quantity, ...]:
    start = claim.find(value)
    if start >= 0:
        found = tuple(q for q in quantities(claim) if q.start < start + len(value) and start < q.end)
        if found:
            return found
    return quantities(value)


def _agree(mine: Quantity, other: Quantity) -> bool:
    ways = {_WAY[mine.comparator], _WAY[other.comparator]}
    return mine.same_value(other) and ways != {-1, 1}


def shared(value: str, texts: Sequence[str], claim: str = "") -> str | None:
    """The first of ``texts`` that says ``value``, which stands in ``claim``; None if none does."""
    return next((text for text in texts if is_said(value, text, claim)), None)


def speaking_of(claim: str, texts: Sequence[str], contexts: Sequence[str] = ()) -> Iterator[str]:
    """Those of ``texts`` that are about what ``claim`` is about, whether they agree with it or not.

    By words, not by judgement: a text is, if it and its context (the heading over it) have at least a fifth of the
    content words of the claim, numbers and units apart, and at least one. So a statement whose dose was altered still
    speaks of the claim, and the same number in a statement about something else does not count for it. A claim
    without any content words is spoken of by all.

    Args:
        contexts: One for each text, or none at all.
    """
    wanted = content_words(claim)
    for text, context in zip(texts, contexts or [""] * len(texts), strict=True):
        has = len(wanted & content_words(f"{context} {text}"))
        if not wanted or has >= max(1, _SPEAKS_OF * len(wanted)):
            yield text


@lru_cache(maxsize=16_384)
def content_words(text: str) -> frozenset[str]:
    """Stems of the words of three letters or more that are no stop words and no part of a quantity."""
    left = list(text)
    for quantity in quantities(text):
        left[quantity.start : quantity.end] = " " * (quantity.end - quantity.start)
    words = (word.casefold() for word in _WORD.findall("".join(left)))
    return frozenset(stem(word) for word in words if word not in STOP_WORDS)
