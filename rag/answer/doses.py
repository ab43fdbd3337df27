"""Doses: whether a sentence gives one, and of what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer.question import TREATMENTS
from rag.answer.select import Candidate
from rag.language.lexicon import Lexicon
from rag.language.quantities import Quantity

#: Doses that are counted, not weighed: "two tablets", "1-2 puffs", "5 mL twice a day".
_COUNTED = re.compile(
    r"\b(?:\d+(?:\.\d+)?|half an?|one|two|three|four|five|six)(?:\s?(?:-|–|to|or)\s?\w+)?\s+"
    r"(?:(?:more|extra|[a-z]+-strength)\s+)?"
    r"(?:tablets?|capsules?|pills?|puffs?|drops|sprays?|(?:tea|table)spoon(?:ful)?s?|lozenges?|suppositor(?:y|ies))\b"
    r"|\b\d+(?:\.\d+)?\s?m[lL]\b(?=[^.;]{0,40}\b(?:daily|a day|per day|every|hourly|at night|bedtime)\b)",
    re.IGNORECASE,
)


def gives_dose(candidate: Candidate, treatments: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a sentence gives a dose of one of ``treatments``: of one that is named nearer to it than any other."""
    drugs = [m for m in candidate.sentence.mentions if m.kind in TREATMENTS]
    if not drugs or not candidate.speaks_of(treatments):
        return False
    for quantity in candidate.sentence.quantities:
        if is_dose(quantity.unit):
            nearest = min(drugs, key=lambda m: max(m.start - quantity.end, quantity.start - m.end))
            if any(lexicon.is_a(nearest.concept, t) for t in treatments):
                return True
    return False


def is_dose(unit: str) -> bool:
    """Whether a normalised unit is one in which treatments are given, not one of a concentration."""
    return unit.split("/")[0] in {"mg", "g", "mcg", "ug", "U", "IU", "unit"} and not unit.endswith(("/dL", "/mL", "/L"))


def has_dose(text: str, quantities: Sequence[Quantity]) -> bool:
    """Whether ``text``, which has ``quantities``, gives a dose of anything, by mass or by count."""
    return any(is_dose(q.unit) for q in quantities) or _COUNTED.search(text) is not None
