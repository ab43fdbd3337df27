"""From the places of printed text to its order: running lines dropped, columns one after the other, tables as rows.

A page is cut where a gutter parts two columns of prose; lines and rules that cross the gutter part it into bands,
each read by itself, left column first (after the XY-cut of Nagy and Seth, 1984). What is not two columns of prose is
read row by row, and rows whose cells align are a table. In doubt text stays prose: it is never dealt into cells.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from rag.ingest.readers.pdf_tables import Row, merged_rules, table_rows
from rag.ingest.readers.pdf_text import Box, Page, Segment, rows_of

#: The share of a page's height at each end where running headers and footers stand.
_MARGIN = 0.085
#: A line that stands in a margin of so many pages is a running one.
_LEAST_REPEATS = 3
#: A margin holding at least so many counting numbers in a row has line numbers.
_LEAST_LINE_NUMBERS = 5
#: A column of prose: most lines as wide as the others, of some words, without holes between them.
_LEAST_FULL, _LEAST_WORDS, _LEAST_DENSITY = 0.4, 4, 0.45
#: From so many lines a side, two sides whose lines do not stand on each other's are columns.
_LEAST_UNALIGNED = 6
#: Sides as wide as each other, each with so many lines of prose, are columns also where a table stands in one.
_MOST_ALIKE, _MUCH_PROSE = 1.3, 8
#: Columns of prose hold few bare numbers and are about as wide as each other; cells of a table are not.
_MOST_VALUES, _LONGEST_VALUE, _MOST_UNLIKE = 0.08, 8, 2.4
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?(?:[A-Z]-)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/)\s*\d{1,4})?|[-–—]\s*\d{1,4}\s*[-–—]", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_LEADERS = re.compile(r"(?:\.\s?){5,}\s*[\divxlc]*\s*$|…{2,}|_{6,}")
_MARKER = re.compile(
    r"[•●▪■◦‣·○►–—*\-☐□✓❑o]|\(?(?:\d{1,3}(?:\.\d{1,2}){0,3}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2}){1,3}"
)

#: Within a row only what is no value of a table; its text stands within so many font sizes.
_MARKER_IN_A_CELL, _MARKER_GAP = re.compile(r"[•●▪■◦‣·►o]|\d{1,2}[.)]|[a-z][.)]"), 2.5


class Line(NamedTuple):
    """One printed line of prose with the edges of its column; ``region`` tells columns apart."""

    text: str
    left: float
    right: float
    y: float
    size: float
    is_bold: bool
    page: int
    column: tuple[float, float]
    region: int


def laid_out(pages: Iterable[Page]) -> Iterator[Line | Row]:
    """Lines and table rows of all pages in reading order."""
    region = 0
    for page in without_running_lines([*pages]):
        rules = merged_rules(page.rules)
        for part in _regions(page.segments, rules, page.height):
            region += 1
            yield from _read_region(part, rules, page.number, region)


def without_running_lines(pages: list[Page]) -> list[Page]:
    """Pages without headers and footers (the same but for numbers on several pages), page and line numbers."""
    seen: Counter[tuple[bool, str]] = Counter()
    for page in pages:
        seen.update({key for s in page.segments if (key := _margin_key(page, s))})
    least = min(_LEAST_REPEATS, max(2, len(pages)))
    found = []
    for page in pages:
        numbers = _line_numbers(page)
        kept = []
        for segment in page.segments:
            key = _margin_key(page, segment)
            is_running = key is not None and (seen[key] >= least or _PAGE_NUMBER.fullmatch(segment.text.strip()))
            if not is_running and segment not in numbers:
                kept.append(segment)
        found.append(page._replace(segments=kept))
    return found


def _margin_key(page: Page, segment: Segment) -> tuple[bool, str] | None:
    is_top = segment.y < _MARGIN * page.height
    if not is_top and segment.y < (1 - _MARGIN) * page.height:
        return None
    return is_top, _DIGITS.sub("#", segment.text.casefold().strip())


def _line_numbers(page: Page) -> set[Segment]:
    """The numbers left of the text that count its lines."""
    if not page.segments:
        return set()
    edge = min((s.left for s in page.segments if not s.text.isdigit()), default=0.0)
    numbers = sorted((s for s in page.segments if s.text.isdigit() and s.right <= edge), key=lambda s: s.y)
    values = [int(s.text) for s in numbers]
    steps = {b - a for a, b in pairwise(values)}
    return {*numbers} if len(values) >= _LEAST_LINE_NUMBERS and steps in ({1}, {5}, {10}) else set()


def _regions(segments: list[Segment], rules: list[Box], height: float) -> Iterator[list[Segment]]:
    """Parts of a page in reading order, each to be read row by row."""
    gutter = _gutter(segments)
    if gutter is None:
        if segments:
            yield segments
        return
    flat: list[Segment] = []
    bands = [*_bands(segments, rules, gutter)]
    for i, (band, top, bottom) in enumerate(bands):
        left = [s for s in band if s.right <= gutter]
        right = [s for s in band if s.left >= gutter]
        # One row is no table: what is parted by rules from text across the gutter may well be columns.
        is_row = any(len(_sides(other, gutter)) > 1 for other, *_ in (*bands[max(i - 1, 0) : i], *bands[i + 1 : i + 2]))
        ruled = (top, bottom) if is_row else (None, None)
        if len(left) + len(right) == len(band) and _are_columns(left, right, ruled, height):
            if flat:
                yield flat
            flat = []
            yield from _regions(left, rules, height)
            yield from _regions(right, rules, height)
        else:
            flat += band
    if flat:
        yield flat


def _sides(segments: list[Segment], gutter: float) -> set[bool]:
    """On which sides of the gutter text stands; none for text across it."""
    return {s.left >= gutter for s in segments if not s.left < gutter < s.right}


def _gutter(segments: list[Segment]) -> float | None:
    """Where a column of prose begins with another on its left; None where there are no two."""
    starts: defaultdict[int, list[float]] = defaultdict(list)
    for segment in segments:
        starts[round(segment.left / 3)].append(segment.left)
    best, best_facing = None, (1, 0)
    for lefts in starts.values():
        x = min(lefts) - 1
        left = [s for s in segments if s.right <= x]
        right = [s for s in segments if s.left >= x]
        if len(lefts) < 2 or not left or not right:
            continue
        crossing = len(segments) - len(left) - len(right)
        facing = (min(_prose_lines(left), _prose_lines(right)), -crossing)
        if facing > best_facing:
            best, best_facing = (max(s.right for s in left) + x) / 2, facing
    return best


def _prose_lines(segments: list[Segment], least_share: float = 0.0) -> int:
    """How many lines are full lines of prose; 0 when they are less than a share of all."""
    widths = sorted(s.right - s.left for s in segments)
    usual = widths[int(0.8 * (len(widths) - 1))]
    full = sum(1 for s in segments if s.right - s.left >= 0.75 * usual and s.text.count(" ") >= _LEAST_WORDS - 1)
    return full if full >= least_share * len(segments) else 0


def _bands(
    segments: list[Segment], rules: list[Box], gutter: float
) -> Iterator[tuple[list[Segment], float | None, float | None]]:
    """Runs of text between what crosses the gutter, with the rules over and under each; what crosses by itself."""
    crossing: list[Segment | Box] = [s for s in segments if s.left < gutter < s.right]
    first, last = min(s.y - s.size for s in segments), max(s.y for s in segments)
    crossing += [r for r in rules if r.left < gutter - 10 and gutter + 10 < r.right and first <= r.top <= last + 20]
    others = sorted((s for s in segments if not s.left < gutter < s.right), key=lambda s: s.y)
    top: float | None = None
    at = 0
    for mark in [*sorted(crossing, key=_level), None]:
        band = []
        while at < len(others) and (mark is None or others[at].y <= _level(mark)):
            band.append(others[at])
            at += 1
        bottom = mark.top if isinstance(mark, Box) else None
        if band:
            yield band, top, bottom
        if isinstance(mark, Segment):
            yield [mark], None, None
        top = bottom


def _level(mark: Segment | Box) -> float:
    return mark.top if isinstance(mark, Box) else mark.y


def _are_columns(
    left: list[Segment], right: list[Segment], ruled: tuple[float | None, float | None], height: float
) -> bool:
    """Whether two sides are columns of prose and not cells of a table."""
    if not left or not right:
        return False
    top, bottom = ruled
    if top is not None and bottom is not None and bottom - top < 0.6 * height:
        return False  # rules over and under both sides make a row
    sides = [bool(_prose_lines(side, _LEAST_FULL)) and _density(side) >= _LEAST_DENSITY for side in (left, right)]
    if any(sides) and min(len(left), len(right)) >= _LEAST_UNALIGNED and not _are_aligned(left, right):
        return True  # prose beside a table, say
    widths = sorted(max(s.right for s in side) - min(s.left for s in side) for side in (left, right))
    if widths[1] < _MOST_ALIKE * widths[0] and min(_prose_lines(left), _prose_lines(right)) >= _MUCH_PROSE:
        return True
    short = (s.text for s in left + right if len(s.text) <= _LONGEST_VALUE)
    values = sum(_is_value(text) and not _MARKER.fullmatch(text) for text in short)
    if values > _MOST_VALUES * (len(left) + len(right)):
        return False
    if all(sides):
        return len(left) + len(right) > 3 and widths[1] < _MOST_UNLIKE * widths[0]
    return any(sides) and max(len(left), len(right)) >= 6 and _density(left) > 0.6 and _density(right) > 0.6


def _are_aligned(left: list[Segment], right: list[Segment]) -> bool:
    """Whether most lines of the side with fewer stand on a line of the other, as the cells of a row do."""
    fewer, more = sorted(({round(s.y, 1) for s in side} for side in (left, right)), key=len)
    return 2 * sum(any(abs(y - other) <= 1 for other in more) for y in fewer) >= len(fewer)


def _density(segments: list[Segment]) -> float:
    """The share of the height from first to last line that lines of usual pitch (1.2 font sizes) fill."""
    rows = rows_of(segments)
    usual = 1.2 * median(s.size for s in segments)
    return len(rows) * usual / (rows[-1][0].y - rows[0][0].y + usual)


def _read_region(segments: list[Segment], rules: list[Box], page: int, region: int) -> Iterator[Line | Row]:
    rows = [_joined(row) for row in rows_of(segments)]
    column = (min(s.left for s in segments), max(s.right for s in segments))
    rows = [row for row in rows if not _LEADERS.search(" ".join(s.text for s in row))]  # a table of contents
    for part in table_rows(rows, rules, page):
        if isinstance(part, Row):
            yield part
            continue
        widest = max(part, key=lambda s: len(s.text))
        text = " ".join(s.text for s in part)
        yield Line(text, part[0].left, part[-1].right, widest.y, widest.size, widest.is_bold, page, column, region)


def _joined(row: list[Segment]) -> list[Segment]:
    """A row with what is no cell joined: a marker and its text, and parts without a gap."""
    found = row[:1]
    for segment in row[1:]:
        last = found[-1]
        marker = _MARKER if len(found) == 1 else _MARKER_IN_A_CELL
        is_near = len(found) == 1 or segment.left - last.right < _MARKER_GAP * segment.size
        is_marker = is_near and marker.fullmatch(last.text) and not _is_value(segment.text)
        if is_marker or segment.left - last.right < 0.6 * segment.size:
            glue = " " if segment.left - last.right > 0.12 * segment.size else ""
            text = "•" if is_marker and last.text == "o" else last.text  # Word's bullet of the second level
            found[-1] = segment._replace(text=text + glue + segment.text, left=last.left)
        else:
            found.append(segment)
    return found


def _is_value(text: str) -> bool:
    return not re.search(r"[^\W\d_]{2}", text)
