"""A segment: some documents of a corpus with all that searching them needs, in one folder that is never changed.

A snapshot is a list of segments. Adding documents makes new segments; removing some makes those anew that held them.
What a segment stores does not depend on the rest of the corpus, so that the same documents answer alike however they
are spread.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.domain import Document, Passage
from rag.errors import SnapshotError
from rag.index.arrays import ArrayFile
from rag.index.columns import FILES as COLUMNS
from rag.index.columns import Columns, ColumnsWriter
from rag.index.encoder import sha256
from rag.index.lexical import FILES as POSTINGS
from rag.index.lexical import Postings, PostingsWriter
from rag.index.store import Owner, SentenceRecord, Store, StoreWriter, Twin
from rag.index.vectors import COMPRESSED_FROM, DenseIndex, DenseWriter, Halves, write_compressed
from rag.ingest.duplicates import Keys, band_keys, signatures
from rag.ingest.split import context, split
from rag.language.abbreviations import definitions
from rag.language.lexicon import Lexicon
from rag.language.roles import role_of
from rag.language.terms import Analyzer

STORE = "store.sqlite"
PASSAGE_VECTORS = "passages.faiss"
SENTENCE_VECTORS = "sentences.npy"
RECORD = "segment.json"
BAND_KEYS = "bands.npy"
SENTENCE_STARTS = "sentences.starts.npy"
#: Arrays with a row for each passage. A number in them means the same in every segment, so that rows are copied as
#: they are when segments are made one or a segment is made without some of its sources (``rag.index.merge``).
PER_PASSAGE = (BAND_KEYS, *COLUMNS)
FILES = (STORE, PASSAGE_VECTORS, SENTENCE_VECTORS, SENTENCE_STARTS, *PER_PASSAGE, *POSTINGS)
#: Only segments of at least ``COMPRESSED_FROM`` passages have this one.
COMPRESSED_VECTORS = "passages.ivf.faiss"
#: Texts that are embedded together: enough to sort by length, few enough to hold.
_PENDING = 2048

Known = Mapping[str, NDArray[np.float16]]
"""Vectors by text, of texts that were embedded before."""


class Counts(NamedTuple):
    """What a segment holds; ``terms`` is the sum of its passages' lengths in terms."""

    sources: int
    passages: int
    sentences: int
    terms: int


def digest_of(document: Document) -> str:
    """Digest of a document, its source, text, blocks and citations: 32 hexadecimal digits."""
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()[:32]


def digest_of_text(text: str) -> bytes:
    """By which passages with the same words find each other."""
    return hashlib.sha256(text.encode()).digest()[:16]


