"""A statement in plain words, for patients: other words and shorter sentences, and a check that nothing else changed.

The statement's own text stays what it is; the plain form stands beside it. Where the check finds a number, a drug, a
negation, a condition or a hedge that is not the same in both, there is no plain form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from rag.language.lexicon import Lexicon
from rag.language.plain import PlainWords, Row
from rag.language.polarity import cues
from rag.language.quantities import quantities
from rag.language.readability import readability
from rag.language.sentences import sentence_spans
from rag.language.shortening import shorter

#: Cues that decide what a sentence says. What only places or compares may be said in other words.
_DECIDING = frozenset({"negation", "exception", "exclusion", "limit", "hedge", "modality"})
#: Names that plain words must leave alone: with a digit (4Ts, PF4) or of capitals (HIT, aPTT).
_NAME = re.compile(r"\b(?=\w*(?:\d|[A-Z]\w*[A-Z]))\w+")


@cache
def plain_words() -> PlainWords:
    """The shipped table."""
    return PlainWords.load()


def plainly(text: str, lexicon: Lexicon) -> str | None:
    """``text`` in plain words and short sentences; None where it would be no other, or not the same in substance."""
    plain = shorter(plain_words().of(text).text)
    return plain if plain != text and says_the_same(text, plain, lexicon) else None


def says_the_same(text: str, plain: str, lexicon: Lexicon) -> bool:
    """Whether numbers, names, drugs and what decides the meaning of ``text`` are those of ``plain``.

    Of drugs and their classes none may be lost but those that plain words stand for ("blood thinner").
    """
    if _values(text) != _values(plain) or Counter(_NAME.findall(text)) != Counter(_NAME.findall(plain)):
        return False
    if _deciding(text) != _deciding(plain):
        return False
    lost = _drugs(text, lexicon) - _drugs(plain, lexicon)
    exchanged = {c for row in plain_words().of(text).exchanged for c in _drugs(row.term, lexicon)} if lost else set()
    return all(any(lexicon.is_a(concept, broader) for broader in exchanged) for concept in lost)


def terms_in(texts: Iterable[str]) -> list[Row]:
    """Terms of the table in ``texts``, exchanged or to be explained, each once."""
    found = (plain_words().of(text) for text in texts)
    return list(dict.fromkeys(row for plain in found for row in (*plain.exchanged, *plain.left)))


def grade(texts: Iterable[str]) -> float | None:
    """Flesch–Kincaid grade of texts of whole sentences, to one decimal; None without words."""
    found = readability([text[a:b] for text in texts for a, b in sentence_spans(text)]).grade
    return None if found is None else round(found, 1)


def _drugs(text: str, lexicon: Lexicon) -> set[str]:
    return {m.concept for m in lexicon.mentions(text) if m.kind in {"drug", "drug_class"}}


def _values(text: str) -> Counter[tuple[object, ...]]:
    return Counter((q.low, q.high, q.unit, q.comparator) for q in quantities(text))


def _deciding(text: str) -> Counter[tuple[str, str]]:
    return Counter((c.kind, c.sense) for c in cues(text) if c.kind in _DECIDING)
