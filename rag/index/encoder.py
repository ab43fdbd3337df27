"""The embedding runtimes: text to vectors with the exported model. The only module that uses them.

Two runtimes run the one file. ONNX Runtime starts in a tenth of a second and is what questions are embedded with.
OpenVINO takes longer to start and, with 16-bit floats where the processor has them, embeds passages twice as fast; its
vectors have a cosine of 0.9999 with the others', so that they can be compared.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rag.errors import EncoderError

Vectors = NDArray[np.float32]
_Ids = NDArray[np.int64]

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
RECORD_FILE = "encoder.json"
_FIELDS = {"encoder_id", "dimension", "max_tokens", "pad_id", "pad_token"}
_BATCH = 16
_WIDTH_STEP = 8


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors. Implemented by the two runtimes here and by the original in ``export``."""

    @property
    def encoder_id(self) -> str:
        """Digest of the model's weights and tokenizer: vectors of different ids must never be compared."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32, in the order of ``texts``.

        A text longer than the model's window is cut at it. The vector of a text does not depend on its neighbours.
        """


class _Exported(ABC):
    """What the runtimes share: the record and the tokenizer of an exported model, and batches of like length.

    Args:
        folder: as written by ``rag.index.export.export_encoder``.
    """

    def __init__(self, folder: Path) -> None:
        # Imported here because it costs a tenth of a second that `osler --help` must not pay.
        from tokenizers import Tokenizer

        record = read_record(folder)
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            self._load(folder / MODEL_FILE)
        except Exception as error:  # the libraries raise their own, undocumented types
            raise EncoderError(
                f"encoder {folder}: cannot be loaded ({error}); expected {MODEL_FILE} and {TOKENIZER_FILE} as "
                "exported; build the index again"
            ) from error
        # The packaged tokenizer cuts and pads at 128 tokens; the model's own window is longer.
        self._tokenizer.enable_truncation(record["max_tokens"])
        self._tokenizer.no_padding()
        self._pad_id = int(record["pad_id"])
        self.encoder_id = str(record["encoder_id"])
        #: Name of the model that was exported.
        self.model = str(record["model"])
        self.dimension = int(record["dimension"])

    @abstractmethod
    def _load(self, model: Path) -> None:
        """Opens the model's file."""

    @abstractmethod
    def _run(self, ids: _Ids, mask: _Ids) -> Vectors:
        """Vectors of a batch of token ids, both (texts, tokens)."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        ids = [e.ids for e in self._tokenizer.encode_batch(list(texts))]
        # Batches of similar length waste least on padding.
        order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            vectors[rows] = self._encode_batch([ids[i] for i in rows])
        return vectors

    def _encode_batch(self, batch: list[list[int]]) -> Vectors:
        # Few different widths: a runtime prepares itself for each new one.
        width = -(-len(batch[-1]) // _WIDTH_STEP) * _WIDTH_STEP
        ids = np.full((len(batch), width), self._pad_id, np.int64)
        mask = np.zeros((len(batch), width), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        return self._run(ids, mask)


class OnnxEncoder(_Exported):
    """The exported model on ONNX Runtime.

    Args:
        folder: as written by ``rag.index.export.export_encoder``.
        threads: of one operation; 1 keeps the latency of a question steady when the machine is shared, 0 takes all.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._threads = threads
        super().__init__(folder)

    def _load(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # The file was optimised when it was exported; doing it again costs start-up time and changes nothing.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def _run(self, ids: _Ids, mask: _Ids) -> Vectors:
        result: Vectors = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return result


class OpenVinoEncoder(_Exported):
    """The exported model on OpenVINO, for embedding much text: all cores, 16-bit floats where the processor has them.

    Vectors of the same text on processors with and without them have a cosine of 0.9999.
    """

    def _load(self, model: Path) -> None:
        import openvino

        core = openvino.Core()
        has_halves = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        hints = {"INFERENCE_PRECISION_HINT": "bf16" if has_halves else "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._request = core.compile_model(str(model), "CPU", hints).create_infer_request()

    def _run(self, ids: _Ids, mask: _Ids) -> Vectors:
        found: Vectors = self._request.infer({"input_ids": ids, "attention_mask": mask})[0].astype(np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


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
