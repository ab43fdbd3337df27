"""What a build remembers on disk, so that memory does not grow with the corpus and a killed build is resumed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rag.errors import SnapshotError
from rag.index.encoder import Encoder
from rag.index.vectors import Halves

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much is done and how much there is, 0 when that is not known."""

_JOURNAL = "building.sqlite"
#: Texts that are embedded and remembered together.
_BATCH = 256


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class Seen:
    """The sources that a build was given: digest, and the segment in which each is kept, "" for a new one."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a temporary file of SQLite's own
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, digest TEXT, segment TEXT) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def add(self, key: str, digest: str, segment_id: str) -> None:
        self._db.execute("INSERT INTO seen VALUES (?,?,?)", (key, digest, segment_id))

    def get(self, key: str) -> tuple[str, str] | None:
        """(digest, segment id) of a key that was given."""
        found: tuple[str, str] | None = self._db.execute(
            "SELECT digest, segment FROM seen WHERE key = ?", (key,)
        ).fetchone()
        return found

    def digests(self) -> Iterator[str]:
        """Digests of all that was given, sorted."""
        for (digest,) in self._db.execute("SELECT digest FROM seen ORDER BY digest"):
            yield digest

    def keys(self) -> Iterator[str]:
        for (key,) in self._db.execute("SELECT key FROM seen"):
            yield key

    def close(self) -> None:
        self._db.close()


class VectorJournal:
    """Embeds texts, and keeps their vectors until the segment that they are for is finished."""

    def __init__(self, index_dir: Path, encoder: Callable[[], Encoder], progress: Progress) -> None:
        self._path, self._encoder, self._progress = index_dir / _JOURNAL, encoder, progress
        self._db = self._opened()
        #: How many texts had no vector yet.
        self.computed = 0

    def _opened(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self._path)
            db.execute("PRAGMA synchronous = OFF")  # it may be lost with the machine, not with the process
            db.execute("CREATE TABLE IF NOT EXISTS vector (hash BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        except sqlite3.OperationalError:
            raise  # the disk's affair, not the file's
        except sqlite3.DatabaseError as error:
            raise SnapshotError(f"{self._path}: cannot be used ({error}); delete it, it only saves time") from error
        return db

    def encode(self, texts: Sequence[str]) -> Halves:
        """Unit vectors, shape (len(texts), dimension), in the order of ``texts``."""
        hashes = [hashlib.sha256(t.encode()).digest()[:16] for t in texts]
        missing = {h: t for h, t in zip(hashes, texts, strict=True) if not self._get(h)}
        todo = sorted(missing.items(), key=lambda item: (len(item[1]), item[1]))  # like lengths share a batch
        for first in range(0, len(todo), _BATCH):
            self._compute(todo[first : first + _BATCH])
        return np.stack([np.frombuffer(self._get(h) or b"", np.float16) for h in hashes])

    def _compute(self, items: list[tuple[bytes, str]]) -> None:
        vectors = self._encoder().encode([text for _, text in items]).astype(np.float16)
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?,?)",
                                 ((h, v.tobytes()) for (h, _), v in zip(items, vectors, strict=True)))  # fmt: skip
        self.computed += len(items)
        self._progress("embed", self.computed, 0)

    def _get(self, key: bytes) -> bytes | None:
        found = self._db.execute("SELECT vector FROM vector WHERE hash = ?", (key,)).fetchone()
        return found[0] if found else None

    def start_anew(self) -> None:
        """Forgets all vectors: they are in a finished segment."""
        self._db.close()
        self._path.unlink(missing_ok=True)
        self._db = self._opened()

    def close(self) -> None:
        self._db.close()

    def delete(self) -> None:
        self._db.close()
        self._path.unlink(missing_ok=True)
