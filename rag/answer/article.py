"""From a plan to the Answer that is shown: statements verified, references numbered, outcome decided."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rag.answer import headings
from rag.answer.claims import Claim, Writer, evidence
from rag.answer.disagree import Conflict
from rag.answer.needed import Missing
from rag.answer.plain import grade, plain_words
from rag.answer.plans import Plan, PlannedSection
from rag.answer.premises import Correction
from rag.answer.question import Query
from rag.answer.references import Numbering, reference
from rag.answer.select import Candidate
from rag.answer.sufficiency import Coverage, unspoken
from rag.answer.verify import Verifier
from rag.answer.withholding import Withholding
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
    Withheld,
)  # fmt: skip
from rag.index.snapshot import Snapshot

if TYPE_CHECKING:
    from rag.answer.glossary import Glossary

#: What a disclaimer ends with until a clinician has approved the answer.
UNREVIEWED = "No clinician has reviewed this answer."
_FOR_PROFESSIONALS = (
    "For healthcare professionals. {} may be incomplete or out of date; check them against the cited sources and local "
    f"guidance before acting on them. {UNREVIEWED}"
)
DISCLAIMER = {
    Audience.CLINICIAN: _FOR_PROFESSIONALS.format("Statements are quoted from a corpus that"),
    Audience.PATIENT: (
        "This is information, not advice for you. Do not start, stop or change a treatment because of it: ask your "
        f"doctor or pharmacist. {UNREVIEWED}"
    ),
}
DISCLAIMER[Audience.TRAINEE] = DISCLAIMER[Audience.CLINICIAN]
#: The same where a language model has worded the statements.
WORDED_DISCLAIMER = DISCLAIMER | dict.fromkeys(
    (Audience.CLINICIAN, Audience.TRAINEE),
    _FOR_PROFESSIONALS.format(
        "Statements are quotes from a corpus, or worded by a language model and checked by program against the quotes "
        "that they cite. The corpus"
    ),
)
_NEAREST = 3
_SILENT = "The sources in this corpus do not speak to this question, so nothing is answered."
_KEPT_OUT = (
    "The sources that pass the filter do not speak to this question, so nothing is answered. The filter may be why: it "
    "leaves only"
)
_ONLY_DOSES = (
    "What these sources say on this is about doses and monitoring, which your treating team decides with you: ask them."
)
_BOTTOM_LINE = "Bottom line"


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
    """Assembles one answer, of sources that ``within`` passes. ``glossary`` is only called for who needs one."""

    def __init__(
        self, query: Query, audience: Audience, snapshot: Snapshot, verifier: Verifier,
        glossary: Callable[[], Glossary], within: Filter | None = None,
    ) -> None:  # fmt: skip
        self._query = query
        self._audience = audience
        self._snapshot = snapshot
        self._verifier = verifier
        self._glossary_of_all = glossary
        self._within = within
        self._withholding = Withholding(audience)
        self._numbering = Numbering()
        self._writer = Writer(verifier, self._numbering, partial(snapshot.store.same_words, within=within))

    def assembled(self, parts: Parts, receipt: Callable[[], Receipt]) -> Answer:
        """The answer of ``parts``. Parts are written in the order in which they are read, so numbers ascend."""
        leading = self._leading(parts)
        shown = {claim.lead.record.row for claim, _ in leading}
        first = [p for p in leading if self._withholding.keeps(p[0], Role.BOTTOM_LINE, _BOTTOM_LINE)]
        if not first:
            return nothing_to_show(self._query, self._audience, receipt(), self._all_withheld(parts, shown))
        bottom = [self._write(claim, Role.BOTTOM_LINE, premise) for claim, premise in first]
        sections = [s for p in parts.plan.sections if (s := self._section(p, shown))]
        disagreements = [d for c in parts.conflicts if (d := self._disagreement(c))]
        needed = [self._needed(m) for m in parts.missing]
        said = [*bottom, *(s for section in sections for s in section.statements)]
        said += [p.statement for d in disagreements for p in d.positions]
        said += [b.statement for n in needed for b in n.branches]
        glossary = self._glossary(said)
        together = [parts.together] if parts.together else []
        references = [reference(n, self._snapshot.store.source(key)) for n, key in enumerate(self._numbering.keys(), 1)]
        made = receipt().model_copy(update={"dropped": len(self._writer.dropped)})
        is_whole = parts.plan.bottom_line and not parts.gaps
        leads = None if parts.corrections else bottom[0].text
        return Answer(
            answer_id=answer_id(self._query.asked, self._audience, made),
            question=self._query.asked,
            outcome=Outcome.ANSWERED if is_whole else Outcome.PARTIAL,
            title=self._words(headings.title(self._query, leads, self._verifier, self._snapshot.analyzer.lexicon)),
            decision=None if parts.corrections else parts.plan.answer,
            bottom_line=tuple(bottom),
            sections=tuple(sections),
            disagreements=tuple(disagreements),
            gaps=(*parts.gaps, *together),
            needed=tuple(needed),
            references=tuple(references),
            related_questions=tuple(parts.related),
            glossary=glossary,
            readings=self._query.readings,
            withheld=self._withholding.listed(s.statement_id for s in said),
            reading_grade=None if self._audience is Audience.CLINICIAN else grade(s.shown for s in said),
            audience=self._audience,
            disclaimer=DISCLAIMER[self._audience],
            receipt=made,
        )

    def _leading(self, parts: Parts) -> list[tuple[Claim, str | None]]:
        """Claims of the bottom line: corrections of wrong premises first, with the premise, then what answers."""
        corrected = {c.candidate.record.row for c in parts.corrections}
        claims: list[tuple[Claim, str | None]] = [(Claim(c.candidate), c.premise) for c in parts.corrections]
        claims += [(c, None) for c in parts.plan.bottom_line if c.lead.record.row not in corrected]
        return [(claim, premise) for claim, premise in claims if self._writer.is_supported(claim)]

    def _section(self, planned: PlannedSection, shown: set[int]) -> Section | None:
        heading = self._words(planned.heading)
        supported = self._supported(planned.claims, shown)
        claims = [c for c in supported if self._withholding.keeps(c, planned.role, heading)]
        statements = tuple(self._write(c, planned.role) for c in claims)
        return Section(heading=heading, role=planned.role, statements=statements) if statements else None

    def _supported(self, claims: Sequence[Claim], shown: set[int]) -> list[Claim]:
        return [c for c in claims if c.lead.record.row not in shown and self._writer.is_supported(c)]

    def _disagreement(self, conflict: Conflict) -> Disagreement | None:
        topic = self._words(conflict.topic)
        sides = self._supported([Claim(c) for c in conflict.positions], set())
        if len(sides) < 2:
            return None
        kept = [c for c in sides if self._withholding.keeps(c, c.lead.role, topic)]
        if len(kept) < 2:
            for claim in kept:
                self._withholding.lists("beside", claim, claim.lead.role, topic)
            return None
        return Disagreement(topic=topic, positions=tuple(self._position(c.lead) for c in kept))

    def _position(self, candidate: Candidate) -> Position:
        source = candidate.source
        return Position(
            statement=self._write(Claim(candidate), candidate.role),
            issuing_body=source.issuing_body or _author_and_year(candidate),
            jurisdiction=source.jurisdiction,
            year=source.year,
        )

    def _needed(self, missing: Missing) -> Needed:
        branches = tuple(
            Branch(value=b.value, statement=self._write(Claim(b.candidate), b.candidate.role), note=b.note)
            for b in missing.branches
            if self._writer.is_supported(Claim(b.candidate))
            and self._withholding.keeps(Claim(b.candidate), b.candidate.role, missing.variable)
        )
        return Needed(variable=missing.variable, why=self._words(missing.why), branches=branches)

    def _all_withheld(self, parts: Parts, shown: set[int]) -> tuple[Withheld, ...]:
        """For a patient whose question is about a dose: all of the article, which would mislead without its answer."""
        claims = [(c, s.role, self._words(s.heading)) for s in parts.plan.sections
                  for c in self._supported(s.claims, shown)]  # fmt: skip
        for conflict in parts.conflicts:
            sides = self._supported([Claim(c) for c in conflict.positions], set())
            claims += [(c, c.lead.role, self._words(conflict.topic)) for c in sides if len(sides) > 1]
        branches = [(Claim(b.candidate), m.variable) for m in parts.missing for b in m.branches]
        claims += [(c, c.lead.role, variable) for c, variable in branches if self._writer.is_supported(c)]
        for claim, role, heading in claims:
            if self._withholding.keeps(claim, role, heading):
                self._withholding.lists("beside", claim, role, heading)
        return self._withholding.listed()

    def _write(self, claim: Claim, role: Role, premise: str | None = None) -> Statement:
        """The statement of a claim, for patients with its plain words."""
        statement = self._writer.write(claim, role, premise)
        if self._audience is not Audience.PATIENT:
            return statement
        return statement.model_copy(update={"plain": self._glossary_of_all().plain(statement.text)})

    def _words(self, text: str) -> str:
        """A heading in the reader's words."""
        return plain_words().of(text).text if self._audience is Audience.PATIENT else text

    def _glossary(self, statements: Sequence[Statement]) -> tuple[GlossaryEntry, ...]:
        """Abbreviations and terms of the statements, for those who may not know them."""
        if self._audience is Audience.CLINICIAN:
            return ()
        glossary = self._glossary_of_all()
        if self._audience is Audience.PATIENT:
            return glossary.for_patient(statements)
        return glossary.for_trainee(statements, self._within, self._numbering.number)


