"""Whether two questions ask the same, by their embeddings: what related questions are chosen and scored by."""

from __future__ import annotations

import time
from typing import Any

from eval.domain import Item, Outcome, Response
from eval.judges.premises import Reader
from eval.scorers.structure import Thresholds
from rag.index.export import PACKAGED_MODEL


class SimilarQuestions:
    """ "yes" when an item's question and its evidence, another question, are alike; the cosine is the confidence."""

    name = "similar questions"

    def __init__(self, reader: Reader) -> None:
        self._reader, self._threshold = reader, Thresholds().question

    def receipt(self) -> dict[str, Any]:
        return {"model": PACKAGED_MODEL, "threshold": self._threshold}

    def respond(self, item: Item) -> Response:
        """Raises ``ValueError`` for an item without evidence, which is no pair."""
        if not item.evidence:
            raise ValueError("no second question to compare with")
        started = time.perf_counter()
        one, other = self._reader.vectors([item.question, " ".join(item.evidence)])
        cosine = float(one @ other)
        return Response(
            item_id=item.item_id,
            outcome=Outcome.ANSWERED,
            label="yes" if cosine >= self._threshold else "no",
            confidence=min(max(cosine, 0.0), 1.0),
            seconds=time.perf_counter() - started,
        )

    def close(self) -> None:
        pass
