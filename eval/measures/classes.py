"""Classes that were chosen against the right ones: accuracy, F1, agreement, and how well scores separate.

Definitions are scikit-learn's, on which the tests check them; undefined values are None where it warns. They are
written out because intervals need them some thousand times on integer codes.

A class of None is no choice at all (the system abstained or failed): wrong, but no class of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.measures.triple import Triple, counted


class Confusion(NamedTuple):
    """How often gold class (row) and chosen class (column) met: ``counts`` is int (classes, classes + 1).

    The last column counts items for which no class was chosen.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def accuracy(self) -> float | None:
        """Share of items with the right class; None without items."""
        return float(np.trace(self.counts) / self.n) if self.n else None

    def by_class(self) -> dict[str, Triple]:
        """Precision, recall and F1 of each class; a share of nothing is 0."""
        hits = np.diagonal(self.counts)
        chosen, gold = self.counts.sum(axis=0), self.counts.sum(axis=1)
        return {c: counted(int(hits[i]), int(chosen[i]), int(gold[i])) for i, c in enumerate(self.classes)}

    def macro_f1(self) -> float | None:
        """Mean F1 over the classes that gold has; None without items."""
        gold = self.counts.sum(axis=1)
        size = len(self.classes)
        both = gold + self.counts.sum(axis=0)[:size]
        f1 = 2 * np.diagonal(self.counts)[gold > 0] / both[gold > 0]
        return float(f1.mean()) if f1.size else None

    def kappa(self) -> float | None:
        """Cohen's kappa (1960, doi:10.1177/001316446002000104), in [-1, 1].

        None without items, and when both gave one and the same class throughout. No choice counts as a class here.
        """
        n = self.n
        size = len(self.classes)
        by_chance = float(self.counts.sum(axis=1) @ self.counts.sum(axis=0)[:size])
        if not n or by_chance == n * n:
            return None
        return (float(np.trace(self.counts)) * n - by_chance) / (n * n - by_chance)


class Pairs:
    """Gold and chosen classes of items as integers, so that ``confusion`` of a resample costs microseconds."""

    def __init__(self, gold: Sequence[str], predicted: Sequence[str | None]) -> None:
        """Classes are all that either has, sorted. Raises ValueError when lengths differ."""
        if len(gold) != len(predicted):
            raise ValueError(f"{len(gold)} gold classes and {len(predicted)} predicted ones: expected as many of each")
        self.classes = tuple(sorted({*gold, *(p for p in predicted if p is not None)}))
        code: dict[str | None, int] = {c: i for i, c in enumerate(self.classes)}
        code[None] = len(self.classes)
        width = len(self.classes) + 1
        self._cells = np.array(
            [code[g] * width + code[p] for g, p in zip(gold, predicted, strict=True)], dtype=np.int64
        )

    def confusion(self, rows: NDArray[np.intp] | None = None) -> Confusion:
        """Of all items, or of those at ``rows``, which may repeat."""
        cells = self._cells if rows is None else self._cells[rows]
        shape = (len(self.classes), len(self.classes) + 1)
        return Confusion(self.classes, np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape))


def confusion(gold: Sequence[str], predicted: Sequence[str | None]) -> Confusion:
    return Pairs(gold, predicted).confusion()


def accuracy(gold: Sequence[str], predicted: Sequence[str | None]) -> float | None:
    return confusion(gold, predicted).accuracy()


def by_class(gold: Sequence[str], predicted: Sequence[str | None]) -> dict[str, Triple]:
    return confusion(gold, predicted).by_class()


def macro_f1(gold: Sequence[str], predicted: Sequence[str | None]) -> float | None:
    return confusion(gold, predicted).macro_f1()


def kappa(gold: Sequence[str], predicted: Sequence[str | None]) -> float | None:
    return confusion(gold, predicted).kappa()


class Majority(NamedTuple):
    """What answering every item with gold's most frequent class scores; the first in the alphabet of equals."""

    label: str
    accuracy: float


def majority(gold: Sequence[str]) -> Majority | None:
    """The baseline of a set; None for an empty one."""
    if not gold:
        return None
    counts = Counter(gold)
    label, hits = min(counts.items(), key=lambda c: (-c[1], c[0]))
    return Majority(label, hits / len(gold))


def auc(positive: Sequence[bool] | NDArray[np.bool_], scores: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Area under the ROC curve of one class against the rest.

    The chance that a positive item scores above a negative one, ties counted half (Hanley and McNeil 1982,
    doi:10.1148/radiology.143.1.7063747). None without an item of either kind. Raises ValueError when lengths differ
    or a score is not finite.
    """
    is_positive, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=np.float64)
    if is_positive.shape != values.shape or not np.isfinite(values).all():
        raise ValueError(f"{is_positive.size} classes and {values.size} scores: expected as many, and finite scores")
    above = np.sort(values[is_positive])
    below = np.sort(values[~is_positive])
    if not above.size or not below.size:
        return None
    wins = np.searchsorted(below, above, side="left").sum() + np.searchsorted(below, above, side="right").sum()
    return float(wins / (2 * above.size * below.size))
