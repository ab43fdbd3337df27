"""What is said of an organ's bearing on a drug: that kidneys or liver matter for its dose, or that they do not."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from rag.answer.select import GRADES
from rag.answer.sentences import Sentence

_DOSED = r"(?:dos(?:e|es|ing|age)|clearance|pharmacokinetics|exposure|half-life|elimination)"
_NO_BEARING = re.compile(
    rf"\bno (?:(?:clinically|statistically) )?(?:relevant |significant |important )?(?:effect|influence|impact|"
    rf"difference|change)s?\b[^.;]{{0,80}}?\b{_DOSED}\b|"
    rf"\b(?:did|does|do) not (?:significantly )?(?:change|affect|alter|influence)\b[^.;]{{0,60}}?\b{_DOSED}\b|"
    r"\b(?:needs?|requires?|with) no (?:dos(?:e|age|ing) )?(?:adjustment|reduction|change|modification)s?\b|"
    r"\bno dos(?:e|age|ing) (?:adjustment|reduction|change|modification)s? (?:is|are) (?:needed|required|necessary)|"
    r"\b(?:does|do) not (?:need|require) (?:a |any )?(?:dos(?:e|age|ing) )?(?:adjustment|reduction|change)|"
    r"\blittle dependence on\b|\bindependent(?:ly)? of\b|\b(?:does|do) not depend on\b",
    re.IGNORECASE,
)
_LESS = re.compile(r"\b(?:reduc\w+|lower\w*|decreas\w+|halv\w+|fell|falls?|smaller)\b", re.IGNORECASE)
_OF_DOSE = re.compile(rf"\b{_DOSED}\b|/kg/(?:min|h)\b", re.IGNORECASE)
#: Where a sentence goes over to another grade of impairment or another drug.
_PART = re.compile(r"[;:]\s|\.\s|,\s+(?:and|but|no|whereas|while)\s", re.IGNORECASE)
_ORGANS = {
    "kidney": re.compile(
        r"\b(?:renal|renally|kidneys?|CKD|ESRD|ESKD|dialys\w+|ha?emodialys\w+|creatinine|CrCl|e?GFR)\b", re.IGNORECASE
    ),
    "liver": re.compile(r"\b(?:hepatic|hepatically|liver|Child-Pugh|cirrho\w+)\b", re.IGNORECASE),
}
#: What a claim says that gives an organ a bearing: less must be given, or the organ clears it.
_LOWERED = re.compile(
    r"\b(?:dos(?:e|es|age|ing))\b[^.;,]{0,30}\b(?:reduc|lower|halv|adjust|decreas|cut)\w*|"
    r"\b(?:reduc|lower|halv|adjust|decreas|cut)\w*[^.;,]{0,30}\bdos(?:e|es|age|ing)\b|\baccumulat\w+|"
    r"\b(?:broken down|cleared|eliminated|excreted|metaboli[sz]ed|removed|changed)\s+(?:\w+ly\s+)?"
    r"(?:by|through|in|via) (?:the )?(?:liver|kidneys?|(?:ha?emo)?dialysis)\b",
    re.IGNORECASE,
)
_UNCHANGED = re.compile(
    r"\bno (?:dos(?:e|age|ing) )?(?:adjustment|reduction|change|modification)|\b(?:not|n't) (?:need|require|have) "
    r"(?:to be )?(?:an? |any )?(?:dos(?:e|age|ing) )?(?:adjust|reduc|lower|chang)\w*|"
    r"\b(?:same|full|usual|unchanged|standard) dos(?:e|es|age)\b|\bdos(?:e|es|age|ing)\b[^.;,]{0,20}\bunchanged\b",
    re.IGNORECASE,
)


class Bearing(StrEnum):
    NONE = "none"
    LESS = "less"


class Impairment(NamedTuple):
    """The one organ that a text speaks of, and the grade of its impairment where it is said."""

    organ: str
    grade: str | None


def impairment(text: str, concepts: frozenset[str]) -> Impairment | None:
    """Which organ ``text`` is about, which mentions ``concepts``; None for no organ or both."""
    named = [organ for organ, words in _ORGANS.items() if words.search(text)]
    grades = [g for g in GRADES for c in concepts if c.startswith(g)]
    return Impairment(named[0], grades[-1] if grades else None) if len(named) == 1 else None


def lowers(claim: str) -> bool:
    """Whether a claim says that less of a drug must be given, or that an organ clears it."""
    return bool(_LOWERED.search(claim)) and not leaves_unchanged(claim)


def leaves_unchanged(claim: str) -> bool:
    """Whether a claim says that a dose need not be changed."""
    return bool(_UNCHANGED.search(claim))


def bearing(sentence: Sentence, treatment: str, of: Impairment) -> Bearing | None:
    """What a sentence says of an organ's bearing on a treatment; None where it says nothing of that grade.

    Where no grade is asked for, what holds for mild or moderate impairment alone is no answer.
    """
    if treatment not in sentence.about:
        return None
    for part in _PART.split(sentence.text):
        if not _ORGANS[of.organ].search(part) or not _is_of_grade(part, of.grade):
            continue
        if _NO_BEARING.search(part):
            return Bearing.NONE
        if _LESS.search(part) and _OF_DOSE.search(part):
            return Bearing.LESS
    return None


def _is_of_grade(part: str, grade: str | None) -> bool:
    named = {g for g in GRADES if re.search(rf"\b{g}\b", part, re.IGNORECASE)}
    return not named or (grade or "severe") in named
