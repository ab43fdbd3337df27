"""Where a review stands, computed from its history: pure, and the only place that knows which step may follow which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from rag.domain import Review, Verdict
from rag.errors import ConflictError


class Action(StrEnum):
    """What can happen in a review. ``stale`` is noted by the service, the others are reviewers'."""

    SUBMIT = "submit"
    START = "start"
    COMMENT = "comment"
    EDIT = "edit"
    APPROVE = "approve"
    REJECT = "reject"
    STALE = "stale"


class State(StrEnum):
    """Where an article or a statement stands; ``unsubmitted`` is what nobody has asked a clinician to review."""

    UNSUBMITTED = "unsubmitted"
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    STALE = "stale"


class Reason(StrEnum):
    """Why something was decided: the first two approve, the last four make stale, the others reject."""

    ACCURATE = "accurate"
    ACCURATE_AS_EDITED = "accurate_as_edited"
    UNSUPPORTED = "unsupported"
    OUTDATED = "outdated"
    INCOMPLETE = "incomplete"
    MISLEADING = "misleading"
    UNSAFE = "unsafe"
    NOT_APPLICABLE = "not_applicable"
    WORDING = "wording"
    SUPERSEDED = "superseded"
    RETRACTED = "retracted"
    SOURCE_REMOVED = "source_removed"
    REPLAY_DIFFERS = "replay_differs"


APPROVING = frozenset({Reason.ACCURATE, Reason.ACCURATE_AS_EDITED})
STALING = frozenset({Reason.SUPERSEDED, Reason.RETRACTED, Reason.SOURCE_REMOVED, Reason.REPLAY_DIFFERS})
REJECTING = frozenset(Reason) - APPROVING - STALING
#: Which reasons an action takes, and whether it must give one.
REASONS = {Action.APPROVE: APPROVING, Action.REJECT: REJECTING, Action.STALE: STALING}

#: Says why a source supports nothing any more (``superseded``, ``retracted``, ``source_removed``); None where it does.
Superseded = Callable[[str], str | None]

_BEFORE = {
    Action.SUBMIT: {State.UNSUBMITTED, State.APPROVED, State.REJECTED, State.STALE},
    Action.START: {State.SUBMITTED},
    Action.COMMENT: set(State) - {State.UNSUBMITTED},
    Action.EDIT: {State.UNDER_REVIEW},
    Action.APPROVE: {State.UNDER_REVIEW},
    Action.REJECT: {State.UNDER_REVIEW},
    Action.STALE: {State.APPROVED},
}
AFTER = {
    Action.SUBMIT: State.SUBMITTED,
    Action.START: State.UNDER_REVIEW,
    Action.EDIT: State.UNDER_REVIEW,
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.STALE: State.STALE,
}
_DECIDED = {State.APPROVED, State.REJECTED}


class Event(NamedTuple):
    """One step. ``number`` counts those of an answer from 1; ``statement_id`` is None for the article as a whole.

    ``text`` is the new words of a statement and ``verification`` what their check against its evidence gave, with a
    ``verdict``.
    """

    answer_id: str
    number: int
    statement_id: str | None
    action: Action
    reviewer: str
    reason: Reason | None
    comment: str | None
    text: str | None
    verification: dict[str, Any] | None
    at: datetime
    sequence: int = 0


class Edit(NamedTuple):
    """The last words that a reviewer gave a statement."""

    text: str
    verification: dict[str, Any]

    @property
    def is_supported(self) -> bool:
        return self.verification.get("verdict") == Verdict.SUPPORTED


