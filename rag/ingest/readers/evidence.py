"""How strong a source is, read off MEDLINE's publication types and MeSH descriptors."""

from __future__ import annotations

from collections.abc import Iterable

from rag.domain import EvidenceType

_BY_TYPE = {
    "practice guideline": EvidenceType.GUIDELINE,
    "guideline": EvidenceType.GUIDELINE,
    "consensus development conference": EvidenceType.GUIDELINE,
    "consensus development conference, nih": EvidenceType.GUIDELINE,
    "meta-analysis": EvidenceType.SYSTEMATIC_REVIEW,
    "systematic review": EvidenceType.SYSTEMATIC_REVIEW,
    "randomized controlled trial": EvidenceType.RCT,
    "case reports": EvidenceType.CASE_REPORT,
    "review": EvidenceType.NARRATIVE_REVIEW,
}
_COHORT = {"cohort studies", "prospective studies", "retrospective studies"}
_COHORT |= {"follow-up studies", "longitudinal studies"}
#: Opinions about a study, which carry its types along without being one.
_OPINIONS = {"editorial", "letter", "comment"}
_RANK = {kind: rank for rank, kind in enumerate(EvidenceType)}


def evidence_type_of(publication_types: Iterable[str], mesh: Iterable[str] = ()) -> EvidenceType:
    """The strongest kind that the types name, by ``EvidenceType``'s order; ``UNCLASSIFIED`` when they name none.

    ``mesh`` are descriptors without qualifiers. A design is taken from them only where it says what the source is:
    "Cohort Studies" also indexes texts about cohorts, so it counts beside the type "Observational Study". An editorial,
    a letter or a comment is at most a case report.
    """
    types = {name.strip().casefold() for name in publication_types}
    topics = {name.strip().casefold() for name in mesh}
    found = {_BY_TYPE[name] for name in types if name in _BY_TYPE}
    if "observational study" in types and topics & _COHORT:
        found.add(EvidenceType.COHORT)
    if "case-control studies" in topics:
        found.add(EvidenceType.CASE_CONTROL)
    if types & _OPINIONS:
        found &= {EvidenceType.CASE_REPORT}
    return min(found, key=_RANK.__getitem__, default=EvidenceType.UNCLASSIFIED)
