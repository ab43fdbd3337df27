"""Text of a segment: sources, passages, sentences and vocabulary in one SQLite file, written once.

SQLite is opened by page, so opening does not grow with the corpus, and any tool can read it. Records that a query may
need by the hundred are JSON; what only a rewriting of the segment needs is kept as the reader gave it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rag.domain import Document, Passage, Role, Source
from rag.errors import SnapshotError

_SCHEMA = """
CREATE TABLE source (place INTEGER PRIMARY KEY, key TEXT NOT NULL, digest TEXT NOT NULL,
                     first_passage INTEGER NOT NULL, passages INTEGER NOT NULL, record TEXT NOT NULL,
                     text TEXT NOT NULL, blocks TEXT NOT NULL, cites TEXT NOT NULL);
CREATE TABLE passage (row INTEGER PRIMARY KEY, passage_id TEXT NOT NULL, text_digest BLOB NOT NULL,
                      record TEXT NOT NULL, first_sentence INTEGER NOT NULL, sentences INTEGER NOT NULL);
CREATE TABLE twin (passage_id TEXT PRIMARY KEY, source_key TEXT NOT NULL, of_passage TEXT NOT NULL,
                   of_source TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sentence (row INTEGER PRIMARY KEY, passage_row INTEGER NOT NULL, start INTEGER NOT NULL,
                       end INTEGER NOT NULL, role TEXT NOT NULL, terms TEXT NOT NULL);
CREATE TABLE term (term TEXT PRIMARY KEY, term_id INTEGER NOT NULL, df INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE abbreviation (short TEXT NOT NULL, long TEXT NOT NULL, sources INTEGER NOT NULL,
                           PRIMARY KEY (short, long)) WITHOUT ROWID;
"""
#: Made when all rows are there, which is faster than keeping them up.
_LOOKUPS = """
CREATE UNIQUE INDEX source_key ON source (key);
CREATE UNIQUE INDEX passage_id ON passage (passage_id);
CREATE INDEX passage_text ON passage (text_digest);
CREATE INDEX twin_of ON twin (of_passage);
CREATE INDEX twin_of_source ON twin (of_source);
CREATE INDEX twin_source ON twin (source_key);
CREATE INDEX source_digest ON source (digest);
"""
#: For sorting the lookups, and for the pages that are written: what is larger goes through temporary files.
_CACHE_KB = 32_768

#: What is copied of an attached store by one run, with what is added to its numbers.
_APPEND = (
    """INSERT INTO source SELECT place + :by_place, key, digest, first_passage + :by_passage, passages, record, text,
       blocks, cites FROM old.source WHERE place >= :place AND place < :end_place ORDER BY place""",
    """INSERT INTO passage SELECT row + :by_passage, passage_id, text_digest, record, first_sentence + :by_sentence,
       sentences FROM old.passage WHERE row >= :passage AND row < :end_passage ORDER BY row""",
    """INSERT INTO sentence SELECT row + :by_sentence, passage_row + :by_passage, start, end, role, terms
       FROM old.sentence WHERE row >= :sentence AND row < :end_sentence ORDER BY row""",
)


class Run(NamedTuple):
    """Sources that lie one after the other in a segment, with their passages and sentences: all half-open."""

    place: int
    end_place: int
    passage: int
    end_passage: int
    sentence: int
    end_sentence: int


class Part(NamedTuple):
    """What is copied of a store: its ``runs``, which leave out the sources ``dropped``, and how many sources that go
    define each abbreviation."""

    path: Path
    runs: Sequence[Run]
    dropped: Sequence[str]
    undefined: Mapping[tuple[str, str], int]


class SentenceRecord(NamedTuple):
    """A sentence of a passage as analysed at build time: ``terms`` are its content terms, repeats kept."""

    row: int
    passage_row: int
    start: int
    end: int
    role: Role
    terms: tuple[str, ...]


class Twin(NamedTuple):
    """A passage whose words another source's passage has already: it is stored under that one."""

    passage: Passage
    of_passage: str
    of_source: str


class Owner(NamedTuple):
    """The passage under which words are stored, and its source."""

    passage_id: str
    source_key: str


class TermStats(NamedTuple):
    term_id: int
    df: int


class Placed(NamedTuple):
    """Where a document lies in a segment: passages ``first`` to ``first + passages``, half-open."""

    digest: str
    place: int
    first: int
    passages: int


class StoreWriter:
    """Writes the store of one segment, document by document."""

    def __init__(self, path: Path) -> None:
        self._db = _new(path)
        self._db.execute("BEGIN")
        self._sources = 0

    def add(self, document: Document, digest: str, passages: Sequence[tuple[int, Passage, bytes, int]],
            twins: Sequence[Twin], sentences: Sequence[SentenceRecord], first_passage: int) -> None:  # fmt: skip
        """One document: passages come as (row, passage, digest of its text, row of its first sentence)."""
        source = document.source
        blocks = "[" + ",".join(b.model_dump_json(exclude_defaults=True) for b in document.blocks) + "]"
        self._db.execute(
            "INSERT INTO source VALUES (?,?,?,?,?,?,?,?,?)",
            (self._sources, source.key, digest, first_passage, len(passages),
             source.model_dump_json(exclude_defaults=True), document.text, blocks, json.dumps(document.cites)),
        )  # fmt: skip
        self._sources += 1
        self._db.executemany("INSERT INTO passage VALUES (?,?,?,?,?,?)", (
            (row, p.passage_id, text_digest, p.model_dump_json(exclude_defaults=True), first, len(p.sentences))
            for row, p, text_digest, first in passages
        ))  # fmt: skip
        self._db.executemany("INSERT OR IGNORE INTO twin VALUES (?,?,?,?,?)", (
            (t.passage.passage_id, source.key, t.of_passage, t.of_source, t.passage.model_dump_json())
            for t in twins
        ))  # fmt: skip
        self._db.executemany(
            "INSERT INTO sentence VALUES (?,?,?,?,?,?)",
            ((*s[:4], s.role.value, json.dumps(s.terms)) for s in sentences),
        )

    def finish(self, vocabulary: dict[str, tuple[int, int]], abbreviations: Iterable[tuple[str, str, int]]) -> None:
        self._db.executemany("INSERT INTO term VALUES (?,?,?)", ((t, *ids) for t, ids in sorted(vocabulary.items())))
        self._db.executemany("INSERT INTO abbreviation VALUES (?,?,?)", abbreviations)
        self._db.execute("COMMIT")
        self._db.executescript(_LOOKUPS)
        self._db.close()

    def close(self) -> None:
        """Gives up a store that is not finished."""
        self._db.close()


def _new(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    # A half-written store is thrown away, so that a journal of it would be of no use.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    db.executescript(_SCHEMA)
    return db


def append_stores(parts: Iterable[Part], path: Path, vocabulary: Iterable[tuple[str, int, int]]) -> None:
    """Writes what is copied of some stores, one after the other, as one, with this sorted ``vocabulary``.

    Memory does not grow with what is copied.
    """
    db = _new(path)
    ends = [0, 0, 0]  # of places, passages and sentences
    for part in parts:
        db.execute("ATTACH ? AS old", (str(part.path),))
        db.execute("BEGIN")
        for run in part.runs:
            by = [end - first for end, first in zip(ends, run[::2], strict=True)]
            ends = [end + last - first for end, first, last in zip(ends, run[::2], run[1::2], strict=True)]
            moved = {**run._asdict(), **dict(zip(("by_place", "by_passage", "by_sentence"), by, strict=True))}
            for statement in _APPEND:
                db.execute(statement, moved)
        db.execute("INSERT INTO twin SELECT * FROM old.twin WHERE source_key NOT IN (SELECT value FROM json_each(?))",
                   (json.dumps(part.dropped),))  # fmt: skip
        db.execute("INSERT INTO abbreviation SELECT * FROM old.abbreviation WHERE true "
                   "ON CONFLICT DO UPDATE SET sources = sources + excluded.sources")  # fmt: skip
        db.executemany("UPDATE abbreviation SET sources = sources - ? WHERE short = ? AND long = ?",
                       ((count, *pair) for pair, count in part.undefined.items()))  # fmt: skip
        db.execute("COMMIT")
        db.execute("DETACH old")
    db.execute("BEGIN")
    db.execute("DELETE FROM abbreviation WHERE sources <= 0")
    db.executemany("INSERT INTO term VALUES (?,?,?)", vocabulary)
    db.execute("COMMIT")
    db.executescript(_LOOKUPS)
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

    def close(self) -> None:
        self._db.close()

    def passage(self, row: int) -> Passage:
        (record,) = self._db.execute("SELECT record FROM passage WHERE row = ?", (row,)).fetchone()
        return Passage.model_validate_json(record)

    def passage_ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of these passages, in the order of ``rows``; no record is read."""
        # One parameter, whatever their number, so that SQLite's bound on parameters does not matter.
        found: dict[int, str] = dict(self._db.execute(
            "SELECT row, passage_id FROM passage WHERE row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        ))  # fmt: skip
        return [found[row] for row in rows]

    def row_of(self, passage_id: str) -> int | None:
        found = self._db.execute("SELECT row FROM passage WHERE passage_id = ?", (passage_id,)).fetchone()
        return int(found[0]) if found else None

    def rows_of(self, passage_ids: Collection[str]) -> dict[str, int]:
        """Rows of those of ``passage_ids`` that the segment has, by id."""
        return dict(self._db.execute(
            "SELECT passage_id, row FROM passage WHERE passage_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(passage_ids)),),
        ))  # fmt: skip

    def with_text(self, text_digest: bytes) -> list[Owner]:
        """The passages whose text has this digest, in the order of their rows."""
        found = self._db.execute("SELECT passage_id, json_extract(record, '$.source_key') FROM passage "
                                 "WHERE text_digest = ? ORDER BY row", (text_digest,))  # fmt: skip
        return [Owner(*row) for row in found]

    def twin(self, passage_id: str) -> Twin | None:
        """A passage of this segment that is stored under another's."""
        found = self._db.execute(
            "SELECT record, of_passage, of_source FROM twin WHERE passage_id = ?", (passage_id,)
        ).fetchone()
        return Twin(Passage.model_validate_json(found[0]), *found[1:]) if found else None

    def twins_of(self, passage_id: str) -> list[Passage]:
        """The passages of this segment's sources that are stored under ``passage_id``, sorted by their ids."""
        found = self._db.execute("SELECT record FROM twin WHERE of_passage = ? ORDER BY passage_id", (passage_id,))
        return [Passage.model_validate_json(record) for (record,) in found]

    def twin_sources(self) -> Iterator[tuple[str, Source]]:
        """For each passage that is stored under another's: the id of that one, and its own source."""
        rows = self._db.execute("SELECT of_passage, key, s.record FROM twin t JOIN source s ON key = source_key "
                                "ORDER BY key, t.passage_id")  # fmt: skip
        for _, group in groupby(rows, key=lambda row: row[1]):
            (first, _, record), *others = group
            source = Source.model_validate_json(record)
            yield from ((of_passage, source) for of_passage in (first, *(row[0] for row in others)))

    def leaning_on(self, source_key: str) -> list[tuple[str, str]]:
        """This segment's sources with a passage stored under one of ``source_key``: (key, that passage's id)."""
        return list(self._db.execute("SELECT source_key, of_passage FROM twin WHERE of_source = ?", (source_key,)))

    def leans(self, key: str) -> bool:
        """Whether a source has a passage that is stored under another's."""
        return bool(self._db.execute("SELECT 1 FROM twin WHERE source_key = ? LIMIT 1", (key,)).fetchone())

    def holds(self, passage_id: str) -> bool:
        return self.row_of(passage_id) is not None or self.twin(passage_id) is not None

    def passages_of(self, key: str) -> list[Passage]:
        """All passages of a source, those stored under another's last."""
        placed = self.placed(key)
        own = [self.passage(placed.first + i) for i in range(placed.passages)] if placed else []
        twins = self._db.execute("SELECT record FROM twin WHERE source_key = ? ORDER BY passage_id", (key,))
        return own + [Passage.model_validate_json(record) for (record,) in twins]

    def source(self, key: str) -> Source | None:
        found = self._db.execute("SELECT record FROM source WHERE key = ?", (key,)).fetchone()
        return Source.model_validate_json(found[0]) if found else None

    def sources(self) -> Iterator[Source]:
        """All sources, in the order of their keys."""
        for (record,) in self._db.execute("SELECT record FROM source ORDER BY key"):
            yield Source.model_validate_json(record)

    def document(self, key: str) -> Document:
        """The document as it was read: ``text[passage.start:passage.end] == passage.text``."""
        record, text, blocks, cites = self._db.execute(
            "SELECT record, text, blocks, cites FROM source WHERE key = ?", (key,)
        ).fetchone()
        fields = {"source": json.loads(record), "text": text, "blocks": json.loads(blocks), "cites": json.loads(cites)}
        return Document.model_validate(fields)

    def source_keys(self) -> frozenset[str]:
        """Keys of all sources."""
        return frozenset(self.source_order())

    def source_order(self) -> list[str]:
        """Keys of all sources, in the order in which they were added."""
        # The index has both columns, and the table all texts.
        found = self._db.execute("SELECT key FROM source INDEXED BY source_key ORDER BY place")
        return [key for (key,) in found]

    def placed(self, key: str) -> Placed | None:
        found = self._db.execute(
            "SELECT digest, place, first_passage, passages FROM source WHERE key = ?", (key,)
        ).fetchone()
        return Placed(*found) if found else None

    def digests(self) -> Iterator[str]:
        """Digests of all documents, sorted."""
        for (digest,) in self._db.execute("SELECT digest FROM source ORDER BY digest"):
            yield digest

    def placed_digests(self) -> Iterator[tuple[int, str]]:
        """(place, digest) of all documents, in their order."""
        yield from self._db.execute("SELECT place, digest FROM source INDEXED BY source_digest ORDER BY place")

    def vocabulary(self) -> Iterator[tuple[str, int, int]]:
        """(term, term id, number of passages that have it), sorted."""
        yield from self._db.execute("SELECT term, term_id, df FROM term ORDER BY term")

    def sentences(self, passage_rows: Sequence[int]) -> list[SentenceRecord]:
        """Sentences of these passages, in the order of their rows."""
        marks = ",".join("?" * len(passage_rows))
        rows = self._db.execute(
            f"SELECT * FROM sentence WHERE row IN (SELECT s.row FROM passage p JOIN sentence s ON s.row >= "  # noqa: S608
            f"p.first_sentence AND s.row < p.first_sentence + p.sentences WHERE p.row IN ({marks})) ORDER BY row",
            list(passage_rows),
        ).fetchall()
        return [SentenceRecord(r[0], r[1], r[2], r[3], Role(r[4]), tuple(json.loads(r[5]))) for r in rows]

    def terms(self, terms: Iterable[str]) -> dict[str, TermStats]:
        """Statistics of those terms that the segment has."""
        rows = self._db.execute(
            "SELECT * FROM term WHERE term IN (SELECT value FROM json_each(?))", (json.dumps(sorted(set(terms))),)
        )
        return {term: TermStats(term_id, df) for term, term_id, df in rows}

    def abbreviations(self) -> Iterator[tuple[str, str, int]]:
        """(short form, long form, sources that define it), sorted."""
        yield from self._db.execute("SELECT short, long, sources FROM abbreviation ORDER BY short, long")
