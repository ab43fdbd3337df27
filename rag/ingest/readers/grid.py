"""Tables with cells over several rows or columns, as rows that can each be quoted alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag.domain import BlockKind
from rag.ingest.readers.assembly import Item, row_text

_MAX_COLUMNS = 200
#: A line across the whole table that is longer than this is a note, not the name of the rows below it.
_MAX_NAME = 120


class Cell(NamedTuple):
    """A cell as written; ``rows`` 0 means down to the last row; ``indent`` is how far in it starts, in any unit."""

    text: str
    columns: int = 1
    rows: int = 1
    indent: int = 0
    is_bold: bool = False


class Row(NamedTuple):
    """A row as written; one of the head names columns, one of the foot is under no row's name."""

    cells: Sequence[Cell]
    is_head: bool = False
    is_foot: bool = False


class _Placed(NamedTuple):
    start: int
    end: int
    text: str


def table_items(rows: Sequence[Row], path: tuple[str, ...] = ()) -> Iterator[Item]:
    """A ``TABLE_ROW`` for each body row, with the head's names; a head that spans the table alone is a ``CAPTION``.

    A body cell over several rows is repeated in each of them: a dose must not lose its drug. A row begins with the
    names of the rows it stands under, as ``_Above`` tells them. A table that is all head has body rows only.
    """
    if not any(cell.text for row in rows if not row.is_head for cell in row.cells):
        rows = [row._replace(is_head=False) for row in rows]
    placed = list(_placed(rows))
    width = max((cell.end for row in placed for cell in row), default=0)
    names: list[list[str]] = [[] for _ in range(width)]
    levels = [_level(row) for row in rows]
    above = _Above(len({level for level, row in zip(levels, rows, strict=True) if not row.is_head}) > 1)
    for i, (row, cells) in enumerate(zip(rows, placed, strict=True)):
        filled = [cell for cell in cells if cell.text]
        is_across = width > 1 and len(filled) == 1 and filled[0].end - filled[0].start == width
        if row.is_head and is_across:
            yield Item(filled[0].text, path, BlockKind.CAPTION)
        elif row.is_head:
            _name_columns(names, filled)
        elif filled and (row.is_foot or (is_across and len(filled[0].text) > _MAX_NAME)):
            yield Item(row_text([], [cell.text for cell in filled]), path, BlockKind.TABLE_ROW)
        elif filled:
            outer = above.names_for(levels[i], is_across)
            if filled[0].start == 0:
                above.add(levels[i], filled[0].text, len(filled) == 1, is_across)
            is_followed = i + 1 < len(rows) and not rows[i + 1].is_foot
            if len(filled) == 1 and is_followed and above.holds(levels[i + 1], is_across):
                continue
            labels = ["" if is_across else _label(names, cell) for cell in filled]
            yield Item(row_text(["", *labels], [outer, *(cell.text for cell in filled)]), path, BlockKind.TABLE_ROW)


_Level = tuple[int, bool]


def _level(row: Row) -> _Level:
    """How far in a row starts; what is not bold is under what is."""
    return (row.cells[0].indent, not row.cells[0].is_bold) if row.cells else (0, True)


class _Above:
    """The names of the rows above that hold the next one, outermost first.

    Where rows differ in how far in they start or in being bold, a name holds those below it that are further in:
    "Annual income" has nothing to say of "Safety" below its own rows. A row with values of its own holds only those
    set in from it, for it may be bold because it matters. Where rows do not differ, a name across the whole table
    holds the rows up to the next such name.
    """

    def __init__(self, has_levels: bool) -> None:
        self._has_levels = has_levels
        self._rows: list[tuple[_Level, str, bool]] = []

    def names_for(self, level: _Level, is_across: bool) -> str:
        if self._has_levels:
            self._rows = [row for row in self._rows if row[0] < level]
        elif is_across:
            self._rows = []
        return ", ".join(name for above, name, is_alone in self._rows if is_alone or above[0] < level[0])

    def add(self, level: _Level, name: str, is_alone: bool, is_across: bool) -> None:
        if self._has_levels or is_across:
            self._rows.append((level, name, is_alone))

    def holds(self, next_level: _Level, is_across: bool) -> bool:
        """Whether the row added last holds the one after it."""
        return self._rows[-1][0] < next_level if self._has_levels else is_across


def _name_columns(names: list[list[str]], cells: Sequence[_Placed]) -> None:
    for cell in cells:
        for column in range(cell.start, cell.end):
            if cell.text not in names[column]:
                names[column].append(cell.text)


def _label(names: list[list[str]], cell: _Placed) -> str:
    """The names of the columns under a cell, each once: "Dose, low"."""
    return ", ".join(dict.fromkeys(name for column in names[cell.start : cell.end] for name in column))


def _placed(rows: Sequence[Row]) -> Iterator[list[_Placed]]:
    """For each row its cells with the columns they take, those that hang down from above among them."""
    hanging: dict[int, tuple[int, _Placed]] = {}  # by first column, with the number of rows still to come
    for row in rows:
        cells: list[_Placed] = []
        left: dict[int, tuple[int, _Placed]] = {}
        column = 0
        written = iter(row.cells)
        while column < _MAX_COLUMNS:
            if column in hanging:
                count, cell = hanging[column]
            elif (next_cell := next(written, None)) is not None:
                end = min(column + max(next_cell.columns, 1), _MAX_COLUMNS)
                count, cell = next_cell.rows or len(rows), _Placed(column, end, next_cell.text)
            elif below := [start for start in hanging if start > column]:
                column = min(below)
                continue
            else:
                break
            cells.append(cell)
            if count > 1:
                left[column] = (count - 1, cell)
            column = cell.end
        hanging = left
        yield cells
