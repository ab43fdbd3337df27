"""Keys for the interface: who may do what.

A key is ``osler_PREFIX_SECRET``. What is kept is its SHA-256. A slow hash (bcrypt, Argon2) protects passwords because
people choose them among few; a secret of 192 random bits cannot be guessed however fast the hash, and a fast one costs
a request nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Row, select, update

from api.keeping import tables
from api.keeping.database import Database
from api.keeping.words import MAX_NAME_CHARS, Clock, checked, new_id
from rag.errors import InputError, NotFoundError

#: What every key begins with, so that scanners of repositories and logs find those that leaked.
MARK = "osler"
_PREFIX_BYTES = 4
_SECRET_BYTES = 24
# A key's last use is noted once a minute: else each request would write.
_NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a key may do. None includes another."""

    ASK = "ask"
    SEARCH = "search"
    REVIEW = "review"
    ADMIN = "admin"


class Key(NamedTuple):
    """A key without its secret, which nobody keeps. ``prefix`` is what it is called by."""

    key_id: str
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created: datetime
    last_used: datetime | None = None
    expires: datetime | None = None
    revoked: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, scopes: Iterable[str], expires: datetime | None = None) -> tuple[Key, str]:
        """A new key and its whole text, which cannot be shown again.

        Raises:
            InputError: no name, no scope, one that does not exist, or an end that has passed.
        """
        now = self._clock()
        if expires is not None and expires <= now:
            raise InputError(f"key {name!r}: expires {expires:%Y-%m-%d %H:%M}, expected a time to come")
        prefix = secrets.token_hex(_PREFIX_BYTES)
        whole = f"{MARK}_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        key = Key(new_id("k"), checked("name", name, MAX_NAME_CHARS), prefix, _scopes(scopes), now, expires=expires)
        row = key._asdict() | {"scopes": sorted(key.scopes), "hash": _hash(whole)}
        with self._database.writing(lasting=True) as db:
            db.execute(tables.keys.insert().values(row))
        return key, whole

    def find(self, whole: str) -> Key | None:
        """The key with this text, if it is one and neither revoked nor expired; notes that it was used."""
        parts = whole.split("_", 2)
        if len(parts) != 3 or parts[0] != MARK:
            return None
        with self._database.reading() as db:
            row = db.execute(select(tables.keys).where(tables.keys.c.prefix == parts[1])).one_or_none()
        # Compared also when there is none, so that the time taken does not tell which prefixes there are.
        is_same = secrets.compare_digest(_hash(whole), row.hash if row else "0" * 64)
        now = self._clock()
        if row is None or not is_same or not (key := _key(row)).is_valid(now):
            return None
        if key.last_used is None or abs(now - key.last_used) >= _NOTED_EVERY:
            with self._database.writing() as db:
                db.execute(update(tables.keys).where(tables.keys.c.key_id == key.key_id).values(last_used=now))
        return key

    def list(self) -> Sequence[Key]:
        """All keys, revoked ones included, in the order of their names."""
        with self._database.reading() as db:
            found = db.execute(select(tables.keys).order_by(tables.keys.c.name, tables.keys.c.prefix))
            return [_key(row) for row in found]

    def revoke(self, prefix: str) -> Key:
        """Makes a key worthless, at once for all workers. Raises ``NotFoundError`` for a prefix that no key has."""
        columns = tables.keys.c
        with self._database.writing(lasting=True) as db:
            revoking = update(tables.keys).where(columns.prefix == prefix, columns.revoked.is_(None))
            db.execute(revoking.values(revoked=self._clock()))
            row = db.execute(select(tables.keys).where(columns.prefix == prefix)).one_or_none()
        if row is None:
            raise NotFoundError(f"key {prefix[:40]!r}: there is none of this prefix; `osler keys list` shows them")
        return _key(row)

    def any_valid(self) -> bool:
        """Whether there is a key that opens anything: a public address is not served without."""
        now = self._clock()
        return any(key.is_valid(now) for key in self.list())


def _scopes(given: Iterable[str]) -> frozenset[Scope]:
    known, wanted = {scope.value for scope in Scope}, set(given)
    if not wanted or not wanted <= known:
        unknown = ", ".join(sorted(wanted - known)) or "none"
        raise InputError(f"scopes: {unknown}; expected some of {', '.join(Scope)}")
    return frozenset(Scope(scope) for scope in wanted)


def is_of_form(whole: str) -> bool:
    """Whether a text looks like a key of this service, as those of other services do not."""
    parts = whole.split("_", 2)
    return len(parts) == 3 and parts[0] == MARK


def _hash(whole: str) -> str:
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Row[Any]) -> Key:
    scopes = frozenset(Scope(scope) for scope in row.scopes)
    times = (row.created, row.last_used, row.expires, row.revoked)
    return Key(row.key_id, row.name, row.prefix, scopes, *times)
