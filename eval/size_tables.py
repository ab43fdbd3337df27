"""The figures of ``python -m eval.sizes`` as tables: a column for each size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rich.table import Column, Table

from eval.measured import K, Latency, Point, Run
from eval.resident import Memory

_MB = 2**20


def tables(run: Run) -> Iterator[Table]:
    """One table of the index, one of its files, one of latencies, one of recall."""
    yield _costs(run)
    yield _files(run)
    yield _latencies(run)
    yield _recalls(run)


def _table(run: Run, what: str, title: str, caption: str = "") -> Table:
    sizes = (Column(f"{point.passages:,}", justify="right", no_wrap=True) for point in run.points)
    return Table(Column(what, no_wrap=True), *sizes, title=title, caption=caption, caption_justify="left")


def _costs(run: Run) -> Table:
    rows: dict[str, Callable[[Point], str]] = {
        "sources": lambda p: f"{p.sources:,}",
        "sentences": lambda p: f"{p.sentences:,}",
        "segments": lambda p: f"{p.segments}",
        "build": lambda p: f"{p.built.seconds:.0f} s",
        "  processor's time": lambda p: f"{p.built.busy_s:.0f} s",
        "  of it in the model's place": lambda p: f"{p.built.encoder_s:.0f} s",
        "  most memory": lambda p: f"{p.built.peak_mb:.0f} MB",
        "size on disk": lambda p: f"{p.bytes / _MB:,.0f} MB",
        "  for each passage": lambda p: f"{p.bytes / p.passages:,.0f} bytes",
        "open it in a new process": lambda p: f"{p.opening.new_ms:.0f} ms",
        "  the first search there": lambda p: f"{p.opening.first_ms:.0f} ms",
        "  open it once more": lambda p: f"{p.opening.again_ms:.0f} ms",
        "find what a filter leaves, at most": lambda p: f"{max(p.selecting_ms.values()):.1f} ms",
        "memory before opening": lambda p: _memory(p.started),
        "memory after opening": lambda p: _memory(p.opened),
        "memory after all queries": lambda p: _memory(p.searched),
        "two processes, share of each": lambda p: ", ".join(f"{m.share:,.0f} MB" for m in p.two),
        "  resident in each": lambda p: ", ".join(f"{m.resident:,.0f} MB" for m in p.two),
        "nothing in memory: p50, p99": lambda p: f"{p.cold.p50_ms:.0f}, {p.cold.p99_ms:.0f} ms",
        "  read from disk a search": lambda p: f"{p.cold.read_mb:.1f} MB",
    }
    likes = {point.built.like for point in run.points}
    table = _table(
        run,
        "",
        f"indexes of so many passages; {run.machine}",
        "goals at 1 M: open it in 200 ms, 1,000 MB resident\n"
        "memory: its own + mapped from files, which the system takes back when others need it\n"
        "share: a page that both processes have counts half for each\n"
        f"nothing in memory: the first {run.points[0].cold.searches} hybrid searches when the files are only on disk\n"
        + "\n".join(f"vectors like {like}" for like in sorted(likes)),
    )
    for name, figure in rows.items():
        table.add_row(name, *map(figure, run.points))
    return table


def _memory(memory: Memory) -> str:
    return f"{memory.anonymous:,.0f} + {memory.file:,.0f} MB"


def _files(run: Run) -> Table:
    caption = f"in memory: after {run.queries} hybrid searches, when there was nothing before"
    table = _table(run, "file", "MB on disk, in memory", caption)
    for name in (*run.points[-1].files, ""):
        cells = (f"{_bytes(p.files, name) / _MB:,.1f}, {_bytes(p.kept, name) / _MB:,.1f}" for p in run.points)
        table.add_row(name or "all", *cells)
    return table


def _bytes(files: Mapping[str, int], name: str) -> int:
    """Of one file, or of all if it has no name."""
    return files.get(name, 0) if name else sum(files.values())


def _latencies(run: Run) -> Table:
    """A row for each kind of search: which, what the filter leaves, and how many ask at once."""
    table = _table(
        run,
        "search, left, at once",
        f"{run.queries} searches in ms, without encoding the question: p50, p99 (processor's time, p50)",
        "goal at 1 M: hybrid 15, 40\nshort: fewer hits than asked for and than there are, for some question",
    )
    kinds = dict.fromkeys(_kind(found) for point in run.points for found in point.latencies)
    for kind in kinds:
        table.add_row(kind, *(_latency(point, kind) for point in run.points))
    return table


def _kind(found: Latency) -> str:
    wide = "" if found.wanted == K else f" {found.wanted}"
    return f"{found.search}{wide}, {found.kept}, {found.threads}"


def _latency(point: Point, kind: str) -> str:
    found = next((f for f in point.latencies if _kind(f) == kind), None)
    if not found:
        return ""
    left = next(recall.passages for recall in point.recalls if recall.kept == found.kept)
    # Lexical search finds those alone that hold a word of the question.
    is_short = found.search != "lexical" and found.fewest < min(found.wanted, left)
    return f"{found.p50_ms:.1f}, {found.p99_ms:.1f} ({found.busy_ms:.1f}){' short' if is_short else ''}"


def _recalls(run: Run) -> Table:
    title = "recall@10 of dense search against all vectors as they are stored (how many are left)"
    table = _table(run, "left by the filter", title, "goal at 1 M: .98")
    for i, first in enumerate(run.points[0].recalls):
        cells = (f"{p.recalls[i].recall:.4f} ({p.recalls[i].passages:,})".lstrip("0") for p in run.points)
        table.add_row(first.kept, *cells)
    return table
