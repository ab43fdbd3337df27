"""Whether two questions ask the same: by their embeddings alone, by which related questions are scored, and as the
product tells it, which also heeds what each asks for.
"""

from __future__ import annotations

import time
from typing import Any

from eval.domain import Item, Outcome, Response
from eval.judges.premises import Reader
from eval.provenance import code_digest
from eval.scorers.structure import Thresholds
from rag import __version__
from rag.answer.alike import entailment
from rag.index.export import PACKAGED_MODEL

_HALF = 0.5


class SimilarQuestions:
    """ "yes" when an item's question and its evidence, another question, are alike; the cosine is the confidence."""

    name = "similar questions"

    def __init__(self, reader: Reader) -> None:
        self._reader, self._threshold = reader, Thresholds().question

    def receipt(self) -> dict[str, Any]:
        return {"model": PACKAGED_MODEL, "threshold": self._threshold}

    def respond(self, item: Item) -> Response:
        """Raises ``ValueError`` for an item without evidence, which is no pair."""
        started = time.perf_counter()
        cosine = _cosine(item, self._reader)
        return _response(item, cosine >= self._threshold, cosine, started)

    def close(self) -> None:
        pass


class QuestionMatcher:
    """The product's own matcher of questions. "yes" when the chance that the item's evidence, a known question, is one
    whose answers answer the item's question is at least a half; that chance is the confidence.
    """

    name = "osler questions"

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def receipt(self) -> dict[str, Any]:
        return {"software": f"osler {__version__}", "code": code_digest(), "model": PACKAGED_MODEL}

    def respond(self, item: Item) -> Response:
        """Raises ``ValueError`` for an item without evidence, which is no pair."""
        started = time.perf_counter()
        chance = entailment(item.question, " ".join(item.evidence), _cosine(item, self._reader))
        return _response(item, chance >= _HALF, chance, started)

    def close(self) -> None:
        pass


def _cosine(item: Item, reader: Reader) -> float:
    if not item.evidence:
        raise ValueError("no second question to compare with")
    one, other = reader.vectors([item.question, " ".join(item.evidence)])
    return float(one @ other)


def _response(item: Item, is_same: bool, likeness: float, started: float) -> Response:
    return Response(
        item_id=item.item_id,
        outcome=Outcome.ANSWERED,
        label="yes" if is_same else "no",
        confidence=min(max(likeness, 0.0), 1.0),
        seconds=time.perf_counter() - started,
    )
