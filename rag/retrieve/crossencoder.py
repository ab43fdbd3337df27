"""A cross-encoder of sentence-transformers, from a folder on this machine. Nothing is downloaded, nothing unpickled.

The reranker and the model of natural language inference are both of this kind: a model that reads two texts together
and gives scores for the pair. The only module, beside the export, that uses sentence-transformers.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import EncoderError, InputError
from rag.index.encoder import sha256

Scores = NDArray[np.float64]

_BATCH = 16
#: More than a model's window takes in. Two texts of 100,000 characters took a minute to cut token by token.
_MOST_CHARS = 16_384
#: What decides a model's scores: weights, configuration, tokenizer.
_SHAPING = {".safetensors", ".json", ".txt", ".model"}


class LocalCrossEncoder:
    """Scores of pairs of texts. Safe to share between threads, which take turns.

    Args:
        folder: as ``CrossEncoder.save_pretrained`` writes it, with weights in safetensors. The model is loaded when it
            is first used, which takes seconds.
        role: what it is used for, for messages.

    Raises:
        InputError: no such folder, or it holds no such model. A model's name on a hub is no folder.
        EncoderError: the model cannot be loaded; raised when it is first used.
    """

    def __init__(self, folder: Path, role: str) -> None:
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise InputError(
                f"{role} {str(folder)!r}: no config.json and safetensors there; expected the folder of a "
                "cross-encoder on this machine, not its name: models are never downloaded"
            )
        self.folder, self.role, self._lock = folder, role, Lock()

    @cached_property
    def name(self) -> str:
        """The folder's name and 16 hexadecimal digits of a digest of all that decides the scores. Loads no model."""
        whole = hashlib.sha256()
        for path in sorted(p for p in self.folder.iterdir() if p.suffix in _SHAPING and p.is_file()):
            whole.update(f"{path.name}\0{sha256(path)}\0".encode())
        return f"{self.folder.resolve().name}@{whole.hexdigest()[:16]}"

    @cached_property
    def classes(self) -> dict[int, str]:
        """The names of the scores by their column, as the configuration has them; none where it names none."""
        try:
            named = json.loads((self.folder / "config.json").read_text("utf-8")).get("id2label") or {}
            return {int(column): str(name) for column, name in named.items()}
        except (ValueError, AttributeError) as error:
            raise InputError(
                f"{self.role} {self.folder}: config.json cannot be read ({error}); expected that of a cross-encoder"
            ) from error

    @property
    def width(self) -> int:
        """How many scores it gives for a pair; loads the model."""
        with self._lock:
            return int(self._model.num_labels)

    def scores(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """The model's own scores, before any activation, shape (len(pairs), width).

        What does not fit into the model's window together is cut, the longer text of a pair first. Pairs of one call
        are read together, so that a pair's neighbours show in the last digits of its scores.
        """
        cut = [(one[:_MOST_CHARS], other[:_MOST_CHARS]) for one, other in pairs]
        with self._lock:
            if not cut:
                return np.empty((0, int(self._model.num_labels)))
            found = self._model.predict(cut, batch_size=_BATCH, show_progress_bar=False, activation_fn=_as_it_is)
        return np.asarray(found, np.float64).reshape(len(pairs), -1)

    @cached_property
    def _model(self) -> Any:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Imported here because it takes seconds, which only those who configure a model should wait.
            from sentence_transformers import CrossEncoder
            from transformers.utils import logging

            logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            try:
                return CrossEncoder(
                    str(self.folder.resolve()),
                    device="cpu",
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
            except Exception as error:  # the library raises many types
                raise EncoderError(
                    f"{self.role} {self.folder}: cannot be loaded ({error}); expected a cross-encoder with its "
                    "tokenizer, as save_pretrained writes them"
                ) from error


def _as_it_is(scores: Any) -> Any:
    """Instead of the activation that the model's folder asks for, so that all models' scores are of one kind."""
    return scores
