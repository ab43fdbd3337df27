"""An answer made again, compared with the one that was stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rag.domain import Answer, Frozen, Review, Statement

#: What an answer says to its reader beside statements and references; its review is no part of it.
_SAID: Final = (
    "outcome",
    "reason",
    "title",
    "decision",
    "gaps",
    "related_questions",
    "glossary",
    "readings",
    "withheld",
)


class Change(Frozen):
    """A field of the answer that says something else now. Both are JSON."""

    field: str
    before: Any
    after: Any


class Difference(Frozen):
    """What differs between two answers to one question. Statements are told apart by their ids, sources by their keys.

    ``moved`` are statements with the same words in another place; ``changed`` those of which anything else differs,
    such as a verdict, a strength or a source.
    """

    changes: tuple[Change, ...] = ()
    added: tuple[Statement, ...] = ()
    removed: tuple[Statement, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    sources_added: tuple[str, ...] = ()
    sources_removed: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        return self == Difference()


def content(answer: Answer) -> bytes:
    """The bytes of an answer but for what varies: its timings, and its review, which comes later."""
    receipt = answer.receipt.model_copy(update={"timings_ms": {}})
    return answer.model_copy(update={"receipt": receipt, "review": Review()}).model_dump_json().encode()


def difference(before: Answer, after: Answer) -> Difference:
    """What ``after`` says otherwise than ``before``."""
    old, new = _by_id(before.statements()), _by_id(after.statements())
    both = [i for i in new if i in old]
    order = {i: n for n, i in enumerate(i for i in old if i in new)}
    return Difference(
        changes=tuple(_changes(before, after)),
        added=tuple(s for i, s in new.items() if i not in old),
        removed=tuple(s for i, s in old.items() if i not in new),
        changed=tuple(i for i in both if _bare(old[i]) != _bare(new[i])),
        moved=tuple(i for n, i in enumerate(both) if order[i] != n),
        sources_added=_beside(after, before),
        sources_removed=_beside(before, after),
    )


def rests_on_the_same(before: Answer, after: Answer) -> bool:
    """Whether two answers have the same outcome and decision, and the same quotes, in whatever words."""
    one, other = (
        (a.outcome, a.decision, {(e.passage_id, e.start, e.end) for s in a.statements() for e in s.evidence})
        for a in (before, after)
    )
    return one == other


def _changes(before: Answer, after: Answer) -> Iterable[Change]:
    one, other = (a.model_dump(mode="json", include=set(_SAID)) for a in (before, after))
    yield from (Change(field=f, before=one[f], after=other[f]) for f in _SAID if one[f] != other[f])


def _by_id(statements: Iterable[Statement]) -> dict[str, Statement]:
    return {s.statement_id: s for s in statements}


def _bare(statement: Statement) -> Statement:
    """A statement without numbers, labels and scores, which hang on the rest of the answer."""
    evidence = tuple(e.model_copy(update={"label": "", "score": 0.0}) for e in statement.evidence)
    return statement.model_copy(update={"citations": (1,), "evidence": evidence})


def _beside(one: Answer, other: Answer) -> tuple[str, ...]:
    known = {r.source_id for r in other.references}
    return tuple(r.source_id for r in one.references if r.source_id not in known)
