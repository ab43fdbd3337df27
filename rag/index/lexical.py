"""Lexical search: BM25 over the postings of segments.

Lucene's variant (Kamphuis et al., Which BM25 do you mean?, ECIR 2020): idf = ln(1 + (N - df + 0.5) / (df + 0.5)),
tf part = tf / (tf + k1 (1 - b + b length / mean length)). A segment stores counts and lengths like a sparse matrix by
term, memory-mapped; N, df and the mean length are those of the whole snapshot. A score is a sum of 32-bit floats, the
terms taken from the highest weight to the lowest and of like weights in the order of the alphabet, so that it depends
neither on how the corpus lies in segments nor on how the passage was found.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

K1 = 0.6
B = 0.4
#: Nothing is derived from these but at a search, so that postings are merged by putting them in order.
ROWS, COUNTS, STARTS, LENGTHS = FILES = (
    "postings.rows.npy", "postings.counts.npy", "postings.starts.npy", "postings.lengths.npy",
)  # fmt: skip
_MOST = np.iinfo(np.uint16).max
#: Looking a row up in a term's postings takes as long as passing over so many of them (measured: 18 ns, and 1.2 ns).
_LOOK_UP = 16
#: The list of rows is written anew when it becomes shorter by at least a fifth.
_WORTH_LEAVING_OUT = 0.8

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows, and their scores, best first, ties by row."""


def idf(documents: int, df: int) -> float:
    """Inverse document frequency, at least 0; a term that no document has gets the highest value."""
    return float(np.log(1 + (documents - df + 0.5) / (df + 0.5)))


