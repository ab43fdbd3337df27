"""The design of a study, where its title says it of itself."""

from __future__ import annotations

import re

from rag.domain import EvidenceType

#: "A randomised trial of …" and "…: a cohort study", but not "Adherence to treatment in a randomised trial".
_PARTS = re.compile(r"[:.?!–—]\s+|\s[-–—]\s")
_LEAD = r"^(?:results (?:of|from) )?(?:an? |the )?(?:[\w/-]+,? ){0,8}?"
_DESIGNS = (
    (re.compile(rf"{_LEAD}(?:systematic (?:literature )?review|meta-?analys[ie]s)\b"), EvidenceType.SYSTEMATIC_REVIEW),
    (re.compile(rf"{_LEAD}randomi[sz]ed\b.*\b(?:trial|study)\b"), EvidenceType.RCT),
    (re.compile(rf"{_LEAD}cohort (?:study|analysis)\b"), EvidenceType.COHORT),
    (re.compile(rf"{_LEAD}case[- ]control (?:study|analysis)\b"), EvidenceType.CASE_CONTROL),
    (re.compile(rf"{_LEAD}case series\b"), EvidenceType.CASE_SERIES),
    (re.compile(rf"{_LEAD}case reports?\b"), EvidenceType.CASE_REPORT),
)
#: Words by which a title speaks about a study, or about a part of one.
_ABOUT = re.compile(
    r"\b(?:protocol|rationale|secondary|post[- ]hoc|sub-?stud(?:y|ies)|subgroup|qualitative|non-?randomi[sz]ed|"
    r"quasi-randomi[sz]ed|mendelian|economic|cost|survey|comment(?:ary)?|re|correction|corrigendum|erratum|retracted|"
    r"retraction|reply|methods? for|guide to|reporting of|quality of|umbrella)\b"
)


def design_of(title: str) -> EvidenceType:
    """The design that a part of ``title`` opens with, the strongest of them; ``UNCLASSIFIED`` when in doubt."""
    words = title.casefold()
    if _ABOUT.search(words):
        return EvidenceType.UNCLASSIFIED
    parts = _PARTS.split(words)
    return next((kind for form, kind in _DESIGNS if any(map(form.search, parts))), EvidenceType.UNCLASSIFIED)
