"""Text of a segment: sources, passages, sentences and vocabulary in one SQLite file, written once.

SQLite is opened by page, so opening does not grow with the corpus, and any tool can read it. Records that a query may
need by the hundred are JSON; what only a rewriting of the segment needs is kept as the reader gave it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.domain import Document, Passage, Role, Source
from rag.errors import SnapshotError

_SCHEMA = """
CREATE TABLE source (key TEXT PRIMARY KEY, digest TEXT NOT NULL, record TEXT NOT NULL, text TEXT NOT NULL,
                     blocks TEXT NOT NULL, cites TEXT NOT NULL, place INTEGER NOT NULL,
                     first_passage INTEGER NOT NULL, passages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE passage (row INTEGER PRIMARY KEY, passage_id TEXT UNIQUE NOT NULL, text_digest BLOB NOT NULL,
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
CREATE INDEX passage_text ON passage (text_digest);
CREATE INDEX twin_of ON twin (of_passage);
CREATE INDEX twin_of_source ON twin (of_source);
CREATE INDEX twin_source ON twin (source_key);
CREATE INDEX source_digest ON source (digest);
"""


_COPY = """
INSERT INTO source SELECT key, digest, record, text, blocks, cites, row_number() OVER (ORDER BY place) - 1,
    coalesce(sum(passages) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), passages
    FROM old.source WHERE key NOT IN gone;
INSERT INTO passage SELECT p.new, passage_id, text_digest, record, s.new, sentences
    FROM p JOIN old.passage o ON o.row = p.old JOIN s ON s.old = o.first_sentence ORDER BY p.new;
INSERT INTO sentence SELECT s.new, p.new, start, end, role, terms
    FROM s JOIN old.sentence o ON o.row = s.old JOIN p ON p.old = o.passage_row ORDER BY s.new;
INSERT INTO twin SELECT * FROM old.twin WHERE source_key NOT IN gone
""".split(";")


class Kept(NamedTuple):
    """Rows that stay, ascending."""

    passages: NDArray[np.int64]
    sentences: NDArray[np.int64]


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
    first: int
    passages: int


class StoreWriter:
    """Writes the store of one segment, document by document."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        # A half-written store is thrown away, so that a journal of it would be of no use.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")
        self._sources = 0

    def add(self, document: Document, digest: str, passages: Sequence[tuple[int, Passage, bytes, int]],
            twins: Sequence[Twin], sentences: Sequence[SentenceRecord], first_passage: int) -> None:  # fmt: skip
        """One document: passages come as (row, passage, digest of its text, row of its first sentence)."""
        source = document.source
        blocks = "[" + ",".join(b.model_dump_json(exclude_defaults=True) for b in document.blocks) + "]"
        self._db.execute(
            "INSERT INTO source VALUES (?,?,?,?,?,?,?,?,?)",
            (source.key, digest, source.model_dump_json(exclude_defaults=True), document.text, blocks,
             json.dumps(document.cites), self._sources, first_passage, len(passages)),
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


def copy_store(
    source: Path, path: Path, dropped: Collection[str], kept: Kept, frequencies: Iterable[int],
    abbreviations: Iterable[tuple[str, str, int]],
) -> None:  # fmt: skip
    """Writes a store without the sources ``dropped``: rows numbered anew, and terms with their new ``frequencies``."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(_SCHEMA)
    db.execute("ATTACH ? AS old", (str(source),))
    db.executescript("CREATE TEMP TABLE gone (key TEXT PRIMARY KEY) WITHOUT ROWID;"
                     "CREATE TEMP TABLE p (old INTEGER PRIMARY KEY, new INTEGER);"
                     "CREATE TEMP TABLE s (old INTEGER PRIMARY KEY, new INTEGER);")  # fmt: skip
    db.execute("BEGIN")
    db.executemany("INSERT INTO gone VALUES (?)", ((key,) for key in dropped))
    db.executemany("INSERT INTO p VALUES (?,?)", ((row, i) for i, row in enumerate(kept.passages.tolist())))
    db.executemany("INSERT INTO s VALUES (?,?)", ((row, i) for i, row in enumerate(kept.sentences.tolist())))
    for statement in _COPY:
        db.execute(statement)
    terms = [term for (term,) in db.execute("SELECT term FROM old.term ORDER BY term_id")]
    left = ((term, int(df)) for term, df in zip(terms, frequencies, strict=True) if df)
    db.executemany("INSERT INTO term VALUES (?,?,?)", ((term, i, df) for i, (term, df) in enumerate(left)))
    db.executemany("INSERT INTO abbreviation VALUES (?,?,?)", abbreviations)
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

    def row_of(self, passage_id: str) -> int | None:
        found = self._db.execute("SELECT row FROM passage WHERE passage_id = ?", (passage_id,)).fetchone()
        return int(found[0]) if found else None

    def with_text(self, text_digest: bytes) -> Owner | None:
        """The passage whose text has this digest."""
        found = self._db.execute("SELECT passage_id, json_extract(record, '$.source_key') FROM passage "
                                 "WHERE text_digest = ?", (text_digest,)).fetchone()  # fmt: skip
        return Owner(*found) if found else None

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
        return [key for (key,) in self._db.execute("SELECT key FROM source ORDER BY place")]

    def placed(self, key: str) -> Placed | None:
        found = self._db.execute("SELECT digest, first_passage, passages FROM source WHERE key = ?", (key,)).fetchone()
        return Placed(*found) if found else None

    def sentence_span(self, first: int, passages: int) -> tuple[int, int]:
        """Rows of the sentences of passages ``first`` to ``first + passages``, half-open; there is at least one."""
        low, high = self._db.execute(
            "SELECT min(first_sentence), max(first_sentence + sentences) FROM passage WHERE row >= ? AND row < ?",
            (first, first + passages),
        ).fetchone()
        return int(low), int(high)

    def digests(self) -> Iterator[str]:
        """Digests of all documents, sorted."""
        for (digest,) in self._db.execute("SELECT digest FROM source ORDER BY digest"):
            yield digest

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
        wanted = sorted(set(terms))
        marks = ",".join("?" * len(wanted))
        rows = self._db.execute(f"SELECT * FROM term WHERE term IN ({marks})", wanted)  # noqa: S608  question marks
        return {term: TermStats(term_id, df) for term, term_id, df in rows}

    def abbreviations(self) -> Iterator[tuple[str, str, int]]:
        """(short form, long form, sources that define it), sorted."""
        yield from self._db.execute("SELECT short, long, sources FROM abbreviation ORDER BY short, long")
