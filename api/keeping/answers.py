"""Answers, each kept once, byte for byte as it was given.

An answer's id is a digest of what it was made from, so that the same question on the same snapshot is the same answer,
whoever asks. Who asked is kept beside it: an answer is erased when nobody holds it any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, union

from api.keeping import tables
from api.keeping.database import Database
from api.keeping.words import MAX_NAME_CHARS, Clock, checked, storable
from rag.domain import Answer
from rag.errors import ConflictError, NotFoundError, StoreUnavailableError

if TYPE_CHECKING:
    from api.keeping.pins import Pins

# An answer that is asked for again and again is noted once an hour: age is counted in days.
_NOTED_EVERY = timedelta(hours=1)
_ID = tables.answers.c.answer_id
# Made once: making a statement costs more than running it.
_WHOLE = select(tables.answers).where(tables.answers.c.answer_id == bindparam("answer_id"))
_ASKED = select(tables.askings.c.asked).where(
    tables.askings.c.answer_id == bindparam("answer_id"), tables.askings.c.key_id == bindparam("key_id")
)
_CITED = tables.citations.insert()


class Kept(NamedTuple):
    """An answer as it is kept.

    ``document`` is its JSON: encoded as UTF-8, the exact bytes that were first given, receipt and timings included.
    ``masked`` are the kinds of patients' identifiers that were masked in the question.
    """

    answer_id: str
    document: str
    question: str
    snapshot_id: str
    created: datetime
    masked: tuple[str, ...]

    def answer(self) -> Answer:
        return Answer.model_validate_json(self.document)


class Answers:
    """Args: ``pins`` keeps the snapshots of answers from being pruned, where there is an index beside."""

    def __init__(self, database: Database, clock: Clock, pins: Pins | None = None) -> None:
        self._database = database
        self._clock = clock
        self._pins = pins
        new = database.insert(tables.answers).on_conflict_do_nothing()
        self._answer = new.returning(tables.answers.c.answer_id)
        asking = database.insert(tables.askings)
        again = {"asked": asking.excluded.asked}
        self._asking = asking.on_conflict_do_update(index_elements=["answer_id", "key_id"], set_=again)

    def add(
        self,
        answer: Answer,
        *,
        key_id: str | None = None,
        conversation_id: str | None = None,
        masked: Sequence[str] = (),
    ) -> Kept:
        """Keeps an answer and gives it back as it is kept: as it was first given, if it was kept before.

        Args:
            key_id: whose it is; None for who needed no key.
            conversation_id: where it is a turn of one, which then holds it.
            masked: kinds of identifiers that were masked in its question.

        Raises:
            ConflictError: another answer of this id is kept, which differs in more than its timings and its review.
            StoreUnavailableError: it is being erased at this very moment.
        """
        digest, holder = _digest(answer), None if conversation_id else key_id or ""
        with self._database.reading() as db:
            found = _find(db, answer.answer_id)
            is_noted = holder is None or (found is not None and self._is_noted(db, answer.answer_id, holder))
        if found is None or not is_noted:
            with self._database.writing() as db:
                found = self._inserted(db, answer, digest, tuple(masked)) or _held(db, answer.answer_id)
                self._note(db, answer.answer_id, holder)
        kept, known = found
        if known != digest:
            raise ConflictError(
                f"answer {answer.answer_id}: kept with other content than it has now; expected the same for the same "
                "question, snapshot, settings and software: raise the software's version, or erase the one that is kept"
            )
        return kept

    def _inserted(
        self, db: Connection, answer: Answer, digest: str, masked: tuple[str, ...]
    ) -> tuple[Kept, str] | None:
        """The answer, inserted with what it cites; None where it is there."""
        snapshot_id, document = answer.receipt.snapshot_id, answer.model_dump_json()
        kept = Kept(answer.answer_id, document, storable(answer.question), snapshot_id, self._clock(), masked)
        row = kept._asdict() | {"digest": digest, "masked": list(masked)}
        if db.scalar(self._answer, row) is None:
            return None
        cited = sorted({r.source_id for r in answer.references} | {e.source_id for e in answer.nearest})
        if cited:
            db.execute(_CITED, [{"answer_id": answer.answer_id, "source_id": s} for s in cited])
        if self._pins:
            self._pins.hold(snapshot_id)
        return kept, digest

    def _is_noted(self, db: Connection, answer_id: str, holder: str) -> bool:
        asked = db.scalar(_ASKED, {"answer_id": answer_id, "key_id": holder})
        return asked is not None and abs(self._clock() - asked) < _NOTED_EVERY

    def _note(self, db: Connection, answer_id: str, holder: str | None) -> None:
        if holder is None:
            return
        db.execute(self._asking, {"answer_id": answer_id, "key_id": holder, "asked": self._clock()})

    def get(self, answer_id: str) -> Kept:
        """Raises ``NotFoundError`` where none of this id is kept."""
        with self._database.reading() as db:
            return _kept(db, answer_id)

    def pinned(self) -> set[str]:
        """Ids of the snapshots that kept answers were made from."""
        with self._database.reading() as db:
            return set(db.scalars(select(tables.answers.c.snapshot_id).distinct()))

    def count(self) -> int:
        with self._database.reading() as db:
            return db.scalar(select(func.count()).select_from(tables.answers)) or 0

    # The same request sent twice

    def idempotent(self, key_id: str | None, token: str, request_digest: str) -> Kept | None:
        """The answer to an earlier request that a client has given this token; None when there was none.

        Raises:
            ConflictError: that was another request.
        """
        columns = tables.tokens.c
        mine = (columns.key_id == (key_id or ""), columns.token == checked("token", token, MAX_NAME_CHARS))
        with self._database.reading() as db:
            found = db.execute(select(columns.request_digest, columns.answer_id).where(*mine)).one_or_none()
            if found is None:
                return None
            if found.request_digest != request_digest:
                raise ConflictError(f"token {token[:40]!r}: given to another request before; expected a new one")
            return _kept(db, found.answer_id)

    def remember(self, key_id: str | None, token: str, request_digest: str, answer_id: str) -> Kept:
        """Notes that a token's request was answered so. Gives what is kept for it: another's, who came first.

        Raises:
            ConflictError: the token was given to another request.
            NotFoundError: the answer is not kept.
        """
        values = {"key_id": key_id or "", "token": checked("token", token, MAX_NAME_CHARS), "answer_id": answer_id}
        values |= {"request_digest": request_digest, "created": self._clock()}  # type: ignore[dict-item]
        with self._database.writing() as db:
            hold(db, answer_id)
            db.execute(self._database.insert(tables.tokens).values(values).on_conflict_do_nothing())
            known = self.idempotent(key_id, token, request_digest)
        assert known is not None
        return known


def erase_unheld(db: Connection, answer_ids: Iterable[str], *, even_reviewed: bool = False) -> list[str]:
    """Erases those of ``answer_ids`` that no asking, no turn and, unless ``even_reviewed``, no review holds."""
    held = [select(tables.askings.c.answer_id), select(tables.turns.c.answer_id)]
    held += [] if even_reviewed else [select(tables.events.c.answer_id)]
    gone: list[str] = []
    for some in _batches(sorted(set(answer_ids))):
        wanted = tables.answers.c.answer_id.in_(some)
        # First nobody may take hold of them any more, then it is asked who has.
        db.execute(select(tables.answers.c.answer_id).where(wanted).order_by(_ID).with_for_update())
        free = select(tables.answers.c.answer_id).where(wanted, tables.answers.c.answer_id.not_in(union(*held)))
        gone += db.scalars(free)
    for some in _batches(gone):
        db.execute(delete(tables.answers).where(tables.answers.c.answer_id.in_(some)))
    return gone


def _batches(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    """A statement takes only so many values."""
    return (ids[i : i + size] for i in range(0, len(ids), size))


def _digest(answer: Answer) -> str:
    """Of all of an answer that does not vary: not its timings, nor its review, which has a history of its own."""
    lasting = answer.model_dump_json(exclude={"review": True, "receipt": {"timings_ms"}})
    return hashlib.sha256(lasting.encode("utf-8", "surrogatepass")).hexdigest()


def hold(db: Connection, answer_id: str) -> None:
    """Keeps an answer from being erased until the transaction ends. Raises ``NotFoundError`` where it is not kept."""
    found = select(_ID).where(tables.answers.c.answer_id == answer_id).with_for_update(read=True, key_share=True)
    if db.scalar(found) is None:
        raise NotFoundError(f"answer {answer_id[:40]!r}: not kept; expected the id of an answer that was given")


def _held(db: Connection, answer_id: str) -> tuple[Kept, str]:
    """An answer that was there a moment ago."""
    try:
        hold(db, answer_id)
    except NotFoundError as error:
        raise StoreUnavailableError(f"answer {answer_id}: erased at this very moment; try again") from error
    found = _find(db, answer_id)
    assert found is not None
    return found


def _find(db: Connection, answer_id: str) -> tuple[Kept, str] | None:
    """An answer with the digest of what does not vary in it."""
    row = db.execute(_WHOLE, {"answer_id": answer_id}).one_or_none()
    if row is None:
        return None
    return Kept(row.answer_id, row.document, row.question, row.snapshot_id, row.created, tuple(row.masked)), row.digest


def _kept(db: Connection, answer_id: str) -> Kept:
    found = _find(db, answer_id)
    if found is None:
        raise NotFoundError(f"answer {answer_id[:40]!r}: not kept; it was never given or has been erased")
    return found[0]
