"""Numbers as reports and the terminal show them: the same figure looks the same everywhere.

A value that is null is always *not scored*, never 0 and never blank.
"""

from __future__ import annotations

import json
from typing import Any

NOT_SCORED = "not scored"


def number(value: float | None) -> str:
    """Three decimals below ten, one below a thousand, none above; whole numbers from ten on without decimals.

    What is rounded to zero has no sign.
    """
    if value is None:
        return NOT_SCORED
    size = abs(value)
    if size >= 1000 or (size >= 10 and value == int(value)):
        written = f"{size:,.0f}"
    else:  # what would be printed as ten is printed the way ten is
        written = f"{size:.3f}" if size < 9.9995 else f"{size:.1f}"
    return f"−{written}" if value < 0 and written != "0.000" else written


def signed(value: float | None) -> str:
    """A difference with its sign: +0.031, −0.200, ±0 for none at all."""
    if value is None:
        return NOT_SCORED
    if value == 0:
        return "±0"
    return ("+" if value > 0 else "−") + number(abs(value))


def interval(low: float | None, high: float | None, *, with_sign: bool = False) -> str:
    """The two bounds, or a dash where none could be given."""
    if low is None or high is None:
        return "–"
    write = signed if with_sign else number
    return f"{write(low)} to {write(high)}"


def p_value(p: float | None) -> str:
    """Three decimals; what is smaller is said to be so."""
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def direction(higher_is_better: bool | None) -> str:
    """Which way is better, in a word."""
    return {True: "higher", False: "lower", None: "neither"}[higher_is_better]


def plain(value: Any) -> str:
    """Any JSON value on one line: text as it stands, "none" for null, the rest as JSON."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
