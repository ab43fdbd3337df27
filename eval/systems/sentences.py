"""Simple ways to answer in a few sentences of the nearest passages, which whatever composes must be better than.

``lead``: the first sentences of the nearest passage. ``top``: the sentences of the ten nearest passages that are
nearest to the question. ``mmr``: of these, each the nearest to the question that is least like those before it
(Carbonell and Goldstein 1998, doi:10.1145/290941.291025). ``textrank``: those most like all the others (Mihalcea and
Tarau 2004, aclanthology.org/W04-3252), with cosines for the likeness. Cosines are of the index's sentence vectors.
"""

from __future__ import annotations

import time
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eval.domain import Article, Item, Outcome, Response, Said
from eval.systems.osler import facts
from rag.pipeline import Pipeline

Method = Literal["lead", "top", "mmr", "textrank"]
METHODS: tuple[str, ...] = get_args(Method)
_PASSAGES = 10
#: Of likeness to the question against novelty, as the measured baselines have it.
_MMR = 0.7
_DAMPING, _STEPS = 0.85, 50

_Vectors = NDArray[np.float32]


class NearestSentences:
    """Never abstains. All that it says is a bottom line, each sentence its own quote.

    Args:
        pipeline: gives the snapshot and how it is searched. Closing the system closes it.
        count: sentences of an answer, fewer where there are fewer.
    """

    def __init__(self, pipeline: Pipeline, method: Method, count: int = 3) -> None:
        self._pipeline, self._method, self._count = pipeline, method, count
        self.name = f"{method} {count} sentences"

    def receipt(self) -> dict[str, Any]:
        return {**facts(self._pipeline), "method": self._method, "count": self._count}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        said = tuple(Said(text=text, quotes=(text,)) for text in self._sentences(item.question) if text.strip())
        article = Article(bottom_line=said)
        return Response(
            item_id=item.item_id,
            outcome=Outcome.ANSWERED if said else Outcome.ABSTAINED,
            text=article.text(),
            article=article,
            seconds=time.perf_counter() - started,
        )

    def close(self) -> None:
        self._pipeline.close()

    def _sentences(self, question: str) -> list[str]:
        snapshot = self._pipeline.snapshot
        found = self._pipeline.search(question, 1 if self._method == "lead" else _PASSAGES)
        passages = {hit.row: passage for hit, passage, _ in found}
        place = {row: n for n, row in enumerate(passages)}
        records = sorted(snapshot.store.sentences(list(passages)), key=lambda r: (place[r.passage_row], r.start))
        if not records:
            return []
        vectors = snapshot.sentence_vectors[[r.row for r in records]]
        chosen = self._chosen(vectors, snapshot.encoder.encode([question])[0])
        return [passages[records[i].passage_row].text[records[i].start : records[i].end] for i in chosen]

    def _chosen(self, vectors: _Vectors, asked: _Vectors) -> list[int]:
        near = vectors @ asked
        if self._method == "lead":
            return list(range(len(near)))[: self._count]
        if self._method == "mmr":
            return _diverse(vectors, near, self._count)
        scores = near if self._method == "top" else _central(vectors)
        return [int(i) for i in np.argsort(-scores, kind="stable")[: self._count]]


def _diverse(vectors: _Vectors, near: _Vectors, count: int) -> list[int]:
    chosen: list[int] = []
    while len(chosen) < min(count, len(near)):
        alike = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(near), np.float32)
        worth = _MMR * near - (1 - _MMR) * alike
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
    return chosen


def _central(vectors: _Vectors) -> _Vectors:
    """The stationary share of a walk from sentence to sentence by likeness, shape (sentences,)."""
    likeness = np.maximum(vectors @ vectors.T, 0)
    np.fill_diagonal(likeness, 0)
    steps = likeness / np.maximum(likeness.sum(axis=1, keepdims=True), 1e-9)
    share = np.full(len(vectors), 1 / len(vectors), np.float32)
    for _ in range(_STEPS):
        share = (1 - _DAMPING) / len(vectors) + _DAMPING * (steps.T @ share)
    return share
