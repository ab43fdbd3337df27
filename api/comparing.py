"""``osler consistency``: whether the answers to neighbouring questions contradict one another."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from api.commands import pipeline_of, settings_of
from api.terminal import line, write, write_json

if TYPE_CHECKING:
    from rag.answer.consistency import Consistency, Said

#: The questions that ship, in the folder of the starter corpus.
QUESTIONS = "questions.list"
#: Contradictions were found: no failure of the program, but one of what it compared.
FOUND = 1


def consistency(arguments: Namespace) -> int:
    """Prints what was found; exit code 0 when answers are consistent, 1 when they are not."""
    from rag.answer.stored import stored

    items = stored(arguments.sources or [settings_of(arguments).corpus_dir / QUESTIONS])
    found = pipeline_of(arguments).consistency(items, arguments.near)
    if arguments.format == "json":
        write_json(found.model_dump_json(indent=2))
    else:
        _write_table(found)
    return FOUND if found.contradictions else 0


def _write_table(found: Consistency) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    count = len(found.contradictions) or "no"
    write(
        f"{found.answers} answers, {found.neighbours:,} pairs of neighbours, {found.compared:,} pairs of statements on "
        f"one subject: {count} contradiction{'' if count == 1 else 's'}\n"
    )
    if not found.contradictions:
        return
    table = Table("in what", "one", "other", show_lines=True)
    for conflict in found.contradictions:
        cells = (f"{conflict.kind}: {line(conflict.reason)}", _cell(conflict.one), _cell(conflict.other))
        table.add_row(*map(Text, cells))
    Console().print(table)


def _cell(said: Said) -> str:
    """The words, where they stand, and how to see the passage that they are from."""
    places = [f"{p.statement_id} in {p.answer_id}: {line(p.question)}" for p in said.places]
    return "\n".join([line(said.text), "", *places, *(f"osler show {i}" for i in said.passage_ids)])
