"""Measured values that a question gives of a patient: "bilirubin of 5 mg/dL", "CrCl 24", "80 kg", "Child-Pugh C"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.domain import Replaced

#: What clinicians measure, with the words for it. The longest words come first where one begins another.
_NAMES = {
    "creatinine clearance": r"(?:creatinine )?clearance|CrCl|CCr",
    "glomerular filtration rate": r"e?GFR|glomerular filtration rate",
    "creatinine": r"(?:serum )?creatinine|s?Cr",
    "bilirubin": r"(?:total |serum )?bilirubin|bili",
    "platelet count": r"platelets?(?: counts?)?|plts?|PLTs?|(?<!white )(?<!cell )(?<!blood )(?<!red )count",
    "INR": r"INR",
    "aPTT": r"(?:baseline )?aPTT",
    "anti-Xa": r"anti-Xa(?: level)?",
    "4Ts score": r"4Ts?(?: score)?",
    "MELD": r"MELD(?:-Na)?(?: score)?",
    "CHA2DS2-VASc": r"CHA2?DS2?-?(?:VASc|VA)?(?: score)?",
    "HAS-BLED": r"HAS-BLED(?: score)?",
    "haemoglobin": r"ha?emoglobin|Hb|Hgb",
    "albumin": r"albumin",
    "potassium": r"potassium|K\+?",
    "sodium": r"sodium|Na\+?",
    "ejection fraction": r"(?:left ventricular )?ejection fraction|LVEF|EF",
    "QTc": r"QTc?(?: interval)?",
    "lactate": r"lactate",
    "ferritin": r"ferritin",
    "fibrinogen": r"fibrinogen",
    "optical density": r"optical density|OD",
    "body mass index": r"BMI|body mass index",
    "body weight": r"weighs|(?:body )?weight",
    "Child-Pugh class": r"Child(?:[- ]Turcotte)?[- ]Pugh(?: class| grade| score)?|CTP(?: class)?|CP(?=[- ][ABC]\b)",
}  # fmt: skip
#: What joins a name to its figure, and changes nothing in it.
_LINK = (
    r"(?:\s*[:=(]\s*|\s+(?:is|was|are|were|of|at|now|then|still|just|only|it's|has|climbed|risen|fallen|dropped|rises?|"
    r"falls?|drops?|rose|fell|goes|went|to|level|count|score|value|currently|today|turns|becomes)\b)*"
)
#: The same at the end of a name, where it has words or marks: not the hyphen of "CP-C".
_LINKED = re.compile(rf"(?=[\s:=(]+[\w:=(])(?:{_LINK})[\s:=(-]*$", re.IGNORECASE)
_SIGN = (
    r"(?:[<>≤≥~=]\s*|(?:below|above|under|over|less than|more than|at least|at most|about|around|up to|between)\s+)?"
)
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_FIGURE = rf"{_NUMBER}(?:\s*(?:-|–|to|and)\s*{_NUMBER})?"
#: A unit that says by itself that it is one.
UNIT = (
    r"(?:[×x]\s*10(?:⁹|\^?9)/L|mg/dL|mg/L|g/dL|g/L|(?:[µμu]|micro)mol/L|m(?:illi)?mol/L|mEq/L|"
    r"mL/min(?:/1\.73\s?m(?:²|2))?|U/L|IU/mL|U/mL|ng/mL|G/L)"
)
_UNIT = rf"(?:\s*(?:{UNIT}|k\b|ms\b|kg(?:/m2)?\b|s\b|seconds\b|sec\b|%|(?:[×x] ?|times )ULN))?"
_KEYS = tuple(_NAMES)
_CHILD_PUGH = f"n{_KEYS.index('Child-Pugh class')}"
_MEASURED = re.compile(
    r"(?<![\w/])(?<!vitamin )(?:"
    + "|".join(f"(?P<n{i}>{name})" for i, name in enumerate(_NAMES.values()))
    + rf")(?![\w/])(?P<link>{_LINK}[\s-]*)"
    + rf"(?P<figure>{_SIGN}{_FIGURE}{_UNIT}(?![\w/])|(?<=[\s-])(?({_CHILD_PUGH})[ABC]\b|(?!)))",
    re.IGNORECASE,
)
#: Values that their unit names.
_WEIGHT = re.compile(
    rf"(?<![\w./])(?:between\s+{_NUMBER}\s+and\s+{_NUMBER}|{_SIGN}{_NUMBER}(?:\s*(?:-|–|to)\s*{_NUMBER})?)"
    r"\s*kg\b(?![/²^])",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b\d{1,3}(?:[- ]?(?:years?|yrs?|months?|weeks?)[- ]old|\s?(?:y/?o|yo)\b)|\baged \d{1,3}\b|(?<=\bage )\d{1,3}\b",
    re.IGNORECASE,
)
_AGED = re.compile(r"\b(?:child|boy|girl|man|woman|infant|lady) of (?P<figure>\d{1,3})\b(?!\s*kg)", re.IGNORECASE)
_BARE = re.compile(rf"^(?P<figure>{_SIGN}{_FIGURE}{_UNIT})$", re.IGNORECASE)


class Value(NamedTuple):
    """A value in a text: ``text[start:end]`` with its name, ``text[figure:end]`` without; ``key`` says of what."""

    key: str
    start: int
    figure: int
    end: int

    def said(self, text: str) -> str:
        """The value in its own words, without those that only join them: "bilirubin 5 mg/dL"."""
        name, figure = text[self.start : self.figure], text[self.figure : self.end].strip()
        linked = _LINKED.search(name)
        return f"{name[: linked.start()]} {figure}" if linked else name + figure


def values(text: str) -> list[Value]:
    """Values in order of appearance; they do not overlap. Doses are none."""
    found = [_named(m) for m in _MEASURED.finditer(text)]
    for key, pattern in (("body weight", _WEIGHT), ("age", _AGE)):
        new = [Value(key, m.start(), m.start(), m.end()) for m in pattern.finditer(text)]
        found += [v for v in new if not any(o.start < v.end and v.start < o.end for o in found)]
    found += [Value("age", m.start(), m.start("figure"), m.end()) for m in _AGED.finditer(text)]
    return sorted(found, key=lambda v: v.start)


def _named(match: re.Match[str]) -> Value:
    name = next(name for name, words in match.groupdict().items() if words and name[1:].isdigit())
    return Value(_KEYS[int(name[1:])], match.start(), match.start("figure"), match.end())


def bare(text: str) -> str | None:
    """``text`` if it is only a figure, perhaps with a unit: "10 mg/dL"."""
    return text.strip() if _BARE.match(text.strip()) else None


def with_values(text: str, told: str, given: Sequence[Value]) -> tuple[str, list[Replaced], list[Value]]:
    """``text`` with those of its values exchanged that ``told`` gives anew, what gave way, and values that are new.

    A unit goes with its figure: what was said of the old value is not said of the new one.
    """
    replaced, new = list[Replaced](), list[Value]()
    for value in given:
        old = [v for v in values(text) if v.key == value.key]
        if not old:
            new.append(value)
            continue
        now = told[value.figure : value.end].strip()
        was = old[-1].said(text)
        for v in reversed(old):
            text = text[: v.figure] + now + text[v.end :]
        if was != value.said(told):
            replaced.append(Replaced(was=was, now=value.said(told)))
    return text, replaced, new
