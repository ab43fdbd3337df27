"""Claims: what will become statements. A claim is a sentence, with the other sources that say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.answer.references import Numbering
from rag.answer.select import Candidate
from rag.answer.verify import Verification, Verifier
from rag.domain import Evidence, Passage, Role, Statement, Verdict
from rag.index.store import SentenceRecord

#: Sentences with vectors at least this near that agree in numbers and stance say the same.
SAME = 0.93
#: Of sentences this near the second is not shown when it names nothing and gives no value that the first does not.
REPEATS = 0.88


@dataclass(frozen=True, eq=False)
class Claim:
    """``lead`` is shown; ``also`` are sentences of other sources that say the same."""

    lead: Candidate
    also: tuple[Candidate, ...] = ()

    @property
    def members(self) -> tuple[Candidate, ...]:
        return (self.lead, *self.also)


def similarity(one: Candidate, other: Candidate) -> float:
    return float(one.vector @ other.vector)


def says_the_same(one: Candidate, other: Candidate) -> bool:
    """Whether two sentences may be one statement with two citations."""
    if similarity(one, other) < SAME or one.sentence.concepts != other.sentence.concepts:
        return False
    if one.sentence.stance != other.sentence.stance:
        return False
    mine, theirs = one.sentence.quantities, other.sentence.quantities
    return len(mine) == len(theirs) and all(a.same_as(b) for a, b in zip(mine, theirs, strict=True))


def with_support(leads: Sequence[Candidate], pool: Sequence[Candidate]) -> list[Claim]:
    """A claim for each of ``leads``, with the sentences of ``pool`` from other sources that say the same."""
    keys = {c.record.row for c in leads}
    others = [c for c in pool if c.record.row not in keys]
    return [
        Claim(lead, tuple(c for c in others if c.source.key != lead.source.key and says_the_same(lead, c)))
        for lead in leads
    ]


def is_novel(candidate: Candidate, shown: Iterable[Candidate]) -> bool:
    """Whether a candidate says something that none of ``shown`` says already."""
    return not any(similarity(candidate, other) >= REPEATS and _adds_nothing(candidate, other) for other in shown)


def _adds_nothing(candidate: Candidate, other: Candidate) -> bool:
    mine, theirs = candidate.sentence, other.sentence
    values = [q for q in mine.quantities if q.unit != "year"]
    return mine.concepts <= theirs.about and all(any(q.same_as(o) for o in theirs.quantities) for q in values)


class Writer:
    """Makes verified statements of claims; one per answer, since it numbers references and labels."""

    def __init__(self, verifier: Verifier, numbering: Numbering, twins: Callable[[str], list[Passage]]) -> None:
        self._verifier = verifier
        self._numbering = numbering
        self._twins = twins
        self._labels: dict[tuple[str, int, int], str] = {}
        #: Rows of the sentences that were not supported.
        self.dropped: set[int] = set()

    def write(self, claim: Claim, role: Role, correction_of: str | None = None) -> Statement:
        """The statement of a claim; write only what is shown, for its sources get numbers. See ``is_supported``."""
        lead = claim.lead
        check = self._check(claim)
        found = [e for member in claim.members for e in self._evidence(member)]
        numbers = dict.fromkeys(self._numbering.number(e.source_id) for e in found)
        return Statement(
            statement_id=statement_id(lead, role),
            text=lead.text,
            role=role,
            citations=tuple(numbers),
            evidence=tuple(found),
            verdict=check.verdict,
            support=round(check.support, 4),
            origin="quoted",
            strength=lead.passage.strength,
            certainty=lead.passage.certainty,
            derived=lead.passage.derived,
            correction_of=correction_of,
            as_of=lead.source.state_read if lead.source.evidence_type.is_regulatory else None,
        )

    def is_supported(self, claim: Claim) -> bool:
        """Whether the claim's evidence supports it."""
        is_supported = self._check(claim).verdict is Verdict.SUPPORTED
        if not is_supported:
            self.dropped.add(claim.lead.record.row)
        return is_supported

    def _check(self, claim: Claim) -> Verification:
        lead = claim.lead
        return self._verifier.verify(lead.text, [m.text for m in claim.members], strength=lead.passage.strength)

    def _evidence(self, candidate: Candidate) -> Iterator[Evidence]:
        """A sentence as evidence, and the same words in other sources, which are stored only once."""
        own = evidence(candidate, self._label(candidate.passage.passage_id, candidate.record))
        yield own
        for twin in self._twins(own.passage_id):
            other = {"passage_id": twin.passage_id, "source_id": twin.source_key, "heading": twin.heading}
            label = self._label(twin.passage_id, candidate.record)
            yield own.model_copy(update={**other, "page": twin.page, "label": label})

    def _label(self, passage_id: str, record: SentenceRecord) -> str:
        """The same sentence always has the same label."""
        return self._labels.setdefault((passage_id, record.start, record.end), f"E{len(self._labels) + 1}")


def statement_id(lead: Candidate, role: Role) -> str:
    """The same for the same sentence in the same role."""
    key = f"{role.value}\0{lead.passage.passage_id}\0{lead.record.start}"
    return "s" + hashlib.sha256(key.encode()).hexdigest()[:10]


def evidence(candidate: Candidate, label: str) -> Evidence:
    """The candidate's sentence as evidence."""
    passage, record = candidate.passage, candidate.record
    return Evidence(
        label=label,
        passage_id=passage.passage_id,
        source_id=candidate.source.key,
        start=record.start,
        end=record.end,
        quote=candidate.text,
        heading=passage.heading,
        page=passage.page,
        score=round(candidate.relevance, 4),
    )
