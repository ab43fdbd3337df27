"""From measured sizes to all of PubMed on one machine: the part of ``indexes/README.md`` that is computed.

What a passage takes is taken from the largest index that was measured, memory from the line through the two largest.
The time of dense search follows from how many codes are read (``rag.index.vectors``), that of lexical search from how
it grew between the two largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log, sqrt
from pathlib import Path

from eval.measured import K, Point, Run
from eval.readme import with_part
from rag.index.build import SEGMENT_PASSAGES
from rag.index.tiers import LARGEST

PAGE = Path(__file__).parent.parent / "indexes" / "README.md"
PART = "projection"
#: The abstracts of PubMed, in passages.
PASSAGES = 60_000_000
#: Memory of the machine, and what of it the system and other programs have, in GB.
_MACHINE_GB, _SYSTEM_GB = 16, 1.5
#: Passages that the model embeds in a second on two processors; see README.
_EMBEDDED_A_SECOND = 120
#: Files that are named in the table; the others are added up.
_NAMED = 6
_GB, _MB_A_GB, _HOUR = 1e9, 1e9 / 2**20, 3600


def write_projection(run: Run, page: Path = PAGE) -> None:
    """Replaces the part of the page. Raises ``ValueError`` when it has none."""
    page.write_text(with_part(page.read_text("utf-8"), PART, projection(run)), "utf-8")


def projection(run: Run, passages: int = PASSAGES) -> str:
    """The table in Markdown, with how each figure was computed."""
    points = sorted(run.points, key=lambda point: point.passages)
    last, segments = points[-1], -(-passages // (LARGEST * SEGMENT_PASSAGES))
    rows = [
        f"| | formula | measured at {last.passages:,} | projected to {passages:,} |",
        "|---|---|--:|--:|",
        f"| segments | passages / {LARGEST * SEGMENT_PASSAGES:,}, the largest | {last.segments} | {segments} |",
        *_disk(last, passages),
        *_memory(points, passages),
        *_times(points, passages, segments),
        *_build(last, passages),
    ]
    return "\n".join(rows)


def _disk(last: Point, passages: int) -> Iterator[str]:
    growth = passages / last.passages
    named = _most(last.files)
    rest = last.bytes - sum(size for _, size in named)
    for name, size in (("all files", last.bytes), *((f"`{n}`", s) for n, s in named), ("the other files", rest)):
        formula = f"{size / last.passages:,.0f} bytes a passage"
        yield _row(f"disk, {name}", formula, f"{size / _GB:,.2f} GB", f"{size * growth / _GB:,.1f} GB")


def _memory(points: Sequence[Point], passages: int) -> Iterator[str]:
    last, growth = points[-1], passages / points[-1].passages
    own = _line(points, lambda p: p.searched.anonymous)
    yield _row("memory of its own", "line through the two largest", _mb(last.searched.anonymous), _mb(own(passages)))
    room = _MACHINE_GB - _SYSTEM_GB - own(passages) / _MB_A_GB
    yield _row(
        "room for files", f"{_MACHINE_GB} GB less that and {_SYSTEM_GB} GB of the system's", "", f"{room:,.1f} GB"
    )
    for name, size in (("all files", sum(last.kept.values())), *((f"`{n}`", s) for n, s in _most(last.kept))):
        formula = f"{size / last.passages:,.0f} bytes a passage, at most"
        yield _row(f"in memory, {name}", formula, f"{size / _GB:,.2f} GB", f"{size * growth / _GB:,.1f} GB")


def _most(files: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(files.items(), key=lambda item: -item[1])[:_NAMED]


def _times(points: Sequence[Point], passages: int, segments: int) -> Iterator[str]:
    """Of one question at a time, on one thread, with all that it reads in memory; medians are of processor's time."""
    last, largest = points[-1], LARGEST * SEGMENT_PASSAGES
    # Lists of about a thousand vectors each, of which a multiple of the root of their number is read.
    dense = segments / last.segments * sqrt(largest / (last.passages / last.segments))
    growth = _growth(points)
    lexical = (passages / last.passages) ** growth
    for name in ("p50", "p99"):
        known = {search: _latency(last, search, name) for search in ("dense", "lexical", "hybrid")}
        parts = known["dense"] * dense, known["lexical"] * lexical
        rest = max(0, known["hybrid"] - known["dense"] - known["lexical"])
        formulas = (
            f"segments × √(passages of a segment): × {dense:,.0f}",
            f"passages ^ {growth:.2f}, as between the two largest: × {lexical:,.0f}",
            f"both, and {rest:.1f} ms",
        )
        for (search, ms), formula, projected in zip(known.items(), formulas, (*parts, sum(parts) + rest), strict=True):
            yield _row(f"{search} search, {name}", formula, f"{ms:.1f} ms", f"{projected:,.0f} ms")


def _growth(points: Sequence[Point]) -> float:
    """The power of the number of passages with which lexical search grew, in [0, 1]; 1 where it was measured once."""
    if len(points) < 2:
        return 1
    times, sizes = ([_latency(p, "lexical", "p50") for p in points[-2:]], [p.passages for p in points[-2:]])
    return min(max(log(times[1] / times[0]) / log(sizes[1] / sizes[0]), 0), 1)


def _latency(point: Point, search: str, name: str) -> float:
    found = next(f for f in point.latencies if (f.search, f.kept, f.threads, f.wanted) == (search, "all", 1, K))
    return found.busy_ms if name == "p50" else found.p99_ms


def _build(last: Point, passages: int) -> Iterator[str]:
    seconds = (last.built.busy_s - last.built.encoder_s) / last.passages
    texts = last.built.texts / last.passages
    yield _row("build without the model", f"{seconds * 1e6:,.0f} µs of one processor a passage",
               _hours(seconds * last.passages), _hours(seconds * passages))  # fmt: skip
    for what, count in (("embedding the passages", 1.0), ("embedding their sentences as well", texts)):
        formula = f"{count:.1f} texts a passage, {_EMBEDDED_A_SECOND} a second"
        yield _row(what, formula, _hours(count * last.passages / _EMBEDDED_A_SECOND),
                   _hours(count * passages / _EMBEDDED_A_SECOND))  # fmt: skip
    yield _row("most memory of a build", "as measured: it does not grow", _mb(last.built.peak_mb), "")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _mb(megabytes: float) -> str:
    return f"{megabytes / _MB_A_GB:,.2f} GB"


def _hours(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:,.0f} h"


def _line(points: Sequence[Point], figure: Callable[[Point], float]) -> Callable[[int], float]:
    """The line through the two largest; flat where it would fall."""
    one, other = points[-2:] if len(points) > 1 else (points[-1], points[-1])
    grown = other.passages - one.passages
    slope = max((figure(other) - figure(one)) / grown, 0) if grown else 0
    return lambda passages: figure(other) + slope * (passages - other.passages)
