"""``python -m eval.sizes``: what indexes of 10,000 to a million passages cost to build, keep, open and search.

Texts and vectors are drawn by chance with the statistics of real ones (``eval.abstracts``, ``eval.lookalikes``), and
indexed by the very build of the product but for the model, in the place of which vectors are given at once. Times of
searches are beyond encoding the question. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from rich.console import Console

from eval import lookalikes
from eval.measured import Built, Opened, Point, Run, read_run, write_run
from eval.projection import write_projection
from eval.provenance import machine
from eval.resident import forget, kept_of, memory_of
from eval.size_tables import tables
from rag.errors import FailureError, InputError, OslerError
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.manifest import ENCODERS, SEGMENTS, current_id, read_manifest
from rag.settings import Settings

_SIZES = (10_000, 100_000, 1_000_000)
_QUERIES, _OPENINGS = 300, 5


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.sizes", description=__doc__)
    parser.add_argument("--passages", type=int, nargs="+", default=_SIZES, metavar="N")
    parser.add_argument("--like", type=Path, nargs="+", metavar="INDEX", help="what vectors are like: those of these "
                        "indexes, or of .npy files (default: the index of the settings)")  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where indexes are kept, and taken from if they are there; a "
                        "million passages take 6 GB (default: a temporary folder)")  # fmt: skip
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2), metavar="N", help="how many ask at once")
    parser.add_argument("--queries", type=int, default=_QUERIES, metavar="N", help="how many each search is timed with")
    parser.add_argument("--out", type=Path, metavar="LOG", help="keep the figures as JSON")
    parser.add_argument("--projection", type=Path, metavar="LOG", help="measure nothing, and write the projection from "
                        "kept figures into indexes/README.md")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        if options.projection:
            write_projection(read_run(options.projection))
        else:
            _measure(options)
    except OslerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _measure(options: argparse.Namespace) -> None:
    settings, console = Settings.from_environment(), Console()
    likes = options.like or [settings.index_dir]
    points = list[Point]()
    with tempfile.TemporaryDirectory() as temporary:
        for passages in sorted(options.passages):
            place = Place((options.folder or Path(temporary)) / str(passages))
            if not place.is_built:
                console.print(f"{passages:,} passages: building", highlight=False)
                place.build(passages, likes, options.queries, settings.index_dir / ENCODERS)
            console.print(f"{passages:,} passages: searching", highlight=False)
            points.append(measured(place, options.queries, options.threads))
            if not options.folder:
                shutil.rmtree(place.folder)
    run = Run(machine=", ".join(map(str, machine().values())), queries=options.queries, points=tuple(points))
    if options.out:
        write_run(run, options.out)
    for table in tables(run):
        console.print(table)


class Place:
    """The folder of an index that is measured, with vectors of queries and what its build cost."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.index, self.queries = folder, folder / "index", folder / "queries.npy"
        self._built = folder / "built.json"

    @property
    def is_built(self) -> bool:
        return self._built.is_file()

    @property
    def built(self) -> Built:
        return Built.model_validate_json(self._built.read_bytes())

    def build(self, passages: int, likes: Sequence[Path], queries: int, encoders: Path) -> None:
        """Builds it. The exported model is taken from ``encoders`` if it is there; making it is not measured."""
        shutil.rmtree(self.index, ignore_errors=True)
        self.index.mkdir(parents=True)
        if encoders.is_dir():
            shutil.copytree(encoders, self.index / ENCODERS, ignore=shutil.ignore_patterns(".*"))
        export_encoder(PACKAGED_MODEL, self.index / ENCODERS)
        given, like = self._write_vectors(passages, likes, queries)
        with _process("build", self.index, passages, given) as building:
            built = Built.model_validate({**building.step(), "like": like})
        given.unlink()
        self._built.write_text(built.model_dump_json(), "utf-8")

    def _write_vectors(self, passages: int, likes: Sequence[Path], queries: int) -> tuple[Path, str]:
        """Vectors of queries, and parents of those of passages: the latter's file, and what they are like."""
        parents = lookalikes.parents_of(likes, passages)
        np.save(self.queries, lookalikes.queries(parents.of_queries, queries))
        given = self.folder / "parents.npy"
        np.save(given, parents.of_passages)
        return given, parents.description

    def files(self) -> dict[str, int]:
        """Bytes by the name of the file, of all segments together."""
        found = Counter[str]()
        for path in (self.index / SEGMENTS).glob("*/*"):
            found[path.name] += path.stat().st_size
        return dict(found.most_common())


def measured(place: Place, queries: int, threads: Sequence[int]) -> Point:
    """Opens and searches an index in processes of their own.

    Raises:
        InputError: more queries than were drawn when it was built.
        FailureError: one of the processes has failed.
    """
    if queries > (drawn := len(np.load(place.queries, mmap_mode="r"))):
        raise InputError(f"--queries {queries}: the index in {place.folder} has {drawn}; ask no more, or delete it")
    index, given = place.index, (place.index, place.queries, queries)
    openings = [_opened(place) for _ in range(_OPENINGS)]
    with _process("measure", *given, *threads) as one:
        memory = one.step()
        one.step()  # it has its queries, and nothing more to read before the first search
        forget(index)
        cold = one.step()
        one.step()  # it has asked each question once
        kept = kept_of(index / SEGMENTS)
        searched = one.step()
        with _process("search", *given) as other:
            other.step()
            two = (memory_of(one.number), memory_of(other.number))
        recalls = one.step()
    segments = read_manifest(index, current_id(index))["segments"]
    counts = {name: sum(segment[name] for segment in segments) for name in ("sources", "passages", "sentences")}
    known = {
        **counts,
        "segments": len(segments),
        "files": place.files(),
        "kept": kept,
        "built": place.built,
        "two": two,
    }
    return Point.model_validate({**known, "opening": _median(openings), **memory, **cold, **searched, **recalls})


def _opened(place: Place) -> Opened:
    with _process("open", place.index, place.queries) as process:
        return Opened.model_validate(process.step())


def _median(openings: Sequence[Opened]) -> Opened:
    found = (statistics.median(column) for column in zip(*(o.model_dump().values() for o in openings), strict=True))
    return Opened(**dict(zip(Opened.model_fields, found, strict=True)))


class _Process:
    """A running part of ``eval.measuring``; ``number`` is the system's."""

    def __init__(self, part: str, number: int, told: IO[str], said: IO[str]) -> None:
        self._part, self.number, self._told, self._said = part, number, told, said

    def step(self) -> dict[str, Any]:
        """Lets it go on, and waits for what it reports next."""
        self._told.write("\n")
        self._told.flush()
        line = self._said.readline()
        if not line:
            raise FailureError(f"{self._part}: the process that measures has ended; what it said stands above")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def _process(part: str, *arguments: object) -> Iterator[_Process]:
    """A part of ``eval.measuring`` in a new process, whose memory and caches are its own."""
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *filter(None, sys.path)])}
    command = [sys.executable, "-m", "eval.measuring", part, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths) as running:  # noqa: S603
        assert running.stdin, "it is piped"
        assert running.stdout, "it is piped"
        yield _Process(part, running.pid, running.stdin, running.stdout)


if __name__ == "__main__":
    sys.exit(main())
