"""``python -m eval.asking``: how long questions wait for the encoder, and how many askers are served at once.

Rounds are interleaved and figures are of all rounds, because another process on the machine slows whatever is at work.
Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from eval.datasets.files import json_lines
from eval.embedding import tokens_of
from eval.synthetic import texts_of
from rag.index.batching import shared_encoder
from rag.index.encoder import Encoder, OnnxEncoder, OpenVinoEncoder, Vectors
from rag.index.manifest import ENCODERS
from rag.pipeline import Pipeline
from rag.settings import Settings

_LENGTHS, _EACH, _ROUNDS, _ASKERS, _SECONDS = (8, 16, 32, 64), 4, 20, (1, 4, 16), 3.0


class Locked:
    """An encoder that serves one caller after the other: what batching is compared with."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self._lock = encoder, threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._encoder.encode(texts)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.asking", description=__doc__)
    parser.add_argument("--index", type=Path, default=None, help="the index that is asked (default: settings)")
    parser.add_argument("--questions", type=Path, nargs="*", default=[], help="JSON lines with a text each")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long askers ask")
    options = parser.parse_args(arguments)
    pipeline = Pipeline.open(Settings.from_environment(index_dir=options.index))
    pipeline.warm()
    folder = pipeline.snapshot.index_dir / ENCODERS / pipeline.snapshot.encoder.encoder_id
    real = {path.parent.name: [line.text("text") for line in json_lines(path)] for path in options.questions}
    console = Console()
    console.print(latency(folder, real, options.rounds))
    asked = [question for questions in real.values() for question in questions] or synthetic_questions(folder, 16)
    console.print(throughput(callers(folder, pipeline), asked, options.seconds))
    pipeline.close()
    return 0


def synthetic_questions(folder: Path, tokens: int) -> list[str]:
    """Questions of so many tokens, the two that every text is given among them."""
    return texts_of([tokens] * _EACH, tokens_of(folder), seed=tokens)


def latency(folder: Path, real: Mapping[str, Sequence[str]], rounds: int) -> Table:
    """Milliseconds to embed one question, by runtime, for synthetic ones by length and for ``real`` ones by origin.

    What of a text is the runtime's and what the tokenizer's is not told apart: the tokenizer takes 0.03 ms.
    """
    encoders: dict[str, Encoder] = {
        "ONNX fp32, 1 thread": OnnxEncoder(folder, threads=1),
        "ONNX fp32, 2 threads": OnnxEncoder(folder, threads=2),
        "OpenVINO fp32, 1 thread": OpenVinoEncoder(folder, 1, may_halve=False),
        "OpenVINO fp32, 2 threads*": OpenVinoEncoder(folder, 2, may_halve=False),
        "OpenVINO bf16, 2 threads": OpenVinoEncoder(folder, 2),
    }
    asked = {f"{n} tokens": synthetic_questions(folder, n) for n in _LENGTHS} | dict(real)
    times = {(name, what): list[float]() for name in encoders for what in asked}
    turns = {what: itertools.cycle(questions) for what, questions in asked.items()}
    for _ in range(rounds):
        for what, questions in turns.items():
            drawn = list(itertools.islice(questions, _EACH))
            for name, encoder in encoders.items():
                encoder.encode(drawn[:1])  # its weights may be out of the processor's cache
                times[name, what] += _timed(encoder, drawn)
    table = Table("runtime", *asked, title="one question, ms: p50 / p99", caption="* what questions are embedded with")
    for name in encoders:
        table.add_row(name, *(_spread(times[name, what]) for what in asked))
    return table


def _timed(encoder: Encoder, texts: Sequence[str]) -> Iterator[float]:
    for text in texts:
        start = time.perf_counter()
        encoder.encode([text])
        yield time.perf_counter() - start


def callers(folder: Path, pipeline: Pipeline) -> dict[str, Callable[[str], Any]]:
    """What askers can ask for, by name."""
    shared, alone = shared_encoder(folder), Locked(OpenVinoEncoder(folder, 2, may_halve=False))
    return {
        "embed, one by one": lambda question: alone.encode([question]),
        "embed, together*": lambda question: shared.encode([question]),
        "search": pipeline.search,
        "ask": pipeline.ask,
    }


def throughput(called: Mapping[str, Callable[[str], Any]], questions: Sequence[str], seconds: float) -> Table:
    """Questions a second, and milliseconds of one, by how many ask at once."""
    table = Table("", *(f"{n} at once" for n in _ASKERS), title="questions/s, ms of one: p50 / p99",
                  caption="* what questions are embedded with")  # fmt: skip
    for name, call in called.items():
        cells = []
        for askers in _ASKERS:
            times = asked_at_once(call, questions, askers, seconds)
            cells.append(f"{len(times) / seconds:.0f}/s {_spread(times)}")
        table.add_row(name, *cells)
    return table


def asked_at_once(call: Callable[[str], Any], questions: Sequence[str], askers: int, seconds: float) -> list[float]:
    """Seconds that each call took, of those that ended in time. ``askers`` threads ask one question after the other."""
    turn, until = itertools.count(), time.perf_counter() + seconds

    def ask() -> list[float]:
        times = list[float]()
        while True:
            question, start = questions[next(turn) % len(questions)], time.perf_counter()
            call(question)
            if time.perf_counter() > until:
                return times
            times.append(time.perf_counter() - start)

    with ThreadPoolExecutor(askers) as pool:
        return [t for future in [pool.submit(ask) for _ in range(askers)] for t in future.result()]


def _spread(times: Sequence[float]) -> str:
    if not times:
        return "-"
    middle, last = np.percentile(times, [50, 99]) * 1000
    return f"{middle:.2f} / {last:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
