"""The embedding runtimes: text to vectors with the exported model. The only module that uses them.

Two runtimes run the one file. OpenVINO embeds questions with 32-bit floats, and passages with 16-bit ones where the
processor has them, nearly twice as fast; vectors of one text have a cosine of 0.9999, so that they can be compared.
Questions are few, and keep all bits: over the 2,411 of five collections, vectors alone, 16-bit floats changed nDCG@10
by -.0003 [-.0009, +.0001], and 8-bit weights and activations by -.004 [-.006, -.002] on the largest. ONNX Runtime
needs half as long again for a question; it is what an export is checked with.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol, runtime_checkable

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
#: Texts are padded to a multiple of this: few different widths, since a runtime prepares itself for each new one.
_WIDTH_STEP = 8
#: What comes out of a layer in the exported graph.
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.output")


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

        A text longer than the model's window is cut at it. The vector of a text does not depend on its neighbours,
        beyond what the order of a sum does to the last of its digits.
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
                f"encoder {folder}: cannot be loaded ({' '.join(str(error).split())}); expected {MODEL_FILE} and "
                f"{TOKENIZER_FILE} as exported; build the index again"
            ) from error
        # The packaged tokenizer cuts and pads at 128 tokens; the model's own window is longer.
        #: Tokens that a text may have, those that mark its ends among them, before it is cut.
        self.max_tokens = int(record["max_tokens"])
        self._tokenizer.enable_truncation(self.max_tokens)
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
        # A runtime may add up another width in another order: each text is padded as it would be alone.
        for width, rows in _by_width(ids):
            for first in range(0, len(rows), _BATCH):
                batch = rows[first : first + _BATCH]
                vectors[batch] = self._run(*self._padded([ids[i] for i in batch], width))
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, also of what lies beyond the model's window; without those that mark its ends."""
        return [_own_tokens(e) for e in self._tokenizer.encode_batch(list(texts))]

    def _padded(self, batch: list[list[int]], width: int) -> tuple[_Ids, _Ids]:
        ids = np.full((len(batch), width), self._pad_id, np.int64)
        mask = np.zeros((len(batch), width), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        return ids, mask


def _own_tokens(encoding: Any) -> int:
    """What is cut off stands in further pieces, each with marks of its own."""
    pieces = [encoding, *encoding.overflowing]
    return sum(piece.special_tokens_mask.count(0) for piece in pieces)


def _by_width(ids: Sequence[Sequence[int]]) -> list[tuple[int, list[int]]]:
    """Widths to which texts are padded, ascending, with the places in ``ids`` of those padded to each."""
    found: dict[int, list[int]] = {}
    for i, tokens in enumerate(ids):
        found.setdefault(-(-len(tokens) // _WIDTH_STEP) * _WIDTH_STEP, []).append(i)
    return sorted(found.items())


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
    """The exported model on OpenVINO. Not for two threads at once: see ``rag.index.batching``.

    A text has the same vector to the last bit among any neighbours and on any number of threads. This was seen on
    processors with AVX-512; where it should not hold, it does to the sixth decimal.

    Args:
        folder: as written by ``rag.index.export.export_encoder``.
        threads: of one operation; 0 takes all, which pays for much text.
        may_halve: whether to use 16-bit floats where the processor has them. Vectors with them and without have a
            cosine of 0.9999.
    """

    def __init__(self, folder: Path, threads: int = 0, *, may_halve: bool = True) -> None:
        self._threads, self._may_halve = threads, may_halve
        super().__init__(folder)

    def _load(self, model: Path) -> None:
        import openvino

        core = openvino.Core()
        halves = self._may_halve and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        hints = {"INFERENCE_PRECISION_HINT": "bf16" if halves else "f32", "PERFORMANCE_HINT": "LATENCY"}
        if self._threads:
            # Not tied to cores: several processes would all be tied to the first ones.
            hints |= {"INFERENCE_NUM_THREADS": str(self._threads), "ENABLE_CPU_PINNING": "NO"}
        self._request = core.compile_model(str(model), "CPU", hints).create_infer_request()

    def _run(self, ids: _Ids, mask: _Ids) -> Vectors:
        found: Vectors = self._request.infer({"input_ids": ids, "attention_mask": mask})[0].astype(np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


class Worded(NamedTuple):
    """A text's unit vector, its words in small letters, and a unit vector for each word, as it is meant in this text.

    ``vectors`` has the shape (len(words), dimension). Punctuation counts as words.
    """

    vector: Vectors
    words: tuple[str, ...]
    vectors: Vectors


class WordEncoder(_Exported):
    """The exported model with what it makes of each word. Safe to share between threads, which take turns.

    A word's vector is the mean of the last layer's over its pieces. On OpenVINO with 32-bit floats.

    Args:
        folder: as written by ``rag.index.export.export_encoder``.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        super().__init__(folder)

    def _load(self, model: Path) -> None:
        import openvino

        core = openvino.Core()
        graph = core.read_model(str(model))
        layers = [_LAYER.fullmatch(name) for op in graph.get_ops() for out in op.outputs() for name in out.get_names()]
        graph.add_outputs(max((m for m in layers if m), key=lambda m: int(m[1]))[0])
        hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": "1",
                 "ENABLE_CPU_PINNING": "NO"}  # fmt: skip
        self._request = core.compile_model(graph, "CPU", hints).create_infer_request()

    def _run(self, ids: _Ids, mask: _Ids) -> Vectors:
        return self._inferred(ids, mask)[0]

    def read(self, text: str) -> Worded:
        """A text longer than the model's window is cut at it."""
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], np.int64)
        with self._lock:
            vectors, states = self._inferred(ids, np.ones_like(ids))
        pieces: dict[int, list[int]] = {}
        for place, word in enumerate(encoding.word_ids):
            if word is not None:
                pieces.setdefault(word, []).append(place)
        words = tuple("".join(encoding.tokens[i].removeprefix("##") for i in at) for at in pieces.values())
        means = [states[0, at].mean(axis=0) for at in pieces.values()]
        return Worded(vectors[0], words, _unit(np.array(means, np.float32).reshape(len(words), self.dimension)))

    def _inferred(self, ids: _Ids, mask: _Ids) -> tuple[Vectors, Vectors]:
        """Vectors of texts, and of their tokens, copied out of the runtime's memory."""
        found = self._request.infer({"input_ids": ids, "attention_mask": mask})
        return _unit(found[0].astype(np.float32)), np.array(found[1], np.float32)


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
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
