"""The plan of an article: what will be shown and where, before it is verified and written."""

from __future__ import annotations

from typing import NamedTuple

from rag.answer.claims import Claim
from rag.answer.select import Candidate
from rag.domain import Decision, Role
from rag.language.polarity import Stance


class PlannedSection(NamedTuple):
    heading: str
    role: Role
    claims: tuple[Claim, ...]


class Plan(NamedTuple):
    """``decision`` is what the evidence says about the treatment asked about, None when none was; ``pool`` are
    the sentences that are about this patient, shown or not; ``main`` is the condition that they are mostly about.
    ``answer`` is yes or no, where that is what was asked."""

    bottom_line: tuple[Claim, ...]
    sections: tuple[PlannedSection, ...]
    decision: Stance | None
    pool: tuple[Candidate, ...]
    main: str | None
    answer: Decision | None = None

    def shown(self) -> list[Candidate]:
        claims = [*self.bottom_line, *(c for s in self.sections for c in s.claims)]
        return [claim.lead for claim in claims]
