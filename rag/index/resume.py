"""What a build remembers on disk, so that memory does not grow with the corpus and a killed build is resumed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import SnapshotError
from rag.index.encoder import Encoder
from rag.index.vectors import Halves
from rag.ingest.progress import Progress

_JOURNAL = "building.sqlite"
#: Texts that are embedded and remembered together.
_BATCH = 256


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
        hashes = {text: hashlib.sha256(text.encode()).digest()[:16] for text in texts}
        found = {text: self._remembered(key) for text, key in hashes.items()}
        todo = sorted((t for t, v in found.items() if v is None), key=lambda t: (len(t), t))  # like lengths together
        for first in range(0, len(todo), _BATCH):
            batch = todo[first : first + _BATCH]
            vectors = self._encoder().encode(batch).astype(np.float16)
            self._remember((hashes[text] for text in batch), vectors)
            found.update(zip(batch, vectors, strict=True))
        return np.stack([vector for text in texts if (vector := found[text]) is not None])

    def _remembered(self, key: bytes) -> NDArray[np.float16] | None:
        row = self._db.execute("SELECT vector FROM vector WHERE hash = ?", (key,)).fetchone()
        return np.frombuffer(row[0], np.float16) if row else None

    def _remember(self, keys: Iterable[bytes], vectors: Halves) -> None:
        with self._db:
            rows = ((key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True))
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?,?)", rows)
        self.computed += len(vectors)
        self._progress("embed", self.computed, 0)

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
