"""``python -m eval.load [URL]``: how many answers a second a service gives, how long they take, what it costs it.

Clients ask one question after another, each over a connection of its own, from this process: never the server's.
Asked are the starter questions again and again, as the same questions come again in a hospital; then questions of which
none comes twice, so that nothing is remembered; then, by one client, some that the pipeline alone is asked too. Without
an address a service is started for it, on the index of the settings. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
from rich.console import Console
from rich.table import Table

from api.client import ProblemError, UnreachableError
from api.client.calling import Calls
from eval.measures.cost import percentile
from eval.readme import QUESTIONS, ROOT
from eval.suites.catalogue import SHIPPED
from rag.pipeline import Pipeline
from rag.settings import Settings

_TIMEOUT_S, _SAMPLED_EVERY_S, _COMPARED = 60, 1.0, 60


@dataclass
class Measured:
    """What clients saw: seconds of each request that was answered, statuses of all, and the server's memory."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    lasted_s: float = 0.0

    def percentile_ms(self, q: float) -> float:
        """The ``q``-th percentile of the answers' times; nan where nothing was answered."""
        found = percentile(self.seconds, q)
        return float("nan") if found is None else 1000 * found

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.lasted_s


class Asker:
    """One client: asks over a connection that is kept, and nothing again. What it is answered is not read."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._calls = Calls(url, key, timeout_s=_TIMEOUT_S, retries=0)

    def ask(self, question: str) -> int | str:
        """The status, or the name of what failed."""
        try:
            self._calls.send("POST", "/v1/answers", {"question": question})
        except ProblemError as problem:
            return problem.status
        except UnreachableError as error:
            return error.why.split()[0]
        return 200

    def close(self) -> None:
        self._calls.close()


def distinct() -> Iterator[str]:
    """Questions without end, none twice: those of the suites, then the same with a number of a case."""
    written = [item.question for item in SHIPPED["starter"].load(None).items]
    yield from written
    for case in itertools.count(1):
        yield from (f"{question} (case {case})" for question in written)


def repeated() -> Iterator[str]:
    return itertools.cycle(QUESTIONS.read_text("utf-8").splitlines())


def load(
    url: str, questions: Iterator[str], clients: int, seconds: float, pid: int | None, key: str | None
) -> Measured:
    """Has ``clients`` ask for so long, each as soon as it is answered."""
    askers, found, lock = [Asker(url, key) for _ in range(clients)], Measured(), threading.Lock()
    end = time.perf_counter() + seconds

    def run(asker: Asker) -> None:
        while (begun := time.perf_counter()) < end:
            with lock:
                question = next(questions)
            status = asker.ask(question)
            took = time.perf_counter() - begun
            with lock:
                found.statuses[status] += 1
                (found.seconds if status == 200 else found.refusals).append(took)

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients + 1) as pool:
        running = [pool.submit(run, asker) for asker in askers]
        while not all(r.done() for r in running):
            if pid is not None:
                found.memory.append(resident(pid))
            time.sleep(_SAMPLED_EVERY_S)
        for done in running:
            done.result()
    found.lasted_s = time.perf_counter() - begun
    for asker in askers:
        asker.close()
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process and those that it began hold."""
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))


def overhead(url: str, pipeline: Pipeline, key: str | None) -> tuple[float, float]:
    """Median milliseconds of a question over HTTP, and by the pipeline in this process, taken in turns."""
    asker, over_http, alone = Asker(url, key), list[float](), list[float]()
    for number, question in enumerate(itertools.islice(distinct(), _COMPARED)):
        for times, asked in ((over_http, asker.ask), (alone, pipeline.ask)):
            begun = time.perf_counter()
            asked(f"{question} (patient {number})")
            times.append(1000 * (time.perf_counter() - begun))
    asker.close()
    return statistics.median(over_http), statistics.median(alone)


def table(found: Measured, title: str) -> Table:
    made = Table("what", "figure", title=title)
    made.add_row("answers a second", f"{found.rate:.1f} over {found.lasted_s:.0f} s")
    made.add_row("median / p95 / p99", " / ".join(f"{found.percentile_ms(q):.0f}" for q in (50, 95, 99)) + " ms")
    others = ", ".join(
        f"{status}: {count}" for status, count in sorted(found.statuses.items(), key=str) if status != 200
    )
    made.add_row("not answered", others or "0")
    if found.refusals:
        made.add_row(
            "  median / slowest of them",
            f"{1000 * statistics.median(found.refusals):.0f} / {1000 * max(found.refusals):.0f} ms",
        )
    if found.memory:
        first, last = (found.memory[i] / 2**20 for i in (0, -1))
        made.add_row("memory, first / last / most", f"{first:.0f} / {last:.0f} / {max(found.memory) / 2**20:.0f} MB")
    return made


@contextmanager
def served(workers: int) -> Iterator[tuple[str, int]]:
    """A service of its own for the length of a block: its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--workers", str(workers)]
        command += ["--database", f"{folder}/osler.sqlite"]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)  # noqa: S603
        assert process.stderr
        try:
            lines, begun = process.stderr, 0
            url = next(m[0] for line in lines if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
            while begun < workers - (workers == 1):  # of one alone the address is told when it has begun
                begun += '"started"' in next(lines)
            threading.Thread(target=lines.read, daemon=True).start()
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.load", description=__doc__)
    parser.add_argument(
        "url", nargs="?", help="of the service, such as http://127.0.0.1:8000; one is started if absent"
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60, help="how long they ask, of each kind")
    parser.add_argument("--workers", type=int, default=1, help="of the service that is started")
    parser.add_argument("--pid", type=int, help="of the server, to watch its memory")
    parser.add_argument("--key", help="API key")
    options = parser.parse_args(arguments)
    if options.url:
        return measure(options.url, options.pid, options)
    with served(options.workers) as (url, pid):
        return measure(url, pid, options)


def measure(url: str, pid: int | None, options: argparse.Namespace) -> int:
    console = Console()
    for what, questions in (("the starter questions again and again", repeated()), ("no question twice", distinct())):
        found = load(url, questions, options.clients, options.seconds, pid, options.key)
        console.print(table(found, f"{options.clients} clients, {what}"))
    pipeline = Pipeline.open(Settings.from_environment())
    pipeline.warm()
    served_ms, alone_ms = overhead(url, pipeline, options.key)
    pipeline.close()
    console.print(f"one client: median over HTTP {served_ms:.1f} ms, by the pipeline alone {alone_ms:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
