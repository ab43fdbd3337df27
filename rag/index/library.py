"""The segments of a snapshot read as one: rows are numbered through, frequencies are those of the whole corpus."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.domain import Filter, Passage, Source
from rag.errors import NotFoundError
from rag.index.halves import HalvesReader
from rag.index.lexical import Found, idf
from rag.index.segment import SENTENCE_VECTORS, Counts, Segment
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

    def parted(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """``by_segment`` for arrays of rows."""
        segments = np.searchsorted(self.starts, rows, side="right") - 1
        for segment in np.unique(segments).tolist():
            places = np.flatnonzero(segments == segment)
            yield segment, rows[places] - self.starts[segment], places


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
        self._said: dict[int, list[SentenceRecord]] = {}

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

    def passage_ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of these passages, in the order of ``rows``: one statement a segment, and no record is read."""
        found = [""] * len(rows)
        for segment, own, places in self._passages.by_segment(rows):
            for place, passage_id in zip(places, self._stores[segment].passage_ids(own), strict=True):
                found[place] = passage_id
        return found

    def row_of(self, passage_id: str) -> int:
        """Row of a passage. Raises ``NotFoundError`` for an id that the snapshot has no vector of."""
        for store, start in zip(self._stores, self._passages.starts, strict=False):
            row = store.row_of(passage_id)
            if row is not None:
                return start + row
        raise NotFoundError(f"passage {passage_id!r}: not in this snapshot; `osler search` shows passage ids")

    def rows_of(self, passage_ids: Iterable[str]) -> dict[str, int]:
        """Rows of those of ``passage_ids`` that the snapshot has a vector of, by id."""
        left, found = set(passage_ids), dict[str, int]()
        for store, start in zip(self._stores, self._passages.starts, strict=False):
            here = store.rows_of(left) if left else {}
            found |= {passage_id: start + row for passage_id, row in here.items()}
            left -= here.keys()
        return found

    def find(self, passage_id: str) -> Passage:
        """A passage by its id, also one whose words are stored under another source's. Raises ``NotFoundError``."""
        twin = _first(self._stores, lambda store: store.twin(passage_id))
        return twin.passage if twin else self.passage(self.row_of(passage_id))

    def twins(self, passage_id: str) -> list[Passage]:
        """Passages of other sources with exactly the words of this one, sorted by their ids."""
        return sorted((p for s in self._stores for p in s.twins_of(passage_id)), key=lambda p: p.passage_id)

    def same_words(self, passage_id: str, within: Filter | None = None) -> list[Passage]:
        """As ``twins``, but for any of the passages with the same words, and of sources that ``within`` passes."""
        twin = _first(self._stores, lambda store: store.twin(passage_id))
        stored = [self.passage(self.row_of(twin.of_passage))] if twin else []
        found = [*stored, *self.twins(twin.of_passage if twin else passage_id)]
        others = (p for p in found if p.passage_id != passage_id and self._passes(p, within))
        return sorted(others, key=lambda p: p.passage_id)

    def shown(self, row: int, within: Filter | None) -> Passage:
        """A row's passage or, where ``within`` does not pass its source, the first with its words of one it does."""
        stored = self.passage(row)
        if self._passes(stored, within):
            return stored
        return next((p for p in self.twins(stored.passage_id) if self._passes(p, within)), stored)

    def _passes(self, passage: Passage, within: Filter | None) -> bool:
        return within is None or within.passes(self.source(passage.source_key))

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
        known = self._sources.get(key)
        if known is None:
            known = _first(self._stores, lambda store: store.source(key))
            if known is None:
                raise NotFoundError(f"source {key!r}: not in this snapshot; `osler corpus list` shows the keys")
            _remember(self._sources, key, known)
        return known

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
        said = {row: records for row in passage_rows if (records := self._said.get(row)) is not None}
        read = self._sentences_of([row for row in passage_rows if row not in said])
        for row, records in read.items():
            _remember(self._said, row, records)
        said |= read
        return [record for row in passage_rows for record in said[row]]

    def _sentences_of(self, passage_rows: Sequence[int]) -> dict[int, list[SentenceRecord]]:
        """The sentences of each of these passages."""
        found: dict[int, list[SentenceRecord]] = {row: [] for row in passage_rows}
        for segment, own, _ in self._passages.by_segment(passage_rows):
            first, first_passage = self._sentences.starts[segment], self._passages.starts[segment]
            for r in self._stores[segment].sentences(own):
                row = first_passage + r.passage_row
                found[row].append(r._replace(row=first + r.row, passage_row=row))
        return found

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
    """Dense search over all segments: see ``rag.index.vectors``.

    Args:
        segments: of the snapshot.
        threads: that search the segments. What is found does not depend on it.
    """

    def __init__(self, segments: Sequence[Segment], threads: int = 1) -> None:
        self._indexes = [s.dense for s in segments]
        self._rows = Rows(map(len, self._indexes))
        self._pool = ThreadPoolExecutor(threads, "dense") if min(threads, len(segments)) > 1 else None

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Found:
        """Rows and inner products of the ``k`` nearest, best first, ties by row; fewer only where there are fewer.

        Args:
            vector: of length 1, shape (dimension,).
            k: how many at most.
            allowed: which rows may be found, shape (passages,); all when absent.
        """

        def search(number: int) -> Found:
            start, end = self._rows.starts[number : number + 2]
            rows, scores = self._indexes[number].search(vector, k, None if allowed is None else allowed[start:end])
            return rows + start, scores

        found = list((self._pool.map if self._pool else map)(search, range(len(self._indexes))))
        rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in found)])
        scores = np.concatenate([np.empty(0, np.float32), *(scores for _, scores in found)])
        best = np.lexsort((rows, -scores))[: max(k, 0)]
        return rows[best], scores[best]

    def scores(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner products with the vectors of ``rows``, in any order: shape (rows,). As ``search`` gives them."""
        scores = np.empty(len(rows), np.float32)
        for number, own, places in self._rows.parted(rows):
            scores[places] = self._indexes[number].scores(vector, own)
        return scores


class _Term(NamedTuple):
    """How many passages of the snapshot have a term, and its id in each of the segments that do."""

    df: int
    ids: dict[int, int]


class Lexical:
    """BM25 over all segments: see ``rag.index.lexical``. A query is terms with their weights, each above 0.

    The idf of a term is a factor of its own. Terms that no passage has play no part.
    """

    def __init__(self, segments: Sequence[Segment], library: Library) -> None:
        self._stores = [s.store for s in segments]
        self._postings = [s.postings for s in segments]
        self._rows = Rows(map(len, self._postings))
        self._largest = sorted(range(len(segments)), key=lambda number: -len(self._postings[number]))
        total = library.counts()
        self._passages = total.passages
        self._mean_length = max(1.0, total.terms / max(1, total.passages))
        self._known: dict[str, _Term] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """Inverse document frequency of each of ``terms``; one that no passage has gets the highest."""
        return {term: idf(self._passages, found.df) for term, found in self._find(terms).items()}

    def search(self, weights: Mapping[str, float], k: int, allowed: NDArray[np.bool_] | None = None) -> Found:
        """The best passages, exactly: rows and scores, best first, ties by row.

        Args:
            weights: of the query's terms.
            k: how many at most. There are fewer where fewer passages hold one of the terms.
            allowed: which rows may be found, shape (passages,); all when absent.
        """
        rows, scores, floor = np.empty(0, np.int64), np.empty(0, np.float32), 0.0
        by_segment = self._by_segment(weights)
        for number in self._largest:  # which leave most to be left out of the others
            start, end = self._rows.starts[number : number + 2]
            within = None if allowed is None else allowed[start:end]
            found = self._postings[number].search(by_segment[number], self._mean_length, k, within, floor)
            rows, scores = np.concatenate([rows, found[0] + start]), np.concatenate([scores, found[1]])
            best = np.lexsort((rows, -scores))[: max(k, 0)]
            rows, scores = rows[best], scores[best]
            floor = float(scores[-1]) if len(scores) == k > 0 else 0.0
        return rows, scores

    def scores(self, weights: Mapping[str, float], rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """BM25 of ``rows``, in any order, of all passages when absent: shape (rows,). 0 without any of the terms."""
        wanted = np.arange(len(self)) if rows is None else rows
        scores = np.zeros(len(wanted), np.float32)
        by_segment = self._by_segment(weights)
        for number, own, places in self._rows.parted(wanted):
            scores[places] = self._postings[number].scores(by_segment[number], self._mean_length, own)
        return scores

    def counts(self, terms: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """How often each of ``terms`` stands in each of ``rows``: shape (rows, terms)."""
        found = self._find(terms)
        counts = np.zeros((len(rows), len(terms)), np.float32)
        for number, own, places in self._rows.parted(rows):
            held = [(i, found[term].ids[number]) for i, term in enumerate(terms) if number in found[term].ids]
            columns = [i for i, _ in held]
            counts[places[:, None], columns] = self._postings[number].counts([own_id for _, own_id in held], own)
        return counts

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Lengths of passages in terms: shape (rows,)."""
        lengths = np.zeros(len(rows), np.int32)
        for number, own, places in self._rows.parted(rows):
            lengths[places] = self._postings[number].lengths(own)
        return lengths

    def _by_segment(self, weights: Mapping[str, float]) -> list[dict[int, float]]:
        """For each segment, the ids of the terms that it has, with their weights times their idf."""
        by_segment: list[dict[int, float]] = [{} for _ in self._stores]
        for term, found in self._find(weights).items():
            weight = weights[term] * idf(self._passages, found.df)
            for number, term_id in found.ids.items():
                by_segment[number][term_id] = weight
        return by_segment

    def _find(self, terms: Iterable[str]) -> dict[str, _Term]:
        """Each of ``terms`` once. Reads every segment's table once for those that are not remembered."""
        wanted = dict.fromkeys(terms)
        found = {term: known for term in wanted if (known := self._known.get(term))}
        unknown = [term for term in wanted if term not in found]
        tables = [store.terms(unknown) if unknown else {} for store in self._stores]
        for term in unknown:
            own = {number: table[term] for number, table in enumerate(tables) if term in table}
            df = sum(stats.df for stats in own.values())
            found[term] = _Term(df, {number: stats.term_id for number, stats in own.items()})
            _remember(self._known, term, found[term])
        return found


class SentenceVectors:
    """The vectors of all sentences, by row."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._vectors = [HalvesReader.of_array(s.folder / SENTENCE_VECTORS) for s in segments]
        self._rows = Rows(map(len, self._vectors))
        self._starts = [s.sentence_starts for s in segments]
        self._passages = Rows(s.counts.passages for s in segments)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(rows), dimension), float32, in the order of ``rows``."""
        found = np.empty((len(rows), max((v.dimension for v in self._vectors), default=0)), np.float32)
        for number, own, places in self._rows.parted(np.asarray(rows, np.int64)):
            found[places] = self._vectors[number][own]
        return found

    def scores(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner products of ``rows`` with a vector, shape (rows,), float32."""
        found = np.empty(len(rows), np.float32)
        for number, own, places in self._rows.parted(rows):
            found[places] = self._vectors[number].products(vector, own)
        return found

    def spans(self, passage_rows: Sequence[int] | NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which rows are the sentences of each passage: from ``starts`` to ``ends``, half-open, each (passages,)."""
        rows = np.asarray(passage_rows, np.int64)
        found = np.empty((2, len(rows)), np.int64)
        segments = np.searchsorted(self._passages.starts, rows, "right") - 1
        for segment in np.unique(segments).tolist():
            mine = segments == segment
            own = rows[mine] - self._passages.starts[segment]
            starts = self._starts[segment]
            found[:, mine] = self._rows.starts[segment] + np.stack([starts[own], starts[own + 1]])
        return found[0], found[1]


def _first(stores: Iterable[Store], read: Callable[[Store], _V | None]) -> _V | None:
    return next((found for store in stores if (found := read(store)) is not None), None)


def _remember(known: dict[_K, _V], key: _K, value: _V) -> None:
    if len(known) >= _REMEMBERED:  # bounds the memory of a long-lived process
        known.clear()
    known[key] = value
