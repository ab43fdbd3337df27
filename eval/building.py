"""``python -m eval.building``: what building, changing and opening an index costs. Prints, asserts nothing.

Three parts that run alone: ``embedding`` compares the runtimes, ``corpus`` builds an index of a file of JSON lines and
changes it, ``memory`` builds synthetic indexes of growing size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Column, Table

from eval import synthetic
from rag.domain import Document
from rag.index.build import Built, add, build, remove
from rag.index.encoder import OpenVinoEncoder, Vectors
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.manifest import ENCODERS, SEGMENTS
from rag.index.snapshot import Snapshot
from rag.ingest.reading import documents
from rag.settings import Settings

_CHANGED, _OPENINGS, _LOOK_EVERY_S = 100, 7, 0.05
_QUESTION = "Which patients need a lower dose of the drug?"
#: The name under which a build finds its runtime; others are put in its place to time it or to do without it.
_RUNTIME = "rag.index.build.OpenVinoEncoder"
Row = tuple[str, str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.building", description=__doc__)
    parser.add_argument(
        "--index", type=Path, default=None, help="index whose exported model is used (default: settings)"
    )
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("embedding", help="compare the runtimes")
    part.add_argument("--passages", type=int, default=256, help="texts a round")
    part.add_argument("--rounds", type=int, default=5)
    part.add_argument("--scifact", type=Path, default=None, help="folder in BEIR's form, to measure nDCG@10 as well")
    part = parts.add_parser("corpus", help="build, change and open an index")
    part.add_argument("file", type=Path, help="documents as JSON lines")
    part = parts.add_parser("memory", help="peak memory of builds of growing size")
    part.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args(arguments)
    encoders = Settings.from_environment(index_dir=options.index).index_dir / ENCODERS
    for table in _tables(options, encoders):
        Console().print(table)
    return 0


def _tables(options: argparse.Namespace, encoders: Path) -> Iterator[Table]:
    if options.part == "embedding":
        from eval.embedding import embedding  # imports what neither of the others needs

        with new_index(encoders) as folder:
            model = export_encoder(PACKAGED_MODEL, folder / ENCODERS)
            yield embedding(model, folder, options.passages, options.rounds, options.scifact)
    elif options.part == "corpus":
        yield corpus(options.file, encoders)
    else:
        yield memory(options.passages, encoders)


@contextmanager
def new_index(encoders: Path) -> Iterator[Path]:
    """A folder for an index with the model exported, which is taken from ``encoders`` if it is there."""
    with tempfile.TemporaryDirectory() as name:
        if encoders.is_dir():
            shutil.copytree(encoders, Path(name) / ENCODERS, ignore=shutil.ignore_patterns(".*"))
        export_encoder(PACKAGED_MODEL, Path(name) / ENCODERS)
        yield Path(name)


# one corpus, built and changed


class TimedEncoder(OpenVinoEncoder):
    """What builds use, with seconds by the clock and of all processors, in the model and in preparing texts for it."""

    in_all = in_model = processor = 0.0

    def encode(self, texts: Sequence[str]) -> Vectors:
        start = time.perf_counter()
        try:
            return super().encode(texts)
        finally:
            TimedEncoder.in_all += time.perf_counter() - start

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        start, busy = time.perf_counter(), time.process_time()
        try:
            return super()._run(ids, mask)
        finally:
            TimedEncoder.in_model += time.perf_counter() - start
            TimedEncoder.processor += time.process_time() - busy


def corpus(file: Path, encoders: Path) -> Table:
    """Building the index of ``file`` from nothing, adding documents, removing them, and opening."""
    table = Table("what", "figure", "goal", title=f"building {file.name}")
    with new_index(encoders) as index_dir:
        for row in (*_from_zero(file, index_dir), *_opening(index_dir), *_changes(file, index_dir)):
            table.add_row(*row)
    return table


def _from_zero(file: Path, index_dir: Path) -> Iterator[Row]:
    TimedEncoder.in_all = TimedEncoder.in_model = TimedEncoder.processor = 0.0
    start, busy, reader = time.perf_counter(), time.process_time(), _children_s()
    with patch(_RUNTIME, TimedEncoder):
        built = build(documents([file]), index_dir)
    total, busy, reader = time.perf_counter() - start, time.process_time() - busy, _children_s() - reader
    inside, tokenising = TimedEncoder.in_model, TimedEncoder.in_all - TimedEncoder.in_model
    yield f"build from zero, {built.sources} documents, {built.passages} passages", f"{total:.1f} s", ""
    rates = f"{built.passages / total:.0f} passages/s, {built.embedded / total:.0f} texts/s"
    yield "  of it passages, and all texts (sentences too)", rates, ""
    yield "  time in the model", f"{inside:.1f} s, {_percent(inside, total)}", ""
    yield "  everything else", f"{total - inside:.1f} s, {_percent(total - inside, total)}", "< 15 %"
    yield "    of it tokenising and padding", f"{tokenising:.1f} s", ""
    yield "  processor time in the model", f"{TimedEncoder.processor:.1f} s", ""
    rest = busy - TimedEncoder.processor + reader
    yield (
        "  processor time of everything else",
        f"{rest:.1f} s, {_percent(rest, busy + reader)}, {reader:.1f} s of it in the reading process",
        "< 15 %",
    )
    yield "  size on disk", f"{_bytes(index_dir / SEGMENTS) / 2**20:.0f} MB", ""


def _children_s() -> float:
    """Processor time of processes that were started and have ended: those that read files."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _opening(index_dir: Path) -> Iterator[Row]:
    times = []
    for _ in range(_OPENINGS):
        start = time.perf_counter()
        Snapshot(index_dir).close()
        times.append((time.perf_counter() - start) * 1000)
    yield "opening, again in the same process", f"{statistics.median(times):.0f} ms", "< 200 ms"
    fresh = [_in_process("opened", str(index_dir)) for _ in range(_OPENINGS)]
    first, second = (f"{statistics.median(f[name] for f in fresh):.0f} ms" for name in ("first_ms", "second_ms"))
    yield "opening in a new process", f"{statistics.median(f['open_ms'] for f in fresh):.0f} ms", "< 200 ms"
    yield "  its first search, and the second", f"{first}, {second}", ""


