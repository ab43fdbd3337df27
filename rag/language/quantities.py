"""Quantities in clinical text: values, ranges, comparators and units in one normal form.

``0.5–1.2 µg/kg per minute`` and ``0.5 to 1.2 mcg/kg/min`` are the same quantity; ``15 mg`` and ``15 mcg`` are not.
Numbers that are part of a name (4Ts, PF4, BPC-157, Grade 2C, 10^9) are no quantities.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

# One character for one character, so that offsets stay those of the original text.
TYPOGRAPHY = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("\u00a0\u2007\u2009\u202f\u200a", " ")
                           | {"μ": "µ", "×": "x", "·": ".", "⁄": "/", "⩾": "≥", "⩽": "≤", "’": "'", "‘": "'",
                              "“": '"', "”": '"'})  # fmt: skip

_MINUTES = {"min mins minute minutes": 1, "h hr hrs hour hours hourly": 60, "day days": 1440, "week weeks wk": 10080}
_UNIT_NAMES: dict[str, dict[str, Fraction]] = {
    "mg": {"g gram grams": Fraction(1000), "mg milligram milligrams": Fraction(1),
           "mcg µg ug microgram micrograms": Fraction(1, 1000), "ng nanogram nanograms": Fraction(1, 10**6),
           "pg picogram picograms": Fraction(1, 10**9)},
    "kg": {"kg kilogram kilograms": Fraction(1)},
    "mL": {"mL ml millilitre milliliter": Fraction(1), "L litre litres liter liters l": Fraction(1000),
           "dL dl": Fraction(100), "µL uL µl mm3 mm³": Fraction(1, 1000)},
    "min": {names: Fraction(n) for names, n in _MINUTES.items()} | {"s sec secs second seconds": Fraction(1, 60)},
    "month": {"month months": Fraction(1)},
    "years": {"year years yr yrs": Fraction(1)},
    "mmol": {"mmol": Fraction(1), "µmol umol micromol": Fraction(1, 1000), "mol": Fraction(1000),
             "nmol": Fraction(1, 10**6), "pmol": Fraction(1, 10**9)},
    "mmol/mL": {"mM": Fraction(1, 1000), "µM uM": Fraction(1, 10**6), "nM": Fraction(1, 10**9)},
    "mm": {"mm": Fraction(1), "cm": Fraction(10)},
    "beats/min": {"bpm": Fraction(1)},
    "beats": {"beats": Fraction(1)},
    "kcal": {"kcal": Fraction(1)},
    "kPa": {"kPa": Fraction(1)},
    "Gy": {"Gy": Fraction(1)},
    "U": {"U IU unit units": Fraction(1)},
    "m2": {"m2 m²": Fraction(1)},
    "G": {"G": Fraction(1)},
    "mEq": {"mEq": Fraction(1)},
    "mmHg": {"mmHg Hg": Fraction(1)},  # of "mm Hg" the first word counts as an adjective
    "°C": {"°C C": Fraction(1)},
    "point": {"point points": Fraction(1)},
}  # fmt: skip
_UNITS = {
    name: (base, factor) for base, rows in _UNIT_NAMES.items() for names, factor in rows.items()
    for name in names.split()
}  # fmt: skip

_NUMERATOR = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_EPISODES = r"(?P<base>1[\d,]*)\s+(?:person|patient)[- ]years"
# "/kg", "per kg", and as research writes it: "kg-1", "kg(-1)", ".kg⁻¹".
_DENOMINATOR = (
    rf"(?:(?:\s?/\s?|\s+per\s+)(?:{_EPISODES.replace('?P<base>', '?:')}|(?:{_NUMERATOR})(?![A-Za-z0-9]))"
    rf"|[\s.](?:{_NUMERATOR})(?:\(-1\)|\^?-1(?!\d)|⁻¹))"
)
_PART = re.compile(rf"(?:\s?/\s?|\s+per\s+|[\s.])(?:{_EPISODES}|(?P<unit>{_NUMERATOR})(?![A-Za-z]))")
_ADJECTIVE = r"(?:(?:consecutive|additional|further|successive|separate|percentage|mm(?=\s+Hg))\s+)?"
_UNIT = re.compile(
    rf"(?P<times>\s?(?:x|times|-?fold(?:\s+of)?)\s*(?:the\s+|of\s+)?(?P<of>baseline|upper limit of normal|ULN)\b)"
    rf"|(?P<freq>\s+times\s+(?:daily|a\s+day|per\s+day|weekly|a\s+week|per\s+week))\b"
    rf"|(?P<fold>[\s-]?(?:fold|times)\b)"
    rf"|(?P<percent>\s?%|\s+per\s?cent\b)(?P<rate>(?:{_DENOMINATOR})?)"
    rf"|(?P<num>[\s-]?{_ADJECTIVE}(?:{_NUMERATOR})(?![A-Za-z0-9]))(?P<den>(?:{_DENOMINATOR})*)(?P<daily>\s+daily\b)?"
    rf"|(?P<per>(?:{_DENOMINATOR})+)"
)
_WORDS = {w: Fraction(n) for n, w in enumerate(
    "one two three four five six seven eight nine ten eleven twelve".split(), 1)}  # fmt: skip
_MULTIPLES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_FRACTIONS = {"half": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4}
_POWER = r"(?:\s(?:thousand|million|billion)\b|\s?x\s?10(?:\^-?\d{1,2}(?!\d)|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}(?![⁰-⁹])|\(\d{1,2}\)))?+"
_NUMBER = re.compile(
    rf"(?<![\w.^])(?<![A-Za-z]-)(?P<digits>(?:(?<![^\s(=:;])-(?=\.?\d))?+"
    rf"(?>\d{{1,3}}(?:,\d{{3}}){{1,9}}(?!\d)|\d{{1,3}}(?: \d{{3}}){{1,9}}(?!\d)|\d{{1,30}}|(?=\.\d))"
    rf"(?:\.\d{{1,30}})?+{_POWER})(?!\d|\^|[⁰-⁹])"
    rf"|\b(?P<frac>(?:{'|'.join(_WORDS)})[- ](?:half|thirds?|quarters?)|half(?![- ]li[fv]e))\b"
    rf"|\b(?P<freq>once|twice)\s+(?P<period>daily|a\s+day|per\s+day|weekly|a\s+week|per\s+week)\b"
    rf"|\b(?P<word>{'|'.join(_WORDS)})(?=-?fold|\b)",
    re.IGNORECASE,
)
# "one" is a pronoun after these; "no one", "the one".
_PRONOUN = re.compile(r"\b(?:the|this|that|any|each|every|no|which|another)\s+$", re.IGNORECASE)

_BEFORE_TABLE = (
    (">=", "> or =|(?:greater|more) than or equal to|equal to or (?:greater|more) than|"
           "at least|no less than|not less than|not below|minimum(?: of)?|≥|>=|=>|no fewer than|a minimum of"),
    ("<=", "< or =|(?:less|fewer|lower) than or equal to|equal to or (?:less|fewer|lower) than|"
           "not exceeding|does not exceed|not to exceed|not above|not beyond|not over|no more than|not more than|"
           "no higher than|up to|at most|as many as|maximum(?: daily)?(?: dose)?(?: of| is)?|max|within|capped? at|"
           "≤|<=|=<"),
    (">", "more than|greater than|longer than|older than|higher than|exceeds?|exceeding|exceeded|over|above|beyond|>"),
    ("<", "less than|fewer than|lower than|shorter than|younger than|below|under|<"),
    ("~", "about|around|approximately|roughly|nearly|almost|circa|some|~|≈"),
)  # fmt: skip
_BEFORE = tuple(
    (sign, re.compile(rf"(?:(?<!\w)|(?=[<>=≤≥~≈]))(?:{phrases})(?: the| a| an)?\s*$", re.IGNORECASE))
    for sign, phrases in _BEFORE_TABLE
)
_AFTER = re.compile(
    r"(?:(?P<ge>\s+(?:or|and)\s+(?:more|above|greater|higher|older|over|longer))"
    r"|(?P<le>\s+(?:or|and)\s+(?:less|fewer|below|lower|younger|under|shorter)))\b(?!\s+(?:than\b|\d))"
    r"|(?P<plus>\+(?![\w/]))", re.IGNORECASE)  # fmt: skip
_LAST_WORD = re.compile(r"[A-Za-z]+(?=\s*$)")
_COMPARING_WORDS = frozenset(
    """
    the a an least than below minimum of exceeding exceed exceeds exceeded above beyond over to most many maximum
    daily dose is max within at longer older under about around approximately roughly nearly almost circa some equal
    """.split()
)  # the last words of the phrases above
_RANGE = re.compile(r"\s?-\s?|\s+(?:to|through)\s+")
_BETWEEN = re.compile(r"\bbetween\s+(?:about\s+)?$", re.IGNORECASE)
_SPREAD = re.compile(r"\s*(?:\+/-|±|\+-)\s*")
_LIST = re.compile(r"(?P<end>,?\s+(?:or|and|vs\.?|versus)\s+)|(?P<comma>,\s+)")
_COUNTED = re.compile(r"\s+(?:patients|people|participants|adults|men|women|children|cases|samples)\b")
_DAY_NUMBER = re.compile(r"\bdays?\s+$", re.IGNORECASE)
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_DATE = re.compile(
    rf"\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})\.?,?\s+(?P<y>(?:19|20)\d\d)"
    rf"|(?P<m2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>(?:19|20)\d\d)"
    r"|(?P<y3>(?:19|20)\d\d)-(?P<m3>[01]\d)-(?P<d3>[0-3]\d))\b", re.IGNORECASE)  # fmt: skip
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


class Quantity(NamedTuple):
    """A value or range with its unit; ``text[start:end]`` covers number, unit and comparator words.

    ``unit`` is normal: masses in mg, volumes in mL, amounts in mmol, lengths in mm, times from seconds to weeks in min
    (months and years apart), cell counts in 10^9/L, ``%``, ``x``, ``x baseline``, ``year`` (a calendar year), ``date``
    (a day, as 20180312), ``years`` (a duration), ``:`` (a ratio), or ``""``. ``low`` and ``high`` are exact and in that
    unit. ``comparator`` is one of ``""``, ``<``, ``<=``, ``>``, ``>=``, ``~`` and ``±``; the spread of "4.7 ± 1.1" is a
    quantity of its own.
    """

    low: Fraction
    high: Fraction
    unit: str
    comparator: str
    start: int
    end: int

    def same_value(self, other: Quantity) -> bool:
        """Whether values and unit agree, whatever the comparators."""
        return self.unit == other.unit and self.low == other.low and self.high == other.high

    def same_as(self, other: Quantity) -> bool:
        """Whether value, unit and comparator agree; "about 30" agrees with "30", "30" does not with "<30"."""
        return self.same_value(other) and self.comparator.strip("~") == other.comparator.strip("~")


class _Raw(NamedTuple):
    """A number as written, with its own unit (``None``: none)."""

    value: Fraction
    unit: tuple[Fraction, str] | None
    start: int
    number_end: int
    end: int
    is_year: bool


def quantities(text: str) -> tuple[Quantity, ...]:
    """Quantities of ``text`` in order; they do not overlap. Offsets are half-open."""
    folded = text.translate(TYPOGRAPHY)
    dates = [_date(match) for match in _DATE.finditer(folded)]
    numbers = [n for n in _numbers(folded) if not any(d.start <= n.start < d.end for d in dates)]
    found: list[Quantity] = []
    units: list[tuple[Fraction, str] | None] = []
    i = 0
    while i < len(numbers):
        last = _range_end(folded, numbers, i)
        spread = i > 0 and bool(_SPREAD.fullmatch(folded, numbers[i - 1].end, numbers[i].start))
        unit = numbers[last].unit or numbers[i].unit or _spread_unit(folded, numbers, last)
        found.append(_quantity(folded, numbers[i], numbers[last], unit, spread=spread))
        units.append(unit)
        i = last + 1
    return tuple(sorted([*_with_listed_units(folded, found, units), *dates], key=lambda q: q.start))


def _date(match: re.Match[str]) -> Quantity:
    """The day as the number 20180312."""
    day, year = (next(match[f"{part}{n}"] for n in ("", "2", "3") if match[f"{part}{n}"]) for part in "dy")
    named = match["m"] or match["m2"]
    month = _MONTHS[named[:3].lower()] if named else int(match["m3"])
    value = Fraction(int(year) * 10_000 + month * 100 + int(day))
    return Quantity(value, value, "date", "", match.start(), match.end())


def _numbers(text: str) -> list[_Raw]:
    numbers: list[_Raw] = []
    for match in _NUMBER.finditer(text):
        inside_unit = numbers and match.start() < numbers[-1].end  # the 100 of "per 100 person-years"
        if not inside_unit and (number := _number(text, match)):
            numbers.append(number)
    return numbers


def _number(text: str, match: re.Match[str]) -> _Raw | None:
    start, end = match.span()
    if match["freq"]:
        period = "day" if "da" in match["period"].lower() else "week"
        factor, unit = _normal_unit(f"/{period}")
        return _Raw(Fraction(1 if match["freq"].lower() == "once" else 2), (factor, unit), start, end, end, False)
    if match["word"] and _PRONOUN.search(text, max(0, start - 12), start):
        return None
    found = _UNIT.match(text, end)
    if found and text[end : found.end()] in {"s", "C", "-C", "-G", "G"}:
        found = None
    unit_end = found.end() if found else end
    if not found and match["digits"] and text[end : end + 1].isalpha():
        return None
    digits = text[start:end]
    year = not found and len(digits) == 4 and digits.isdigit() and "1900" <= digits <= "2099"
    year = year and text[start - 1 : start] not in {"=", "<", ">"} and not _COUNTED.match(text, end)
    return _Raw(_value(digits), _normal_unit(found[0]) if found else None, start, end, unit_end, bool(year))


@lru_cache(maxsize=65_536)
def _value(digits: str) -> Fraction:
    words = digits.lower().replace("-", " ").split()
    if words[-1] in _FRACTIONS:
        return (_WORDS[words[0]] if len(words) > 1 else Fraction(1)) / _FRACTIONS[words[-1]]
    if words[0] in _WORDS:
        return _WORDS[words[0]]
    if words[-1] in _MULTIPLES:
        return _value(digits[: -len(words[-1])]) * _MULTIPLES[words[-1]]
    mantissa, _, power = digits.replace(",", "").replace(" ", "").partition("x10")
    exponent = int(power.strip("^()").translate(_SUPERSCRIPT)) if power else 0
    return Fraction(mantissa) * Fraction(10) ** exponent


@lru_cache(maxsize=65_536)
def _normal_unit(raw: str) -> tuple[Fraction, str]:
    """Factor to the normal unit and its name, from a unit as written."""
    found = _UNIT.match(raw)
    if found is None:
        raise ValueError(f"unit {raw!r} is not one that the pattern found")
    if found["times"]:
        return Fraction(1), "x baseline" if found["of"] == "baseline" else "x ULN"
    if found["freq"]:
        return _normal_unit("/day" if "da" in found["freq"] else "/week")
    if found["fold"]:
        return Fraction(1), "x"
    factor, base = Fraction(1), "%" if found["percent"] else ""
    if found["num"]:
        base, factor = _UNITS[re.split(r"[\s-]+", found["num"])[-1]]
    below = (found["rate"] or found["den"] or found["per"] or "") + ("/day" if found["daily"] else "")
    return _divided(factor, base, below)


def _divided(factor: Fraction, base: str, below: str) -> tuple[Fraction, str]:
    names = []
    for part in _PART.finditer(below):
        base_of = part["base"]
        name, size = ("person-years", Fraction(base_of.replace(",", ""))) if base_of else _UNITS[part["unit"]]
        names.append(name)
        factor /= size
    if names == ["mL"] and base in {"", "G"}:  # cells: 1/mL is 10^-6 of 10^9/L
        return factor * (Fraction(1, 10**6) if not base else Fraction(1000)), "10^9/L"
    return factor, "/".join([base, *sorted(names)])


def _range_end(text: str, numbers: list[_Raw], i: int) -> int:
    """Index of the number that closes the range which starts at ``i``; ``i`` for a single value."""
    if i + 1 == len(numbers):
        return i
    first, second = numbers[i], numbers[i + 1]
    if text[first.number_end : second.start] == ":":
        return i + 1
    joined = _RANGE.fullmatch(text, first.end, second.start)
    if not joined and text[first.end : second.start].strip() == "and":
        joined = _BETWEEN.search(text, max(0, first.start - 16), first.start)
    fits = not first.unit or not second.unit or first.unit == second.unit
    return i + 1 if joined and fits and first.is_year == second.is_year else i


def _spread_unit(text: str, numbers: list[_Raw], last: int) -> tuple[Fraction, str] | None:
    """The unit of "4.7 ± 1.1 mL/min" belongs to both numbers."""
    if last + 1 < len(numbers) and _SPREAD.fullmatch(text, numbers[last].end, numbers[last + 1].start):
        return numbers[last + 1].unit
    return None


def _quantity(text: str, first: _Raw, last: _Raw, unit: tuple[Fraction, str] | None, *, spread: bool) -> Quantity:
    start, sign = _comparator_before(text, first.start)
    end = last.end
    if spread:
        sign = "±"
    elif after := _AFTER.match(text, end):
        end, sign = after.end(), "<=" if after["le"] else ">="
    factor, name = unit or (Fraction(1), "")
    if first.is_year and not unit:
        name = "year"
    elif not unit and first is not last and text[first.number_end : last.start] == ":":
        name = ":"
    elif not unit and not sign and _DAY_NUMBER.search(text, max(0, start - 6), start):
        name = "day number"
    duration = name in {"min", "month", "years"}
    if sign == ">" and text[start : start + 4].lower() == "over" and (duration or first is not last):
        sign, start = "", first.start  # "over 3-5 min" says how long, not how much
    return Quantity(first.value * factor, last.value * factor, name, sign, start, end)


def _comparator_before(text: str, start: int) -> tuple[int, str]:
    """Where the comparator words before a number start, and their sign. "above about 2.5" is above, not about."""
    sign, low = "", max(0, start - 32)
    for _ in range(2):
        if not _may_compare(text, low, start):
            break
        for candidate, pattern in _BEFORE:
            found = pattern.search(text, low, start)
            if found and (not sign or candidate != "~"):
                start, sign = found.start(), candidate
                break
        if sign != "~":
            break
    return start, sign


def _may_compare(text: str, low: int, start: int) -> bool:
    """Whether the character or word before ``start`` can end a comparator: cheap, as most cannot."""
    before = text[low:start].rstrip()
    if not before:
        return False
    if before[-1] in "<>=≤≥~≈":
        return True
    word = _LAST_WORD.search(before)
    return word is not None and word[0].lower() in _COMPARING_WORDS


def _with_listed_units(text: str, found: list[Quantity],
                       units: list[tuple[Fraction, str] | None]) -> tuple[Quantity, ...]:  # fmt: skip
    """In "1500, 2250 or 3000 U" the unit belongs to all three."""
    lent = False
    for i in range(len(found) - 2, -1, -1):
        joint = _LIST.fullmatch(text, found[i].end, found[i + 1].start)
        after = units[i + 1]
        lent = bool(joint and after and not found[i].unit and (joint["end"] or lent))
        if lent and after:
            units[i] = after
            factor, name = after
            found[i] = found[i]._replace(low=found[i].low * factor, high=found[i].high * factor, unit=name)
    return tuple(found)
