"""A stored answer checked again: whether its quotes still stand where it says, and still support what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from rag.answer.verify import Verifier
from rag.domain import Answer, Evidence, Frozen, Passage, Statement, Verdict
from rag.errors import NotFoundError

Quoted = Literal["exact", "changed", "missing"]
PassageOf = Callable[[str], Passage]


class Recheck(Frozen):
    """What is found for one statement: ``quotes`` is the worst of its quotes.

    ``exact``: every quote is a slice of its passage; ``changed``: one is not; ``missing``: one has no passage any more.
    """

    statement_id: str
    verdict: Verdict
    stored: Verdict
    quotes: Quoted
    reasons: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.quotes == "exact" and self.verdict is self.stored


def recheck(answer: Answer, passage_of: PassageOf, verifier: Verifier) -> list[Recheck]:
    """One entry for each statement of ``answer``, in their order, each once.

    Args:
        passage_of: a passage by its id; raises ``NotFoundError`` for one that is no longer kept.
    """
    statements = {s.statement_id: s for s in answer.statements()}
    return [_rechecked(statement, passage_of, verifier) for statement in statements.values()]


def _rechecked(statement: Statement, passage_of: PassageOf, verifier: Verifier) -> Recheck:
    found = [_quoted(evidence, passage_of) for evidence in statement.evidence]
    worst: Quoted = next((q for q in ("missing", "changed") if q in found), "exact")
    quotes = [e.quote for e, q in zip(statement.evidence, found, strict=True) if q == "exact"]
    is_strict = statement.origin == "generated"  # as it was held to when it was written
    check = verifier.verify(statement.text, quotes, strength=statement.strength, is_strict=is_strict)
    return Recheck(
        statement_id=statement.statement_id,
        verdict=check.verdict,
        stored=statement.verdict,
        quotes=worst,
        reasons=tuple(f"{r.kind}: {r.detail}" for r in check.reasons),
    )


def _quoted(evidence: Evidence, passage_of: PassageOf) -> Quoted:
    try:
        passage = passage_of(evidence.passage_id)
    except NotFoundError:
        return "missing"
    return "exact" if passage.text[evidence.start : evidence.end] == evidence.quote else "changed"


def all_hold(checks: Sequence[Recheck]) -> bool:
    """Whether nothing has changed."""
    return all(check.holds for check in checks)
