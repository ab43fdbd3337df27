"""Which snapshots of an index kept answers were made from: they are pinned there, and so not pruned.

Pins lie in the index, not only here, so that whoever prunes heeds them, with or without a way to this database. A pin
is set before the answer is committed, and taken back only when no answer can be on its way.
"""

from __future__ import annotations

import errno
from pathlib import Path

from sqlalchemy import Connection, select, text

from api.keeping import tables
from api.keeping.database import Database
from rag.errors import SnapshotError
from rag.index.pins import pin, pins_of, unpin

# Where an index cannot be written, nobody can prune it there either.
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT}


class Pins:
    """Args: ``holder`` tells this database's pins from those of others."""

    def __init__(self, database: Database, index_dir: Path, holder: str) -> None:
        self._database = database
        self._index_dir = index_dir
        self._holder = holder

    def hold(self, snapshot_id: str) -> None:
        """Keeps a snapshot. Called between an answer's insertion and its commit.

        Raises:
            SnapshotError: the pin cannot be written, for want of space for example.
        """
        try:
            pin(self._index_dir, snapshot_id, self._holder)
        except OSError as error:
            if error.errno in _READ_ONLY:
                return
            raise SnapshotError(
                f"index {self._index_dir}: snapshot {snapshot_id} cannot be pinned ({error}); make room and try again"
            ) from error

    def settle(self) -> None:
        """Pins what kept answers were made from, and takes back the other pins of this database."""
        with self._database.writing() as db:
            _keep_answers_out(db)
            needed = set(db.scalars(select(tables.answers.c.snapshot_id).distinct()))
            for snapshot_id in needed:
                self.hold(snapshot_id)
            for snapshot_id in pins_of(self._index_dir, self._holder) - needed:
                unpin(self._index_dir, snapshot_id, self._holder)


def _keep_answers_out(db: Connection) -> None:
    """Waits for answers on their way, and lets no new one in; on SQLite there is one writer at a time as it is."""
    if db.dialect.name != "sqlite":
        db.execute(text("LOCK TABLE answers IN SHARE MODE"))