class PostingsWriter:
    """Collects the terms of passages, row by row, in about 12 bytes for each different term of a passage."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._terms, self._rows, self._counts, self._lengths = array("I"), array("I"), array("H"), array("I")

    def add(self, terms: Sequence[str]) -> None:
        row = len(self._lengths)
        self._lengths.append(len(terms))
        for term, count in Counter(terms).items():
            self._terms.append(self._ids.setdefault(term, len(self._ids)))
            self._rows.append(row)
            self._counts.append(min(count, _MOST))

    @property
    def total_length(self) -> int:
        return sum(self._lengths)

    def write(self, folder: Path) -> dict[str, tuple[int, int]]:
        """Writes the postings; returns the vocabulary, sorted: term to (term id, number of passages that have it)."""
        vocabulary = sorted(self._ids)
        renumbered = np.empty(len(vocabulary), np.int64)
        renumbered[[self._ids[term] for term in vocabulary]] = np.arange(len(vocabulary))
        terms = renumbered[np.frombuffer(self._terms, np.uint32)] if len(vocabulary) else np.empty(0, np.int64)
        order = np.argsort(terms, kind="stable")  # rows of a term stay in order
        df = np.bincount(terms, minlength=len(vocabulary))
        np.save(folder / ROWS, np.frombuffer(self._rows, np.uint32)[order].astype(np.int32))
        np.save(folder / COUNTS, np.frombuffer(self._counts, np.uint16)[order])
        np.save(folder / STARTS, np.concatenate([[0], np.cumsum(df)]).astype(np.int64))
        np.save(folder / LENGTHS, np.frombuffer(self._lengths, np.uint32).astype(np.int32))
        return {term: (i, int(df[i])) for i, term in enumerate(vocabulary)}


class Postings:
    """The written postings of one segment, memory-mapped. Terms are given by their ids, which are all there are.

    A term's weight is its idf times its weight in the query; terms whose weight is not above 0 play no part.
    """

    def __init__(self, folder: Path) -> None:
        mapped = (np.load(folder / name, mmap_mode="r").view(np.ndarray) for name in FILES)
        self._rows, self._counts, self._starts, self._lengths = mapped

    def __len__(self) -> int:
        return len(self._lengths)

    def of(self, term_id: int) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
        """The rows that have a term, ascending, and how often each has it."""
        span = slice(int(self._starts[term_id]), int(self._starts[term_id + 1]))
        return self._rows[span], self._counts[span]

    def lengths(self, rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Lengths of passages in terms, shape (rows,)."""
        lengths: NDArray[np.int32] = self._lengths.take(rows)
        return lengths

    def counts(self, term_ids: Sequence[int], rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """How often each term stands in each of ``rows``, in any order: shape (rows, terms)."""
        found = np.zeros((len(rows), len(term_ids)), np.float32)
        own = rows.astype(np.int32)
        for column, term_id in enumerate(term_ids):
            places, counts = _looked_up(*self.of(term_id), own)
            found[places, column] = counts
        return found

    def scores(
        self, weights: Mapping[int, float], mean_length: float, rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """BM25 of ``rows``, in any order: shape (rows,)."""
        total = np.zeros(len(rows), np.float32)
        own = rows.astype(np.int32)
        for term_id, weight in _falling(weights):
            places, counts = _looked_up(*self.of(term_id), own)
            total[places] += _parts(weight, counts, self.lengths(own.take(places)), mean_length)
        return total

    def search(
        self,
        weights: Mapping[int, float],
        mean_length: float,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        floor: float = 0.0,
    ) -> Found:
        """The best rows by BM25: exactly those, and the scores, that scoring every row would give.

        Args:
            k: how many at most; there are fewer when fewer hold a term, none for 0 or less.
            allowed: which rows may be found, shape (passages,); all when absent.
            floor: rows with less than this may be left out, as when ``k`` with as much were found elsewhere.
        """
        terms = _falling(weights)
        if k <= 0 or not terms:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        return _Search(self, terms, mean_length, k, allowed, floor).run()


class _Search:
    """One search, term by term from the highest weight to the lowest, that leaves out what cannot be among the best.

    A term adds less than its weight to any row. So, once the weights of the terms that are left sum to less than what
    the k-th best row has already, no further row can be among the best, and of the rows that have some terms only those
    stay that could still reach it: the others' postings are passed over, and looked up where few rows are left
    (MaxScore: Turtle and Flood 1995, doi:10.1016/0306-4573(95)00020-H, a term at a time).
    """

    def __init__(self, postings: Postings, terms: Sequence[tuple[int, float]], mean_length: float, k: int,
                 allowed: NDArray[np.bool_] | None, floor: float) -> None:  # fmt: skip
        self._postings, self._terms, self._mean_length, self._k = postings, terms, mean_length, k
        self._totals = np.zeros(len(postings), np.float32)
        self._least = floor  # as much as the k-th best row has at least
        #: Rows that may still be among the best, as a mask and, where some were left out, as an ascending list. Without
        #: either, any may.
        self._mask = allowed
        self._rows: NDArray[np.int32] | None = None
        if allowed is not None and np.count_nonzero(allowed) * _LOOK_UP < len(postings):
            self._mask, self._rows = allowed.copy(), np.flatnonzero(allowed).astype(np.int32)

    def run(self) -> Found:
        left = np.cumsum([weight for _, weight in reversed(self._terms)])[::-1].tolist()
        # What rounding can make of a sum of so many numbers, twice.
        slack = (len(left) + 4) * float(np.finfo(np.float32).eps) * left[0]
        for (term_id, weight), most in zip(self._terms, left, strict=True):
            self._leave_out(self._least - most - slack)
            if self._rows is not None and not len(self._rows):
                break
            self._add(*self._postings.of(term_id), weight)
        self._leave_out(self._least - slack)
        found = np.flatnonzero(self._totals) if self._rows is None else self._rows
        return _best(found, self._totals.take(found), self._k)

    def _leave_out(self, below: float) -> None:
        """Leaves out the rows with less than ``below``, those without any term among them."""
        if below <= 0:
            return
        if self._mask is None or self._rows is None:
            self._mask = self._totals >= np.float32(below)
            self._rows = np.flatnonzero(self._mask).astype(np.int32)
            return
        stays = self._totals.take(self._rows) >= np.float32(below)
        if np.count_nonzero(stays) < _WORTH_LEAVING_OUT * len(self._rows):
            self._mask[self._rows.take(np.flatnonzero(~stays))] = False
            self._rows = self._rows.take(np.flatnonzero(stays))

    def _add(self, rows: NDArray[np.int32], counts: NDArray[np.uint16], weight: float) -> None:
        """Adds a term, of which these are the postings, to the rows that may be among the best."""
        if self._rows is not None and len(self._rows) * _LOOK_UP < len(rows):
            places, counts = _looked_up(rows, counts, self._rows)
            rows = self._rows.take(places)
        elif self._mask is not None:
            stays = np.flatnonzero(self._mask.take(rows))
            rows, counts = rows.take(stays), counts.take(stays)
        at = rows.astype(np.intp)
        sums = self._totals.take(at)
        sums += _parts(weight, counts, self._postings.lengths(at), self._mean_length)
        self._totals[at] = sums  # a row occurs once in a term's postings
        better = sums > np.float32(self._least)
        if np.count_nonzero(better) >= self._k:
            self._least = _kth(sums.take(np.flatnonzero(better)), self._k)


def _falling(weights: Mapping[int, float]) -> list[tuple[int, float]]:
    """Terms by falling weight; ties by id, which is the order of the alphabet in every segment."""
    return sorted(((term, w) for term, w in weights.items() if w > 0), key=lambda pair: (-pair[1], pair[0]))


def _parts(
    weight: float, counts: NDArray[np.number], lengths: NDArray[np.int32], mean_length: float
) -> NDArray[np.float32]:
    """What a term adds to the scores of passages of these lengths that have it so often; less than ``weight``."""
    norms = lengths.astype(np.float32)
    norms *= np.float32(K1 * B / mean_length)
    norms += np.float32(K1 * (1 - B))
    parts = counts.astype(np.float32)
    norms += parts
    parts *= np.float32(weight)
    parts /= norms
    return parts


def _looked_up(
    rows: NDArray[np.int32], counts: NDArray[np.uint16], wanted: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
    """Which of the rows ``wanted`` are among a term's: their places in ``wanted``, and their counts."""
    at = np.searchsorted(rows, wanted)
    at[at == len(rows)] = 0
    places = np.flatnonzero(rows.take(at) == wanted)
    return places, counts.take(at.take(places))


def _kth(scores: NDArray[np.float32], k: int) -> float:
    """The ``k``-th highest of at least ``k`` scores."""
    return float(np.partition(scores, len(scores) - k)[len(scores) - k])


def _best(rows: NDArray[np.integer], scores: NDArray[np.float32], k: int) -> Found:
    """The ``k`` best with a score above 0, best first, ties by row."""
    least = _kth(scores, k) if len(scores) > k else 0.0
    stays = np.flatnonzero((scores > 0) & (scores >= np.float32(least)))
    rows, scores = rows.take(stays), scores.take(stays)
    order = np.lexsort((rows, -scores))[:k]
    return rows.take(order).astype(np.int64), scores.take(order)
