"""Segments made one, and a segment made without some of its sources: what stays is copied, not made again.

Nothing is analysed or embedded. What is written is what one writer would have written, had it been given the same
documents in the same order. All is copied piece by piece, so that memory does not grow with the segments but for the
numbers of their terms, 4 bytes for each term of each segment.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.index.arrays import ArrayFile
from rag.index.lexical import COUNTS, LENGTHS, ROWS, STARTS
from rag.index.segment import (
    PASSAGE_VECTORS,
    PER_PASSAGE,
    SENTENCE_STARTS,
    SENTENCE_VECTORS,
    STORE,
    Counts,
    Segment,
    segment_id_of,
    write_record,
)
from rag.index.store import Part, Run, append_stores
from rag.index.vectors import DenseWriter
from rag.language.abbreviations import definitions

#: Rows of vectors that are copied together: 12 MB of 32-bit floats.
_CHUNK = 8192
#: Postings that are put in order together, about 40 bytes each; a term that has more is not divided.
_BLOCK = 2**20


def merge(segments: Sequence[Segment], folder: Path) -> str:
    """Writes what ``segments``, of the same rules, hold as one into an empty folder; returns its id."""
    return _write([_Source(segment) for segment in segments], folder)


def compact(segment: Segment, dropped: Collection[str], folder: Path) -> str:
    """Writes what is left of ``segment`` without the sources ``dropped`` into an empty folder; returns its id.

    At least one source must be left.
    """
    return _write([_Source(segment, dropped)], folder)


def merged_id(segments: Sequence[Segment]) -> str:
    """The id of the segment that ``merge`` would write."""
    return segment_id_of(_digests([_Source(segment) for segment in segments]), segments[0].rules)


class _Source:
    """What is copied of a segment: all but the sources ``dropped``."""

    def __init__(self, segment: Segment, dropped: Collection[str] = ()) -> None:
        self.segment, self.store = segment, segment.store
        self.dropped = sorted(key for key in dropped if segment.store.placed(key))

    @cached_property
    def runs(self) -> list[Run]:
        """What stays, in pieces as long as can be."""
        gone = sorted((p.place, p.first, p.passages) for key in self.dropped if (p := self.store.placed(key)))
        bounds, place, passage = list[tuple[int, int, int, int]](), 0, 0
        for at, first, passages in [*gone, (self.segment.counts.sources, self.segment.counts.passages, 0)]:
            bounds.append((place, at, passage, first))
            place, passage = at + 1, first + passages
        starts = self.segment.sentence_starts
        return [Run(a, b, c, d, int(starts[c]), int(starts[d])) for a, b, c, d in bounds if a < b]

    def passages(self, most: int) -> Iterator[tuple[int, int]]:
        """(first, end) of the passages that stay, in pieces of at most so many."""
        return _pieces(((run.passage, run.end_passage) for run in self.runs), most)

    def sentences(self, most: int) -> Iterator[tuple[int, int]]:
        return _pieces(((run.sentence, run.end_sentence) for run in self.runs), most)

    def places(self, first: int) -> NDArray[np.int32]:
        """New rows of all passages when those that stay are numbered from ``first``; -1 for those that go."""
        found = np.full(self.segment.counts.passages, -1, np.int32)
        for run in self.runs:
            count = run.end_passage - run.passage
            found[run.passage : run.end_passage] = np.arange(first, first + count, dtype=np.int32)
            first += count
        return found

    @property
    def kept(self) -> tuple[int, int, int]:
        """How many sources, passages and sentences stay."""
        spans = [(r.end_place - r.place, r.end_passage - r.passage, r.end_sentence - r.sentence) for r in self.runs]
        sources, passages, sentences = (sum(column) for column in zip(*spans, strict=True))
        return sources, passages, sentences

    @property
    def part(self) -> Part:
        undefined: Counter[tuple[str, str]] = Counter()
        for key in self.dropped:
            undefined.update(set(definitions(self.store.document(key).text)))
        return Part(self.segment.folder / STORE, self.runs, self.dropped, undefined)


def _pieces(spans: Iterable[tuple[int, int]], most: int) -> Iterator[tuple[int, int]]:
    for first, end in spans:
        for start in range(first, end, most):
            yield start, min(end, start + most)


def _digests(sources: Iterable[_Source]) -> Iterator[str]:
    """Digests of the documents that stay, in their order."""
    for source in sources:
        gone = {p.place for key in source.dropped if (p := source.store.placed(key))}
        yield from (digest for place, digest in source.store.placed_digests() if place not in gone)


def _write(sources: Sequence[_Source], folder: Path) -> str:
    _copy_vectors(sources, folder)
    _copy_sentence_starts(sources, folder)
    for name in (*PER_PASSAGE, LENGTHS):
        _copy_rows(sources, name, folder)
    postings = _Postings(sources)
    append_stores((source.part for source in sources), folder / STORE, postings.vocabulary())
    postings.write(folder)
    terms = int(np.load(folder / LENGTHS, mmap_mode="r").sum(dtype=np.int64))
    kept = [sum(column) for column in zip(*(source.kept for source in sources), strict=True)]
    return write_record(folder, _digests(sources), sources[0].segment.rules, Counts(kept[0], kept[1], kept[2], terms))


def _copy_vectors(sources: Iterable[_Source], folder: Path) -> None:
    dense, sentences = DenseWriter(folder / PASSAGE_VECTORS), ArrayFile(folder / SENTENCE_VECTORS, np.float16)
    for source in sources:
        for first, end in source.passages(_CHUNK):
            dense.add(source.segment.dense.vectors(first, end - first))
        for first, end in source.sentences(_CHUNK):
            sentences.add(source.segment.sentence_vectors[first:end])
    dense.finish()
    sentences.finish()


def _copy_sentence_starts(sources: Iterable[_Source], folder: Path) -> None:
    file, total = ArrayFile(folder / SENTENCE_STARTS, np.int64), 0
    for source in sources:
        starts = source.segment.sentence_starts
        for run in source.runs:
            file.add(starts[run.passage : run.end_passage] - run.sentence + total)
            total += run.end_sentence - run.sentence
    file.add(np.array([total]))
    file.finish()


def _copy_rows(sources: Sequence[_Source], name: str, folder: Path) -> None:
    """Copies an array of which each passage has a row."""
    arrays = [np.load(source.segment.folder / name, mmap_mode="r") for source in sources]
    file = ArrayFile(folder / name, arrays[0].dtype)
    file.add(arrays[0][:0])  # the shape of a row, also when there are none
    for source, array_ in zip(sources, arrays, strict=True):
        for first, end in source.passages(array_.size or 1):
            file.add(array_[first:end])
    file.finish()


# postings


class _Postings:
    """The postings of several segments as one. ``vocabulary`` is read to its end before ``write``."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self._parts: list[_PostingsPart] = []
        first = 0
        for number, source in enumerate(sources):
            self._parts.append(_PostingsPart(source, number, first))
            first += source.kept[1]
        self._df = array("q")  # of each term

    def vocabulary(self) -> Iterator[tuple[str, int, int]]:
        """(term, term id, number of passages that have it), sorted; terms that no passage has any more are left out."""
        for term, found in groupby(heapq.merge(*(part.terms() for part in self._parts)), key=lambda entry: entry[0]):
            total = 0
            for _, part, df in found:
                self._parts[part].ids.append(len(self._df))
                total += df
            if total:
                yield term, len(self._df), total
                self._df.append(total)

    def write(self, folder: Path) -> None:
        starts = np.concatenate([[0], np.cumsum(np.frombuffer(self._df, np.int64))]).astype(np.int64)
        np.save(folder / STARTS, starts)
        rows, counts = ArrayFile(folder / ROWS, np.int32), ArrayFile(folder / COUNTS, np.uint16)
        for first, end in _blocks(starts):
            block = self._block(starts, first, end)
            rows.add(block[0])
            counts.add(block[1])
        rows.finish()
        counts.finish()

    def _block(self, starts: NDArray[np.int64], first: int, end: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """Rows and counts of the terms ``first`` to ``end``."""
        rows = np.empty(starts[end] - starts[first], np.int32)
        counts = np.empty(len(rows), np.uint16)
        free = starts[first:end] - starts[first]  # where the next postings of each term go
        for part in self._parts:
            terms, df, own_rows, own_counts = part.block(first, end)
            within = np.arange(len(own_rows)) - np.repeat(np.cumsum(df) - df, df)
            target = np.repeat(free[terms], df) + within
            rows[target], counts[target] = own_rows, own_counts
            np.add.at(free, terms, df)
        return rows, counts


class _PostingsPart:
    """The postings that are copied of one segment, whose passages are numbered from ``first``."""

    def __init__(self, source: _Source, number: int, first: int) -> None:
        self._source, self._number = source, number
        folder = source.segment.folder
        self._rows, self._counts, self._starts = (np.load(folder / n, mmap_mode="r") for n in (ROWS, COUNTS, STARTS))
        self._places = source.places(first)
        #: The new number of each term, ascending; of one that no passage has any more, that of the next.
        self.ids = array("i")

    def terms(self) -> Iterator[tuple[str, int, int]]:
        """(term, number of the segment, how many of the passages that stay have it), sorted."""
        df = np.concatenate([[], *(self._kept(*block)[0] for block in _blocks(self._starts))]).astype(np.int32)
        for term, term_id, _ in self._source.store.vocabulary():
            yield term, self._number, int(df[term_id])

    def block(
        self, first: int, end: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]:
        """Of the terms that are now ``first`` to ``end``: numbers from 0, how many postings, and those of all in turn:
        rows and counts."""
        ids = np.frombuffer(self.ids, np.int32)
        low, high = np.searchsorted(ids, [first, end]).tolist()
        return (ids[low:high].astype(np.int64) - first, *self._kept(low, high))

    def _kept(self, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]:
        """Of this segment's own terms ``low`` to ``high``: how many postings stay, and those, with their new rows."""
        bounds = self._starts[low : high + 1]
        span = slice(int(bounds[0]), int(bounds[-1]))
        rows = self._places[self._rows[span]]
        stays = rows >= 0
        df = np.diff(np.concatenate([[0], np.cumsum(stays)])[bounds - bounds[0]])
        return df, rows[stays], self._counts[span][stays]


def _blocks(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """(first, end) of terms that have no more postings together than are put in order at once."""
    first = 0
    while first < len(starts) - 1:
        end = max(first + 1, int(np.searchsorted(starts, starts[first] + _BLOCK, "right")) - 1)
        yield first, end
        first = end
