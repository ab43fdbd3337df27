"""One immutable snapshot, opened: its segments as one, with the encoder and the analysis that made them.

``indexes/README.md`` describes the format on disk.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.domain import Filter, Passage, Source
from rag.errors import NotFoundError, SnapshotError
from rag.index import archive
from rag.index.batching import BatchingEncoder, brief_encoder, shared_encoder, shared_words
from rag.index.encoder import WordEncoder, sha256
from rag.index.library import Dense, Lexical, Library, SentenceVectors
from rag.index.manifest import ENCODERS, current_id, read_manifest, segment_folder
from rag.index.owners import Owners
from rag.index.segment import RECORD, Segment, damaged, read_segment
from rag.index.selections import Selections
from rag.index.shelf import Shelf
from rag.language.lexicon import TABLE, Lexicon
from rag.language.terms import ANALYSIS_VERSION, Analyzer

#: Files up to this size are hashed whenever a snapshot is opened, until so much is hashed in all: so that opening does
#: not grow with the corpus. The rest is compared by ``osler index verify``.
HASHED_AT_OPENING = 16 * 2**20
HASHED_IN_ALL = 16 * 2**20
#: So many abbreviations, those that most sources define, are understood in questions.
MOST_ABBREVIATIONS = 5000


class Snapshot:
    """An opened snapshot.

    Args:
        index_dir: the folder of the index.
        snapshot_id: which one; the current one when absent.
        is_brief: it is opened for a single question, so that starting counts for more than answering.

    Raises:
        SnapshotError: there is none, it is damaged, or it is of another format.
    """

    def __init__(self, index_dir: Path, snapshot_id: str | None = None, *, is_brief: bool = False) -> None:
        self.snapshot_id = snapshot_id or current_id(index_dir)
        self.index_dir = index_dir
        self._encoder_of = brief_encoder if is_brief else shared_encoder
        self.manifest = read_manifest(index_dir, self.snapshot_id)
        if (self.manifest["lexicon_sha256"], self.manifest["analysis_version"]) != (sha256(TABLE), ANALYSIS_VERSION):
            raise SnapshotError(
                f"snapshot {self.snapshot_id} of {index_dir}: its terms were made with another lexicon or analysis "
                "than this version's; run `osler index build` to make it again"
            )
        self.segments = open_segments(index_dir, self.manifest)
        self.store = Library(self.segments)
        self.dense = Dense(self.segments)
        self.lexical = Lexical(self.segments, self.store)
        self.sentence_vectors = SentenceVectors(self.segments)
        self.owners = Owners(self.segments)
        self.shelf = Shelf(self.segments)
        self._selections = Selections(self.segments, self.store)

    @cached_property
    def encoder(self) -> BatchingEncoder:
        """The encoder that made the vectors; loaded when it is first used, once for all snapshots that it made."""
        return self._encoder_of(self.index_dir / ENCODERS / self.manifest["encoder_id"])

    @cached_property
    def words(self) -> WordEncoder:
        """The same model with what it makes of each word; loaded when it is first used, once for all snapshots."""
        return shared_words(self.index_dir / ENCODERS / self.manifest["encoder_id"])

    @cached_property
    def table(self) -> Lexicon:
        """The concepts known beforehand."""
        return Lexicon.load()

    @cached_property
    def analyzer(self) -> Analyzer:
        """The analysis for questions: the lexicon with the abbreviations that the corpus defines most."""
        return Analyzer(self.table.extended(self.abbreviations))

    @cached_property
    def mined_forms(self) -> dict[str, tuple[str, ...]]:
        """By the concept that it stands for, each abbreviation that is understood with its long form."""
        found: dict[str, list[str]] = {}
        for short, long in self.abbreviations:
            found.setdefault(long.lower(), []).extend((short, long))
        return {concept: tuple(dict.fromkeys(forms)) for concept, forms in found.items()}

    @property
    def abbreviations(self) -> list[tuple[str, str]]:
        """(short form, long form), sorted by the short form."""
        return list(self.manifest["abbreviations"].items())

    @property
    def corpus_digest(self) -> str:
        return str(self.manifest["corpus_digest"])

    def selection(self, within: Filter | None) -> NDArray[np.bool_] | None:
        """Which rows a filter leaves, shape (passages,), read-only; nothing when it leaves all.

        Raises:
            NotFoundError: it names a source or a document set that the snapshot does not have.
        """
        return self._selections.of(within) if within and within.restricts else None

    def passage(self, passage_id: str) -> tuple[Passage, Source]:
        """A passage with its source, also one of a version that was replaced since.

        Raises:
            NotFoundError: neither the snapshot nor the archive holds that id.
        """
        try:
            passage = self.store.find(passage_id)
        except NotFoundError:
            replaced = archive.find(self.index_dir, passage_id)
            if replaced:
                return replaced
            raise
        return passage, self.store.source(passage.source_key)

    def close(self) -> None:
        self.store.close()
        self.shelf.close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_segments(index_dir: Path, manifest: dict[str, Any]) -> list[Segment]:
    """The segments of a manifest, opened. Raises ``SnapshotError`` for the first that is missing or damaged."""
    opened: list[Segment] = []
    hashed = 0
    for entry in manifest["segments"]:
        folder = segment_folder(index_dir, str(entry["segment_id"]))
        problems = segment_problems(folder, entry, HASHED_AT_OPENING if hashed < HASHED_IN_ALL else 0)
        if problems:
            for segment in opened:
                segment.close()
            raise SnapshotError(f"segment {folder}: {problems[0]}; run `osler index build` to make it again")
        opened.append(Segment(folder))
        hashed += sum(f["bytes"] for f in opened[-1].record["files"].values() if f["bytes"] <= HASHED_AT_OPENING)
    return opened


def segment_problems(folder: Path, entry: Mapping[str, Any], largest: int | None = None) -> list[str]:
    """What of a segment does not match its entry in a manifest; contents are compared up to ``largest`` bytes."""
    record = folder / RECORD
    if not record.is_file():
        return [f"{RECORD} is missing"]
    if "sha256" in entry and sha256(record) != entry["sha256"]:
        return [f"{RECORD} is damaged"]
    try:
        return damaged(folder, read_segment(folder), largest)
    except SnapshotError as error:
        return [str(error)]


def commonest(segments: Sequence[Segment]) -> list[tuple[str, str]]:
    """The long form that most sources give each short form, for those short forms that most define.

    Ties go to the form that comes first in the alphabet. Reads all abbreviations of all segments, which takes about
    2 µs for each: a build does, and an opened snapshot reads what it found.
    """
    rows = heapq.merge(*(s.store.abbreviations() for s in segments))
    meanings = (_meaning(short, group) for short, group in groupby(rows, key=lambda row: row[0]))
    most = heapq.nsmallest(MOST_ABBREVIATIONS, meanings, key=lambda found: (-found[2], found[0]))
    return sorted((short, long) for short, long, _ in most)


def _meaning(short: str, rows: Iterable[tuple[str, str, int]]) -> tuple[str, str, int]:
    longs: Counter[str] = Counter()
    for _, long, sources in rows:
        longs[long] += sources
    long = min(longs, key=lambda form: (-longs[form], form))
    return short, long, longs[long]
