"""The embedding runtime: text to vectors with the exported model. The only module that uses ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rag.errors import EncoderError

Vectors = NDArray[np.float32]

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
RECORD_FILE = "encoder.json"
_FIELDS = {"encoder_id", "dimension", "max_tokens", "pad_id", "pad_token"}
_BATCH = 16


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors. Two implementations: the exported model here, the original in ``export``."""

    @property
    def encoder_id(self) -> str:
        """Digest of the model's weights and tokenizer: vectors of different ids must never be compared."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32, in the order of ``texts``.

        A text longer than the model's window is cut at it. The vector of a text does not depend on its neighbours.
        """


class OnnxEncoder:
    """The exported model on ONNX Runtime.

    Args:
        folder: as written by ``rag.index.export.export_encoder``.
        threads: of one operation; 1 keeps the latency of a question steady when the machine is shared, 0 takes all.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        # Imported here because each costs a tenth of a second that `osler --help` must not pay.
        import onnxruntime
        from tokenizers import Tokenizer

        record = read_record(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The file was optimised when it was exported; doing it again costs start-up time and changes nothing.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # both libraries raise their own, undocumented types
            raise EncoderError(
                f"encoder {folder}: cannot be loaded ({error}); expected {MODEL_FILE} and {TOKENIZER_FILE} as "
                "exported; build the index again"
            ) from error
        # The packaged tokenizer cuts and pads at 128 tokens; the model's own window is longer.
        self._tokenizer.enable_truncation(record["max_tokens"])
        self._tokenizer.enable_padding(pad_id=record["pad_id"], pad_token=record["pad_token"])
        self._encoder_id = str(record["encoder_id"])
        #: Name of the model that was exported.
        self.model = str(record["model"])
        self._dimension = int(record["dimension"])

    @property
    def encoder_id(self) -> str:
        return self._encoder_id

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self._dimension), np.float32)
        # Batches of similar length waste least on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            vectors[rows] = self._encode_batch([texts[i] for i in rows])
        return vectors

    def _encode_batch(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        feed = {
            "input_ids": np.array([e.ids for e in encodings], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encodings], np.int64),
        }
        result: Vectors = self._session.run(None, feed)[0]
        return result


def read_record(folder: Path) -> dict[str, Any]:
    """The record of an exported encoder. Raises ``EncoderError`` when there is none that can be used."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"encoder {folder}: no readable {RECORD_FILE} ({error}); build the index again") from error
    if not isinstance(record, dict) or not record.keys() >= _FIELDS:
        raise EncoderError(f"encoder {folder}: {RECORD_FILE} lacks fields; build the index again")
    return record


def damaged_encoder(folder: Path) -> list[str]:
    """What of an exported encoder does not match its record, one line a file; nothing when it is whole."""
    try:
        files: dict[str, str] = read_record(folder)["files"]
    except (EncoderError, KeyError) as error:
        return [str(error)]
    problems = []
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif sha256(path) != expected:
            problems.append(f"{name} is damaged: its sha256 is not the record's")
    return problems


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