def _changes(file: Path, index_dir: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        more = Path(name) / "more.jsonl"
        with file.open("rb") as lines:
            more.write_text("".join(_altered(islice(lines, _CHANGED))), "utf-8")
        start = time.perf_counter()
        yield f"add {_CHANGED} documents", _cost(start, add(documents([more]), index_dir)), ""
        keys = _keys(more)
    start = time.perf_counter()
    yield "remove them again", _cost(start, remove(keys, index_dir)), ""
    keys = _keys(file)
    keys = keys[:: max(1, len(keys) // _CHANGED)][:_CHANGED]
    start = time.perf_counter()
    yield f"remove {len(keys)} documents from all over it", _cost(start, remove(keys, index_dir)), ""


def _keys(file: Path) -> list[str]:
    return list(dict.fromkeys(d.source.key for d in documents([file]) if isinstance(d, Document)))


def _altered(lines: Iterable[bytes]) -> Iterator[str]:
    """Documents with ids of their own, in each of which every eighth word stands somewhere else."""
    drawn = random.Random(0)  # noqa: S311
    for number, line in enumerate(lines):
        record: dict[str, Any] = json.loads(line)
        words = record["text"].split()
        moved = words[::8]
        drawn.shuffle(moved)
        words[::8] = moved
        yield json.dumps({"_id": f"added-{number}", "title": record.get("title", ""), "text": " ".join(words)}) + "\n"


def _cost(start: float, built: Built) -> str:
    return f"{time.perf_counter() - start:.1f} s, {built.embedded} texts embedded"


# memory


class _Measured(NamedTuple):
    passages: int
    made: dict[str, float]
    opened: dict[str, float]
    bytes: int


def memory(sizes: Sequence[int], encoders: Path) -> Table:
    """Peak memory of a process that builds an index, by the number of passages; each size in a process of its own."""
    table = Table(Column("passages", no_wrap=True), "build s", "each µs", "peak MB", "anon MB", "disk MB", "open ms",
                  "search ms, again", title="synthetic passages of a sentence, random vectors in place of the model's",
                  caption="memory: of the building process, without the model's runtime; anon: not mapped from a file\n"
                          "opening, and searching twice: in a new process")  # fmt: skip
    for found in (_measured(size, encoders) for size in sizes):
        seconds, opened_ms = found.made["seconds"], found.opened
        figures = (seconds, seconds / found.passages * 1e6, found.made["peak_mb"], found.made["anonymous_mb"],
                   found.bytes / 2**20, opened_ms["open_ms"])  # fmt: skip
        searches = f"{opened_ms['first_ms']:.0f}, {opened_ms['second_ms']:.0f}"
        table.add_row(f"{found.passages:,}", *(f"{x:.0f}" for x in figures), searches)
    return table


def _measured(count: int, encoders: Path) -> _Measured:
    with new_index(encoders) as index_dir:
        made = _in_process("made", str(index_dir), str(count))
        return _Measured(count, made, _in_process("opened", str(index_dir)), _bytes(index_dir / SEGMENTS))


def _in_process(function: str, *arguments: str) -> dict[str, float]:
    """What a function of this module gives in a new process, whose memory and caches are its own."""
    code = f"import json, sys, eval.building as b; print(json.dumps(b.{function}(*sys.argv[1:])))"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in ("", *sys.path) if p or p == "")}
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, env=paths)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout)
    return found


def made(index_dir: str, count: str) -> dict[str, float]:
    """Builds a synthetic index; memory is this process's, as Linux counts it, in MB."""
    start = time.perf_counter()
    with patch(_RUNTIME, synthetic.RandomEncoder), _watched() as looks:
        build(synthetic.documents(int(count)), Path(index_dir))
    seconds = time.perf_counter() - start
    # Not ``ru_maxrss``, which a process takes over from the one that started it.
    return {"seconds": seconds, "peak_mb": _status_mb("VmHWM"), "anonymous_mb": max(looks)}


@contextmanager
def _watched() -> Iterator[list[float]]:
    """Takes a look at the memory that is not mapped from files, which the system can take back, now and then."""
    looks, is_over = [_status_mb("RssAnon")], threading.Event()

    def look() -> None:
        while not is_over.wait(_LOOK_EVERY_S):
            looks.append(_status_mb("RssAnon"))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield looks
    finally:
        is_over.set()
        watcher.join()


def _status_mb(name: str) -> float:
    status = Path("/proc/self/status")
    if not status.is_file():
        return float("nan")
    return int(next(x for x in status.read_text().splitlines() if x.startswith(name)).split()[1]) / 1024


def opened(index_dir: str) -> dict[str, float]:
    """Opens an index and searches it twice; milliseconds."""
    from rag.pipeline import Pipeline

    times = [time.perf_counter()]
    pipeline = Pipeline.open(Settings(index_dir=Path(index_dir)))
    for question in (None, _QUESTION, _QUESTION):
        if question:
            pipeline.search(question)
        times.append(time.perf_counter())
    pipeline.close()
    spent = [(after - before) * 1000 for before, after in pairwise(times)]
    return dict(zip(("open_ms", "first_ms", "second_ms"), spent, strict=True))


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


if __name__ == "__main__":
    sys.exit(main())
