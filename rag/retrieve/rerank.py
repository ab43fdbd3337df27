"""A second look at the best hits, by a model that reads question and passage together.

A cross-encoder (Nogueira and Cho, Passage re-ranking with BERT, arXiv:1901.04085) sees which words of the passage
answer which of the question, and has to read every pair anew: a model of the smallest size takes some 30 ms of one
core for a passage, where all the rest of a search takes a few. It is therefore off unless a folder is configured.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.errors import InputError
from rag.retrieve.base import DECIMALS, rounded
from rag.retrieve.crossencoder import LocalCrossEncoder


class Reranker(Protocol):
    """Puts the best hits of a search into a better order. Safe to share between threads.

    Every implementation passes ``tests/retrieve/conformance.py``.
    """

    @property
    def name(self) -> str:
        """What an answer's receipt calls it: a name, and a digest of its weights."""

    def rerank(self, text: str, passages: Sequence[str], hits: Sequence[Hit]) -> list[Hit]:
        """The same hits, sorted by (-score, passage id) with scores of the reranker.

        Args:
            text: the question.
            passages: the texts, with their titles, of the first ``len(passages)`` hits: those that are reranked, with
                scores in [0, 1]. The others follow them, in their order.
            hits: sorted by (-score, passage id).
        """


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers, from a folder on this machine. Nothing is downloaded.

    A score is the logistic function of the model's. Passages with the same text score the same. What does not fit into
    the model's window together is cut, the longer of question and passage first.

    Args:
        folder: as ``CrossEncoder.save_pretrained`` writes it, with one score for a pair and weights in safetensors.
            The model is loaded when it is first used, which takes seconds.

    Raises:
        InputError: no such folder, or it holds no such model. A model's name on a hub is no folder.
        EncoderError: the model cannot be loaded; raised when it is first used.
    """

    def __init__(self, folder: Path) -> None:
        self._model = LocalCrossEncoder(folder, "reranker")

    @property
    def name(self) -> str:
        return self._model.name

    def rerank(self, text: str, passages: Sequence[str], hits: Sequence[Hit]) -> list[Hit]:
        """See ``Reranker.rerank``."""
        chances = self._chances(text, passages).tolist()
        again = [hit._replace(score=chance) for hit, chance in zip(hits, chances, strict=False)]
        return followed(sorted(again, key=lambda hit: (-hit.score, hit.passage_id)), hits[len(passages) :])

    def warm(self) -> None:
        """Loads the model, if it is not loaded."""
        _ = self._checked

    def _chances(self, text: str, passages: Sequence[str]) -> NDArray[np.float64]:
        """Shape (len(passages),), in [0, 1]."""
        different = sorted(set(passages))  # once each: the neighbours in a batch show in a score's last digits
        if not different:
            return np.empty(0)
        scores = self._checked.scores([(text, passage) for passage in different])[:, 0]
        chances = rounded(0.5 + 0.5 * np.tanh(scores / 2))  # by the hyperbolic tangent, which does not overflow
        place = {passage: i for i, passage in enumerate(different)}
        result: NDArray[np.float64] = chances[[place[passage] for passage in passages]]
        return result

    @cached_property
    def _checked(self) -> LocalCrossEncoder:
        if self._model.width != 1:
            raise InputError(
                f"reranker {self._model.folder}: gives {self._model.width} scores for a pair; expected one, which says "
                "how well a passage answers a question"
            )
        return self._model


def followed(best: Sequence[Hit], others: Sequence[Hit]) -> list[Hit]:
    """``best``, then ``others`` in their order: moved down together as far as it takes to stand below."""
    if not best or not others:
        return [*best, *others]
    below = best[-1].score - 10**-DECIMALS
    down = max(0.0, others[0].score - below)
    return [*best, *(hit._replace(score=round(hit.score - down, DECIMALS)) for hit in others)]
