"""Tables of a PDF: rows of cells from text that stands in aligned columns, with or without ruled lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from rag.ingest.readers.pdf_text import Box, Segment

#: The pitch of lines set solid, in font sizes; the cells of a row may stand on different lines.
_SOLID = 1.1
#: A step down this much wider than the usual one begins a new row.
_ROW_STEP = 1.35
#: A step of more than so many font sizes ends a table, unless a rule stands there.
_LONGEST_STEP = 4.0
#: A single text of so many words that crosses columns is prose and ends a table.
_PROSE_WORDS = 8
#: More spanning texts than this share, and the columns were not understood.
_MOST_SPANNING = 0.2
#: A caption, or a note under the table.
_ENDS_A_TABLE = re.compile(r"(?i:table|figure|fig\.|box|exhibit|appendix)\s+[\dA-Z]|[*†‡§¶]\s*[A-Z]")
_NUMBER = re.compile(r"\d")
#: A number or range by itself, and not "(0.3–0.7)", which goes on with what stands over it.
_VALUE = re.compile(r"[<>≤≥~]?\s?\d[\d.,–-]*[%*†‡§]?")
_WORD = re.compile(r"[^\W\d_]{2}")
#: How far in from its sign, in font sizes, an item of a list may go on.
_HANGING = 2.5
#: What begins an item of a list is no name of a column.
_BULLET = re.compile(r"[•●▪■◦‣·►]")
_GOES_ON = re.compile(r"(?!\(?[a-z]{1,3}[.)]\s)[a-zà-ÿ]")

_Cells = dict[int, str]


class Row(NamedTuple):
    """A row of a table, its cells with their printed lines; ``group`` is the sub-heading over it, "" without one."""

    header: tuple[str, ...]
    cells: tuple[str, ...]
    group: str
    page: int


class _Column(NamedTuple):
    left: float
    right: float
    members: int


def merged_rules(rules: Iterable[Box]) -> list[Box]:
    """Horizontal lines from the top, those that continue each other (one for each cell) made one."""
    found: list[Box] = []
    for rule in sorted((r for r in rules if r.right - r.left > r.bottom - r.top), key=lambda r: (round(r.top), r.left)):
        for i, other in enumerate(found[-6:], max(0, len(found) - 6)):
            if abs(other.top - rule.top) < 2 and rule.left < other.right + 4 and other.left < rule.right + 4:
                found[i] = Box(min(other.left, rule.left), other.top, max(other.right, rule.right), rule.bottom)
                break
        else:
            found.append(rule)
    return found


def table_rows(rows: list[list[Segment]], rules: list[Box], page: int) -> Iterator[Row | list[Segment]]:
    """The rows of every table found, and each row outside one as it came."""
    at = 0
    while at < len(rows):
        end = _table_end(rows, rules, at)
        table = _table(rows[at:end], rules, page) if end - at >= 2 else None
        if table is None:
            end = at + 1
            yield rows[at]
        else:
            yield from table
        at = end


def _table_end(rows: list[list[Segment]], rules: list[Box], start: int) -> int:
    """The end of the run of rows from ``start`` that may be a table.

    It ends with a row of several cells, what goes on in one of them, or a rule.
    """
    if len(rows[start]) < 2:
        return start
    end, size = start + 1, max(s.size for s in rows[start])
    left, right = rows[start][0].left, max(s.right for s in rows[start])
    wide = [r.top for r in rules if min(r.right, right) - max(r.left, left) > 0.6 * (right - left)]
    near = [y for y in wide if y > rows[start][0].y - 3 * size]
    lefts = {round(s.left) for s in rows[start][1:]}  # where the lines of the cells after the first begin
    for i in range(start + 1, len(rows)):
        row, last_y = rows[i], rows[i - 1][0].y
        is_ruled = any(last_y < y <= row[0].y for y in near)
        if row[0].y - last_y > _LONGEST_STEP * size and not is_ruled:
            break
        if is_ruled and sum(y < row[0].y for y in near) >= 3 and not any(y >= row[0].y for y in near):
            break  # under the last rule
        if _ENDS_A_TABLE.match(row[0].text) or row[0].size > 1.25 * size:
            break
        if len(row) == 1 and row[0].text.count(" ") >= _PROSE_WORDS - 1 and _crosses(row[0], rows[start:end]):
            break
        is_near = end == i and row[0].y - last_y < _ROW_STEP * _SOLID * size
        goes_on = is_near and any(at - 2 < row[0].left < at + _HANGING * size for at in lefts)
        if len(row) > 1 or goes_on or any(row[0].y < y < row[0].y + 3 * size for y in near):
            end = i + 1
            lefts.update(round(s.left) for s in row[1:])
    return end


def _crosses(text: Segment, rows: list[list[Segment]]) -> bool:
    """Whether a text lies over a gap between the cells of most of the rows."""
    several = [row for row in rows if len(row) > 1]
    over = sum(any(text.left < a.right and b.left < text.right for a, b in pairwise(r)) for r in several)
    return 2 * over > len(several)


def _table(rows: list[list[Segment]], rules: list[Box], page: int) -> list[Row | list[Segment]] | None:
    """Rows of a table, or None when the columns are not plain."""
    columns = _columns(rows)
    several = [row for row in rows if len(row) > 1]
    if len(columns) < 2:
        return None
    segments = [s for row in several for s in row]
    spanning = sum(len(_over(s, columns)) > 1 for s in segments)
    left, right = columns[0].left, columns[-1].right
    inner = [r.top for r in rules if r.right - r.left > 0.6 * (right - left) and r.left < right and r.right > left]
    inner = [y for y in inner if rows[0][0].y < y < rows[-1][0].y + 2 * rows[-1][0].size]
    is_plain = spanning <= _MOST_SPANNING * len(segments) + 1 and len(several) >= (2 if inner else 3)
    if not is_plain or (not inner and _is_prose(several)):
        return None
    header_rows = _header_rows(rows, inner)
    header = _header(rows[:header_rows], columns)
    return [*_body(rows[header_rows:], columns, inner, header, page)]


def _is_prose(rows: list[list[Segment]]) -> bool:
    """Whether most cells are lines of prose, so that these may be columns that were not told apart."""
    cells = [s for row in rows for s in row]
    return 2 * sum(s.text.count(" ") >= 4 for s in cells) > len(cells)


def _columns(rows: list[list[Segment]]) -> list[_Column]:
    """The extents of the columns: narrow texts first, so that one over several columns cannot merge them."""
    found: list[_Column] = []
    for segment in sorted((s for row in rows if len(row) > 1 for s in row), key=lambda s: s.right - s.left):
        over = [c for c in found if c.left < segment.right and segment.left < c.right]
        if len(over) > 1 and sum(c.members > 1 for c in over) > 1:
            continue
        merged = _Column(
            min(segment.left, *(c.left for c in over)) if over else segment.left,
            max(segment.right, *(c.right for c in over)) if over else segment.right,
            1 + sum(c.members for c in over),
        )
        found = [*(c for c in found if c not in over), merged]
    return sorted(c for c in found if c.members > 1 or len(rows) <= 3)


def _over(segment: Segment, columns: list[_Column]) -> list[int]:
    found = [i for i, c in enumerate(columns) if c.left < segment.right and segment.left < c.right]
    if found:
        return found
    return [
        min(range(len(columns)), key=lambda i: abs(columns[i].left + columns[i].right - segment.left - segment.right))
    ]


def _header_rows(rows: list[list[Segment]], inner: list[float]) -> int:
    """How many rows name the columns: those over the first rule, or bold ones, or words over numbers."""
    for y in inner:
        over = sum(row[0].y < y for row in rows)
        if 0 < over < len(rows) and over <= max(4, 0.4 * len(rows)) and any(len(row) > 1 for row in rows[:over]):
            return over if not any(_BULLET.match(s.text) for row in rows[:over] for s in row) else 0
    bold = 0
    while bold < len(rows) and all(s.is_bold and not _BULLET.match(s.text) for s in rows[bold]):
        bold += 1
    if 0 < bold < len(rows) and any(len(row) > 1 for row in rows[:bold]):
        return bold
    is_named = not any(_NUMBER.search(s.text) for s in rows[0])
    return int(
        is_named and sum(any(_NUMBER.search(s.text) for s in row[1:]) for row in rows[1:]) > 0.6 * (len(rows) - 1)
    )


def _header(rows: list[list[Segment]], columns: list[_Column]) -> tuple[str, ...]:
    """The names of the columns; one that stands over several names each of them."""
    names: list[list[str]] = [[] for _ in columns]
    for row in rows:
        for segment in row:
            for i in _over(segment, columns):
                names[i].append(segment.text)
    return tuple(" ".join(name) for name in names)


def _body(
    rows: list[list[Segment]], columns: list[_Column], inner: list[float], header: tuple[str, ...], page: int
) -> Iterator[Row | list[Segment]]:
    group: list[list[Segment]] = []
    is_used = False  # one under which no row stood goes out as it came, so that nothing is lost
    for logical in _logical_rows(rows, columns, inner):
        cells = _cells(logical, columns)
        if len(cells) == 1 and len(logical) <= 2 and (0 in cells or len(_over(logical[0][0], columns)) > 1):
            group = logical if is_used else group + logical
            is_used = False
            continue
        if group and _is_beside(logical[0][0], group[-1][0]):
            if not is_used:
                yield from group
            group = []
        title = " ".join(s.text for row in group for s in row)
        is_used = True
        for part in _under_one_name(logical, columns) or [cells]:
            yield Row(header, tuple(part.get(i, "") for i in range(len(columns))), title, page)
    if not is_used:
        yield from group


def _is_beside(first: Segment, group: Segment) -> bool:
    """Whether a row is of the rank of a sub-heading and not under it: as far left, and as bold."""
    return first.left <= group.left + 1 and first.is_bold == group.is_bold


def _cells(rows: list[list[Segment]], columns: list[_Column]) -> _Cells:
    cells: _Cells = {}
    for row in rows:
        for segment in row:
            i = _over(segment, columns)[0]
            cells[i] = f"{cells[i]}\n{segment.text}" if i in cells else segment.text
    return cells


def _under_one_name(rows: list[list[Segment]], columns: list[_Column]) -> list[_Cells]:
    """The rows within a row whose first cell names them all, such as a class its drugs; each gets the name.

    They are told by values that stand line by line beside the second cell. Nothing where that is not plain.
    """
    printed = [_cells([row], columns) for row in rows]
    begins = [i for i, cells in enumerate(printed) if any(c > 1 and _VALUE.fullmatch(cells[c]) for c in cells)]
    named = [i for i, cells in enumerate(printed) if 0 in cells]
    if begins[:1] != [0] or named != [*range(len(named))] or not 0 < len(named) < len(rows):
        return []
    filled = {c for c in printed[0] if c}
    values = [c for c in filled if c > 1 and all(_VALUE.fullmatch(printed[i].get(c, "")) for i in begins)]
    is_plain = all({c for c in printed[i] if c} == filled and _WORD.search(printed[i].get(1, "")) for i in begins)
    if not is_plain or len(begins) < (2 if len(values) > 1 else 3) or not values:
        return []
    name = "\n".join(printed[i][0] for i in named)
    ends = [*begins[1:], len(rows)]
    return [{**_cells(rows[a:b], columns), 0: name} for a, b in zip(begins, ends, strict=True)]


def _logical_rows(
    rows: list[list[Segment]], columns: list[_Column], inner: list[float]
) -> Iterator[list[list[Segment]]]:
    """Printed rows put together to the table's rows: by its rules, else by wider steps, else by the first column."""
    steps = sorted(b[0].y - a[0].y for a, b in pairwise(rows))
    size = max(s.size for row in rows for s in row) if rows else 0.0
    usual = max(steps[len(steps) // 5], _SOLID * size) if steps else 0.0
    ruled: list[list[list[Segment]]] = []
    for row in rows:
        if not ruled or any(ruled[-1][-1][0].y < y < row[0].y for y in inner):
            ruled.append([])
        ruled[-1].append(row)
    for cell in ruled:
        begins = [0]
        for i in range(1, len(cell)):
            if _begins(cell[i], cell[begins[-1] : i], usual, columns):
                begins.append(i)
        if len(ruled) > 1 and sum(_is_of_values(row) for row in cell) < max(2, 0.6 * len(cell)):
            begins = [0]  # words between rules are one row with long cells
        yield from (cell[a:b] for a, b in zip(begins, [*begins[1:], len(cell)], strict=True))


def _is_of_values(row: list[Segment]) -> bool:
    """Whether most cells after the first are numbers or signs."""
    return len(row) > 1 and 2 * sum(not _WORD.search(s.text) for s in row[1:]) > len(row) - 1


def _begins(row: list[Segment], before: list[list[Segment]], usual_step: float, columns: list[_Column]) -> bool:
    """Whether a printed row begins a row of the table and does not go on with those ``before``."""
    first = next((s for s in row if 0 in _over(s, columns)), None)
    if first is None:
        return False
    if row[0].y - before[-1][0].y > _ROW_STEP * usual_step:
        return True
    others = [s for s in row if s is not first]
    if len(row) == len(columns) and not any(_GOES_ON.match(s.text) for s in row):
        return True
    if others:
        has_value = any(not _WORD.search(s.text) for s in others)
        is_under_nothing = not any(0 in _over(s, columns) for s in before[-1])
        return not _GOES_ON.match(first.text) and (has_value or is_under_nothing)
    is_hanging = first.left > before[0][0].left + 0.5 * first.size
    return not _GOES_ON.match(first.text) and not is_hanging
