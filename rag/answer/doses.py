"""Doses: whether a sentence gives one, and of what."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.question import TREATMENTS
from rag.answer.select import Candidate
from rag.language.lexicon import Lexicon


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
