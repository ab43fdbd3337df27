"""A second look at the best hits, by a model that reads question and passage together.

A cross-encoder (Nogueira and Cho, Passage re-ranking with BERT, arXiv:1901.04085) sees which words of the passage
answer which of the question, and has to read every pair anew: a model of the smallest size takes some 30 ms of one
core for a passage, where all the rest of a search takes a few. It is therefore off unless a folder is configured.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.errors import EncoderError, InputError
from rag.index.encoder import sha256
from rag.retrieve.base import DECIMALS, rounded

_BATCH = 16
#: More than a model's window takes in. Two texts of 100,000 characters took a minute to cut token by token.
_MOST_CHARS = 16_384
#: What decides a model's scores: weights, configuration, tokenizer.
_SHAPING = {".safetensors", ".json", ".txt", ".model"}


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
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise InputError(
                f"reranker {str(folder)!r}: no config.json and safetensors there; expected the folder of a "
                "cross-encoder on this machine, not its name: models are never downloaded"
            )
        self._folder, self._lock = folder, Lock()

    @cached_property
    def name(self) -> str:
        """The folder's name and 16 hexadecimal digits of a digest of all that decides the scores. Loads no model."""
        whole = hashlib.sha256()
        for path in sorted(p for p in self._folder.iterdir() if p.suffix in _SHAPING and p.is_file()):
            whole.update(f"{path.name}\0{sha256(path)}\0".encode())
        return f"{self._folder.resolve().name}@{whole.hexdigest()[:16]}"

    def rerank(self, text: str, passages: Sequence[str], hits: Sequence[Hit]) -> list[Hit]:
        """See ``Reranker.rerank``."""
        chances = self._chances(text, passages).tolist()
        again = [hit._replace(score=chance) for hit, chance in zip(hits, chances, strict=False)]
        return followed(sorted(again, key=lambda hit: (-hit.score, hit.passage_id)), hits[len(passages) :])

    def warm(self) -> None:
        """Loads the model, if it is not loaded."""
        with self._lock:
            _ = self._model

    def _chances(self, text: str, passages: Sequence[str]) -> NDArray[np.float64]:
        """Shape (len(passages),), in [0, 1]."""
        different = sorted(set(passages))  # once each: the neighbours in a batch show in a score's last digits
        if not different:
            return np.empty(0)
        pairs = [(text[:_MOST_CHARS], passage[:_MOST_CHARS]) for passage in different]
        with self._lock:
            scores = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False, activation_fn=_as_it_is)
        # By the hyperbolic tangent, which does not overflow.
        chances = rounded(0.5 + 0.5 * np.tanh(np.asarray(scores, np.float64) / 2))
        place = {passage: i for i, passage in enumerate(different)}
        result: NDArray[np.float64] = chances[[place[passage] for passage in passages]]
        return result

    @cached_property
    def _model(self) -> Any:
        model = _loaded(self._folder)
        if model.num_labels != 1:
            raise InputError(
                f"reranker {self._folder}: gives {model.num_labels} scores for a pair; expected one, which says how "
                "well a passage answers a question"
            )
        return model


def followed(best: Sequence[Hit], others: Sequence[Hit]) -> list[Hit]:
    """``best``, then ``others`` in their order: moved down together as far as it takes to stand below."""
    if not best or not others:
        return [*best, *others]
    below = best[-1].score - 10**-DECIMALS
    down = max(0.0, others[0].score - below)
    return [*best, *(hit._replace(score=round(hit.score - down, DECIMALS)) for hit in others)]


def _as_it_is(scores: Any) -> Any:
    """Instead of the activation that the model's folder asks for, so that all models' scores are of one kind."""
    return scores


def _loaded(folder: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Imported here because it takes seconds, which only those who configure a reranker should wait.
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return CrossEncoder(
                str(folder.resolve()), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except Exception as error:  # the library raises many types
            raise EncoderError(
                f"reranker {folder}: cannot be loaded ({error}); expected a cross-encoder with its tokenizer, as "
                "save_pretrained writes them"
            ) from error
