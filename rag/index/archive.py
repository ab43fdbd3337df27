"""Passages of versions of a source that were replaced, so that what a stored answer cites can still be opened.

Beside the snapshots, since it outlives them; never searched. A source that is removed leaves it, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from rag.domain import Passage, Source
from rag.errors import SnapshotError

ARCHIVE = "archive.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passage (passage_id TEXT PRIMARY KEY, source_key TEXT NOT NULL, record TEXT NOT NULL,
                                    source TEXT NOT NULL) WITHOUT ROWID;
"""


def keep(folder: Path, replaced: Iterable[tuple[Passage, Source]]) -> None:
    """Puts passages with the record of their source as it then was into the archive of an index."""
    rows = [(p.passage_id, s.key, p.model_dump_json(), s.model_dump_json()) for p, s in replaced]
    if not rows:
        return
    with _opened(folder / ARCHIVE) as db:
        db.executescript(_SCHEMA)
        db.executemany("INSERT OR REPLACE INTO passage VALUES (?,?,?,?)", rows)
    db.close()


def forget(folder: Path, source_keys: Iterable[str]) -> None:
    """Removes all that came from these sources, from the file's free pages as well."""
    path = folder / ARCHIVE
    if not path.is_file():
        return
    with _opened(path) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.executemany("DELETE FROM passage WHERE source_key = ?", ((key,) for key in source_keys))
    db.execute("VACUUM")
    db.close()


def find(folder: Path, passage_id: str) -> tuple[Passage, Source] | None:
    """A replaced passage with its source as it then was."""
    path = folder / ARCHIVE
    if not path.is_file():
        return None
    db = _opened(path)
    row = db.execute("SELECT record, source FROM passage WHERE passage_id = ?", (passage_id,)).fetchone()
    db.close()
    return (Passage.model_validate_json(row[0]), Source.model_validate_json(row[1])) if row else None


def holds(folder: Path, source_key: str) -> bool:
    """Whether anything in the archive came from a source."""
    path = folder / ARCHIVE
    if not path.is_file():
        return False
    db = _opened(path)
    found = db.execute("SELECT 1 FROM passage WHERE source_key = ? LIMIT 1", (source_key,)).fetchone()
    db.close()
    return bool(found)


def _opened(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version")
    except sqlite3.DatabaseError as error:
        raise SnapshotError(f"{path}: not a readable archive ({error}); move it away, it is not needed") from error
    return db
