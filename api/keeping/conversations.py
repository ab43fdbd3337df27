"""Conversations: turns in their order, and the number that a source keeps through all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, select

from api.keeping import tables
from api.keeping.answers import erase_unheld, hold
from api.keeping.database import Database
from api.keeping.listing import MAX_LISTED, Listing, Place, listing
from api.keeping.words import MAX_NAME_CHARS, MAX_TEXT_CHARS, Clock, checked, new_id
from rag.errors import NotFoundError

# A question may be as long as the service allows, which is less than this.
_MAX_QUESTION_CHARS = 10 * MAX_TEXT_CHARS


class Turn(NamedTuple):
    """One question and its answer.

    ``question`` is as it was asked, masked where the service masks; ``standalone`` is what was answered, made whole
    from the conversation; ``made`` says how, as ``rag.conversation`` has it, in JSON's types. ``number`` counts from 1
    and, like ``created``, is given when the turn is added.
    """

    question: str
    standalone: str
    answer_id: str
    made: dict[str, Any] = {}  # noqa: RUF012, never changed
    number: int = 0
    created: datetime | None = None


class Conversation(NamedTuple):
    """``changed`` is when it was begun or its last turn added. ``key_id`` is None for who needed no key.

    ``title`` is what its reader calls it, masked where the service masks.
    """

    conversation_id: str
    key_id: str | None
    created: datetime
    changed: datetime
    turns: tuple[Turn, ...] = ()
    title: str | None = None


class Erased(NamedTuple):
    """What was erased, and the answers that stay because a review holds them."""

    turns: int
    answers: int
    reviewed: tuple[str, ...]


class Conversations:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, key_id: str | None = None) -> Conversation:
        return self.begin(new_id("c"), key_id)

    def begin(self, conversation_id: str, key_id: str | None = None) -> Conversation:
        """The conversation of an id, such as a chat of a front end gives it, begun if it is not there."""
        now = self._clock()
        row = {"conversation_id": conversation_id, "key_id": key_id or "", "created": now, "changed": now}
        with self._database.writing() as db:
            new = self._database.insert(tables.conversations).values(row).on_conflict_do_nothing()
            if db.scalar(new.returning(tables.conversations.c.conversation_id)):
                return Conversation(conversation_id, key_id, now, now)
        return self.get(conversation_id)

    def fork(self, origin: Conversation, last: int, key_id: str | None = None) -> Conversation:
        """A new conversation that begins as another did, up to its turn ``last``: the same answers and numbers.

        Raises:
            NotFoundError: the other, or an answer of it, has been erased in between; nothing is begun then.
        """
        forked, now = new_id("c"), self._clock()
        turns = [t for t in origin.turns if t.number <= last]
        with self._database.writing() as db:
            found(db, origin.conversation_id, is_locked=True)
            row = {"conversation_id": forked, "key_id": key_id or "", "created": now, "changed": now}
            db.execute(tables.conversations.insert().values(row))
            for turn in turns:
                hold(db, turn.answer_id)
                db.execute(tables.turns.insert().values(conversation_id=forked, **turn._asdict()))
            for source_id, number in _numbers(db, origin.conversation_id).items():
                db.execute(tables.numbers.insert().values(conversation_id=forked, source_id=source_id, number=number))
        return Conversation(forked, key_id, now, now, tuple(turns))

    def get(self, conversation_id: str) -> Conversation:
        """A conversation with all its turns. Raises ``NotFoundError``."""
        with self._database.reading(is_snapshot=True) as db:
            row = found(db, conversation_id)
            columns = tables.turns.c
            whole = select(tables.turns).where(columns.conversation_id == conversation_id).order_by(columns.number)
            turns = tuple(_turn(t) for t in db.execute(whole))
        return Conversation(conversation_id, row.key_id or None, row.created, row.changed, turns, row.title)

    def listed(
        self, key_id: str | None, words: str | None = None, before: Place | None = None, limit: int = 30
    ) -> Listing:
        """Conversations of a key in which something was asked, those that went on last first.

        Args:
            words: each stands in the title or in a question, in any case; where there are more than ten, the longest.
            before: where the page before ended.
            limit: how many, 1 to ``MAX_LISTED``.
        """
        with self._database.reading() as db:
            return listing(db, key_id or "", words, before, min(max(limit, 1), MAX_LISTED))

    def rename(self, conversation_id: str, title: str | None) -> str | None:
        """Gives a conversation a title, as one line of at most 200 characters, or takes it away. Returns it as kept.

        Raises:
            NotFoundError: there is no such conversation.
            InputError: it is empty, too long, or holds a character that a database cannot keep.
        """
        kept = None if title is None else checked("title", " ".join(title.split()), MAX_NAME_CHARS)
        with self._database.writing() as db:
            mine = tables.conversations.c.conversation_id == conversation_id
            if not db.execute(tables.conversations.update().where(mine).values(title=kept)).rowcount:
                raise missing(conversation_id)
        return kept

    def add_turn(self, conversation_id: str, turn: Turn) -> Turn:
        """Adds a turn behind all others; its answer must be kept.

        Raises:
            NotFoundError: there is no such conversation, or no such answer.
        """
        now = self._clock()
        with self._database.writing() as db:
            found(db, conversation_id, is_locked=True)
            hold(db, turn.answer_id)
            number = self._next(db, tables.turns.c.number, conversation_id)
            row = turn._replace(
                question=checked("question", turn.question, _MAX_QUESTION_CHARS),
                standalone=checked("standalone question", turn.standalone, _MAX_QUESTION_CHARS),
                number=number,
                created=now,
            )
            db.execute(tables.turns.insert().values(conversation_id=conversation_id, **row._asdict()))
            mine = tables.conversations.c.conversation_id == conversation_id
            db.execute(tables.conversations.update().where(mine).values(changed=now))
        return row

    def numbers(self, conversation_id: str, source_ids: Sequence[str] = ()) -> dict[str, int]:
        """Reference numbers of a conversation by source: those given before, and the next ones for new sources.

        Args:
            source_ids: sources in the order in which they are cited; each keeps the number that it once has.

        Raises:
            NotFoundError: there is no such conversation.
        """
        with self._database.reading() as db:
            found(db, conversation_id)
            known = _numbers(db, conversation_id)
        if all(source_id in known for source_id in source_ids):
            return known
        with self._database.writing() as db:
            found(db, conversation_id, is_locked=True)
            known = _numbers(db, conversation_id)
            new = [s for s in dict.fromkeys(source_ids) if s not in known]
            given = {source_id: number for number, source_id in enumerate(new, len(known) + 1)}
            rows = [{"conversation_id": conversation_id, "source_id": s, "number": n} for s, n in given.items()]
            if rows:
                db.execute(tables.numbers.insert(), rows)
        return known | given

    def _next(self, db: Connection, column: Any, conversation_id: str) -> int:
        last = db.scalar(select(func.max(column)).where(tables.turns.c.conversation_id == conversation_id))
        return (last or 0) + 1


def erase(db: Connection, conversation_ids: Iterable[str], *, even_reviewed: bool = False) -> Erased:
    """Erases conversations and the answers that only they held."""
    turns, answers = 0, set[str]()
    for conversation_id in conversation_ids:
        mine = tables.turns.c.conversation_id == conversation_id
        answers |= set(db.scalars(select(tables.turns.c.answer_id).where(mine)))
        turns += db.execute(delete(tables.turns).where(mine)).rowcount
        db.execute(delete(tables.conversations).where(tables.conversations.c.conversation_id == conversation_id))
    gone = erase_unheld(db, answers, even_reviewed=even_reviewed)
    reviewed = db.scalars(select(tables.events.c.answer_id).distinct())
    return Erased(turns, len(gone), tuple(sorted(answers & set(reviewed))))


def found(db: Connection, conversation_id: str, *, is_locked: bool = False) -> Row[str, datetime, datetime, str | None]:
    """The row of a conversation; ``is_locked`` until the transaction ends, so that its turns stand in one order."""
    columns = tables.conversations.c
    wanted = select(columns.key_id, columns.created, columns.changed, columns.title)
    wanted = wanted.where(columns.conversation_id == conversation_id)
    row = db.execute(wanted.with_for_update() if is_locked else wanted).one_or_none()
    if row is None:
        raise missing(conversation_id)
    return row


def missing(conversation_id: str) -> NotFoundError:
    """What is said of a conversation that is not there."""
    return NotFoundError(
        f"conversation {conversation_id[:40]!r}: not kept; it was never begun or has been erased: begin a new one"
    )


def _numbers(db: Connection, conversation_id: str) -> dict[str, int]:
    columns = tables.numbers.c
    mine = select(columns.source_id, columns.number).where(columns.conversation_id == conversation_id)
    return {row.source_id: row.number for row in db.execute(mine.order_by(columns.number))}


def _turn(row: Row[Any]) -> Turn:
    return Turn(row.question, row.standalone, row.answer_id, row.made, row.number, row.created)
