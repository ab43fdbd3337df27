"""Text of a snapshot: sources, passages, sentences and vocabulary in one read-only SQLite file.

SQLite is opened by page, so opening does not grow with the corpus, and any tool can read it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rag.domain import Document, Passage, Role, Source
from rag.errors import NotFoundError, SnapshotError

_SCHEMA = """
CREATE TABLE source (key TEXT PRIMARY KEY, record TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE passage (row INTEGER PRIMARY KEY, passage_id TEXT UNIQUE NOT NULL, record TEXT NOT NULL,
                      first_sentence INTEGER NOT NULL, sentences INTEGER NOT NULL);
CREATE TABLE sentence (row INTEGER PRIMARY KEY, passage_row INTEGER NOT NULL, start INTEGER NOT NULL,
                       end INTEGER NOT NULL, role TEXT NOT NULL, terms TEXT NOT NULL);
CREATE TABLE term (term TEXT PRIMARY KEY, term_id INTEGER NOT NULL, df INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE abbreviation (short TEXT PRIMARY KEY, long TEXT NOT NULL) WITHOUT ROWID;
"""


class SentenceRecord(NamedTuple):
    """A sentence of a passage as analysed at build time: ``terms`` are its content terms, repeats kept."""

    row: int
    passage_row: int
    start: int
    end: int
    role: Role
    terms: tuple[str, ...]


class TermStats(NamedTuple):
    term_id: int
    df: int


def write_store(
    path: Path,
    documents: Iterable[Document],
    passages: Sequence[Passage],
    sentences: Sequence[SentenceRecord],
    vocabulary: dict[str, tuple[int, int]],
    abbreviations: Iterable[tuple[str, str]],
) -> None:
    first = {s.passage_row: s.row for s in reversed(sentences)}
    db = sqlite3.connect(path)
    with db:
        db.executescript(_SCHEMA)
        db.executemany("INSERT INTO source VALUES (?,?,?)",
                       ((d.source.key, d.source.model_dump_json(), d.text) for d in documents))  # fmt: skip
        db.executemany("INSERT INTO passage VALUES (?,?,?,?,?)",
                       ((row, p.passage_id, p.model_dump_json(), first[row], len(p.sentences))
                        for row, p in enumerate(passages)))  # fmt: skip
        db.executemany("INSERT INTO sentence VALUES (?,?,?,?,?,?)",
                       ((*s[:4], s.role.value, json.dumps(s.terms)) for s in sentences))  # fmt: skip
        db.executemany("INSERT INTO term VALUES (?,?,?)", ((t, *ids) for t, ids in vocabulary.items()))
        db.executemany("INSERT INTO abbreviation VALUES (?,?)", abbreviations)
    db.execute("VACUUM")
    db.close()


class Store:
    """A written store, read-only and usable from several threads: each read is one short statement."""

    def __init__(self, path: Path) -> None:
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self._db = sqlite3.connect(address, uri=True, check_same_thread=False)
            self._db.execute("SELECT 1 FROM passage LIMIT 1")
        except sqlite3.DatabaseError as error:
            raise SnapshotError(f"{path}: not a readable store ({error}); build the index again") from error
        self._sources: dict[str, Source] = {}
        self._passages: dict[int, Passage] = {}

    def close(self) -> None:
        self._db.close()

    def passage(self, row: int) -> Passage:
        known = self._passages.get(row)
        if known is None:
            (record,) = self._db.execute("SELECT record FROM passage WHERE row = ?", (row,)).fetchone()
            known = Passage.model_validate_json(record)
            self._remember(row, known)
        return known

    def _remember(self, row: int, passage: Passage) -> None:
        if len(self._passages) >= 4096:  # bounds the memory of a long-lived process
            self._passages.clear()
        self._passages[row] = passage

    def row_of(self, passage_id: str) -> int:
        """Row of a passage. Raises ``NotFoundError`` for an id that the snapshot does not hold."""
        found = self._db.execute("SELECT row FROM passage WHERE passage_id = ?", (passage_id,)).fetchone()
        if not found:
            raise NotFoundError(f"passage {passage_id!r}: not in this snapshot; `osler search` shows passage ids")
        return int(found[0])

    def source(self, key: str) -> Source:
        if key not in self._sources:
            (record,) = self._db.execute("SELECT record FROM source WHERE key = ?", (key,)).fetchone()
            self._sources[key] = Source.model_validate_json(record)
        return self._sources[key]

    def source_text(self, key: str) -> str:
        """The whole text of a source: ``text[passage.start:passage.end] == passage.text``."""
        found = self._db.execute("SELECT text FROM source WHERE key = ?", (key,)).fetchone()
        return str(found[0])

    def sentences(self, passage_rows: Sequence[int]) -> list[SentenceRecord]:
        """Sentences of these passages, in the order of the passages."""
        marks = ",".join("?" * len(passage_rows))
        rows = self._db.execute(
            f"SELECT * FROM sentence WHERE passage_row IN ({marks})",  # noqa: S608  only question marks
            list(passage_rows),
        ).fetchall()
        order = {row: i for i, row in enumerate(passage_rows)}
        records = [SentenceRecord(r[0], r[1], r[2], r[3], Role(r[4]), tuple(json.loads(r[5]))) for r in rows]
        return sorted(records, key=lambda s: (order[s.passage_row], s.row))

    def terms(self, terms: Iterable[str]) -> dict[str, TermStats]:
        """Statistics of those terms that the corpus has."""
        wanted = sorted(set(terms))
        marks = ",".join("?" * len(wanted))
        rows = self._db.execute(f"SELECT * FROM term WHERE term IN ({marks})", wanted)  # noqa: S608  question marks
        return {term: TermStats(term_id, df) for term, term_id, df in rows}

    def abbreviations(self) -> list[tuple[str, str]]:
        return list(self._db.execute("SELECT short, long FROM abbreviation ORDER BY short"))

    def counts(self) -> dict[str, int]:
        """Number of sources, passages and sentences."""
        tables = ("source", "passage", "sentence")
        return {t: int(self._db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]) for t in tables}  # noqa: S608
