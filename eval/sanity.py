"""Answers whose scores are known beforehand, by which a harness is tried: perfect, empty, altered, shuffled.

The perfect one has claim recall 1; the empty one 0; with every dose altered, values recall falls and contradictions
rise; shuffled, it keeps its claims.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from fractions import Fraction

from eval.domain import Article, Item, Listed, Part, Said
from eval.judges.base import Judge
from eval.scorers.claims import folded, sound_claims
from rag.language.quantities import Quantity, quantities

_DISCLAIMER = "For healthcare professionals. This does not replace clinical judgement."
_PITFALLS = "Pitfalls to avoid"
#: A number within a quantity; not the 2 of m2, nor the 10 of 10⁹, nor the 1.73 of "/1.73 m2".
_NUMBER = re.compile(r"(?<![\w.,/^])\d[\d,]*(?:\.\d+)?(?![\d^⁰-⁹])")
_WORDS = {"once": 1, "twice": 2} | {word: n for n, word in enumerate(
    "one two three four five six seven eight nine ten eleven twelve".split(), 1)}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_FACTORS = (3, 7, 11, 13, 17, 19)


def perfect(item: Item, judge: Judge | None = None) -> Article:
    """The article that says all that is known of ``item``, and no more.

    The first must claim is the bottom line; the others stand under the headings of the outline in turn, in the order
    that the gold has. Claims that repeat an erratum are left out, as ``judge`` finds or, without one, where they are
    the same sentence; corrections are said. Each statement cites a reference of its own, which quotes it.
    """
    claims = sound_claims(item, judge)[0] if judge else item.gold.claims
    errors = {folded(e.claim) for e in item.gold.errata}
    texts = [c.text for c in claims if folded(c.text) not in errors]
    musts = [c.text for c in claims if c.importance == "must" and c.text in texts]
    texts += [e.correction for e in item.gold.errata]
    first = (musts or texts)[:1]
    texts = list(dict.fromkeys([*first, *texts]))
    said = [Said(text=text, citations=(n,), quotes=(text,)) for n, text in enumerate(texts, 1)]
    return Article(
        title=item.question,
        bottom_line=tuple(said[:1]),
        parts=tuple(_parts(item.gold.outline or (_PITFALLS,), said[1:])),
        references=tuple(
            Listed(number=n, text=f"Source of statement {n}.", quotes=(t,)) for n, t in enumerate(texts, 1)
        ),
        related_questions=item.gold.related,
        disclaimer=_DISCLAIMER,
    )


def _parts(headings: tuple[str, ...], said: list[Said]) -> list[Part]:
    """The statements in runs of equal length, one under each heading; headings without any are left out."""
    size = max(1, -(-len(said) // len(headings)))
    runs = [tuple(said[i : i + size]) for i in range(0, len(said), size)]
    return [Part(heading=heading, said=run) for heading, run in zip(headings, runs, strict=False)]


def altered(article: Article) -> Article:
    """``article`` with every dose changed: the numbers of every quantity with a unit, all by the same factor.

    The factor is the first of a few primes by which no changed quantity becomes another one of the article. Calendar
    years and numbers without a unit stay. Quotes stay: the sources say what they said.
    """
    whole = [q for s in article.said() for q in _doses(s.text)]
    factor = next((f for f in _FACTORS if not _collides(whole, f)), _FACTORS[-1])
    return _changed(article, lambda said: said.model_copy(update={"text": _multiplied(said.text, factor)}))


def _doses(text: str) -> list[Quantity]:
    return [q for q in quantities(text) if q.unit not in ("", "year", "day number")]


def _collides(found: list[Quantity], factor: int) -> bool:
    there = {(q.unit, q.low, q.high) for q in found}
    return any((q.unit, q.low * factor, q.high * factor) in there for q in found if q.low)


def _multiplied(text: str, factor: int) -> str:
    for quantity in reversed(_doses(text)):
        written = text[quantity.start : quantity.end]
        written = _NUMBER.sub(lambda match: _times(match[0], factor), written)
        written = _WORD.sub(lambda match: _spelled(match[0], factor), written)
        text = text[: quantity.start] + written + text[quantity.end :]
    return text


def _times(written: str, factor: int) -> str:
    product = Fraction(written.replace(",", "")) * factor
    decimals = len(written.partition(".")[2])
    shown = f"{float(product):,.{decimals}f}" if "," in written else f"{float(product):.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if decimals else shown


def _spelled(word: str, factor: int) -> str:
    count = _WORDS[word.lower()] * factor
    return f"{count} times" if word.lower() in ("once", "twice") else str(count)


def shuffled(article: Article, seed: int) -> Article:
    """``article`` with its statements in another order, over all its sections; what each says and cites stays."""
    said = list(article.said())
    random.Random(seed).shuffle(said)  # noqa: S311  no secret
    rest = iter(said)
    return _changed(article, lambda _: next(rest))


def _changed(article: Article, change: Callable[[Said], Said]) -> Article:
    bottom_line = tuple(change(s) for s in article.bottom_line)
    parts = tuple(p.model_copy(update={"said": tuple(change(s) for s in p.said)}) for p in article.parts)
    return article.model_copy(update={"bottom_line": bottom_line, "parts": parts})
