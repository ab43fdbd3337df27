"""A statement's lead-in that names its source: "According to a 2018 guideline of the ASH, …".

A source is named by its number beside the statement, and most quotes do not say who wrote them. So a lead-in may be
taken out, if it is true of a source that is cited; one that is not stays, and is for the quotes to support.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.domain import EvidenceType, Reference

_LEAD_IN = re.compile(r"(?:According to|As (?:stated|reported|described) (?:by|in)|Per) ([^,;:]{3,120}), (?=\w)")
_WORD = re.compile(r"[^\W_]+(?:'\w+)?")
#: What may stand in any lead-in.
_PLAIN = frozenset("a an and by for from in of on the study paper article publication published authors source".split())
_KINDS: dict[EvidenceType, str] = {
    EvidenceType.GUIDELINE: "guideline guidelines guidance recommendations",
    EvidenceType.DRUG_LABEL: "label labels labelling labeling drug product prescribing information",
    EvidenceType.REGULATOR: "regulator notice communication",
    EvidenceType.SYSTEMATIC_REVIEW: "systematic review meta analysis",
    EvidenceType.RCT: "randomised randomized controlled trial",
    EvidenceType.COHORT: "cohort observational",
    EvidenceType.CASE_CONTROL: "case control observational",
    EvidenceType.CASE_SERIES: "case series",
    EvidenceType.CASE_REPORT: "case report",
    EvidenceType.NARRATIVE_REVIEW: "review narrative",
    EvidenceType.TEXTBOOK: "textbook chapter book",
}
_PLACES = {"US": "us usa american", "GB": "uk gb british", "EU": "eu european", "FR": "french", "DE": "german",
           "AU": "australian", "CA": "canadian"}  # fmt: skip


def unattributed(text: str, sources: Iterable[Reference]) -> str:
    """``text`` without a lead-in that is true of one of ``sources``; else as it is."""
    match = _LEAD_IN.match(text)
    if not match or not any(_words(match[1]) - _PLAIN <= named(source) for source in sources):
        return text
    rest = text[match.end() :]
    return rest[0].upper() + rest[1:]


def named(source: Reference) -> set[str]:
    """The words by which a source may be called."""
    body, place = source.issuing_body or "", source.jurisdiction or ""
    initials = "".join(word[0] for word in re.findall(r"\b[A-Z]\w+", body))
    said = [source.title, source.container or "", body, initials, str(source.year or ""), place, *source.authors,
            _PLACES.get(place, ""), _KINDS.get(source.evidence_type, "")]  # fmt: skip
    return _words(" ".join(said))


def _words(text: str) -> set[str]:
    return {word.casefold().removesuffix("'s") for word in _WORD.findall(text)}
