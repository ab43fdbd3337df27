"""Feedback: what readers say of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select

from api.keeping import tables
from api.keeping.answers import hold
from api.keeping.database import Database
from api.keeping.words import Clock, maybe, new_id
from rag.errors import InputError


class Rating(StrEnum):
    """``unsafe``: acting on it could harm; ``wrong``: it does not say what is so, or not what was asked."""

    HELPFUL = "helpful"
    UNHELPFUL = "unhelpful"
    WRONG = "wrong"
    UNSAFE = "unsafe"


class Feedback(NamedTuple):
    feedback_id: str
    answer_id: str
    rating: Rating
    comment: str | None
    key_id: str | None
    created: datetime


class Feedbacks:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, answer_id: str, rating: str, comment: str | None = None, key_id: str | None = None) -> Feedback:
        """Keeps what a reader says of an answer; the same reader may say more than one thing.

        Raises:
            InputError: the rating is none, or the comment too long.
            NotFoundError: the answer is not kept.
        """
        if rating not in set(Rating):
            raise InputError(f"rating {rating[:40]!r}: expected one of {', '.join(Rating)}")
        said = Feedback(
            new_id("f"), answer_id, Rating(rating), maybe("comment", comment), key_id, self._clock()
        )  # fmt: skip
        with self._database.writing(lasting=True) as db:
            hold(db, answer_id)
            row = said._asdict() | {"key_id": key_id or "", "rating": said.rating.value}
            db.execute(tables.feedback.insert().values(row))
        return said

    def list(self, answer_id: str) -> Sequence[Feedback]:
        """All that was said of an answer, in the order in which it was said; nothing for one that is not kept."""
        columns = tables.feedback.c
        with self._database.reading() as db:
            rows = db.execute(
                select(tables.feedback).where(columns.answer_id == answer_id).order_by(columns.sequence)
            ).all()
        return [
            Feedback(r.feedback_id, r.answer_id, Rating(r.rating), r.comment, r.key_id or None, r.created) for r in rows
        ]
