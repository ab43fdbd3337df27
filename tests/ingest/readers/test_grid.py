"""Tables to rows that can be quoted alone."""

from __future__ import annotations

from rag.domain import BlockKind
from rag.ingest.readers.grid import Cell, Row, table_items


def texts(*rows: Row) -> list[str]:
    return [item.text for item in table_items(rows)]


def row(*cells: str | Cell, is_head: bool = False) -> Row:
    return Row([cell if isinstance(cell, Cell) else Cell(cell) for cell in cells], is_head)


HEAD = row("Drug", "Low", "High", is_head=True)


def test_rows_name_their_columns() -> None:
    assert texts(HEAD, row("a", "1", "")) == ["Drug: a | Low: 1"]


def test_a_cell_over_rows_is_in_each_of_them() -> None:
    rows = texts(HEAD, row(Cell("a", rows=2), "1", "2"), row("3", "4"), row("b", "5", "6"))
    assert rows[1:] == ["Drug: a | Low: 3 | High: 4", "Drug: b | Low: 5 | High: 6"]
    assert texts(HEAD, row(Cell("a", rows=0), "1", "2"), row("3", "4"))[1] == "Drug: a | Low: 3 | High: 4"
    assert texts(HEAD, row("a", "1", Cell("z", rows=2)), row("b"))[1] == "Drug: b | High: z"


def test_a_cell_over_columns_has_all_their_names() -> None:
    assert texts(HEAD, row("a", Cell("1", columns=2))) == ["Drug: a | Low, High: 1"]


def test_names_over_several_head_rows_are_joined() -> None:
    head = [row(Cell("Drug", rows=2), Cell("Dose", columns=2), is_head=True), row("low", "high", is_head=True)]
    assert texts(*head, row("a", "1", "2")) == ["Drug: a | Dose, low: 1 | Dose, high: 2"]


def test_a_head_across_the_table_is_its_caption() -> None:
    items = [*table_items([row(Cell("Table 1. Doses", columns=3), is_head=True), HEAD, row("a", "1", "2")], ("H",))]
    assert [(item.text, item.kind) for item in items] == [
        ("Table 1. Doses", BlockKind.CAPTION),
        ("Drug: a | Low: 1 | High: 2", BlockKind.TABLE_ROW),
    ]
    assert {item.heading_path for item in items} == {("H",)}


def test_a_line_across_names_the_rows_below_it() -> None:
    across = [row(Cell(name, columns=3)) for name in ("Children", "Adults")]
    rows = texts(HEAD, row("a", "1", "2"), across[0], row("b", "3", "4"), across[1], row("c", "5", "6"), across[0])
    assert rows == [
        "Drug: a | Low: 1 | High: 2",
        "Children | Drug: b | Low: 3 | High: 4",
        "Adults | Drug: c | Low: 5 | High: 6",
        "Children",
    ]


def test_a_name_does_not_reach_rows_that_are_not_set_in() -> None:
    rows = texts(
        row("Sign", "No.", is_head=True),
        row(Cell("Income", columns=2)),
        row(Cell("low", indent=2), "1"),
        row("Age", "2"),
        row(Cell("Sex"), ""),
        row(Cell("women", indent=2), "3"),
        row(Cell("under 50", indent=4), "4"),
    )
    assert rows == [
        "Income | Sign: low | No.: 1",
        "Sign: Age | No.: 2",
        "Sex | Sign: women | No.: 3",
        "Sex, women | Sign: under 50 | No.: 4",
    ]


def test_bold_names_hold_plain_rows_but_bold_values_do_not() -> None:
    rows = texts(
        row("Sign", "No.", is_head=True),
        row(Cell("Insured", columns=2, is_bold=True)),
        row("yes", "1"),
        row(Cell("Age", is_bold=True), "2"),
        row("no name", "3"),
    )
    assert rows == ["Insured | Sign: yes | No.: 1", "Sign: Age | No.: 2", "Sign: no name | No.: 3"]


def test_notes_and_feet_stand_alone() -> None:
    note = "A note. " * 20
    rows = texts(HEAD, row(Cell("Adults", columns=3)), row("a", "1", "2"), row(Cell(note.strip(), columns=3)))
    assert rows[-1] == note.strip()
    assert texts(HEAD, row("a", "1", "2"), Row([Cell("CI, interval", 3)], is_foot=True))[-1] == "CI, interval"


def test_a_table_of_names_only_loses_nothing() -> None:
    assert texts(HEAD) == ["Drug | Low | High"]
    assert texts() == []
    assert texts(Row([])) == []


def test_absurd_spans_are_bounded() -> None:
    assert texts(row(Cell("a", 99_999, 99_999), "b"), row("c")) == ["a"]