def _author_and_year(candidate: Candidate) -> str | None:
    authors = candidate.source.authors
    return f"{authors[0].split()[0]} {candidate.source.year or ''}".strip() if authors else None


def abstained(
    query: Query, covered: Coverage, pool: Sequence[Candidate], audience: Audience, receipt: Receipt
) -> Answer:
    """Says that the corpus does not speak to the question, what is missing, and what came nearest."""
    lacking = [covered.lacking] if covered.lacking else []
    # What alone rules an answer out names what it lacks: "child: what is known of others must not be carried over".
    still_open = [t for t in covered.open if not any(said.startswith(f"{t[1:]}: ") for said in lacking)]
    missing = dict.fromkeys([*lacking, *map(query.named, still_open)])
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


def nothing_to_show(query: Query, audience: Audience, receipt: Receipt, withheld: tuple[Withheld, ...]) -> Answer:
    """Says that all there is to say is for professionals, or that none of it could be supported."""
    reason = _ONLY_DOSES if withheld else "Nothing that was found could be supported."
    return _without_article(query.asked, audience, receipt, reason, readings=query.readings, withheld=withheld)


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
    withheld: tuple[Withheld, ...] = (),
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
        withheld=withheld,
        audience=audience,
        disclaimer=DISCLAIMER[audience],
        receipt=receipt,
    )


def answer_id(question: str, audience: Audience, receipt: Receipt) -> str:
    """The same for the same question, its parts, audience, filter, snapshot, settings and software."""
    parts = [question, audience.value, receipt.snapshot_id, receipt.settings_digest, receipt.software]
    parts += [receipt.filter.model_dump_json()] if receipt.filter else []
    parts += receipt.reading.sub_questions if receipt.reading else ()
    return id_of(parts)


def identified(answer: Answer, **more: object) -> Answer:
    """``answer`` with more fields set, and an id that tells it from the one without them."""
    extended = answer.model_copy(update=more)
    facts = [answer.answer_id, extended.model_dump_json(include=set(more))]
    return extended.model_copy(update={"answer_id": id_of(facts)})


def id_of(facts: Sequence[str]) -> str:
    """The id of the answer that these facts tell from all others."""
    return "a" + hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]
