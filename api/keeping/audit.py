"""The audit log: who did what with what, as a chain in which nothing can be changed without a trace.

Each entry holds the hash of its content and of the one before it (Haber and Stornetta 1991, doi:10.1007/BF00196791).
Who can write to the database can write the whole chain anew: only an anchor, an entry's number and hash that are kept
elsewhere, shows that, and shows that the end was cut off. Entries hold ids and codes, never what a person has written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from api.keeping import tables
from api.keeping.database import Database
from api.keeping.words import Clock, code
from rag.errors import InputError

#: What the first entry holds in the place of the hash of one before it.
ORIGIN = "0" * 64
_AT_ONCE = 1000
# Made once: making a statement costs more than running it.
_HEAD = select(tables.audit_head.c.sequence, tables.audit_head.c.hash)
_LOCKED_HEAD = _HEAD.with_for_update()
_ENTRY = tables.audit.insert()
_NEW_HEAD = update(tables.audit_head).values(sequence=bindparam("last"), hash=bindparam("of_last"))

Detail = Mapping[str, str | int | bool | None]


class Entry(NamedTuple):
    """``sequence`` counts from 1 without a gap; times may go back where the clock was set back."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Anchor(NamedTuple):
    """An entry's number and hash, to be kept where who can write to the database cannot."""

    sequence: int
    hash: str

    @classmethod
    def parsed(cls, text: str) -> Anchor:
        """From ``NUMBER:HASH``, as it is printed. Raises ``InputError``."""
        number, _, digest = text.partition(":")
        if not number.isdecimal() or len(digest) != len(ORIGIN):
            raise InputError(f"anchor {text[:80]!r}: expected NUMBER:HASH, as `osler audit verify` prints it")
        return cls(int(number), digest)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


class Broken(NamedTuple):
    """The first entry at which the chain does not hold, and why."""

    sequence: int
    why: str


class Audit:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, actor: str, action: str, subject: str, detail: Detail | None = None) -> Entry:
        """Adds an entry behind all others. Within a larger transaction it should come last: others wait for its end.

        Args:
            actor: a key's prefix, or ``local`` or ``cli``.
            action: such as ``answer.read``.
            subject: the id of what it was done with.
            detail: more ids, codes, numbers.

        Raises:
            InputError: one of them is no id, code or number: a question has no place here.
        """
        more = {code("detail", name): _plain(value) for name, value in (detail or {}).items()}
        words = (code("actor", actor), code("action", action), code("subject", subject))
        with self._database.writing() as db:
            head = self._head(db, is_locked=True)
            content = (head.sequence + 1, self._clock().astimezone(UTC), *words, more, head.hash)
            entry = Entry(*content, _hash(*content))
            db.execute(_ENTRY, entry._asdict())
            db.execute(_NEW_HEAD, {"last": entry.sequence, "of_last": entry.hash})
        return entry

    def anchor(self) -> Anchor:
        """The last entry, to be noted elsewhere; number 0 of an empty log."""
        with self._database.reading() as db:
            return self._head(db)

    def entries(self, after: int = 0, limit: int = _AT_ONCE) -> list[Entry]:
        """At most ``limit`` entries with higher numbers than ``after``, in their order."""
        with self._database.reading() as db:
            return list(_read(db, after, limit))

    def verify(self, anchor: Anchor | None = None) -> Broken | None:
        """The first entry that was changed, lost or moved; None where the chain holds to its end.

        Args:
            anchor: an entry as it was once noted: the chain must still hold it.
        """
        with self._database.reading(is_snapshot=True) as db:
            return verify(db, anchor)

    def _head(self, db: Connection, *, is_locked: bool = False) -> Anchor:
        row = db.execute(_LOCKED_HEAD if is_locked else _HEAD).one()
        return Anchor(row.sequence, row.hash)


def verify(db: Connection, anchor: Anchor | None = None) -> Broken | None:
    last = Anchor(0, ORIGIN)
    is_anchored = anchor is None or anchor == last
    for entry in _all(db):
        if entry.sequence != last.sequence + 1:
            return Broken(last.sequence + 1, "missing")
        if entry.previous != last.hash:
            return Broken(entry.sequence, "does not follow the entry before it, which was changed or moved")
        if entry.hash != _hash(*entry[:-1]):
            return Broken(entry.sequence, "changed: its hash is not that of its content")
        last = Anchor(entry.sequence, entry.hash)
        if anchor and anchor.sequence == last.sequence:
            if anchor.hash != last.hash:
                return Broken(last.sequence, "not the entry that was anchored: the chain was written anew")
            is_anchored = True
    if anchor and not is_anchored:
        return Broken(last.sequence + 1, f"missing: the end up to the anchored entry {anchor.sequence} was cut off")
    head = db.execute(_HEAD).one()
    if (head.sequence, head.hash) != last:
        return Broken(last.sequence + 1, f"missing: {head.sequence} were recorded, the end was cut off")
    return None


def _all(db: Connection) -> Iterator[Entry]:
    after = -1  # an entry before the first would be a forged one
    while some := list(_read(db, after, _AT_ONCE)):
        yield from some
        after = some[-1].sequence


def _read(db: Connection, after: int, limit: int) -> Iterator[Entry]:
    columns = tables.audit.c
    rows = db.execute(
        select(tables.audit).where(columns.sequence > after).order_by(columns.sequence).limit(limit)
    )  # fmt: skip
    return (Entry(*row) for row in rows.all())


def _plain(value: str | int | bool | None) -> str | int | bool | None:
    return code("detail", value) if isinstance(value, str) else value


def _hash(*content: Any) -> str:
    sequence, at, *rest = content
    whole = json.dumps([sequence, at.isoformat(), *rest], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()
