"""Plots as inline SVG, drawn with nothing but arithmetic: they need no script and take their colours from the page.

Every plot has a title and a description in words, so that who cannot see it has its figures. Texts are escaped by
``markupsafe``; coordinates are pixels of the view box, y downwards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from eval.log import Curve
from eval.wording import number, signed
from rag.render.words import printable

_BINS = 10


class Scale(NamedTuple):
    """Maps ``low``..``high`` of a quantity onto ``start``..``end`` in pixels; a range of nothing onto its middle."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + share * (self.end - self.start)


class Frame(NamedTuple):
    """A plot's area: its scales and the size of the whole, margins included."""

    x: Scale
    y: Scale
    width: int
    height: int


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within ``low``..``high``, about as many as wanted."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / wanted))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs((high - low) / s + 1 - wanted))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def histogram(name: str, values: Sequence[float], mean: float | None) -> Markup:
    """How often which score was given: ten bins of equal width, the last one closed; over 0..1 where that fits."""
    low, high = _span(values)
    counts = bins(values, low, high)
    frame = _frame(low, high, 0, max(counts), width=280, height=150, left=36)
    width = (high - low) / _BINS or 1.0
    edges = [low + i * width for i in range(_BINS + 1)]
    bars = [
        _rect(
            frame.x.at(edges[i]) + 1,
            min(frame.y.at(n), frame.y.at(0) - 2),
            frame.x.at(edges[i + 1]) - 1,
            frame.y.at(0),
            f"{n} items",
        )
        for i, n in enumerate(counts)
        if n
    ]
    shown = [f"{_short(edges[i])} to {_short(edges[i + 1])}: {n}" for i, n in enumerate(counts) if n]
    marks = [_line(frame.x.at(mean), frame.y.end, frame.x.at(mean), frame.y.start, "mean")] if mean is not None else []
    words = f"{len(values)} scores. " + "; ".join(shown) + (f". Dashed line: {number(mean)}." if marks else ".")
    return _svg(
        f"Distribution of {name}", words, frame, [*_axes(frame, "", "items", x_wanted=4, y_wanted=4), *bars, *marks]
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def bins(values: Sequence[float], low: float, high: float) -> list[int]:
    """Counts in ten bins of equal width from ``low`` to ``high``; a value on an edge is in the upper one."""
    counts = [0] * _BINS
    for value in values:
        # 0.3 / 0.1 is a little less than 3.
        counts[min(_BINS - 1, int((value - low) / (high - low) * _BINS + 1e-9))] += 1
    return counts


def curve(data: Curve) -> Markup:
    """A reliability diagram, with the diagonal on which a calibrated system lies, or a risk-coverage curve."""
    is_reliability = data.kind == "reliability"
    top = 1.0 if is_reliability else max([0.1, *(p.y for p in data.points)])
    frame = _frame(0.0, 1.0, 0.0, top, width=420, height=320 if is_reliability else 280, left=56, bottom=48)
    at = [(frame.x.at(p.x), frame.y.at(p.y)) for p in data.points]
    parts = list(_axes(frame, data.x, data.y))
    if is_reliability:
        parts.append(_line(frame.x.at(0), frame.y.at(0), frame.x.at(1), frame.y.at(1), "mean"))
    parts.append(Markup('<polyline class="curve" points="{}"/>').format(" ".join(f"{x:.1f},{y:.1f}" for x, y in at)))
    if is_reliability:
        most = max((p.n for p in data.points), default=0) or 1
        parts += [
            _dot(x, y, 3 + 6 * math.sqrt(p.n / most), f"{data.x} {number(p.x)}, {data.y} {number(p.y)}, {p.n} items")
            for (x, y), p in zip(at, data.points, strict=True)
        ]
    shown = data.points if is_reliability else data.points[:: max(1, len(data.points) // 10)]
    words = f"{data.y} against {data.x}. " + "; ".join(f"{number(p.x)}: {number(p.y)} (n {p.n})" for p in shown) + "."
    return _svg(data.title, words, frame, parts)


class Spread(NamedTuple):
    """A row of ``intervals`` or ``spans``: a point between two bounds. ``tone`` is a class of the style sheet."""

    name: str
    low: float
    point: float
    high: float
    tone: str = ""


def intervals(title: str, rows: Sequence[Spread], x_title: str) -> Markup:
    """Differences with their intervals, one below the other, against zero."""
    low, high = min(0.0, *(r.low for r in rows)), max(0.0, *(r.high for r in rows))
    margin = (high - low) * 0.05 or 0.5
    frame = _row_frame(low - margin, high + margin, len(rows))
    parts = [
        *_axes(frame, x_title, "", y_wanted=0),
        _line(frame.x.at(0), frame.y.end, frame.x.at(0), frame.y.start, "mean"),
    ]
    parts += itertools.chain.from_iterable(_row(frame, i, row) for i, row in enumerate(rows))
    words = "; ".join(f"{r.name} {signed(r.point)}, {signed(r.low)} to {signed(r.high)}" for r in rows) + "."
    return _svg(title, words, frame, parts)


def spans(title: str, rows: Sequence[Spread], x_title: str) -> Markup:
    """Ranges on a logarithmic axis, for times: ``low``, ``point`` and ``high`` must be above 0."""
    low = math.floor(math.log10(min(r.low for r in rows)))
    high = math.ceil(math.log10(max(r.high for r in rows)))
    frame = _row_frame(low, max(high, low + 1), len(rows))
    parts = list(
        _axes(frame, x_title, "", y_wanted=0, x_ticks=[float(p) for p in range(low, max(high, low + 1) + 1)], log=True)
    )
    logs = [Spread(r.name, math.log10(r.low), math.log10(r.point), math.log10(r.high), r.tone) for r in rows]
    parts += itertools.chain.from_iterable(_row(frame, i, row) for i, row in enumerate(logs))
    words = "; ".join(f"{r.name} {number(r.low)} to {number(r.high)}, dot {number(r.point)}" for r in rows) + "."
    return _svg(title, words, frame, parts)


def _row_frame(low: float, high: float, rows: int) -> Frame:
    height = rows * 26 + 60
    return Frame(Scale(low, high, 190, 690), Scale(0, rows, 10, height - 50), 730, height)


def _row(frame: Frame, index: int, row: Spread) -> Iterator[Markup]:
    y = frame.y.at(index + 0.5)
    yield Markup('<text x="{}" y="{:.1f}" text-anchor="end" class="name">{}</text>').format(
        180, y + 4, _fitting(row.name)
    )
    yield _line(frame.x.at(row.low), y, frame.x.at(row.high), y, f"range {row.tone}")
    for end in (row.low, row.high):
        yield _line(frame.x.at(end), y - 4, frame.x.at(end), y + 4, f"range {row.tone}")
    yield _dot(frame.x.at(row.point), y, 4, row.name, row.tone)


def _fitting(name: str) -> str:
    return name if len(name) <= 27 else name[:26] + "…"


def _frame(
    x_low: float, x_high: float, y_low: float, y_high: float, *, width: int, height: int, left: int, bottom: int = 24
) -> Frame:
    return Frame(Scale(x_low, x_high, left, width - 14), Scale(y_low, y_high, height - bottom, 12), width, height)


def _axes(
    frame: Frame,
    x_title: str,
    y_title: str,
    *,
    x_wanted: int = 6,
    y_wanted: int = 5,
    x_ticks: Sequence[float] | None = None,
    log: bool = False,
) -> Iterator[Markup]:
    """Ticks with their numbers, grid lines, and titles; ``log`` says that x is the power of ten."""
    left, right = frame.x.start, frame.x.end
    bottom, top = max(frame.y.start, frame.y.end), min(frame.y.start, frame.y.end)
    for value in x_ticks if x_ticks is not None else ticks(frame.x.low, frame.x.high, x_wanted):
        x = frame.x.at(value)
        yield _line(x, bottom, x, bottom + 4, "axis")
        yield _tick(x, bottom + 16, "middle", _short(10.0**value if log else value))
    for value in ticks(frame.y.low, frame.y.high, y_wanted) if y_wanted else ():
        y = frame.y.at(value)
        yield _line(left, y, right, y, "grid")
        yield _tick(left - 6, y + 4, "end", _short(value))
    yield _line(left, bottom, right, bottom, "axis")
    if x_title:
        yield _tick((left + right) / 2, bottom + 36, "middle", x_title)
    if y_title:
        place = f"rotate(-90 11 {(top + bottom) / 2:.1f})"
        words = Markup('<text class="tick" text-anchor="middle" x="11" y="{:.1f}" transform="{}">{}</text>')
        yield words.format((top + bottom) / 2, place, y_title)


def _short(value: float) -> str:
    return f"{value:,.10g}".replace("-", "−") if abs(value) >= 1000 else f"{value:.4g}".replace("-", "−")


def _tick(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _line(x1: float, y1: float, x2: float, y2: float, tone: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(tone, x1, y1, x2, y2)


def _rect(x1: float, y1: float, x2: float, y2: float, words: str) -> Markup:
    shape = Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
    return shape.format(x1, y1, max(0.5, x2 - x1), max(0.5, y2 - y1), words)


def _dot(x: float, y: float, radius: float, words: str, tone: str = "") -> Markup:
    shape = Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>')
    return shape.format(tone, x, y, radius, words)


def _svg(title: str, words: str, frame: Frame, parts: Iterable[Markup]) -> Markup:
    opening = Markup('<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{title}: {words}">')
    inside = Markup("").join(parts)
    drawn = opening.format(w=frame.width, h=frame.height, title=title, words=words) + inside + Markup("</svg>")
    return Markup(printable(drawn))  # noqa: S704 - of what was escaped, control characters are taken out
