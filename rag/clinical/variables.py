"""Clinical variables that recommendations depend on: how text speaks of them, which values it names.

Child-Pugh classes: A 5-6, B 7-9, C 10-15 points (Pugh et al., Br J Surg 1973;60:646-649, doi:10.1002/bjs.1800600817).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_CLASSES = "ABC"
_LOWEST_POINTS = {"A": 5, "B": 7, "C": 10}
_HIGHEST_POINTS = {"A": 6, "B": 9, "C": 15}
_NAME = r"\b(?:Child[- ](?:Turcotte[- ])?Pugh|CTP|CP)(?:[- ](?:class(?:es)?|grades?|score))?"
_CHILD_PUGH = re.compile(
    rf"{_NAME}[- ]*(?P<least>≥\s*|>=\s*|at least )?(?P<list>[ABC](?:(?:\s*[/,-]\s*|\s+(?:or|and|to)\s+)[ABC])*)\b",
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


_CLEARANCE = re.compile(
    r"(?:CrCl|creatinine clearance|e?GFR)\s*(?:of\s+|is\s+|was\s+|below\s+)?(?P<band>(?:<|>|≤|≥)?\s*\d+(?:-\d+)?)"
    r"(?:\s*mL/min)?"
)
_CLEARANCE_VALUE = re.compile(
    r"\b(?:CrCl|creatinine clearance|e?GFR)\)?[^\d<>≥;.,]{0,15}(?P<sign>[<>≥]?)\s*"
    r"(?P<value>\d{1,3})(?!\d)(?!\s*-\s*\d)",
    re.IGNORECASE,
)


def renal_impairment(text: str) -> list[str]:
    """The concept that a creatinine clearance in ``text`` amounts to: severe renal impairment below 30 mL/min."""
    values = [int(m["value"]) for m in _CLEARANCE_VALUE.finditer(text) if m["sign"] not in {">", "≥"}]
    return ["severe renal impairment" if v <= 30 else "renal impairment" for v in values if v < 60]


_PLATELETS = re.compile(r"(?P<band>(?:<|>|≤|≥)?\s*\d+(?:-\d+)?)\s*(?:or (?:more|less)\s*)?\s*[×x]\s*10(?:⁹|\^9)/L")
_FOUR_TS = re.compile(r"\b(low|intermediate|high)(?:-probability)?\s+4Ts", re.IGNORECASE)


def _bands(pattern: re.Pattern[str], unit: str) -> Callable[[str], tuple[str, ...]]:
    def values(text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f"{re.sub(' ', '', m['band'])} {unit}" for m in pattern.finditer(text)))

    return values


def _four_ts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(m[1].lower() for m in _FOUR_TS.finditer(text)))


_INDICATIONS = {
    "atrial fibrillation": re.compile(r"atrial fibrillation"),
    "deep vein thrombosis or pulmonary embolism": re.compile(
        r"deep vein thrombosis|pulmonary embolism|venous thromboembolism"
    ),
    "portal vein thrombosis": re.compile(r"portal vein thrombosis"),
    "heparin-induced thrombocytopenia": re.compile(r"\bHIT\b|heparin-induced thrombocytopenia"),
}


def _indications(text: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, pattern in _INDICATIONS.items()
        if (match := pattern.search(text)) and not text[: match.start()].endswith("without ")
    )


def _none(text: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Variable:
    """A variable and how text speaks of it.

    ``depends`` matches a statement that depends on it, ``given`` a question that states it; ``concerns`` are the
    concepts of which one must be in the question for it to matter (none: always). ``values`` gives the values that a
    text names, ``below`` those it leaves out by a threshold. ``is_for_classes``: it only matters when the question asks
    about one of ``concerns`` itself rather than about a single drug of the class. ``is_diagnostic``: what diagnostic
    statements say of its values is advice; of other variables they only state where cut-offs of a score lie.
    """

    name: str
    why: str
    depends: re.Pattern[str]
    given: re.Pattern[str]
    concerns: tuple[str, ...] = ()
    values: Callable[[str], tuple[str, ...]] = _none
    below: Callable[[str], tuple[str, ...]] = _none
    is_for_classes: bool = False
    is_diagnostic: bool = False


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "Child-Pugh class",
        "recommendations and labels differ by Child-Pugh class",
        _pattern(r"Child[- ]Pugh"),
        _pattern(
            r"Child[- ](?:Turcotte[- ])?Pugh(?:[- ](?:class|score))?[- ]*(?:[ABC]\b|\d)|\bCP[- ]?[ABC]\b|"
            r"\b(?:mild|moderate|severe) (?:hepatic|liver) (?:impairment|dysfunction)"
        ),
        ("hepatic impairment",),
        child_pugh_classes,
        child_pugh_below,
    ),
    Variable(
        "indication for anticoagulation",
        "agents, doses and contraindications differ by indication",
        _pattern(r"atrial fibrillation|venous thrombo|(?:deep|portal) vein thrombosis|pulmonary embolism|\bHIT\b"),
        _pattern(
            r"fibrillation|\bAF\b|thrombosis|embol|\b(?:VTE|DVT|PE|PVT|CVS?T|HIT)\b|valve|stroke"
        ),
        ("anticoagulation", "anticoagulant", "direct oral anticoagulant"),
        _indications,
        is_for_classes=True,
    ),
    Variable(
        "creatinine clearance",
        "doses and contraindications are set by creatinine clearance",
        _pattern(r"\b(?:CrCl|creatinine clearance|e?GFR)\b"),
        _pattern(r"(?:CrCl|creatinine clearance|e?GFR)\D{0,15}\d|creatinine\D{0,12}\d"),
        ("renal impairment",),
        _bands(_CLEARANCE, "mL/min"),
    ),
    Variable(
        "bilirubin",
        "dose needs change with the bilirubin level",
        _pattern(r"\bbilirubin\b"),
        _pattern(r"bilirubin\D{0,15}\d"),
        ("hepatic impairment", "hyperbilirubinaemia"),
    ),
    Variable(
        "4Ts score",
        "testing and the intensity of anticoagulation depend on the pretest probability",
        _pattern(r"\b4Ts\b"),
        _pattern(r"4Ts?\D{0,20}\d|(?:low|intermediate|high)[- ](?:probability )?4Ts|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
        _four_ts,
        is_diagnostic=True,
    ),
    Variable(
        "result of a functional (platelet activation) assay",
        "a positive immunoassay alone does not prove heparin-induced thrombocytopenia",
        _pattern(r"functional assay|functional confirmation|serotonin[- ]release|activation assay"),
        _pattern(r"functional|serotonin|\bSRA\b|\bHIPA\b|confirmed (?:HIT|heparin)"),
        ("heparin-induced thrombocytopenia",),
    ),
    Variable(
        "platelet count",
        "thresholds for treatment and transfusion are set by the platelet count",
        _pattern(r"10(?:⁹|\^9)/L"),
        _pattern(r"(?:platelets?|PLT)\b[^.;,]{0,25}\d|\d+\s*(?:[×x]\s*10|,000|k\b|G/L)"),
        ("thrombocytopenia", "immune thrombocytopenia"),
        _bands(_PLATELETS, "× 10⁹/L"),
    ),
    Variable(
        "bleeding and bleeding risk (varices, recent or planned procedures)",
        "active bleeding or a high bleeding risk changes what is advised",
        _pattern(r"active bleeding|high bleeding risk|average bleeding risk|varices|major bleeding"),
        _pattern(r"bleed|haemorrhag|hemorrhag|varic"),
        ("anticoagulant", "thrombocytopenia", "cirrhosis"),
    ),
    Variable(
        "body weight",
        "doses are given per kilogram",
        _pattern(r"\d\s*(?:mcg|mg|g|U|units?)/kg"),
        _pattern(r"\d\s*kg\b|weigh"),
    ),
)  # fmt: skip
