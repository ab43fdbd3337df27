"""From a plan to the Answer that is shown: statements verified, references numbered, outcome decided."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rag.answer.claims import Claim, Writer
from rag.answer.compose import Plan
from rag.answer.disagree import Conflict
from rag.answer.headings import title
from rag.answer.needed import Missing
from rag.answer.premises import Correction
from rag.answer.question import Query
from rag.answer.references import Numbering, reference
from rag.answer.select import Candidate
from rag.answer.sufficiency import Coverage
from rag.answer.verify import Verifier
from rag.domain import (
    Answer,
    Audience,
    Branch,
    Disagreement,
    Evidence,
    Gap,
    GlossaryEntry,
    Needed,
    Outcome,
    Position,
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
#: Sections that tell how to give and steer a treatment are not shown to patients, who must not act on them.
_FOR_PROFESSIONALS = frozenset({Role.DOSING, Role.MONITORING})


class Parts(NamedTuple):
    """All that was found for a question, before it is verified."""

    plan: Plan
    corrections: Sequence[Correction]
    conflicts: Sequence[Conflict]
    missing: Sequence[Missing]
    gaps: Sequence[Gap]
    related: Sequence[str]


class Article:
    """Assembles one answer."""

    def __init__(self, query: Query, audience: Audience, snapshot: Snapshot, verifier: Verifier) -> None:
        self._query = query
        self._audience = audience
        self._snapshot = snapshot
        self._verifier = verifier
        self._numbering = Numbering()
        self._writer = Writer(verifier, self._numbering)

    def assembled(self, parts: Parts, receipt: Callable[[], Receipt]) -> Answer:
        """The answer of ``parts``. Parts are written in the order in which they are read, so numbers ascend."""
        bottom = self._bottom_line(parts)
        shown = {s.evidence[0].label for s in bottom}
        first = bottom[0].text if bottom and not parts.corrections else None
        sections = [s for p in parts.plan.sections if (s := self._section(p.heading, p.role, p.claims, shown))]
        disagreements = [d for c in parts.conflicts if (d := self._disagreement(c))]
        needed = [self._needed(m) for m in parts.missing]
        found_gaps = [*parts.gaps, *self._withheld(parts.plan)]
        references = [reference(n, self._snapshot.store.source(key)) for n, key in enumerate(self._numbering.keys(), 1)]
        made = receipt()
        return Answer(
            answer_id=answer_id(self._query.asked, self._audience, made),
            question=self._query.asked,
            outcome=self._outcome(parts),
            title=title(self._query, first, self._verifier, self._snapshot.analyzer.lexicon),
            bottom_line=tuple(bottom),
            sections=tuple(sections),
            disagreements=tuple(disagreements),
            gaps=tuple(found_gaps),
            needed=tuple(needed),
            references=tuple(references),
            related_questions=tuple(parts.related),
            glossary=self._glossary([*bottom, *(s for section in sections for s in section.statements)]),
            readings=self._query.readings,
            audience=self._audience,
            disclaimer=DISCLAIMER[self._audience],
            receipt=made,
        )

    def _bottom_line(self, parts: Parts) -> list[Statement]:
        """Corrections of wrong premises first, then what answers the question."""
        corrected = {c.candidate.record.row for c in parts.corrections}
        written = [self._writer.write(Claim(c.candidate), Role.BOTTOM_LINE, c.premise) for c in parts.corrections]
        written += [
            self._writer.write(c, Role.BOTTOM_LINE)
            for c in parts.plan.bottom_line
            if c.lead.record.row not in corrected
        ]
        return [s for s in written if s]

    def _section(self, heading: str, role: Role, claims: Sequence[Claim], shown: set[str]) -> Section | None:
        if self._audience is Audience.PATIENT and role in _FOR_PROFESSIONALS:
            return None
        statements = [s for c in claims if (s := self._writer.write(c, role)) and s.evidence[0].label not in shown]
        return Section(heading=heading, role=role, statements=tuple(statements)) if statements else None

    def _disagreement(self, conflict: Conflict) -> Disagreement | None:
        positions = []
        for candidate in conflict.positions:
            statement = self._writer.write(Claim(candidate), candidate.role)
            if statement:
                source = candidate.source
                positions.append(Position(
                    statement=statement,
                    issuing_body=source.issuing_body or _author_and_year(candidate),
                    jurisdiction=source.jurisdiction,
                    year=source.year,
                ))  # fmt: skip
        return Disagreement(topic=conflict.topic, positions=tuple(positions)) if len(positions) > 1 else None

    def _needed(self, missing: Missing) -> Needed:
        branches = []
        for branch in missing.branches if self._audience is not Audience.PATIENT else ():
            statement = self._writer.write(Claim(branch.candidate), branch.candidate.role)
            if statement:
                branches.append(Branch(value=branch.value, statement=statement, note=branch.note))
        return Needed(variable=missing.variable, why=missing.why, branches=tuple(branches))

    def _withheld(self, plan: Plan) -> list[Gap]:
        if self._audience is not Audience.PATIENT:
            return []
        reason = "withheld: doses and monitoring are for the treating team to decide"
        return [Gap(aspect=s.heading, reason=reason) for s in plan.sections if s.role in _FOR_PROFESSIONALS]

    def _outcome(self, parts: Parts) -> Outcome:
        is_open = any(not g.aspect.startswith("all of this together") for g in parts.gaps)
        return Outcome.PARTIAL if is_open or not parts.plan.bottom_line else Outcome.ANSWERED

    def _glossary(self, statements: Sequence[Statement]) -> tuple[GlossaryEntry, ...]:
        """Abbreviations of the statements, spelled out as the corpus does; for those who may not know them."""
        if self._audience is Audience.CLINICIAN:
            return ()
        words = {w for s in statements for w in s.text.replace("(", " ").replace(")", " ").replace(",", " ").split()}
        pairs = self._snapshot.store.abbreviations()
        return tuple(GlossaryEntry(term=short, meaning=long) for short, long in pairs if short in words)


def _author_and_year(candidate: Candidate) -> str | None:
    authors = candidate.source.authors
    return f"{authors[0].split()[0]} {candidate.source.year or ''}".strip() if authors else None


def abstained(
    query: Query, covered: Coverage, pool: Sequence[Candidate], audience: Audience, receipt: Receipt
) -> Answer:
    """Says that the corpus does not speak to the question, what is missing, and what came nearest."""
    missing = [query.named(t) for t in covered.open]
    return Answer(
        answer_id=answer_id(query.asked, audience, receipt),
        question=query.asked,
        outcome=Outcome.ABSTAINED,
        reason="The sources in this corpus do not speak to this question, so nothing is answered.",
        title="Not answered from these sources",
        gaps=tuple(
            Gap(aspect=m, reason="no passage in this corpus speaks of it")
            for m in dict.fromkeys([*([covered.lacking] if covered.lacking else []), *missing])
        ),
        readings=query.readings,
        nearest=tuple(_nearest(n, c) for n, c in enumerate(pool[:_NEAREST], 1)),
        audience=audience,
        disclaimer=DISCLAIMER[audience],
        receipt=receipt,
    )


def _nearest(number: int, candidate: Candidate) -> Evidence:
    return Evidence(
        label=f"N{number}",
        passage_id=candidate.passage.passage_id,
        source_id=candidate.source.key,
        start=candidate.record.start,
        end=candidate.record.end,
        quote=candidate.text,
        heading=candidate.passage.heading,
        page=candidate.passage.page,
        score=round(candidate.relevance, 4),
    )


def redirected(question: str, reason: str, audience: Audience, receipt: Receipt) -> Answer:
    """The fixed text for emergencies and self-harm."""
    return Answer(
        answer_id=answer_id(question, audience, receipt),
        question=question,
        outcome=Outcome.REDIRECTED,
        reason=reason,
        title="Please seek help now",
        audience=audience,
        disclaimer=DISCLAIMER[audience],
        receipt=receipt,
    )


def answer_id(question: str, audience: Audience, receipt: Receipt) -> str:
    """The same for the same question, audience, snapshot, settings and software."""
    parts = (question, audience.value, receipt.snapshot_id, receipt.settings_digest, receipt.software)
    return "a" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
