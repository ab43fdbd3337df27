"""How long things are kept: forgetting by age, erasing by conversation and by source."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select

from api.keeping import tables
from api.keeping.answers import erase_unheld
from api.keeping.conversations import Erased, erase, found
from api.keeping.database import Database
from api.keeping.pins import Pins
from api.keeping.webhooks import WAITING
from api.keeping.words import Clock
from rag.errors import InputError

# So many at once, so that nobody waits long for their turn to write.
_AT_ONCE = 200


class Forgotten(NamedTuple):
    """What was erased for its age."""

    conversations: int
    turns: int
    answers: int
    tokens: int
    deliveries: int


class Retention:
    def __init__(self, database: Database, clock: Clock, pins: Pins | None) -> None:
        self._database = database
        self._clock = clock
        self._pins = pins

    def forget(self, older_than: timedelta) -> Forgotten:
        """Erases conversations without a new turn, answers that nobody has asked for, tokens and sent deliveries.

        Answers with a review stay, and so do keys, webhooks and the audit log, which holds no words.

        Raises:
            InputError: the age is not above 0.
        """
        if older_than <= timedelta(0):
            raise InputError(f"age {older_than}: expected more than nothing, such as 90d")
        before = self._clock() - older_than
        conversations, erased = self._old_conversations(before)
        with self._database.writing(lasting=True) as db:
            tokens = db.execute(delete(tables.tokens).where(tables.tokens.c.created < before)).rowcount
            outbox = tables.deliveries.c
            sent = delete(tables.deliveries).where(outbox.state != WAITING, outbox.created < before)
            deliveries = db.execute(sent).rowcount
            db.execute(delete(tables.askings).where(tables.askings.c.asked < before))
        answers = erased.answers + self._old_answers(before)
        self._tidy()
        return Forgotten(conversations, erased.turns, answers, tokens, deliveries)

    def _old_conversations(self, before: datetime) -> tuple[int, Erased]:
        count, turns, answers = 0, 0, 0
        columns = tables.conversations.c
        old = select(columns.conversation_id).where(columns.changed < before).limit(_AT_ONCE)
        while True:
            with self._database.writing(lasting=True) as db:
                ids = list(db.scalars(old))
                done = erase(db, ids)
            count, turns, answers = count + len(ids), turns + done.turns, answers + done.answers
            if not ids:
                return count, Erased(turns, answers, ())

    def _old_answers(self, before: datetime) -> int:
        """Erases the old answers that nobody holds, in the order of their ids."""
        count, after, columns = 0, "", tables.answers.c
        while True:
            old = select(columns.answer_id).where(columns.created < before, columns.answer_id > after)
            with self._database.writing(lasting=True) as db:
                ids = list(db.scalars(old.order_by(columns.answer_id).limit(_AT_ONCE)))
                count += len(erase_unheld(db, ids))
            if not ids:
                return count
            after = ids[-1]

    def erase(self, conversation_id: str, *, even_reviewed: bool = False) -> Erased:
        """Erases a conversation: its turns, and their answers unless somebody else holds them.

        An answer that is in review stays, since a clinician's decision without what it was about is worth nothing, but
        for ``even_reviewed``, which erases its review with it.

        Raises:
            NotFoundError: there is no such conversation.
        """
        with self._database.writing(lasting=True) as db:
            found(db, conversation_id, is_locked=True)
            erased = erase(db, [conversation_id], even_reviewed=even_reviewed)
        self._tidy()
        return erased

    def erase_citing(self, source_id: str) -> int:
        """Erases all answers that cite a source, with their turns and reviews: what it said is then kept nowhere here.

        Returns:
            How many.
        """
        columns = tables.citations.c
        with self._database.writing(lasting=True) as db:
            ids = select(columns.answer_id).where(columns.source_id == source_id)
            db.execute(delete(tables.turns).where(tables.turns.c.answer_id.in_(ids)))
            count = db.execute(delete(tables.answers).where(tables.answers.c.answer_id.in_(ids))).rowcount
        self._tidy()
        return count

    def _tidy(self) -> None:
        self._database.tidy()
        if self._pins:
            self._pins.settle()
