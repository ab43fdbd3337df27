"""The segments of a snapshot read as one: rows are numbered through, frequencies are those of the whole corpus."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.domain import Passage, Source
from rag.errors import NotFoundError
from rag.index.lexical import idf
from rag.index.segment import Counts, Segment
from rag.index.store import SentenceRecord, Store
from rag.ingest.duplicates import LEAST, alike, band_keys, shingles, signatures

_REMEMBERED = 4096
_K = TypeVar("_K")
_V = TypeVar("_V")


class Rows:
    """How rows of segments are numbered through: those of each start where those of the one before end."""

    def __init__(self, counts: Iterable[int]) -> None:
        self.starts = [0, *accumulate(counts)]

    def __len__(self) -> int:
        return self.starts[-1]

    def place(self, row: int) -> tuple[int, int]:
        """Which segment a row lies in, and its row there."""
        segment = bisect_right(self.starts, row) - 1
        return segment, row - self.starts[segment]

    def by_segment(self, rows: Sequence[int]) -> Iterator[tuple[int, list[int], list[int]]]:
        """For each segment that holds some of ``rows``: the segment, their rows there, their places in ``rows``."""
        found: dict[int, tuple[list[int], list[int]]] = {}
        for i, row in enumerate(rows):
            segment, own = self.place(row)
            mine = found.setdefault(segment, ([], []))
            mine[0].append(own)
            mine[1].append(i)
        yield from ((segment, *lists) for segment, lists in sorted(found.items()))


class Library:
    """Sources, passages and sentences. Usable from several threads: each read is one short statement."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._stores = [s.store for s in segments]
        self._counts = [s.counts for s in segments]
        self._passages = Rows(c.passages for c in self._counts)
        self._sentences = Rows(c.sentences for c in self._counts)
        self._sources: dict[str, Source] = {}
        self._read: dict[int, Passage] = {}

    def counts(self) -> Counts:
        """What there is in all."""
        return Counts(*(sum(column) for column in zip(*self._counts, strict=True)))

    def passage(self, row: int) -> Passage:
        known = self._read.get(row)
        if known is None:
            segment, own = self._passages.place(row)
            known = self._stores[segment].passage(own)
            _remember(self._read, row, known)
        return known

    def row_of(self, passage_id: str) -> int:
        """Row of a passage. Raises ``NotFoundError`` for an id that the snapshot has no vector of."""
        for store, start in zip(self._stores, self._passages.starts, strict=False):
            row = store.row_of(passage_id)
            if row is not None:
                return start + row
        raise NotFoundError(f"passage {passage_id!r}: not in this snapshot; `osler search` shows passage ids")

    def find(self, passage_id: str) -> Passage:
        """A passage by its id, also one whose words are stored under another source's. Raises ``NotFoundError``."""
        twin = _first(self._stores, lambda store: store.twin(passage_id))
        return twin.passage if twin else self.passage(self.row_of(passage_id))

    def twins(self, passage_id: str) -> list[Passage]:
        """Passages of other sources with exactly the words of this one, sorted by their ids."""
        return sorted((p for s in self._stores for p in s.twins_of(passage_id)), key=lambda p: p.passage_id)

    def near(self, passage: Passage) -> list[tuple[Passage, float]]:
        """Other passages with nearly the same words and the share of their five-word runs in common, most alike first.

        They may say the opposite: one word is enough. Looks at the keys of all passages, 128 bytes each.
        """
        keys, own = band_keys(signatures([passage.text]))[0], shingles(passage.text)
        found = []
        for segment, start in zip(self._segments, self._passages.starts, strict=False):
            for row in np.flatnonzero((segment.band_keys == keys).any(axis=1)).tolist():
                other = self.passage(start + row)
                similarity = alike(own, shingles(other.text))
                if similarity >= LEAST and other.text != passage.text:
                    found.append((other, similarity))
        return sorted(found, key=lambda pair: (-pair[1], pair[0].passage_id))

    def source(self, key: str) -> Source:
        """Raises ``NotFoundError`` for a key that the snapshot does not hold."""
        if key not in self._sources:
            source = _first(self._stores, lambda store: store.source(key))
            if source is None:
                raise NotFoundError(f"source {key!r}: not in this snapshot; `osler corpus list` shows the keys")
            _remember(self._sources, key, source)
        return self._sources[key]

    def sources(self) -> Iterator[Source]:
        """All sources, segment by segment."""
        for store in self._stores:
            yield from store.sources()

    def passages_of(self, key: str) -> list[Passage]:
        """All passages of a source in their order. Raises ``NotFoundError`` for a key that the snapshot lacks."""
        self.source(key)
        found = next(s.passages_of(key) for s in self._stores if s.placed(key))
        return sorted(found, key=lambda passage: passage.start)

    def source_text(self, key: str) -> str:
        """The whole text of a source: ``text[passage.start:passage.end] == passage.text``."""
        self.source(key)
        return next(s.document(key).text for s in self._stores if s.placed(key))

    def sentences(self, passage_rows: Sequence[int]) -> list[SentenceRecord]:
        """Sentences of these passages, in the order of the passages."""
        found: list[tuple[int, SentenceRecord]] = []
        for segment, own, places in self._passages.by_segment(passage_rows):
            order = dict(zip(own, places, strict=True))
            first, first_passage = self._sentences.starts[segment], self._passages.starts[segment]
            for r in self._stores[segment].sentences(own):
                moved = r._replace(row=first + r.row, passage_row=first_passage + r.passage_row)
                found.append((order[r.passage_row], moved))
        return [record for _, record in sorted(found, key=lambda pair: (pair[0], pair[1].row))]

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each of ``terms`` occurs, for those that any passage has."""
        wanted = sorted(set(terms))
        found: Counter[str] = Counter()
        for store in self._stores:
            found.update({term: stats.df for term, stats in store.terms(wanted).items()})
        return dict(found)

    def close(self) -> None:
        for store in self._stores:
            store.close()


class Dense:
    """Dense search over all segments."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._indexes = [s.dense for s in segments]
        self._rows = Rows(map(len, self._indexes))

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, vector: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and inner products of the ``k`` nearest, best first; fewer when there are fewer vectors."""
        found = [index.search(vector, k) for index in self._indexes]
        rows = np.concatenate([r + start for (r, _), start in zip(found, self._rows.starts, strict=False)])
        scores = np.concatenate([s for _, s in found])
        best = np.argsort(-scores, kind="stable")[: max(k, 0)]
        return rows[best], scores[best]


class Lexical:
    """BM25 over all segments."""

    def __init__(self, segments: Sequence[Segment], library: Library) -> None:
        self._segments, self._library = segments, library
        total = library.counts()
        self._passages = total.passages
        self._mean_length = max(1.0, total.terms / max(1, total.passages))

    def scores(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """BM25 of every passage, shape (passages,), for terms with their weights in the query."""
        frequencies = self._library.frequencies(weights)
        idfs = {term: weights[term] * idf(self._passages, frequencies[term]) for term in weights if term in frequencies}
        parts = [
            s.postings.scores(
                {stats.term_id: idfs[term] for term, stats in s.store.terms(idfs).items()}, self._mean_length
            )
            for s in self._segments
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)


class SentenceVectors:
    """The vectors of all sentences, by row."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._vectors = [s.sentence_vectors for s in segments]
        self._rows = Rows(map(len, self._vectors))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(rows), dimension), float32, in the order of ``rows``."""
        found = np.empty((len(rows), self._vectors[0].shape[1]), np.float32)
        for segment, own, places in self._rows.by_segment(rows):
            found[places] = self._vectors[segment][own]
        return found


def _first(stores: Iterable[Store], read: Callable[[Store], _V | None]) -> _V | None:
    return next((found for store in stores if (found := read(store)) is not None), None)


def _remember(known: dict[_K, _V], key: _K, value: _V) -> None:
    if len(known) >= _REMEMBERED:  # bounds the memory of a long-lived process
        known.clear()
    known[key] = value
