"""Reviews: every step that a clinician takes with an article or a statement, kept for good and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from api.keeping import tables
from api.keeping.answers import Kept
from api.keeping.database import Database
from api.keeping.standing import (
    AFTER,
    REASONS,
    Action,
    Event,
    Reason,
    Standing,
    State,
    Superseded,
    check,
    standing,
)
from api.keeping.webhooks import Webhooks
from api.keeping.words import MAX_NAME_CHARS, Clock, checked, maybe
from rag.domain import Review, Verdict
from rag.errors import InputError, NotFoundError

#: Who notes that an article has turned stale.
SERVICE = "osler"
MAX_PAGE = 100
# Made once: making a statement costs more than running it.
_STEPS = select(tables.events).where(tables.events.c.answer_id.in_(bindparam("ids", expanding=True)))
_STEPS = _STEPS.order_by(tables.events.c.number)
_CITED = select(tables.citations).where(tables.citations.c.answer_id.in_(bindparam("ids", expanding=True)))
_CITED = _CITED.order_by(tables.citations.c.source_id)
_IS_KEPT = select(tables.answers.c.answer_id).where(tables.answers.c.answer_id == bindparam("answer_id"))


class Waiting(NamedTuple):
    """An article, or a statement that has a state of its own, and since when it has it. ``sequence`` is its place."""

    sequence: int
    answer_id: str
    statement_id: str | None
    status: State
    reviewer: str
    since: datetime
    question: str


class Page(NamedTuple):
    """``after`` is where the next page goes on; None for the last."""

    items: tuple[Waiting, ...]
    after: int | None


class Reviews:
    def __init__(self, database: Database, clock: Clock, webhooks: Webhooks) -> None:
        self._database = database
        self._clock = clock
        self._webhooks = webhooks

    # Steps; each raises ConflictError where it may not follow, NotFoundError for what is not kept

    def submit(
        self, answer_id: str, reviewer: str, *, statement_id: str | None = None, comment: str | None = None
    ) -> Event:
        """Asks for a review; of what was decided, for another."""
        return self._step(Action.SUBMIT, answer_id, reviewer, statement_id, comment=comment)

    def start(
        self, answer_id: str, reviewer: str, *, statement_id: str | None = None, comment: str | None = None
    ) -> Event:
        """Takes up what was submitted."""
        return self._step(Action.START, answer_id, reviewer, statement_id, comment=comment)

    def comment(self, answer_id: str, reviewer: str, comment: str, *, statement_id: str | None = None) -> Event:
        words = checked("comment", comment)
        return self._step(Action.COMMENT, answer_id, reviewer, statement_id, comment=words)

    def edit(
        self,
        answer_id: str,
        statement_id: str,
        reviewer: str,
        text: str,
        verification: Mapping[str, Any],
        *,
        comment: str | None = None,
    ) -> Event:
        """Gives a statement other words.

        Args:
            verification: what checking the words against the statement's evidence gave, with its ``verdict``. Words
                that are not supported are kept as they were written, and cannot be approved.
        """
        if verification.get("verdict") not in set(Verdict):
            raise InputError(f"verification: verdict {verification.get('verdict')!r}; expected {', '.join(Verdict)}")
        words = checked("text", text)
        try:
            found = json.loads(json.dumps(dict(verification), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InputError(f"verification: not JSON ({error}); expected plain values") from None
        return self._step(
            Action.EDIT, answer_id, reviewer, statement_id, comment=comment, text=words, verification=found
        )

    def approve(
        self,
        answer_id: str,
        reviewer: str,
        *,
        reason: str = Reason.ACCURATE,
        statement_id: str | None = None,
        comment: str | None = None,
    ) -> Event:
        return self._step(Action.APPROVE, answer_id, reviewer, statement_id, reason=reason, comment=comment)

    def reject(
        self,
        answer_id: str,
        reviewer: str,
        *,
        reason: str,
        statement_id: str | None = None,
        comment: str | None = None,
    ) -> Event:
        return self._step(Action.REJECT, answer_id, reviewer, statement_id, reason=reason, comment=comment)

    def stale(self, answer_id: str, *, reason: str, comment: str | None = None) -> Event:
        """Notes that an approved article holds no more, as when a replay of it differs."""
        return self._step(Action.STALE, answer_id, SERVICE, None, reason=reason, comment=comment)

    def _step(
        self,
        action: Action,
        answer_id: str,
        reviewer: str,
        statement_id: str | None,
        *,
        reason: str | None = None,
        comment: str | None = None,
        text: str | None = None,
        verification: dict[str, Any] | None = None,
    ) -> Event:
        why, who = _reason(action, reason), checked("reviewer", reviewer, MAX_NAME_CHARS)
        with self._database.writing(lasting=True) as db:
            kept = _locked(db, answer_id)
            if statement_id is not None and statement_id not in _statement_ids(kept):
                raise NotFoundError(f"statement {statement_id[:40]!r}: not one of answer {answer_id}")
            history = _history(db, answer_id)
            check(standing(history), action, answer_id, statement_id)
            event = Event(
                answer_id,
                len(history) + 1,
                statement_id,
                action,
                who,
                why,
                maybe("comment", comment),
                text,
                verification,
                self._clock(),
            )
            row = event._asdict() | {"statement_id": statement_id or "", "action": action.value}
            row |= {"reason": why and why.value}
            del row["sequence"]
            added = db.execute(tables.events.insert().values(row)).inserted_primary_key
            event = event._replace(sequence=added[0] if added else 0)
            self._webhooks.enqueue(f"review.{action}", _told(event, standing([*history, event])))
        return event

    # What the steps have led to

    def history(self, answer_id: str) -> list[Event]:
        """All steps with an answer and its statements, in their order. Raises ``NotFoundError``."""
        with self._database.reading() as db:
            _exists(db, answer_id)
            return _history(db, answer_id)

    def standing(self, answer_id: str, superseded: Superseded | None = None) -> Standing:
        """Where an answer and its statements stand. Raises ``NotFoundError``."""
        with self._database.reading() as db:
            _exists(db, answer_id)
            return _standings(db, {answer_id}, superseded)[answer_id]

    def status(self, answer_id: str, superseded: Superseded | None = None) -> Review:
        """The review status that an answer shows.

        Args:
            superseded: says of a source why it supports nothing any more; None where it does.

        Raises:
            NotFoundError: the answer is not kept.
        """
        return self.standing(answer_id, superseded).review()

    def queue(
        self,
        statuses: Sequence[str] = (State.SUBMITTED, State.UNDER_REVIEW),
        *,
        articles_only: bool = False,
        after: int = 0,
        limit: int = 20,
        superseded: Superseded | None = None,
    ) -> Page:
        """What stands at one of ``statuses``, what has stood there longest first.

        Args:
            articles_only: no single statements.
            after: where the page before ended; 0 is the beginning.
            limit: items on a page, 1 to 100.
            superseded: as for ``status``; without it only what was noted as stale is.

        Raises:
            InputError: a status that does not exist, or a limit out of its range.
        """
        wanted = {_state(status) for status in statuses}
        if not 1 <= limit <= MAX_PAGE:
            raise InputError(f"limit {limit}: expected 1 to {MAX_PAGE}")
        only = [tables.events.c.statement_id == ""] if articles_only else []
        found: list[Waiting] = []
        with self._database.reading() as db:
            for item in self._waiting(db, _last_steps(wanted, only, limit + 1), wanted, after, superseded):
                if len(found) == limit:
                    return Page(tuple(found), found[-1].sequence)
                found.append(item)
        return Page(tuple(found), None)

    def _waiting(
        self, db: Connection, steps: Select[Any], wanted: set[State], after: int, superseded: Superseded | None
    ) -> Iterator[Waiting]:
        """Subjects by their last step that changed a state, each held against the whole history of its answer."""
        while rows := db.execute(steps.where(tables.events.c.sequence > after)).all():
            standings = _standings(db, {row.answer_id for row in rows}, superseded)
            for row in rows:
                after, statement_id, now = row.sequence, row.statement_id or None, standings[row.answer_id]
                if now.of(statement_id) in wanted:
                    subject = (row.sequence, row.answer_id, statement_id, now.of(statement_id))
                    yield Waiting(*subject, row.reviewer, row.at, row.question)


def _last_steps(wanted: set[State], only: list[Any], limit: int) -> Select[Any]:
    events = tables.events
    changing = events.c.action.in_([action.value for action in AFTER])
    last = select(func.max(events.c.sequence)).where(changing).group_by(events.c.answer_id, events.c.statement_id)
    # What was approved may be stale by now.
    from_ = wanted | ({State.APPROVED} if State.STALE in wanted else set())
    actions = [action.value for action, state in AFTER.items() if state in from_]
    columns = (events.c.sequence, events.c.answer_id, events.c.statement_id, events.c.reviewer, events.c.at)
    found = select(*columns, tables.answers.c.question).join(tables.answers)
    found = found.where(events.c.sequence.in_(last), events.c.action.in_(actions), *only)
    return found.order_by(events.c.sequence).limit(limit)


def _standings(db: Connection, answer_ids: set[str], superseded: Superseded | None) -> dict[str, Standing]:
    """Where each of these answers stands, from two statements for all of them."""
    histories: dict[str, list[Event]] = {answer_id: [] for answer_id in answer_ids}
    for row in db.execute(_STEPS, {"ids": list(answer_ids)}):
        histories[row.answer_id].append(_event(row))
    sources: dict[str, list[str]] = {answer_id: [] for answer_id in answer_ids}
    reviewed = [answer_id for answer_id, steps in histories.items() if steps]  # nothing of others can be stale
    for row in db.execute(_CITED, {"ids": reviewed}) if superseded and reviewed else ():
        sources[row.answer_id].append(row.source_id)
    return {i: standing(histories[i], sources[i], superseded) for i in answer_ids}


def _reason(action: Action, given: str | None) -> Reason | None:
    may = REASONS.get(action)
    if may is None:
        return None
    if given not in may:
        raise InputError(f"reason {str(given or '')!r}: expected one of {', '.join(sorted(may))}")
    return Reason(given)


def _state(given: str) -> State:
    if given not in set(State):
        raise InputError(f"status {given[:40]!r}: expected one of {', '.join(State)}")
    return State(given)


def _locked(db: Connection, answer_id: str) -> str:
    """The document of an answer, whose history nobody else goes on writing until the transaction ends."""
    columns = tables.answers.c
    document = db.scalar(select(columns.document).where(columns.answer_id == answer_id).with_for_update())
    return document if document is not None else _missing(answer_id)


def _exists(db: Connection, answer_id: str) -> None:
    if db.scalar(_IS_KEPT, {"answer_id": answer_id}) is None:
        _missing(answer_id)


def _missing(answer_id: str) -> str:
    raise NotFoundError(f"answer {answer_id[:40]!r}: not kept; expected the id of an answer that was given")


def _statement_ids(document: str) -> set[str]:
    kept = Kept("", document, "", "", datetime.min, ())
    return {s.statement_id for s in kept.answer().statements()}


def _history(db: Connection, answer_id: str) -> list[Event]:
    columns = tables.events.c
    mine = select(tables.events).where(columns.answer_id == answer_id).order_by(columns.number)
    return [_event(row) for row in db.execute(mine).all()]


def _event(row: Row[Any]) -> Event:
    said = (row.comment, row.text, row.verification, row.at, row.sequence)
    reason = Reason(row.reason) if row.reason else None
    return Event(
        row.answer_id, row.number, row.statement_id or None, Action(row.action), row.reviewer, reason, *said
    )  # fmt: skip


def _told(event: Event, now: Standing) -> dict[str, Any]:
    """What others are told: ids and codes. Comments and words may hold health data, and are asked for with a key."""
    return {
        "answer_id": event.answer_id,
        "statement_id": event.statement_id,
        "number": event.number,
        "status": now.of(event.statement_id).value,
        "reason": event.reason and event.reason.value,
        "at": event.at.isoformat(),
    }
