"""From documents to a published snapshot: written aside, synced, then made current by one rename.

A build that is killed leaves the published snapshot as it was; the vectors it had computed are in the cache, so that
the next build goes on from there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag.domain import Document, Passage
from rag.errors import BusyError, CorpusError, SnapshotError
from rag.index.encoder import Encoder, OnnxEncoder, Vectors, sha256
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.lexical import write_postings
from rag.index.snapshot import (
    CURRENT,
    FILES,
    FORMAT_VERSION,
    MANIFEST,
    PASSAGE_VECTORS,
    SENTENCE_VECTORS,
    SHAPED_BY,
    STORE,
    damaged,
    read_manifest,
    snapshot_id_of,
)  # fmt: skip
from rag.index.store import SentenceRecord, write_store
from rag.index.vectors import write_vectors
from rag.ingest.split import SPLITTER_VERSION, split
from rag.language.abbreviations import abbreviations
from rag.language.lexicon import TABLE, Lexicon
from rag.language.roles import role_of
from rag.language.terms import ANALYSIS_VERSION, Analyzer

_BATCH = 64

Progress = Callable[[str, int, int], None]
"""Called with the step's name, how much is done and how much there is."""


class Built(NamedTuple):
    """``embedded`` texts were new to the vector cache; ``reused`` says that the snapshot was already there."""

    snapshot_id: str
    folder: Path
    sources: int
    passages: int
    embedded: int
    reused: bool


def build(
    documents: Sequence[Document],
    index_dir: Path,
    *,
    model: str = PACKAGED_MODEL,
    progress: Progress = lambda step, done, total: None,
) -> Built:
    """Publishes the snapshot of ``documents`` under ``index_dir``; a no-op when it is already current.

    Raises:
        CorpusError: no documents, none with text, or two with the same key.
        BusyError: another build holds ``index_dir``.
        EncoderError: the model cannot be used.
    """
    documents = _checked(documents)
    with _lock(index_dir):
        _sweep(index_dir)
        progress("model", 0, 1)
        encoder = OnnxEncoder(export_encoder(model, index_dir / "encoders"), threads=0)
        passages = [p for d in documents for p in split(d)]
        facts = _facts(documents, encoder.encoder_id)
        snapshot_id = facts["snapshot_id"]
        folder = index_dir / "snapshots" / snapshot_id
        is_whole, embedded = _is_whole(folder), 0
        if not is_whole:
            shutil.rmtree(folder, ignore_errors=True)
            embedded = _write(documents, passages, index_dir, folder, encoder, facts, progress)
        _publish(index_dir, snapshot_id)
        return Built(snapshot_id, folder, len(documents), len(passages), embedded, is_whole)


def _checked(documents: Sequence[Document]) -> list[Document]:
    if not any(d.blocks for d in documents):
        raise CorpusError(f"{len(documents)} documents: none has text; expected at least one passage to index")
    ordered = sorted(documents, key=lambda d: d.source.key)
    for one, other in pairwise(ordered):
        if one.source.key == other.source.key:
            raise CorpusError(f"source key {one.source.key!r}: used by two documents; keys must be unique")
    return ordered


@contextmanager
def _lock(index_dir: Path) -> Iterator[None]:
    try:
        index_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SnapshotError(
            f"index {index_dir}: cannot be made ({error}); expected a folder that can be written"
        ) from error
    with (index_dir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"index {index_dir}: another build is running; wait for it to end") from None
        yield  # the lock ends with the file, also when the process is killed


def _sweep(index_dir: Path) -> None:
    """Removes what killed builds left over: the lock says that nobody writes it any more."""
    for left_over in (*index_dir.glob("snapshots/.building-*"), *index_dir.glob("encoders/.export-*")):
        shutil.rmtree(left_over)


def _is_whole(folder: Path) -> bool:
    try:
        return not damaged(folder, read_manifest(folder))
    except SnapshotError:
        return False


def _facts(documents: Sequence[Document], encoder_id: str) -> dict[str, Any]:
    """What shapes the snapshot, and its id: the manifest but for the files."""
    values = (
        FORMAT_VERSION, SPLITTER_VERSION, ANALYSIS_VERSION, sha256(TABLE), encoder_id, corpus_digest(documents),
    )  # fmt: skip
    facts = dict(zip(SHAPED_BY, values, strict=True))
    return {**facts, "snapshot_id": snapshot_id_of(facts)}


