"""How text names the values of a variable: by words, as bands with thresholds, as measurements, as scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Values = Callable[[str], tuple[str, ...]]
Points = Callable[[str], tuple[float, ...]]


def phrase(text: str) -> re.Pattern[str]:
    """A pattern in any case."""
    return re.compile(text, re.IGNORECASE)


def named(**words: str) -> Values:
    """Values by name, with the pattern that speaks of each; an underscore in a name is a space."""
    return listed({name.replace("_", " "): pattern for name, pattern in words.items()})


def listed(words: Mapping[str, str]) -> Values:
    patterns = {name: phrase(pattern) for name, pattern in words.items()}

    def values(text: str) -> tuple[str, ...]:
        return tuple(name for name, pattern in patterns.items() if pattern.search(text))

    return values


_NUMBER = r"\d+(?:\.\d+)?"
_BAND = rf"{_NUMBER}(?:\s*-\s*{_NUMBER})?"
_BARE = re.compile(rf"{_NUMBER}(?!-|\d|\.)")
_NEXT = r"(?:,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+)(?=[<>≤≥\d])"
_SIGN = r"(?P<sign><|>|≤|≥|below\s|under\s|above\s|over\s|at least\s)?\s*"
_SIGNS = {"below": "<", "under": "<", "above": ">", "over": ">", "at least": "≥"}
_OR = r"(?:\s*or (?P<side>more|less|higher|lower)\b)?"


def bands(before: str, after: str, unit: str) -> Values:
    """Thresholds and ranges that a text names: "<30 mL/min", "≥150 × 10⁹/L", "30-60 mL/min".

    A bare number is what someone had, not a value on which advice depends.
    """
    pattern = phrase(rf"{before}{_SIGN}(?P<band>{_BAND}){_OR}(?P<more>(?:{_NEXT}(?:[<>≤≥]\s*)?{_BAND})*){after}")

    def values(text: str) -> tuple[str, ...]:
        found = [band for match in pattern.finditer(text) for band in (_first(match), *_others(match["more"]))]
        return tuple(dict.fromkeys(band for band in found if not _BARE.match(band)))

    def _others(listed: str) -> list[str]:
        return [f"{''.join(part.split())} {unit}".strip() for part in re.split(_NEXT, listed) if part.strip()]

    def _first(match: re.Match[str]) -> str:
        sign = (match["sign"] or "").strip().lower()
        sign = _SIGNS.get(sign, sign)
        side = match["side"] or match.groupdict().get("side_after") or ""
        if not sign and side:
            sign = "≥" if side.lower() in {"more", "higher"} else "≤"
        return f"{sign}{''.join(match['band'].split())} {unit}".strip()

    return values


def measured(name: str, unit: str, most: float) -> Points:
    """Measurements that a text gives: "CrCl 24", "bilirubin was 5 mg/dL".

    Args:
        unit: what may follow the number; of a number with another unit nothing is known.
        most: without a unit, a larger number is of another unit.
    """
    pattern = phrase(
        rf"{name}\)?[^\d<>≤≥;.?-]{{0,15}}(?P<value>{_NUMBER})(?![\d.%]|\s*-\s*\d)(?P<unit>\s*{unit})?(?!\s*[a-zµμ]+/)"
    )

    def points(text: str) -> tuple[float, ...]:
        found = ((float(m["value"]), m["unit"]) for m in pattern.finditer(text))
        return tuple(value for value, unit in found if unit or value <= most)

    return points


_PROBABILITIES = named(
    low=r"\blow(?:-probability)? 4Ts",
    intermediate=r"\bintermediate(?:-probability)? 4Ts",
    high=r"\bhigh(?:-probability)? 4Ts",
)
_FOUR_TS = phrase(r"\b4Ts?(?:'s)?(?: score)?(?: (?:of|is|was|at)|:| =|)\s*(?P<score>[0-8])(?!\d|\.\d|\s*-\s*\d)")


def four_ts(text: str) -> tuple[str, ...]:
    """Pretest probabilities by their words and by scores: 0-3 low, 4-5 intermediate, 6-8 high (Lo et al.,
    J Thromb Haemost 2006;4:759-765, doi:10.1111/j.1538-7836.2006.01787.x).
    """
    scores = (int(m["score"]) for m in _FOUR_TS.finditer(text))
    named = ("low" if score <= 3 else "intermediate" if score <= 5 else "high" for score in scores)
    return tuple(dict.fromkeys((*_PROBABILITIES(text), *named)))
