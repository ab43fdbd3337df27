"""What was measured of indexes of several sizes, kept as JSON for the projection to a larger one."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from eval.resident import Memory
from rag.domain import Frozen
from rag.errors import InputError

#: Hits that searches are asked for, unless it is said otherwise.
K = 10


class Built(Frozen):
    """Of a build: seconds by the clock, of the processor and, of those, in what stands in for the model.

    ``peak_mb`` is the most anonymous memory; ``texts`` were given vectors, which are ``like`` others.
    """

    seconds: float
    busy_s: float
    encoder_s: float
    peak_mb: float
    texts: int
    like: str


class Opened(Frozen):
    """Of opening an index, in milliseconds: in a new process, again in one that runs, and the first search after it."""

    new_ms: float
    again_ms: float
    first_ms: float


class Cold(Frozen):
    """Of searches of an index of which nothing is in memory: how long each takes and how much of the disk it reads."""

    searches: int
    p50_ms: float
    p99_ms: float
    read_mb: float


class Latency(Frozen):
    """Of one kind of search. ``threads`` ask at once; ``kept`` is the share of passages that the filter leaves.

    ``busy_ms`` is the median of the processor's time, which says more than the clock on a machine that others use.
    ``fewest`` is the smallest number of hits that a question got, of ``wanted`` or as many as the filter leaves.
    """

    search: str
    kept: str
    threads: int
    p50_ms: float
    p99_ms: float
    busy_ms: float
    wanted: int
    fewest: int


class Recall(Frozen):
    """Share of the ten nearest passages, by the vectors as they are stored, among the ten that dense search found."""

    kept: str
    passages: int
    recall: float


class Point(Frozen):
    """An index of one size. ``files`` has bytes by the name of the file, of all segments together; ``kept`` has what of
    them was in memory after each query had been asked once by hybrid search, and nothing before.

    ``started``, ``opened`` and ``searched`` are of one process: before it opens the index, after, and after all
    queries; ``two`` is of two processes that have both searched the same index.
    """

    sources: int
    passages: int
    sentences: int
    segments: int
    files: dict[str, int]
    kept: dict[str, int]
    built: Built
    opening: Opened
    selecting_ms: dict[str, float]
    started: Memory
    opened: Memory
    searched: Memory
    two: tuple[Memory, Memory]
    cold: Cold
    latencies: tuple[Latency, ...]
    recalls: tuple[Recall, ...]

    @property
    def bytes(self) -> int:
        return sum(self.files.values())


class Run(Frozen):
    """One run of ``python -m eval.sizes``: on what machine, with how many queries, and its points by size."""

    machine: str
    queries: int
    points: tuple[Point, ...]


def read_run(path: Path) -> Run:
    """Raises ``InputError`` for a file that is not the log of such a run."""
    try:
        return Run.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"log {path}: {problem}; expected what `python -m eval.sizes --out` wrote") from error


def write_run(run: Run, path: Path) -> None:
    # Not pydantic's: it writes null for a figure that there is not (NaN).
    path.write_text(json.dumps(run.model_dump(), indent=1) + "\n", "utf-8")
