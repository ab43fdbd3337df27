"""Fitting and folds for judges with few labelled items: a ridge logistic regression and grouped cross-validation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.judges.weights import Logistic

Floats = NDArray[np.float64]
_STEPS, _CONVERGED = 100, 1e-10


def logistic(features: Sequence[str], values: Floats, positive: Sequence[bool], threshold: float = 0.5) -> Logistic:
    """A logistic regression with a ridge penalty of one half the squared coefficients of standardised features.

    Both classes weigh the same in all, so that 0.5 is the even threshold. Newton's method, from zero (Hastie,
    Tibshirani and Friedman 2009, The Elements of Statistical Learning, 4.4.1).

    Args:
        values: shape (items, features). A column without spread gets the scale 1.
        positive: of each item; both classes must occur.
    """
    y = np.asarray(positive, dtype=np.float64)
    if not 0 < y.sum() < len(y):
        raise ValueError("a logistic regression needs items of both classes")
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale < 1e-12] = 1.0
    design = np.column_stack([np.ones(len(y)), (values - mean) / scale])
    weight = np.where(y > 0, len(y) / (2 * y.sum()), len(y) / (2 * (len(y) - y.sum())))
    penalty = np.diag([0.0] + [1.0] * values.shape[1])
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-design @ found))
        gradient = design.T @ (weight * (chance - y)) + penalty @ found
        curvature = (design.T * (weight * chance * (1 - chance))) @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        found -= step
        if np.abs(step).max() < _CONVERGED:
            break
    return Logistic(features=tuple(features), mean=tuple(map(float, mean)), scale=tuple(map(float, scale)),
                    coefficients=tuple(map(float, found[1:])), intercept=float(found[0]),
                    threshold=threshold)  # fmt: skip


def best_threshold(supports: Sequence[float], positive: Sequence[bool], near: float = 0.5) -> float:
    """The threshold with the highest sum of sensitivity and specificity (Youden 1950, doi:10.1002/1097-0142).

    It lies half-way between two neighbouring supports; of equally good ones it is the nearest to ``near``. ``near``
    itself when the items are of one class or all alike.
    """
    values, truth = np.asarray(supports), np.asarray(positive, dtype=bool)
    distinct = np.unique(values)
    if len(distinct) < 2 or truth.all() or not truth.any():
        return near
    candidates = (distinct[1:] + distinct[:-1]) / 2
    above = values[None, :] >= candidates[:, None]
    gains = above[:, truth].mean(axis=1) - above[:, ~truth].mean(axis=1)
    ties = candidates[gains >= gains.max() - 1e-12]
    return float(min(ties, key=lambda t: (abs(t - near), t)))


def folds(groups: Sequence[Hashable], classes: Sequence[Hashable], count: int, seed: int) -> NDArray[np.intp]:
    """The fold of each item, shape (items,): items of a group in one fold, classes spread as evenly as that allows.

    Groups in random order, large ones first, each go to the fold in which classes are then spread most evenly.
    """
    order = {c: k for k, c in enumerate(dict.fromkeys(classes))}
    held: dict[Hashable, Floats] = {}
    for group, label in zip(groups, classes, strict=True):
        held.setdefault(group, np.zeros(len(order)))[order[label]] += 1
    names = list(held)
    names = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    totals = sum(held.values(), np.zeros(len(order)))
    filled, place = np.zeros((count, len(order))), dict[Hashable, int]()
    for name in sorted(names, key=lambda n: -held[n].sum()):
        spreads = []
        for fold in range(count):
            tried = filled.copy()
            tried[fold] += held[name]
            spreads.append((float((tried / totals).std(axis=0).mean()), float(tried[fold].sum()), fold))
        place[name] = min(spreads)[2]
        filled[place[name]] += held[name]
    return np.array([place[g] for g in groups], dtype=np.intp)
