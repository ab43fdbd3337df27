"""What a patient is deliberately not shown, and the list of it.

Patients get no doses to act on: neither sentences that give one, nor sections that tell how to give or to steer a
treatment. Each statement that is left out for that is listed, with where it would stand, so that nothing gets lost
unseen. Other readers are shown everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from rag.answer.claims import Claim, statement_id
from rag.answer.doses import has_dose
from rag.domain import Audience, Role, Withheld, WithheldKind
from rag.language.quantities import quantities
from rag.language.roles import role_of

WHY: dict[WithheldKind, str] = {
    "dose": "it names a dose, and doses are for your treating team to decide with you: ask your doctor or pharmacist",
    "dosing_section": "how a treatment is dosed is for your treating team to decide: ask your doctor or pharmacist",
    "monitoring_section": "how a treatment is checked is for your treating team to decide: ask your doctor",
    "beside": "it would mislead without what stands beside it, which names a dose: ask your doctor",
}
_SECTIONS: dict[Role, WithheldKind] = {Role.DOSING: "dosing_section", Role.MONITORING: "monitoring_section"}


def withheld(text: str, quotes: Iterable[str]) -> WithheldKind | None:
    """Why words of another about ``quotes`` that a patient is shown are none for a patient; None if they are.

    A dose never is. Part of a quote may tell how to check a treatment where the whole of it tells something else.
    """
    if has_dose(text, quantities(text)):
        return "dose"
    is_checking = role_of(text) is Role.MONITORING and all(role_of(quote) is not Role.MONITORING for quote in quotes)
    return "monitoring_section" if is_checking else None


class Withholding:
    """Decides for one answer, claim by claim, and remembers what it decided."""

    def __init__(self, audience: Audience) -> None:
        self._is_patient = audience is Audience.PATIENT
        self._ids: dict[tuple[WithheldKind, str], list[str]] = {}

    def keeps(self, claim: Claim, role: Role, heading: str) -> bool:
        """Whether a claim is shown as ``role`` under ``heading``. One that is not is listed."""
        kind = self._reason(claim, role)
        if kind:
            self.lists(kind, claim, role, heading)
        return kind is None

    def lists(self, kind: WithheldKind, claim: Claim, role: Role, heading: str) -> None:
        """Lists a claim that is not shown."""
        ids = self._ids.setdefault((kind, heading), [])
        ids += [found for found in [statement_id(claim.lead, role)] if found not in ids]

    def listed(self, shown: Iterable[str] = ()) -> tuple[Withheld, ...]:
        """What is left out, in the order in which it would be read, without the statements that are ``shown`` by id."""
        taken = set(shown)
        left = ((kind, heading, [i for i in ids if i not in taken]) for (kind, heading), ids in self._ids.items())
        return tuple(
            Withheld(kind=kind, heading=heading, statement_ids=tuple(ids), why=WHY[kind])
            for kind, heading, ids in left
            if ids
        )

    def _reason(self, claim: Claim, role: Role) -> WithheldKind | None:
        if not self._is_patient:
            return None
        roles = (role, *(member.role for member in claim.members))
        section = next((_SECTIONS[r] for r in roles if r in _SECTIONS), None)
        is_dose = any(has_dose(m.text, m.sentence.quantities) for m in claim.members)
        return section or ("dose" if is_dose else None)
