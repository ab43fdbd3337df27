"""All that the service keeps, opened as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from api.keeping import tables
from api.keeping.answers import Answers
from api.keeping.audit import ORIGIN, Audit
from api.keeping.backup import Restored, back_up, restore
from api.keeping.conversations import Conversations
from api.keeping.database import Database, database_url
from api.keeping.feedback import Feedbacks
from api.keeping.keys import Keys
from api.keeping.pins import Pins
from api.keeping.rates import Rates
from api.keeping.retention import Retention
from api.keeping.reviews import Reviews
from api.keeping.upgrading import check, upgrade
from api.keeping.webhooks import Webhooks
from api.keeping.words import Clock, new_id, now


class Keeping:
    """The database, with one member for each noun. Safe to share between threads; each process opens its own."""

    def __init__(self, database: Database, clock: Clock, index_dir: Path | None) -> None:
        self.database = database
        self._clock = clock
        pins = self._pins = Pins(database, index_dir, _holder(database)) if index_dir else None
        self.answers = Answers(database, clock, pins)
        self.conversations = Conversations(database, clock)
        self.webhooks = Webhooks(database, clock)
        self.reviews = Reviews(database, clock, self.webhooks)
        self.feedback = Feedbacks(database, clock)
        self.keys = Keys(database, clock)
        self.audit = Audit(database, clock)
        self.rates = Rates(database, clock)
        self.retention = Retention(database, clock, pins)

    @classmethod
    def open(cls, url: str, *, clock: Clock = now, index_dir: Path | None = None, upgrades: bool = True) -> Keeping:
        """Opens a database, and makes it where there is none.

        Args:
            url: the path of an SQLite file, or ``postgresql://user@host/name``.
            clock: gives the present moment; ids and order do not depend on it.
            index_dir: the index that answers are made from: snapshots that kept answers cite are then not pruned.
            upgrades: whether an older version's tables are brought to this one's; else they are refused.

        Raises:
            InputError: no address of a database.
            StoreError: it cannot be opened, or its tables are of another version.
        """
        database = Database(database_url(url))
        try:
            (upgrade if upgrades else check)(database)
            _prepare(database)
            return cls(database, clock, index_dir)
        except BaseException:
            database.close()
            raise

    @contextmanager
    def at_once(self, *, lasting: bool = False) -> Iterator[None]:
        """Makes all that the block writes one transaction: an answer, its turn and its audit entry, or none of them.

        Only for what this thread does; nothing that takes long belongs into it, since others wait to write.
        """
        with self.database.writing(lasting=lasting):
            yield

    def back_up(self, path: Path, *, force: bool = False) -> dict[str, int]:
        """Writes all that is kept into a file, as it is at one moment; see ``api.keeping.backup``.

        Returns:
            Rows by table.
        """
        return back_up(self.database, path, self._clock(), force=force)

    def restore(self, path: Path, *, force: bool = False) -> Restored:
        """Takes in such a file: into an empty database, or with ``force`` in the place of all that it holds."""
        restored = restore(self.database, path, force=force)
        if self._pins:
            self._pins.settle()
        return restored

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Keeping:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _prepare(database: Database) -> None:
    """The two tables of one row each."""
    with database.reading() as db:
        is_there = db.scalar(select(tables.identity.c.only)) and db.scalar(select(tables.audit_head.c.only))
    if is_there:
        return
    with database.writing(lasting=True) as db:
        for table, values in (
            (tables.audit_head, {"only": 1, "sequence": 0, "hash": ORIGIN}),
            (tables.identity, {"only": 1, "holder": new_id("d")}),
        ):
            db.execute(database.insert(table).values(values).on_conflict_do_nothing())


def _holder(database: Database) -> str:
    with database.reading() as db:
        return str(db.scalar(select(tables.identity.c.holder)))
