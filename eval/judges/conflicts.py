"""How a sentence of an answer stands to a claim: it agrees, it conflicts, or it says something else."""

from __future__ import annotations

from typing import Literal, NamedTuple

from eval.judges.premises import Sentence
from rag.answer.reading import Reading
from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.language.polarity import direction
from rag.language.quantities import Quantity

#: Reasons of the verifier that make another claim of it. A paraphrase may change hedges and words of scope.
_OTHER = frozenset({"number", "unit", "comparator", "negation", "drug", "order", "exception", "strength"})
_NAMES = frozenset({"drug", "condition", "population"})
_CONTRARY = frozenset({"unit", "comparator", "negation"})
_OPPOSITE = {"more": "less", "less": "more"}


class Standing(NamedTuple):
    """``other`` is a sentence that is about something else: another drug, a number that the claim's is not against."""

    kind: Literal["supports", "agrees", "other", "conflicts"]
    reason: str


def standing(claim: Sentence, sentence: Sentence, verifier: Verifier, lexicon: Lexicon) -> Standing:
    """Meant for a sentence that has most words of the claim. What of them is unlike decides."""
    found = verifier.verify(claim.text, [sentence.text])
    if (
        found.verdict is Verdict.SUPPORTED and found.support == 1.0
    ):  # below, a word that is not there may be its subject
        return Standing("supports", "the words of the claim")
    contrary = verifier.contradicts(claim.text, sentence.text)
    if contrary:
        return Standing("conflicts", f"{contrary.kind}: {contrary.detail}")
    reasons = [r for r in found.reasons if r.kind in _OTHER]
    for reason in reasons:
        if reason.kind in _CONTRARY or (reason.kind == "number" and _another_value(claim.reading, sentence.reading)):
            return Standing("conflicts", f"{reason.kind}: {reason.detail}")
    mine = direction(claim.text)
    if mine in _OPPOSITE and direction(sentence.text) == _OPPOSITE[mine]:
        return Standing("conflicts", f"negation: {_OPPOSITE[mine]} against {mine}")
    if reasons:
        return Standing("other", f"{reasons[0].kind}: {reasons[0].detail}")
    strange = _another_name(claim.reading, sentence.reading, lexicon)
    if strange:
        return Standing("other", f"not about {strange}")
    return Standing("agrees", "")


def _another_name(claim: Reading, sentence: Reading, lexicon: Lexicon) -> str | None:
    """A drug, condition or group of people of the claim that the sentence does not name, as written."""
    for mention in claim.mentions:
        named = any(lexicon.is_a(c, mention.concept) or lexicon.is_a(mention.concept, c) for c in sentence.concepts)
        if mention.kind in _NAMES and not named:
            return claim.text[mention.start : mention.end]
    return None


def _another_value(claim: Reading, sentence: Reading) -> bool:
    """Whether a number of the claim stands as another one of the same unit in the sentence."""
    mine = [q for q in claim.quantities if not any(q.same_value(o) for o in sentence.quantities)]
    theirs = [q for q in sentence.quantities if not any(q.same_value(o) for o in claim.quantities)]
    return any(q.unit == other.unit for q in mine for other in theirs)


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
