"""Questions that come at the same time are embedded together, and each gets what it would get alone."""

from __future__ import annotations

import json
import random
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_corpus import exported_encoder

from rag.errors import EncoderError
from rag.index.batching import MOST_TOGETHER, BatchingEncoder, brief_encoder, shared_encoder
from rag.index.encoder import RECORD_FILE, Encoder, OpenVinoEncoder, Vectors

QUESTIONS = tuple(
    f"{start} {drug} {end}".strip()
    for start in ("What is the dose of", "dose", "Should a patient with cirrhosis and renal impairment be given")
    for drug in ("argatroban", "intravenous immunoglobulin", "warfarin", "IVIG")
    for end in ("", "in moderate hepatic impairment?", "while the platelet count is below 150 × 10⁹/L? " * 4)
)
WAIT_S = 10


class Slow:
    """An encoder that holds at a gate, remembers its batches, cannot read "bad" and is stopped by "stop"."""

    encoder_id, dimension = "slow", 3

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[str]] = []
        self._in_use = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        assert self._in_use.acquire(blocking=False), "two threads at once"
        try:
            self.batches.append(list(texts))
            self.entered.set()
            assert self.gate.wait(WAIT_S)
            if "stop" in texts:
                raise KeyboardInterrupt
            if "bad" in texts:
                raise ValueError("bad")
            return np.array([[zlib.crc32(text.encode()), len(text), 1] for text in texts], np.float32)
        finally:
            self._in_use.release()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture(scope="module")
def exported(starter_index: Path) -> Path:
    return exported_encoder(starter_index)


def waiting(batching: BatchingEncoder, slow: Slow, pool: ThreadPoolExecutor, calls: Sequence[Sequence[str]]
            ) -> list[Future[Vectors]]:  # fmt: skip
    """Calls that have come, in this order, while the encoder is held at the gate with the first of them."""
    found = []
    for number, texts in enumerate(calls):
        found.append(pool.submit(batching.encode, texts))
        if number == 0:
            assert slow.entered.wait(WAIT_S)
        while len(batching._calls) <= number:
            assert not found[number].done()
    return found


def test_is_an_encoder(slow: Slow) -> None:
    batching = BatchingEncoder(slow, "a model")
    assert isinstance(batching, Encoder)
    assert (batching.encoder_id, batching.dimension, batching.model) == ("slow", 3, "a model")


def test_a_call_that_comes_alone_is_run_at_once(slow: Slow) -> None:
    slow.gate.set()
    batching = BatchingEncoder(slow, "")
    assert batching.encode(["a", "b"]).shape == (2, 3)
    assert batching.encode([]).shape == (0, 3)
    assert batching.encode(["c"]).dtype == np.float32
    assert slow.batches == [["a", "b"], ["c"]]


def test_calls_that_wait_are_run_together_in_their_order(slow: Slow) -> None:
    batching = BatchingEncoder(slow, "")
    calls = [["first"], ["a"], ["b", "c"], ["d"]]
    with ThreadPoolExecutor(len(calls)) as pool:
        found = waiting(batching, slow, pool, calls)
        slow.gate.set()
        results = [future.result(WAIT_S) for future in found]
    assert slow.batches == [["first"], ["a", "b", "c", "d"]]
    for texts, vectors in zip(calls, results, strict=True):
        assert (vectors == slow.encode(texts)).all()


def test_a_batch_is_bounded_and_the_oldest_go_first(slow: Slow) -> None:
    batching = BatchingEncoder(slow, "")
    calls = [[str(number)] for number in range(2 * MOST_TOGETHER + 2)]
    with ThreadPoolExecutor(len(calls)) as pool:
        found = waiting(batching, slow, pool, calls)
        slow.gate.set()
        for future in found:
            future.result(WAIT_S)
    assert [len(batch) for batch in slow.batches] == [1, MOST_TOGETHER, MOST_TOGETHER, 1]
    assert [[text] for batch in slow.batches for text in batch] == calls


def test_an_error_goes_to_the_call_that_caused_it(slow: Slow) -> None:
    batching = BatchingEncoder(slow, "")
    with ThreadPoolExecutor(4) as pool:
        found = waiting(batching, slow, pool, [["first"], ["good"], ["fine", "bad"], ["better"]])
        slow.gate.set()
        for at in (0, 1, 3):
            assert found[at].result(WAIT_S).shape == (1, 3)
        with pytest.raises(ValueError, match="bad"):
            found[2].result(WAIT_S)
    assert batching.encode(["after"]).shape == (1, 3)


def test_an_interrupted_call_leaves_the_others_to_be_served(slow: Slow) -> None:
    batching = BatchingEncoder(slow, "")
    with ThreadPoolExecutor(3) as pool:
        found = waiting(batching, slow, pool, [["stop"], ["a"], ["b"]])
        slow.gate.set()
        with pytest.raises(KeyboardInterrupt):
            found[0].result(WAIT_S)
        assert [f.result(WAIT_S).shape for f in found[1:]] == [(1, 3)] * 2
    assert slow.batches == [["stop"], ["a", "b"]]
    assert batching._calls == []


def test_many_threads_get_what_each_would_get_alone(slow: Slow) -> None:
    slow.gate.set()
    batching = BatchingEncoder(slow, "")
    drawn = random.Random(0)
    calls = [[f"text {drawn.random()}" for _ in range(drawn.randint(0, 3))] for _ in range(1000)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(batching.encode, calls))
    for texts, vectors in zip(calls, found, strict=True):
        assert vectors.shape == (len(texts), 3)
        assert not texts or (vectors == slow.encode(texts)).all()


# the model itself


def test_a_question_has_the_same_vector_to_the_last_bit_alone_or_among_others(exported: Path) -> None:
    batching = shared_encoder(exported)
    alone = [batching.encode([question])[0] for question in QUESTIONS]
    for seed in range(3):
        order = random.Random(seed).sample(range(len(QUESTIONS)), len(QUESTIONS))
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda i: batching.encode([QUESTIONS[i]])[0], order))
        for i, vector in zip(order, found, strict=True):
            assert (vector == alone[i]).all()


def test_the_encoder_of_a_single_question_gives_the_same_vectors(exported: Path) -> None:
    brief, shared = brief_encoder(exported), shared_encoder(exported)

    assert (brief.encoder_id, brief.model) == (shared.encoder_id, shared.model)
    assert np.abs(brief.encode(QUESTIONS) - shared.encode(QUESTIONS)).max() < 1e-5


def test_questions_keep_all_bits_and_can_be_compared_with_passages(exported: Path) -> None:
    questions = shared_encoder(exported).encode(QUESTIONS)
    assert (questions == OpenVinoEncoder(exported, may_halve=False).encode(QUESTIONS)).all()
    assert (questions * OpenVinoEncoder(exported).encode(QUESTIONS)).sum(1).min() > 0.9999


def test_a_model_is_loaded_once_wherever_its_files_lie(exported: Path, tmp_path: Path) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert shared_encoder(tmp_path) is shared_encoder(exported)


def test_another_model_is_another_encoder(exported: Path, tmp_path: Path) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).symlink_to(path)
    record = json.loads((tmp_path / RECORD_FILE).read_text())
    (tmp_path / RECORD_FILE).unlink()
    (tmp_path / RECORD_FILE).write_text(json.dumps(record | {"encoder_id": "another"}))
    assert shared_encoder(tmp_path).encoder_id == "another"
    assert shared_encoder(exported).encoder_id != "another"


def test_a_folder_without_a_model_is_refused_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(EncoderError, match=r"encoder\.json"):
            shared_encoder(tmp_path)
