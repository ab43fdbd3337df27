"""The encoder of questions: loaded once a process, and questions that come at the same time are embedded together.

Running the model on eight short texts takes five to six times as long as running it on one, and a runtime is used by
one thread at a time. So the texts that come while it is busy wait, and whoever finds it free embeds all that wait. A
question that comes alone waits for nothing, and no thread runs beside those of the callers.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.index.encoder import Encoder, OnnxEncoder, OpenVinoEncoder, Vectors, WordEncoder, read_record

#: A text is embedded on so many threads: more are no faster for a question, and leave less to others.
_THREADS = 2
#: So many callers are served at once, at most: the last of them would else wait for all that came with it.
MOST_TOGETHER = 16
#: Encoders that are kept in memory, each of about 200 MB: that of an index, and that of the one it is compared with.
_KEPT = 2


def shared_encoder(folder: Path) -> BatchingEncoder:
    """The exported model in ``folder``, loaded when it is first asked for; after that the same object.

    Two folders with the same files, as two indexes have, give the same object. Loading depends on nothing but these
    files, and what is loaded never changes: so whoever opens an index need not know who else has, as they would have to
    if the encoder were handed from one to the other.

    Raises:
        EncoderError: there is no model in ``folder``, or it cannot be loaded.
    """
    record = read_record(folder)
    files = tuple(sorted(record.get("files", {}).items()))
    return _loaded(_Export(str(record["encoder_id"]), files, folder))


def brief_encoder(folder: Path) -> BatchingEncoder:
    """The same model for a process that asks once: loaded in half the time, and half as slow again for each question.

    Its vectors differ from those of ``shared_encoder`` in the seventh digit.

    Raises:
        EncoderError: there is no model in ``folder``, or it cannot be loaded.
    """
    encoder = OnnxEncoder(folder, threads=_THREADS)
    return BatchingEncoder(encoder, encoder.model)


def shared_words(folder: Path) -> WordEncoder:
    """The same model as what embeds words, of which there is also one a process. Arguments and errors as above."""
    record = read_record(folder)
    files = tuple(sorted(record.get("files", {}).items()))
    return _loaded_words(_Export(str(record["encoder_id"]), files, folder))


@dataclass(frozen=True)
class _Export:
    """An exported model, the same wherever it lies."""

    encoder_id: str
    files: tuple[tuple[str, str], ...]
    folder: Path = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _loaded(export: _Export) -> BatchingEncoder:
    encoder = OpenVinoEncoder(export.folder, threads=_THREADS, may_halve=False)
    return BatchingEncoder(encoder, encoder.model)


@lru_cache(maxsize=_KEPT)
def _loaded_words(export: _Export) -> WordEncoder:
    return WordEncoder(export.folder)


@dataclass(frozen=True, eq=False)
class _Call:
    """The texts of one caller, and what becomes of them."""

    texts: Sequence[str]
    vectors: Future[Vectors] = field(default_factory=Future)


class BatchingEncoder:
    """Any encoder, for callers in several threads. What they get is what the encoder alone would give each of them.

    Calls are served in the order in which they come. A text that cannot be embedded fails the call that it came with,
    and no other. Texts of one call are not parted, so that a call with many keeps the others waiting.

    Args:
        encoder: is never used by two threads at once.
        model: name of the model, for receipts.
    """

    def __init__(self, encoder: Encoder, model: str) -> None:
        self._encoder = encoder
        self.model = model
        self.encoder_id = encoder.encoder_id
        self.dimension = encoder.dimension
        self._calls: list[_Call] = []  # those that wait or are run, the oldest first
        self._is_running = False
        self._changed = threading.Condition()  # guards the two above

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As ``Encoder.encode``; raises what the encoder raises for ``texts``."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        call = _Call(texts)
        with self._changed:
            self._calls.append(call)
        try:
            while batch := self._batch_for(call):
                self._run(batch)
        finally:
            with self._changed:  # it is there still if this thread was interrupted
                self._calls = [c for c in self._calls if c is not call]
        return call.vectors.result()

    def _batch_for(self, call: _Call) -> list[_Call]:
        """The calls that the thread of ``call`` is to run, as soon as the encoder is free; none if ``call`` is done."""
        with self._changed:
            self._changed.wait_for(lambda: call.vectors.done() or not self._is_running)
            if call.vectors.done():
                return []
            self._is_running = True
            return self._calls[:MOST_TOGETHER]

    def _run(self, batch: Sequence[_Call]) -> None:
        try:
            self._embed(batch)
        finally:
            with self._changed:
                self._is_running = False
                self._calls = [call for call in self._calls if not call.vectors.done()]
                self._changed.notify_all()

    def _embed(self, batch: Sequence[_Call]) -> None:
        try:
            vectors = self._encoder.encode([text for call in batch for text in call.texts])
        except Exception as error:
            if len(batch) == 1:
                batch[0].vectors.set_exception(error)
            else:
                for call in batch:  # alone, each fails or not by its own texts
                    self._embed([call])
            return
        first = 0
        for call in batch:
            call.vectors.set_result(vectors[first : first + len(call.texts)])
            first += len(call.texts)