def corpus_digest(documents: Sequence[Document]) -> str:
    """Digest of all documents, independent of their order."""
    lines = sorted(hashlib.sha256(d.model_dump_json().encode()).hexdigest() for d in documents)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def embedding_text(passage: Passage, title: str) -> str:
    """What a passage's vector is made from: its text under its source's title."""
    return f"{title}. {passage.text}"


def _write(
    documents: Sequence[Document], passages: Sequence[Passage], index_dir: Path, folder: Path, encoder: Encoder,
    facts: dict[str, Any], progress: Progress,
) -> int:  # fmt: skip
    snapshots = folder.parent
    snapshots.mkdir(exist_ok=True)
    aside = snapshots / f".building-{folder.name}"
    aside.mkdir()
    pairs = abbreviations(d.text for d in documents)
    analyzer = Analyzer(Lexicon.load().extended(pairs))
    sentences = list(_sentences(passages, analyzer))
    titles = {d.source.key: d.source.title for d in documents}
    texts = [embedding_text(p, titles[p.source_key]) for p in passages]
    texts += [passages[s.passage_row].text[s.start : s.end] for s in sentences]
    with _VectorCache(index_dir / "cache" / f"{encoder.encoder_id}.sqlite", encoder) as cache:
        vectors = cache.encode(texts, progress)
    write_vectors(vectors[: len(passages)], aside / PASSAGE_VECTORS)
    np.save(aside / SENTENCE_VECTORS, vectors[len(passages) :])
    terms = [analyzer.index_terms(f"{titles[p.source_key]}. {p.text}") for p in passages]
    vocabulary = write_postings(terms, aside)
    write_store(aside / STORE, documents, passages, sentences, vocabulary, pairs)
    _write_manifest(aside, facts)
    _sync(aside)
    aside.rename(folder)
    _sync_folder(snapshots)
    return cache.computed


def _sentences(passages: Sequence[Passage], analyzer: Analyzer) -> Iterator[SentenceRecord]:
    row = 0
    for passage_row, passage in enumerate(passages):
        for start, end in passage.sentences:
            text = passage.text[start:end]
            role = role_of(text, passage.heading_path)
            yield SentenceRecord(row, passage_row, start, end, role, tuple(analyzer.content_terms(text)))
            row += 1


def _write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    files = {n: {"bytes": (folder / n).stat().st_size, "sha256": sha256(folder / n)} for n in FILES}
    manifest = {**facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _publish(index_dir: Path, snapshot_id: str) -> None:
    published = index_dir / CURRENT
    if published.is_file() and published.read_text("ascii").strip() == snapshot_id:
        return
    aside = index_dir / f".{CURRENT}"
    aside.write_text(snapshot_id + "\n", "ascii")
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.rename(published)
    _sync_folder(index_dir)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _VectorCache:
    """Vectors by the text's hash, one file per encoder; what is computed is kept batch by batch."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        path.parent.mkdir(exist_ok=True)
        self._path, self._db = path, sqlite3.connect(path)
        self._encoder = encoder
        self.computed = 0

    def __enter__(self) -> _VectorCache:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def encode(self, texts: Sequence[str], progress: Progress) -> Vectors:
        try:
            return self._encode(texts, progress)
        except sqlite3.DatabaseError as error:
            raise SnapshotError(
                f"vector cache {self._path}: cannot be used ({error}); delete it and run `osler index build` again"
            ) from error

    def _encode(self, texts: Sequence[str], progress: Progress) -> Vectors:
        self._db.execute("CREATE TABLE IF NOT EXISTS vector (hash BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        hashes = [hashlib.sha256(t.encode()).digest() for t in texts]
        missing = {h: t for h, t in zip(hashes, texts, strict=True) if not self._get(h)}
        todo = sorted(missing.items(), key=lambda item: (len(item[1]), item[1]))  # like lengths share a batch
        for first in range(0, len(todo), _BATCH):
            progress("embed", first, len(todo))
            self._compute(todo[first : first + _BATCH])
        progress("embed", len(todo), len(todo))
        self.computed = len(todo)
        found = [np.frombuffer(self._get(h) or b"", np.float32) for h in hashes]
        return np.stack(found)

    def _compute(self, items: list[tuple[bytes, str]]) -> None:
        vectors = self._encoder.encode([text for _, text in items])
        rows = [(h, v.tobytes()) for (h, _), v in zip(items, vectors, strict=True)]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vector VALUES (?,?)", rows)

    def _get(self, key: bytes) -> bytes | None:
        found = self._db.execute("SELECT vector FROM vector WHERE hash = ?", (key,)).fetchone()
        return found[0] if found else None
