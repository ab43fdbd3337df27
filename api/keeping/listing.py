"""Conversations in a list: those that went on last first, found by words, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Select, and_, func, literal, or_, select, tuple_

from api.keeping import tables
from rag.errors import InputError

MAX_LISTED = 100
#: How a place is written: seventeen digits end in the year 5138.
PLACE = r"^([0-9]{1,17})\.([A-Za-z0-9][A-Za-z0-9_.-]{0,63})$"
# Of more words the longest decide: each is looked for in all that was asked.
_MAX_WORDS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Listed(NamedTuple):
    """A conversation in a list. ``question`` is its first, ``turns`` the number of them."""

    conversation_id: str
    changed: datetime
    title: str | None
    question: str
    turns: int

    @property
    def name(self) -> str:
        """What it is called: its title or, without one, its first question."""
        return self.title or self.question


class Place(NamedTuple):
    """Where a page of a list ends. Holds also when conversations before it are added or erased."""

    changed: datetime
    conversation_id: str

    def __str__(self) -> str:
        """``MICROSECONDS.ID``, since 1970 in UTC."""
        return f"{(self.changed - _EPOCH) // _MICROSECOND}.{self.conversation_id}"

    @classmethod
    def parsed(cls, given: str) -> Self:
        """The place that is written so. Raises ``InputError`` for anything else."""
        match = re.fullmatch(PLACE, given)
        if not match:
            raise InputError(f"place {given[:40]!r} in a list: expected the one that the page before gave")
        return cls(_EPOCH + int(match[1]) * _MICROSECOND, match[2])


class Listing(NamedTuple):
    """A page of a list. ``before`` is where the next goes on; None for the last."""

    items: tuple[Listed, ...]
    before: Place | None


def listing(db: Connection, key_id: str, words: str | None, before: Place | None, limit: int) -> Listing:
    """Conversations of a key in which something was asked. One query."""
    rows = db.execute(_wanted(key_id, _sought(words), before).limit(limit + 1)).all()
    items = tuple(Listed(*row) for row in rows[:limit])
    return Listing(items, Place(items[-1].changed, items[-1].conversation_id) if len(rows) > limit else None)


def _wanted(key_id: str, words: Sequence[str], before: Place | None) -> Select[Any]:
    mine, turns = tables.conversations.c, tables.turns.c
    of_it = turns.conversation_id == mine.conversation_id
    first = select(turns.question).where(of_it).order_by(turns.number).limit(1).scalar_subquery()
    count = select(func.count()).where(of_it).scalar_subquery()
    wanted = select(mine.conversation_id, mine.changed, mine.title, first, count)
    wanted = wanted.where(mine.key_id == key_id, select(turns.number).where(of_it).exists())
    for word in words:
        asked = select(turns.number).where(and_(of_it, turns.question.icontains(word, autoescape=True)))
        wanted = wanted.where(or_(mine.title.icontains(word, autoescape=True), asked.exists()))
    if before:
        ends = tuple_(literal(before.changed, tables.Moment), literal(before.conversation_id))
        wanted = wanted.where(tuple_(mine.changed, mine.conversation_id) < ends)
    return wanted.order_by(mine.changed.desc(), mine.conversation_id.desc())


def _sought(words: str | None) -> list[str]:
    """The words that are looked for, each once; what a database cannot keep stands in no question."""
    found = sorted(set((words or "").replace("\0", " ").lower().split()), key=lambda word: (-len(word), word))
    return found[:_MAX_WORDS]
