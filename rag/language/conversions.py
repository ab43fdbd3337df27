"""Concentrations as mass and as amount of substance: creatinine of 1.2 mg/dL is 106 µmol/L.

Only for a substance that the text names beside the number: of another one the same number of mg is another amount.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from rag.language.quantities import Quantity

#: Molar masses in g/mol. CIAAW 2021 atomic weights; triglycerides as triolein, by convention (AMA Manual of Style, 11th
#: edition, 17.5).
_MOLAR_MASS = {
    "creatinine": Fraction("113.12"), "bilirubin": Fraction("584.66"), "glucose": Fraction("180.16"),
    "cholesterol": Fraction("386.65"), "triglycerides": Fraction("885.4"), "uric acid": Fraction("168.11"),
    "urate": Fraction("168.11"), "calcium": Fraction("40.08"), "lactate": Fraction("90.08"),
    "urea": Fraction("60.06"),
}  # fmt: skip
#: Urea nitrogen is another mass than urea.
_NAME = re.compile(rf"\b({'|'.join(_MOLAR_MASS)})\b(?!\s+nitrogen)", re.IGNORECASE)
_MASS, _AMOUNT = "mg/mL", "mmol/mL"
#: Characters before and after a number within which its substance is named, in the same clause.
_BEFORE, _AFTER = 60, 30
_STOP = re.compile(r"[;.]\s")
_NUMERAL = re.compile(r"\d+(?:\.(\d+))?")


def is_converted(mine: Quantity, text: str, theirs: Quantity, their_text: str) -> bool:
    """Whether ``mine`` in ``text`` is ``theirs`` in ``their_text`` in the other unit, rounded as ``mine`` is written.

    Both texts must name the same substance beside the number; comparators must agree.
    """
    if {mine.unit, theirs.unit} != {_MASS, _AMOUNT} or mine.comparator.strip("~") != theirs.comparator.strip("~"):
        return False
    substance = _substance(text, mine)
    if substance is None or substance != _substance(their_text, theirs):
        return False
    mass = _MOLAR_MASS[substance]
    factor = mass if mine.unit == _MASS else 1 / mass
    step = _step(text, mine)
    return all(abs(a - b * factor) <= step / 2 for a, b in ((mine.low, theirs.low), (mine.high, theirs.high)))


def _substance(text: str, quantity: Quantity) -> str | None:
    """The name nearest before a number, else the first after it."""
    before = _STOP.split(text[max(0, quantity.start - _BEFORE) : quantity.start])[-1]
    after = _STOP.split(text[quantity.end : quantity.end + _AFTER])[0]
    named = [*_NAME.findall(before)[::-1], *_NAME.findall(after)]
    return named[0].lower() if named else None


def _step(text: str, quantity: Quantity) -> Fraction:
    """What one of the last digit that was written is worth in the quantity's unit."""
    written = _NUMERAL.search(text, quantity.start, quantity.end)
    if written is None or not Decimal(written[0]):
        return Fraction(0)
    return quantity.low / Fraction(written[0]) * Fraction(1, 10 ** len(written[1] or ""))