class SegmentWriter:
    """Writes one segment into an empty folder, document by document; memory grows with its postings only.

    Args:
        folder: where; the folder is a segment when ``finish`` has returned.
        lexicon: concepts known beforehand; each document's own abbreviations are added for it alone.
        encode: texts to unit vectors, 16-bit floats, in their order.
        twin_of: another standing source's passage elsewhere in the corpus, by the digest of its text and the key of the
            source that asks, if there is one.
    """

    def __init__(self, folder: Path, lexicon: Lexicon, encode: Callable[[Sequence[str]], Halves],
                 twin_of: Callable[[bytes, str], Owner | None]) -> None:  # fmt: skip
        self.folder, self._lexicon, self._encode, self._elsewhere = folder, lexicon, encode, twin_of
        self._analyzer = Analyzer(lexicon)
        self._store = StoreWriter(folder / STORE)
        self._postings = PostingsWriter()
        self._columns = ColumnsWriter()
        self._passages = _Embedding(DenseWriter(folder / PASSAGE_VECTORS))
        self._sentences = _Embedding(ArrayFile(folder / SENTENCE_VECTORS, np.float16))
        self._texts: list[str] = []  # whose band keys are not computed yet
        self._band_keys: list[Keys] = []
        self._starts = array("q")  # the first sentence of each passage
        self._held: dict[bytes, Owner] = {}
        self._title: tuple[str, Analyzer, list[str]] = ("", self._analyzer, [])
        self._abbreviations: Counter[tuple[str, str]] = Counter()
        self._digests: list[str] = []
        self.sources = self.passages = self._sentence_rows = 0

    def add(self, document: Document, digest: str, known: Known) -> None:
        """One document. ``known`` are vectors of its earlier version, which are not computed again.

        Raises:
            CorpusError: it says something of itself that cannot be; nothing of it was written.
        """
        passages = split(document)
        pairs = sorted(set(definitions(document.text)))
        self._abbreviations.update(pairs)
        self._digests.append(digest)
        analyzer = Analyzer(self._lexicon.extended(pairs)) if pairs else self._analyzer
        first = self.passages
        rows, twins, sentences = [], list[Twin](), list[SentenceRecord]()
        for passage in passages:
            text_digest = digest_of_text(passage.text)
            twin = self._twin(text_digest, document.source.key) if document.source.stands else None
            if twin:
                twins.append(Twin(passage, twin.passage_id, twin.source_key))
                continue
            rows.append((self.passages, passage, text_digest, self._sentence_rows))
            self._starts.append(self._sentence_rows)
            embedded = context(passage, document.source)
            # Title and headings say what a passage is about: their words count twice.
            terms = 2 * self._title_terms(embedded.removesuffix(passage.text), analyzer)
            sentences += self._analysed(passage, analyzer, known, terms)
            self._postings.add(terms)
            self._passages.put(embedded, known)
            self._texts.append(passage.text)
            self.passages += 1
            if document.source.stands:
                self._held[text_digest] = Owner(passage.passage_id, passage.source_key)
        self._store.add(document, digest, rows, twins, sentences, first)
        self._columns.add(document.source, len(rows))
        self.sources += 1
        if len(self._passages.new) + len(self._sentences.new) >= _PENDING:
            self._embed()

    def _twin(self, text_digest: bytes, key: str) -> Owner | None:
        return self._held.get(text_digest) or self._elsewhere(text_digest, key)

    def _title_terms(self, text: str, analyzer: Analyzer) -> list[str]:
        """Terms of a title and headings, which neighbouring passages share."""
        if self._title[:2] != (text, analyzer):
            self._title = (text, analyzer, analyzer.index_terms(text))
        return self._title[2]

    def _analysed(self, passage: Passage, analyzer: Analyzer, known: Known, terms: list[str]) -> Iterator[
        SentenceRecord
    ]:  # fmt: skip
        """Sentences of a passage; their terms for lexical search are added to ``terms``."""
        for start, end in passage.sentences:
            text = passage.text[start:end]
            found, content = analyzer.both(text)
            terms += found
            role = role_of(text, passage.heading_path)
            yield SentenceRecord(self._sentence_rows, self.passages, start, end, role, tuple(content))
            self._sentences.put(text, known)
            self._sentence_rows += 1

    def _embed(self) -> None:
        new = [*self._passages.new, *self._sentences.new]  # together, so that like lengths share a batch
        vectors = self._encode(new) if new else np.empty((0, 0), np.float16)
        passages = len(self._passages.new)
        self._passages.write(vectors[:passages])
        self._sentences.write(vectors[passages:])
        self._band_keys.append(band_keys(signatures(self._texts)))
        self._texts = []

    def finish(self, rules: Mapping[str, Any]) -> str:
        """Writes what is left and the record; returns the segment's id, a digest of ``rules`` and the documents."""
        self._embed()
        folder = self.folder
        vocabulary = self._postings.write(folder)
        self._columns.write(folder)
        self._passages.target.finish()
        self._sentences.target.finish()
        np.save(folder / SENTENCE_STARTS, np.array([*self._starts, self._sentence_rows], np.int64))
        np.save(folder / BAND_KEYS, np.concatenate(self._band_keys))
        self._store.finish(vocabulary, ((*pair, n) for pair, n in sorted(self._abbreviations.items())))
        counts = Counts(self.sources, self.passages, self._sentence_rows, self._postings.total_length)
        return write_record(folder, self._digests, rules, counts)

    def close(self) -> None:
        """Gives up a segment that is not finished."""
        self._store.close()
        self._sentences.target.close()


def write_record(folder: Path, digests: Iterable[str], rules: Mapping[str, Any], counts: Counts) -> str:
    """Writes the record of a segment whose ``FILES`` are all there, and what is made from those of a large one.

    Returns its id, a digest of documents and ``rules``.
    """
    segment_id = segment_id_of(digests, rules)
    names: tuple[str, ...] = FILES
    if counts.passages >= COMPRESSED_FROM:
        write_compressed(DenseIndex(folder / PASSAGE_VECTORS), folder / COMPRESSED_VECTORS)
        names = (*FILES, COMPRESSED_VECTORS)
    files = {n: {"bytes": (folder / n).stat().st_size, "sha256": sha256(folder / n)} for n in names}
    record = {"segment_id": segment_id, "rules": dict(rules), "counts": counts._asdict(), "files": files}
    (folder / RECORD).write_text(_written(record), "utf-8")
    return segment_id