class Standing(NamedTuple):
    """Where an answer stands.

    ``statements`` are those with a state of their own; any other stands where the article does. ``stale`` says why an
    approved article is so no longer: reasons, each with the source that it concerns, or None. ``reason`` is why the
    article was decided as it is.
    """

    state: State = State.UNSUBMITTED
    statements: Mapping[str, State] = {}
    edits: Mapping[str, Edit] = {}
    updated: datetime | None = None
    stale: tuple[tuple[str, str | None], ...] = ()
    reason: Reason | None = None

    def of(self, statement_id: str | None) -> State:
        return self.state if statement_id is None else self.statements.get(statement_id, self.state)

    def review(self) -> Review:
        """What an answer shows: of one that was never submitted that it is not yet reviewed."""
        if self.state is State.UNSUBMITTED:
            return Review()
        updated = self.updated.isoformat() if self.updated else None
        return Review.model_validate({"status": self.state.value, "updated": updated, "reasons": self._reasons()})

    def _reasons(self) -> tuple[str, ...]:
        if self.state is State.STALE:
            return tuple(dict.fromkeys(why for why, _ in self.stale))
        return (self.reason.value,) if self.state is State.REJECTED and self.reason else ()


def standing(events: Iterable[Event], source_ids: Sequence[str] = (), superseded: Superseded | None = None) -> Standing:
    """Where the events of one answer, in their order, have led to.

    Args:
        source_ids: that the answer cites.
        superseded: an approved article is stale when one of its sources supports nothing any more, noted or not.
    """
    found = Standing()
    for event in events:
        found = _after(found, event)
    if found.state not in (State.APPROVED, State.STALE) or superseded is None:
        return found
    gone = tuple((why, source_id) for source_id in source_ids if (why := superseded(source_id)))
    return found._replace(state=State.STALE, stale=gone) if gone else found


def _after(before: Standing, event: Event) -> Standing:
    new = AFTER.get(event.action)
    if new is None:
        return before
    if event.statement_id is not None:
        edits = dict(before.edits)
        if event.text is not None:
            edits[event.statement_id] = Edit(event.text, event.verification or {})
        return before._replace(statements={**before.statements, event.statement_id: new}, edits=edits)
    # Submitted anew, all is open again; else only what was decided by itself keeps a state of its own.
    kept = {} if new is State.SUBMITTED else {s: state for s, state in before.statements.items() if state in _DECIDED}
    stale = ((event.reason.value, None),) if new is State.STALE and event.reason else ()
    return Standing(new, kept, before.edits, event.at, stale, event.reason)


def check(now: Standing, action: Action, answer_id: str, statement_id: str | None) -> None:
    """Raises ``ConflictError`` for a step that may not follow, with those that may."""
    subject = f"statement {statement_id} of answer {answer_id}" if statement_id else f"answer {answer_id}"
    if action not in allowed(now, statement_id):
        may = ", ".join(sorted(allowed(now, statement_id))) or "nothing"
        raise ConflictError(f"{subject}: {now.of(statement_id)}, so {action} is not possible; expected {may}")
    if action is Action.APPROVE:
        _check_approval(now, subject, statement_id)


def allowed(now: Standing, statement_id: str | None = None) -> frozenset[Action]:
    """What may come next for an article, or for a statement of it."""
    state = now.of(statement_id)
    found = {action for action, before in _BEFORE.items() if state in before}
    if statement_id is None:
        return frozenset(found - {Action.EDIT})
    if state is State.APPROVED or now.state is State.STALE:
        found.discard(Action.SUBMIT)  # a part of what is approved is not opened again without the whole
    if now.state is State.UNDER_REVIEW and state in _DECIDED:
        found |= {Action.EDIT, Action.APPROVE, Action.REJECT}  # while the article is open, so are its statements
    return frozenset(found - {Action.STALE})


def _check_approval(now: Standing, subject: str, statement_id: str | None) -> None:
    """What is approved holds no statement that was rejected, and no words of a reviewer that nothing supports."""
    concerned = {statement_id} if statement_id else {*now.statements, *now.edits}
    unsupported = sorted(s for s in concerned if s in now.edits and not now.edits[s].is_supported)
    if unsupported:
        raise ConflictError(
            f"{subject}: the edited words of {', '.join(unsupported)} are not supported by their evidence; expected "
            "words that are: edit again"
        )
    rejected = sorted(s for s, state in now.statements.items() if state is State.REJECTED) if not statement_id else []
    if rejected:
        raise ConflictError(
            f"{subject}: {', '.join(rejected)} rejected; expected each statement approved, after an edit, or the whole "
            "rejected"
        )
