"""How text speaks of the organs that decide on doses: Child-Pugh classes, creatinine clearance.

Child-Pugh classes: A 5-6, B 7-9, C 10-15 points (Pugh et al., Br J Surg 1973;60:646-649, doi:10.1002/bjs.1800600817).
"""

from __future__ import annotations

import re

_CLASSES = "ABC"
_LOWEST_POINTS = {"A": 5, "B": 7, "C": 10}
_HIGHEST_POINTS = {"A": 6, "B": 9, "C": 15}
_NAME = r"\b(?:Child[- ](?:Turcotte[- ])?Pugh|CTP|CP)(?:[- ](?:class(?:es)?|grades?|score))?"
_LISTED = r"[ABC](?:(?:\s*[/,-]\s*|\s+(?:or|and|to)\s+)[ABC])*"
_CHILD_PUGH = re.compile(
    rf"{_NAME}[- ]*(?P<least>≥\s*|>=\s*|at least )?(?P<list>{_LISTED})\b",
    re.IGNORECASE,
)
#: A class without its score: "hepatic impairment (class B or C)", "Child's C"; not a class of evidence.
_CLASS = re.compile(
    r"(?:\b(?:hepatic|liver|cirrho\w+)[^.;]{0,40}\((?:Child )?class(?:es)?|\b(?-i:Child)(?:'?s)?(?: class| grade)?)\s+"
    rf"(?P<list>(?-i:{_LISTED}))\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    rf"{_NAME}(?: of)?\s*(?P<above>>|above|over|greater than)?\s*(?P<points>\d{{1,2}})\b(?!\s*-\s*\d)", re.IGNORECASE
)
_SEVERITIES = {"mild": "A", "moderate": "B", "severe": "C"}
_SEVERITY = re.compile(
    r"\b(?P<list>(?:mild|moderate|severe)(?:\s*(?:or|and|to|/|,)\s*(?:mild|moderate|severe))*)\s+"
    r"(?:\(Child[^)]*\)\s*)?(?:hepatic|liver)\s+(?:impairment|dysfunction|insufficiency|failure|disease)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*-\s*|\s+to\s+", re.IGNORECASE)


def child_pugh_classes(text: str) -> tuple[str, ...]:
    """Child-Pugh classes that ``text`` speaks of, sorted.

    "A to C" is all three; a score is the class it lies in; a score above n is the classes that lie above n.
    """
    found: set[str] = set()
    for match in _CHILD_PUGH.finditer(text):
        found |= _listed(match["list"].upper(), bool(match["least"]))
    for match in _CLASS.finditer(text):
        found |= _listed(match["list"], False)
    for match in _SEVERITY.finditer(text):
        words = re.sub(r"mild|moderate|severe", lambda m: _SEVERITIES[m[0].lower()], match["list"], flags=re.IGNORECASE)
        found |= _listed(words, False)
    for match in _POINTS.finditer(text):
        points = int(match["points"])
        if match["above"]:
            found |= {c for c, lowest in _LOWEST_POINTS.items() if lowest > points}
        else:
            found |= {c for c in _CLASSES if _LOWEST_POINTS[c] <= points <= _HIGHEST_POINTS[c]}
    return tuple(sorted(found))


def _listed(words: str, and_above: bool) -> set[str]:
    """Classes of a list such as "B or C", "B/C", "A to C"."""
    named = re.findall(r"\b[ABC]\b", words)
    if and_above or (len(named) == 2 and _RANGE.search(words)):
        first, last = named[0], "C" if and_above else named[-1]
        return set(_CLASSES[_CLASSES.index(first) : _CLASSES.index(last) + 1])
    return set(named)


def child_pugh_below(text: str) -> tuple[str, ...]:
    """Classes that lie wholly at or below the score threshold that ``text`` names."""
    return tuple(
        c
        for match in _POINTS.finditer(text)
        if match["above"]
        for c, points in _HIGHEST_POINTS.items()
        if points <= int(match["points"])
    )


_CLEARANCE_VALUE = re.compile(
    r"\b(?:CrCl|creatinine clearance|e?GFR)\)?[^\d<>≥;.,]{0,15}(?P<sign>[<>≥]?)\s*"
    r"(?P<value>\d{1,3})(?!\d)(?!\s*-\s*\d)",
    re.IGNORECASE,
)


_CREATININE = re.compile(
    r"\bcreatinine\b(?! clearance)[^\d<>≥;.,]{0,15}(?P<value>\d{1,4}(?:\.\d+)?)\s*(?P<unit>(?:µ|μ|u|micro)mol/L|mg/dL)",
    re.IGNORECASE,
)
#: Of serum creatinine, from which kidney injury is of the highest stage (KDIGO 2012, Kidney Int Suppl 2:1-138).
_SEVERE_CREATININE = {"mg/dl": 4.0, "mol/l": 353.6}


def renal_impairment(text: str) -> list[str]:
    """The concept that a creatinine clearance in ``text`` amounts to: severe renal impairment below 30 mL/min, or at a
    creatinine of the highest stage of injury.
    """
    highest = (float(m["value"]) >= _SEVERE_CREATININE[m["unit"].lower()[-5:]] for m in _CREATININE.finditer(text))
    if any(highest):
        return ["severe renal impairment"]
    values = [int(m["value"]) for m in _CLEARANCE_VALUE.finditer(text) if m["sign"] not in {">", "≥"}]
    return ["severe renal impairment" if v <= 30 else "renal impairment" for v in values if v < 60]


_BAND = re.compile(r"(?P<sign>[<>≤≥]?)(?P<low>\d+(?:\.\d+)?)(?:-(?P<high>\d+(?:\.\d+)?))?")


def contains(band: str, value: float) -> bool:
    """Whether a value lies in a band such as "<30 mL/min", "30-60 mL/min", "≥150", the ends of a range included."""
    match = _BAND.match(band)
    if not match:
        return False
    low = float(match["low"])
    if match["high"]:
        return low <= value <= float(match["high"])
    within = {"<": value < low, "≤": value <= low, ">": value > low, "≥": value >= low}
    return within.get(match["sign"], value == low)