def segment_id_of(digests: Iterable[str], rules: Mapping[str, Any]) -> str:
    """Digest of the documents, from theirs in their order, and of ``rules``: 16 hexadecimal digits."""
    whole = hashlib.sha256(json.dumps(dict(rules), sort_keys=True).encode())
    for digest in digests:
        whole.update(digest.encode())
    return whole.hexdigest()[:16]


class _Embedding:
    """Texts on their way to a file of vectors, in the order in which they came."""

    def __init__(self, target: DenseWriter | ArrayFile) -> None:
        self.target = target
        self.new: list[str] = []
        self._order: list[NDArray[np.float16] | None] = []

    def put(self, text: str, known: Known) -> None:
        vector = known.get(text)
        self._order.append(vector)
        if vector is None:
            self.new.append(text)

    def write(self, vectors: Halves) -> None:
        """``vectors`` are those of ``new``."""
        computed = iter(vectors)
        ordered = [next(computed) if vector is None else vector for vector in self._order]
        if ordered:
            self.target.add(np.stack(ordered))
        self.new, self._order = [], []


class Segment:
    """An opened segment. Everything is memory-mapped or read by page, so that opening does not read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = read_segment(folder)
        self.segment_id = str(self.record["segment_id"])
        self.counts = Counts(**self.record["counts"])
        self.store = Store(folder / STORE)
        compressed = folder / COMPRESSED_VECTORS if COMPRESSED_VECTORS in self.record["files"] else None
        self.dense = DenseIndex(folder / PASSAGE_VECTORS, compressed)
        self.postings = Postings(folder)
        self.sentence_vectors: Halves = np.load(folder / SENTENCE_VECTORS, mmap_mode="r")
        #: The first sentence of each passage, and at the end how many there are: shape (passages + 1,).
        self.sentence_starts: NDArray[np.int64] = np.load(folder / SENTENCE_STARTS, mmap_mode="r")
        self.band_keys: Keys = np.load(folder / BAND_KEYS, mmap_mode="r")

    @property
    def rules(self) -> dict[str, Any]:
        return dict(self.record["rules"])

    @cached_property
    def columns(self) -> Columns:
        return Columns.read(self.folder)

    def known(self, key: str) -> dict[str, NDArray[np.float16]]:
        """The vectors of one source's passages and sentences, by the text that each was made from."""
        placed, source = self.store.placed(key), self.store.source(key)
        if not placed or not source:
            return {}
        rows = range(placed.first, placed.first + placed.passages)
        passages = [self.store.passage(row) for row in rows]
        found = dict(zip((context(p, source) for p in passages),
                         self.dense.vectors(placed.first, placed.passages), strict=True))  # fmt: skip
        for sentence in chain.from_iterable(self.store.sentences([row]) for row in rows):
            text = passages[sentence.passage_row - placed.first].text[sentence.start : sentence.end]
            found[text] = self.sentence_vectors[sentence.row]
        return found

    def close(self) -> None:
        self.store.close()


def read_segment(folder: Path) -> dict[str, Any]:
    """The record of a segment. Raises ``SnapshotError`` when it cannot be used."""
    try:
        content = (folder / RECORD).read_text("utf-8")
        record: dict[str, Any] = json.loads(content)
        is_whole = (
            content == _written(record)
            and set(record["files"]) - {COMPRESSED_VECTORS} == set(FILES)
            and record["segment_id"] == folder.name
        )
        Counts(**record["counts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"segment {folder}: no readable {RECORD} ({error}); run `osler index build`") from error
    if not is_whole:
        raise SnapshotError(f"segment {folder}: {RECORD} is damaged; run `osler index build` to make it again")
    return record


def _written(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1) + "\n"


def damaged(folder: Path, record: Mapping[str, Any], largest: int | None = None) -> list[str]:
    """What does not match the record, one line a file; content is compared for files up to ``largest`` bytes."""
    problems = []
    for name, facts in record["files"].items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else -1
        if size < 0:
            problems.append(f"{name} is missing")
        elif size != facts.get("bytes"):
            problems.append(f"{name} is damaged: {size} bytes, expected {facts.get('bytes')}")
        elif (largest is None or size <= largest) and sha256(path) != facts.get("sha256"):
            problems.append(f"{name} is damaged: its sha256 is not the record's")
    return problems
