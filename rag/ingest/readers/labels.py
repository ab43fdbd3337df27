"""Labels of structured abstracts, such as "RESULTS: …", which name a section inside running text."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A label in capitals is one when it has one of these words: "DESIGN, SETTING, AND PARTICIPANTS", not "ELISA".
_WORDS = frozenset(
    "ABSTRACT AIM AIMS BACKGROUND CONCLUSION CONCLUSIONS CONTEXT COVERED DESIGN DISCUSSION EVIDENCE EXPOSURE EXPOSURES "
    "FINDINGS FUNDING GOAL GOALS HYPOTHESIS IMPLICATIONS IMPORTANCE INTERPRETATION INTERVENTION INTERVENTIONS "
    "INTRODUCTION LIMITATIONS MATERIAL MATERIALS MEASURE MEASUREMENT MEASUREMENTS MEASURES METHOD METHODOLOGY METHODS "
    "OBJECT OBJECTIVE OBJECTIVES OBSERVATIONS OUTCOME OUTCOMES PARTICIPANTS PATIENT PATIENTS POPULATION PROBLEM "
    "PURPOSE RATIONALE RECOMMENDATION RECOMMENDATIONS REGISTRATION RELEVANCE RESULT RESULTS SAMPLE SETTING "
    "SETTINGS SIGNIFICANCE SUBJECTS SUMMARY SYNTHESIS UNLABELLED".split()
)
#: In mixed case only the usual names, whole: "Patients: 12 women" may open any sentence.
_NAMES = frozenset(
    "abstract|aim|aims|background|background and aims|background and objective|background and objectives|"
    "background and purpose|case presentation|case report|conclusion|conclusions|discussion|findings|interpretation|"
    "introduction|material and methods|materials and methods|method|methods|methods and findings|"
    "methods and materials|methods and results|objective|objectives|patients and methods|purpose|"
    "results|results and discussion|text|trial registration|unlabelled".split("|")
)
_NAMELESS = frozenset({"text", "unlabelled"})
#: What stands before a label's colon: the label, at the start of the text or of a sentence.
_LABEL = re.compile(r"(?:^\s*|[.!?;)\]:] )([A-Z][A-Za-z &/,'’()-]{2,60})$")
_COLON = re.compile(r":(?=\s|$)")
_WINDOW = 80  # more than the longest label with what goes before it
_NUMBER = re.compile(r"^(?:[0-9]+\.)*[0-9]*\.?\s*")


def labelled_parts(text: str) -> Iterator[tuple[str | None, str]]:
    """``text``, in one line, cut at its labels: the label as a heading ("Results"), or None, with what follows it."""
    at, label = 0, None
    for colon in _COLON.finditer(text):
        start = max(at, colon.start() - _WINDOW)
        match = _LABEL.search(text[start : colon.start()])
        if match and _is_label(match[1]):
            yield from _part(label, text[at : start + match.start(1)])
            at, label = colon.end(), match[1]
    yield from _part(label, text[at:])


def section_name(line: str) -> str | None:
    """The name of a section when a line has nothing else: "2. Methods" is "Methods"."""
    name = _NUMBER.sub("", line).rstrip(": ")
    return _heading(name) if name.casefold() in _NAMES | {"references"} else None


def _part(label: str | None, text: str) -> Iterator[tuple[str | None, str]]:
    if text := text.strip():
        yield _heading(label) if label else None, text


def _is_label(label: str) -> bool:
    if label.isupper():
        return not _WORDS.isdisjoint(re.findall(r"[A-Z]+", label))
    return label.casefold() in _NAMES


def _heading(label: str) -> str | None:
    return None if label.strip().casefold() in _NAMELESS else label.strip().capitalize()
