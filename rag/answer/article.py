"""From a plan to the Answer that is shown: statements verified, references numbered, outcome decided."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from rag.answer import headings
from rag.answer.claims import Claim, Writer, evidence
from rag.answer.compose import Plan, PlannedSection
from rag.answer.disagree import Conflict
from rag.answer.doses import is_dose
from rag.answer.needed import Missing
from rag.answer.premises import Correction
from rag.answer.question import Query
from rag.answer.references import Numbering, reference
from rag.answer.select import Candidate
from rag.answer.sufficiency import Coverage, unspoken
from rag.answer.verify import Verifier
from rag.domain import (
    Answer,
    Audience,
    Branch,
    Disagreement,
    Evidence,
    Filter,
    Gap,
    GlossaryEntry,
    Needed,
    Outcome,
    Position,
    ReadAs,
    Receipt,
    Role,
    Section,
    Statement,
)  # fmt: skip
from rag.index.snapshot import Snapshot

DISCLAIMER = {
    Audience.CLINICIAN: (
        "For healthcare professionals. Statements are quoted from a corpus that may be incomplete or out of date; "
        "check them against the cited sources and local guidance before acting on them. No clinician has reviewed "
        "this answer."
    ),
    Audience.PATIENT: (
        "This is information, not advice for you. Do not start, stop or change a treatment because of it: ask your "
        "doctor or pharmacist. No clinician has reviewed this answer."
    ),
}
DISCLAIMER[Audience.TRAINEE] = DISCLAIMER[Audience.CLINICIAN]
_NEAREST = 3
_SILENT = "The sources in this corpus do not speak to this question, so nothing is answered."
_KEPT_OUT = (
    "The sources that pass the filter do not speak to this question, so nothing is answered. The filter may be why: it "
    "leaves only"
)
_ONLY_DOSES = (
    "What these sources say on this is about doses and monitoring, which your treating team decides with you: ask them."
)
#: Sections that tell how to give and steer a treatment are not shown to patients, who must not act on them.
_FOR_PROFESSIONALS = frozenset({Role.DOSING, Role.MONITORING})


class Parts(NamedTuple):
    """All that was found for a question, before it is verified.

    ``together`` says that no one sentence considers all of the patient's conditions: a limit, not something left open.
    """

    plan: Plan
    corrections: Sequence[Correction]
    conflicts: Sequence[Conflict]
    missing: Sequence[Missing]
    gaps: Sequence[Gap]
    together: Gap | None
    related: Sequence[str]


class Article:
    """Assembles one answer, of sources that ``within`` passes."""

    def __init__(
        self, query: Query, audience: Audience, snapshot: Snapshot, verifier: Verifier, within: Filter | None = None
    ) -> None:
        self._query = query
        self._audience = audience
        self._snapshot = snapshot
        self._verifier = verifier
        self._numbering = Numbering()
        self._writer = Writer(verifier, self._numbering, partial(snapshot.store.same_words, within=within))

    def assembled(self, parts: Parts, receipt: Callable[[], Receipt]) -> Answer:
        """The answer of ``parts``. Parts are written in the order in which they are read, so numbers ascend."""
        leading = self._leading(parts)
        if not leading:
            return nothing_to_show(self._query, self._audience, receipt())
        shown = {claim.lead.record.row for claim, _ in leading}
        bottom = [self._writer.write(claim, Role.BOTTOM_LINE, premise) for claim, premise in leading]
        sections = [s for p in parts.plan.sections if (s := self._section(p, shown))]
        disagreements = [d for c in parts.conflicts if (d := self._disagreement(c))]
        needed = [self._needed(m) for m in parts.missing]
        together = [parts.together] if parts.together else []
        references = [reference(n, self._snapshot.store.source(key)) for n, key in enumerate(self._numbering.keys(), 1)]
        made = receipt()
        is_whole = parts.plan.bottom_line and not parts.gaps
        first = None if parts.corrections else bottom[0].text
        return Answer(
            answer_id=answer_id(self._query.asked, self._audience, made),
            question=self._query.asked,
            outcome=Outcome.ANSWERED if is_whole else Outcome.PARTIAL,
            title=headings.title(self._query, first, self._verifier, self._snapshot.analyzer.lexicon),
            bottom_line=tuple(bottom),
            sections=tuple(sections),
            disagreements=tuple(disagreements),
            gaps=(*parts.gaps, *together, *self._withheld(parts.plan)),
            needed=tuple(needed),
            references=tuple(references),
            related_questions=tuple(parts.related),
            glossary=self._glossary([*bottom, *(s for section in sections for s in section.statements)]),
            readings=self._query.readings,
            audience=self._audience,
            disclaimer=DISCLAIMER[self._audience],
            receipt=made,
        )

    def _leading(self, parts: Parts) -> list[tuple[Claim, str | None]]:
        """Claims of the bottom line: corrections of wrong premises first, with the premise, then what answers."""
        corrected = {c.candidate.record.row for c in parts.corrections}
        claims: list[tuple[Claim, str | None]] = [(Claim(c.candidate), c.premise) for c in parts.corrections]
        claims += [(c, None) for c in parts.plan.bottom_line if c.lead.record.row not in corrected]
        return [(claim, premise) for claim, premise in claims if self._may_show(claim)]

    def _may_show(self, claim: Claim) -> bool:
        """Whether a claim is supported and meant for this audience: a patient gets no doses to act on."""
        if self._audience is Audience.PATIENT and any(_tells_a_dose(m) for m in claim.members):
            return False
        return self._writer.is_supported(claim)

    def _section(self, planned: PlannedSection, shown: set[int]) -> Section | None:
        claims = [c for c in planned.claims if c.lead.record.row not in shown and self._may_show(c)]
        statements = tuple(self._writer.write(c, planned.role) for c in claims)
        return Section(heading=planned.heading, role=planned.role, statements=statements) if statements else None

    def _disagreement(self, conflict: Conflict) -> Disagreement | None:
        sides = [c for c in conflict.positions if self._may_show(Claim(c))]
        if len(sides) < 2:
            return None
        return Disagreement(topic=conflict.topic, positions=tuple(self._position(c) for c in sides))

    def _position(self, candidate: Candidate) -> Position:
        source = candidate.source
        return Position(
            statement=self._writer.write(Claim(candidate), candidate.role),
            issuing_body=source.issuing_body or _author_and_year(candidate),
            jurisdiction=source.jurisdiction,
            year=source.year,
        )

    def _needed(self, missing: Missing) -> Needed:
        branches = tuple(
            Branch(value=b.value, statement=self._writer.write(Claim(b.candidate), b.candidate.role), note=b.note)
            for b in missing.branches
            if self._may_show(Claim(b.candidate))
        )
        return Needed(variable=missing.variable, why=missing.why, branches=branches)

    def _withheld(self, plan: Plan) -> list[Gap]:
        """Sections of which a patient is not shown all."""
        if self._audience is not Audience.PATIENT:
            return []
        reason = "withheld: doses and monitoring are for the treating team to decide"
        partly = [s for s in plan.sections if any(_tells_a_dose(m) for c in s.claims for m in c.members)]
        return [Gap(aspect=s.heading, reason=reason) for s in partly]

    def _glossary(self, statements: Sequence[Statement]) -> tuple[GlossaryEntry, ...]:
        """Abbreviations of the statements, spelled out as the corpus does; for those who may not know them."""
        if self._audience is Audience.CLINICIAN:
            return ()
        words = {w for s in statements for w in s.text.replace("(", " ").replace(")", " ").replace(",", " ").split()}
        pairs = self._snapshot.abbreviations
        return tuple(GlossaryEntry(term=short, meaning=long) for short, long in pairs if short in words)


def _tells_a_dose(candidate: Candidate) -> bool:
    """Whether a sentence is about giving or steering a treatment, or gives a dose in passing."""
    return candidate.role in _FOR_PROFESSIONALS or any(is_dose(q.unit) for q in candidate.sentence.quantities)


def _author_and_year(candidate: Candidate) -> str | None:
    authors = candidate.source.authors
    return f"{authors[0].split()[0]} {candidate.source.year or ''}".strip() if authors else None


def abstained(
    query: Query, covered: Coverage, pool: Sequence[Candidate], audience: Audience, receipt: Receipt
) -> Answer:
    """Says that the corpus does not speak to the question, what is missing, and what came nearest."""
    missing = dict.fromkeys([*([covered.lacking] if covered.lacking else []), *map(query.named, covered.open)])
    within = receipt.filter
    return _without_article(
        query.asked,
        audience,
        receipt,
        f"{_KEPT_OUT} {within}." if within else _SILENT,
        readings=query.readings,
        gaps=tuple(Gap(aspect=m, reason=unspoken(within)) for m in missing),
        nearest=tuple(evidence(c, f"N{n}") for n, c in enumerate(pool[:_NEAREST], 1)),
    )


def nothing_to_show(query: Query, audience: Audience, receipt: Receipt) -> Answer:
    """Says that all there is to say is for professionals, or that none of it could be supported."""
    reason = _ONLY_DOSES if audience is Audience.PATIENT else "Nothing that was found could be supported."
    return _without_article(query.asked, audience, receipt, reason, readings=query.readings)


def redirected(question: str, reason: str, audience: Audience, receipt: Receipt) -> Answer:
    """The fixed text for emergencies and self-harm."""
    return _without_article(
        question, audience, receipt, reason, outcome=Outcome.REDIRECTED, title="Please seek help now"
    )


def _without_article(
    question: str,
    audience: Audience,
    receipt: Receipt,
    reason: str,
    *,
    outcome: Outcome = Outcome.ABSTAINED,
    title: str = "Not answered from these sources",
    readings: tuple[ReadAs, ...] = (),
    gaps: tuple[Gap, ...] = (),
    nearest: tuple[Evidence, ...] = (),
) -> Answer:
    return Answer(
        answer_id=answer_id(question, audience, receipt),
        question=question,
        outcome=outcome,
        reason=reason,
        title=title,
        gaps=gaps,
        readings=readings,
        nearest=nearest,
        audience=audience,
        disclaimer=DISCLAIMER[audience],
        receipt=receipt,
    )


def answer_id(question: str, audience: Audience, receipt: Receipt) -> str:
    """The same for the same question, audience, filter, snapshot, settings and software."""
    parts = [question, audience.value, receipt.snapshot_id, receipt.settings_digest, receipt.software]
    parts += [receipt.filter.model_dump_json()] if receipt.filter else []
    return "a" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
