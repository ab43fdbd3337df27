"""From documents to a published snapshot: written aside, synced, then made current by one rename.

A build writes segments and ends with a manifest that lists them. What is unchanged stays in the segment it lies in;
what changed is written anew with the vectors that it had. A build that is killed leaves the published snapshot as it
was; the segments and vectors that it had finished are found by the next one.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from rag.domain import Document, Passage, Source
from rag.errors import CorpusError, EncoderError, NotFoundError
from rag.index import archive
from rag.index.encoder import Encoder, OpenVinoEncoder, sha256
from rag.index.export import PACKAGED_MODEL, encoder_id, export_encoder
from rag.index.keeping import delete_segments, locked, prune, storage, used_segments
from rag.index.live import Live, current_segments, listed_segments, orphans_among, other_segments
from rag.index.manifest import (
    CURRENT,
    ENCODERS,
    FORMAT_VERSION,
    RULES,
    SEGMENTS,
    SNAPSHOTS,
    corpus_digest,
    current_id,
    publish,
    read_manifest,
    segment_folder,
    snapshot_id_of,
    sync,
    sync_folder,
    write_manifest,
)
from rag.index.merge import compact, merge, merged_id
from rag.index.resume import Seen, VectorJournal
from rag.index.segment import RECORD, Known, Segment, SegmentWriter, digest_of
from rag.index.snapshot import commonest
from rag.index.store import Owner
from rag.index.tiers import groups, is_full
from rag.ingest.duplicates import KEYS_VERSION
from rag.ingest.progress import Progress, silent
from rag.ingest.split import SPLITTER_VERSION
from rag.language.lexicon import TABLE, Lexicon
from rag.language.terms import ANALYSIS_VERSION

#: A segment is closed when it holds so many: its vectors and postings, about 100 MB, are what a build keeps in memory.
SEGMENT_PASSAGES = 32_768

Documents = Iterable[Document | CorpusError]
"""What readers give: a document, or why there is none."""
Skip = Callable[[CorpusError], object]


def overlook(problem: CorpusError) -> None:
    """What cannot be used is passed over in silence."""


class Built(NamedTuple):
    """What a build came to.

    ``embedded`` texts had no vector yet; ``reused`` says that nothing had to be written but the list of segments.
    """

    snapshot_id: str
    sources: int
    passages: int
    embedded: int
    reused: bool


def build(documents: Documents, index_dir: Path, *, model: str = PACKAGED_MODEL, progress: Progress = silent,
          skip: Skip = overlook) -> Built:  # fmt: skip
    """Publishes the snapshot of exactly ``documents`` under ``index_dir``; a no-op when it is already current.

    ``skip`` is told of each document that cannot be used; the others go on.

    Raises:
        CorpusError: no documents, or none with text.
        BusyError: another build holds ``index_dir``.
        EncoderError: the model cannot be used.
        SnapshotError: it cannot be written, for want of space for example; what was published stays.
    """
    with _builder(index_dir, model, progress) as builder:
        builder.take(documents, skip)
        return builder.published(keeps_unseen=False)


def add(documents: Documents, index_dir: Path, *, model: str = PACKAGED_MODEL, progress: Progress = silent,
        skip: Skip = overlook) -> Built:  # fmt: skip
    """Publishes the current snapshot with ``documents`` added, those with a known key in the place of the old version.

    The passages of a replaced version stay in the archive. Raises what ``build`` raises, and ``SnapshotError`` when
    there is no current snapshot or it is damaged.
    """
    with _builder(index_dir, model, progress, needs_current=True) as builder:
        builder.take(documents, skip)
        return builder.published(keeps_unseen=True)


def remove(keys: Sequence[str], index_dir: Path, *, model: str = PACKAGED_MODEL, progress: Progress = silent) -> Built:
    """Publishes the current snapshot without the sources ``keys``, of which nothing is left: no vector, no term, no
    text, no older snapshot, nothing in the archive.

    Raises:
        NotFoundError: a key that the snapshot does not hold.
        CorpusError: nothing would be left.
        BusyError, SnapshotError: as ``add``.
    """
    with _builder(index_dir, model, progress, needs_current=True) as builder:
        builder.check_holds(keys)
        built = builder.published(keeps_unseen=True, without=frozenset(keys))
        archive.forget(index_dir, keys)
        prune(index_dir, heeds_pins=False)
        return built


@contextmanager
def _builder(index_dir: Path, model: str, progress: Progress, needs_current: bool = False) -> Iterator[_Builder]:
    if needs_current:
        made_with = read_manifest(index_dir, current_id(index_dir))["encoder_id"]
        if made_with != encoder_id(model):
            raise EncoderError(
                f"index {index_dir}: made with encoder {made_with}, not with {model!r}, which is {encoder_id(model)}; "
                "name the model that it was made with, or build it again"
            )
    with locked(index_dir), storage(index_dir):
        builder = _Builder(index_dir, model, progress, needs_current)
        try:
            yield builder
        finally:
            builder.close()


class _Builder:
    """One change of an index: takes documents, then publishes what is live.

    ``_current`` are the segments of the current snapshot, ``_others`` those of older ones and of a build that was
    killed, from which what was made before is taken, and ``_written`` the new ones, all of which is live.
    """

    def __init__(self, index_dir: Path, model: str, progress: Progress, is_strict: bool) -> None:
        self._index_dir, self._model, self._progress = index_dir, model, progress
        for left_over in (*index_dir.glob(f"{SEGMENTS}/.building-*"), *index_dir.glob(f"{ENCODERS}/.export-*")):
            shutil.rmtree(left_over)
        for half in (*index_dir.glob(f"{SNAPSHOTS}/.*"), *index_dir.glob(f".{CURRENT}")):
            half.unlink()
        (index_dir / SEGMENTS).mkdir(exist_ok=True)
        values = (FORMAT_VERSION, SPLITTER_VERSION, KEYS_VERSION, ANALYSIS_VERSION, sha256(TABLE), encoder_id(model))
        self._rules = dict(zip(RULES, values, strict=True))
        self._current = current_segments(index_dir, is_strict)
        self._others = other_segments(index_dir, {s.segment_id for s in self._current})
        self._opened = [*self._current, *self._others]
        self._written: list[Segment] = []
        self._has_written = False
        self._writer: SegmentWriter | None = None
        self._seen = Seen()
        self._vectors = VectorJournal(index_dir, lambda: self._encoder, progress)
        self._facts: dict[str, Any] = {}
        #: Where a passage with the same words may lie; narrowed when it is known what stays.
        self._elsewhere = [*self._current, *self._others]

    @cached_property
    def _encoder(self) -> Encoder:
        self._progress("model", 0, 1)
        return OpenVinoEncoder(export_encoder(self._model, self._index_dir / ENCODERS))

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon.load()

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        for segment in self._opened:
            segment.close()
        self._seen.close()
        self._vectors.close()
        # The journal's way to the model is a cycle, and the model, of hundreds of megabytes, would wait for it.
        self.__dict__.pop("_encoder", None)

    def check_holds(self, keys: Iterable[str]) -> None:
        """Also what only an older snapshot or the archive has left, since a removal may have been interrupted."""
        for key in keys:
            is_held = any(s.store.placed(key) for s in (*self._current, *self._others))
            if not is_held and not archive.holds(self._index_dir, key):
                raise NotFoundError(f"source {key!r}: not in this index; `osler corpus list` shows the keys")

    # taking documents in

    def take(self, documents: Documents, skip: Skip) -> None:
        """Writes the documents that are new or changed, and notes where the others lie."""
        for item in documents:
            if isinstance(item, CorpusError):
                skip(item)
            elif problem := self._take(item):
                skip(problem)

    def _take(self, document: Document) -> CorpusError | None:
        key, digest = document.source.key, digest_of(document)
        given = self._seen.get(key)
        if given:
            if given[0] != digest:
                return CorpusError(f"source key {key!r}: given twice with different content; the first one is taken")
            return None
        earlier = [(s, p) for s in (*self._current, *self._others) if (p := s.store.placed(key))]
        same = next((s for s, p in earlier if p.digest == digest and s.rules == self._rules), None)
        if not same:
            try:
                self._write(document, digest, self._known([s for s, _ in earlier], key))
            except CorpusError as error:  # a statement that cannot be: it costs its document, no more
                return error
        self._seen.add(key, digest, same.segment_id if same else "")
        return None

    def _known(self, segments: Iterable[Segment], key: str) -> Known:
        """Vectors of what these segments hold of a source, as far as the same encoder made them."""
        ours = [s for s in segments if s.rules["encoder_id"] == self._rules["encoder_id"]]
        return {text: vector for s in ours for text, vector in s.known(key).items()}

    def _write(self, document: Document, digest: str, known: Known) -> None:
        if self._writer is None:
            self._writer = SegmentWriter(self._aside(), self._lexicon, self._vectors.encode, self._twin)
        self._writer.add(document, digest, known)
        if self._writer.passages >= SEGMENT_PASSAGES:
            self._finish()

    def _twin(self, text_digest: bytes, key: str) -> Owner | None:
        for segment in (*self._elsewhere, *self._written):
            for found in segment.store.with_text(text_digest):
                source = segment.store.source(found.source_key) if found.source_key != key else None
                if source and source.stands:
                    return found
        return None

    def _finish(self) -> None:
        """Closes the segment that is being written; from now on a build that is killed need not make it again."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        self._written.append(self._closed(writer.folder, writer.finish(self._rules)))
        self._vectors.start_anew()
        self._written = self._joined(self._written, is_full)

    def _aside(self) -> Path:
        aside = self._index_dir / SEGMENTS / ".building-segment"
        aside.mkdir()
        return aside

    def _closed(self, aside: Path, segment_id: str) -> Segment:
        """Puts a finished segment in its place, on disk for good."""
        folder = segment_folder(self._index_dir, segment_id)
        sync(aside)
        if folder.exists():  # of the same documents, but damaged or left by a build that was killed
            shutil.rmtree(folder)
        aside.rename(folder)
        sync_folder(folder.parent)
        self._has_written = True
        self._opened.append(Segment(folder))
        return self._opened[-1]

    # publishing what is live

    def published(self, keeps_unseen: bool, without: Collection[str] = ()) -> Built:
        """Publishes the sources that were taken, and with ``keeps_unseen`` the current ones but ``without``."""
        self._finish()
        snapshot_id = "" if keeps_unseen else self._id_of(self._seen.digests())
        entries = self._kept(snapshot_id) if snapshot_id else None
        if entries is None:
            live = Live(self._seen, self._current, self._written, keeps_unseen, without)
            stays = self._rewritten(live)
            entries = [_entry(s) for s in stays]
            if not any(e["passages"] for e in entries):
                raise CorpusError(
                    f"{sum(e['sources'] for e in entries)} documents: none has text; expected at least one passage"
                )
            snapshot_id = self._id_of(heapq.merge(*(s.store.digests() for s in stays)))
            archive.keep(self._index_dir, self._replaced(stays, live))
            if entries != listed_segments(self._index_dir, snapshot_id):
                write_manifest(self._index_dir, snapshot_id, self._facts, entries, commonest(stays))
        publish(self._index_dir, snapshot_id)
        self._tidy_up()
        sources, passages = (sum(e[name] for e in entries) for name in ("sources", "passages"))
        return Built(snapshot_id, sources, passages, self._vectors.computed, not self._has_written)

    def _kept(self, snapshot_id: str) -> list[dict[str, Any]] | None:
        """What a kept snapshot lists, if every segment of it is among those that were found whole."""
        whole = {s.segment_id: s for s in (*self._current, *self._others, *self._written)}
        entries = listed_segments(self._index_dir, snapshot_id)
        if entries is None or any(e["segment_id"] not in whole or e != _entry(whole[e["segment_id"]]) for e in entries):
            return None
        return entries

    def _id_of(self, digests: Iterable[str]) -> str:
        self._facts = {**self._rules, "corpus_digest": corpus_digest(digests)}
        return snapshot_id_of(self._facts)

    def _rewritten(self, live: Live) -> list[Segment]:
        """Segments that hold exactly what is live: those that do already, what is left of others, and new ones."""
        segments = [*self._current, *self._others, *self._written]
        dropped = {s.segment_id: live.dropped(s) for s in segments}
        orphans = orphans_among(segments, dropped)
        stays: list[Segment] = []
        for segment in segments:
            if segment.rules == self._rules:
                stays += self._without(segment, dropped[segment.segment_id] | orphans[segment.segment_id])
        self._elsewhere, self._written = stays, []
        for segment in segments:
            if segment.rules == self._rules:
                self._copy(segment, orphans[segment.segment_id])
            else:
                self._copy(segment, segment.store.source_keys() - dropped[segment.segment_id])
        self._finish()
        return self._joined([*stays, *self._written])

    def _joined(self, segments: Sequence[Segment], chosen: Callable[[int, int], bool] | None = None) -> list[Segment]:
        """The same with those made one that are too many of a size; only what ``chosen`` says of its size, if given."""
        sizes = [s.counts.passages for s in segments]
        joined = list[Segment]()
        for group in groups(sizes, SEGMENT_PASSAGES):
            parts = [segments[place] for place in group]
            if chosen is None or chosen(sum(sizes[place] for place in group), SEGMENT_PASSAGES):
                joined.append(self._one(parts))
            else:
                joined += parts
        return joined

    def _one(self, parts: Sequence[Segment]) -> Segment:
        """Several segments made one, which a build that was killed may have done already."""
        if len(parts) == 1:
            return parts[0]
        segment_id = merged_id(parts)
        whole = next((s for s in (*self._current, *self._others) if s.segment_id == segment_id), None)
        if not whole:
            aside = self._aside()
            whole = self._closed(aside, merge(parts, aside))
        used = used_segments(self._index_dir)
        unused = [part for part in parts if part.segment_id not in used]
        for part in unused:  # now, since together they may take as much room as all the corpus
            part.close()
            self._opened.remove(part)
        delete_segments(self._index_dir, [part.segment_id for part in unused])
        return whole

    def _without(self, segment: Segment, dropped: Collection[str]) -> list[Segment]:
        """What is left of a segment without some sources: itself, a smaller copy, or nothing."""
        if not dropped or len(dropped) == segment.counts.sources:
            return [] if dropped else [segment]
        aside = self._aside()
        return [self._closed(aside, compact(segment, dropped, aside))]

    def _copy(self, segment: Segment, keys: Collection[str]) -> None:
        """Writes sources of a segment anew, with their vectors; those under which others are stored come first."""
        ordered = (key for key in segment.store.source_order() if key in keys)
        for key in sorted(ordered, key=segment.store.leans):
            document = segment.store.document(key)
            self._write(document, digest_of(document), self._known([segment], key))

    def _replaced(self, stays: Sequence[Segment], live: Live) -> Iterator[tuple[Passage, Source]]:
        """Passages of the current snapshot that a newer version of their source does not have any more."""
        for segment in self._current:
            for key in live.replaced(segment):
                source = segment.store.source(key)
                for passage in segment.store.passages_of(key):
                    if source and not any(s.store.holds(passage.passage_id) for s in stays):
                        yield passage, source

    def _tidy_up(self) -> None:
        """Removes segments that no snapshot lists, and what was only for resuming."""
        self._vectors.delete()
        used = used_segments(self._index_dir)
        present = [p.name for p in (self._index_dir / SEGMENTS).iterdir()]
        delete_segments(self._index_dir, [name for name in present if name not in used])


def _entry(segment: Segment) -> dict[str, Any]:
    """A segment in a manifest."""
    record = sha256(segment.folder / RECORD)
    return {"segment_id": segment.segment_id, "sha256": record, **segment.counts._asdict()}
