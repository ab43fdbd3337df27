"""``python -m eval.figures LOG…``: the figures of logs as Markdown, for ``eval/README.md``. Prints, asserts nothing.

One table a log, with the measures that are named, or all but those of single stages and classes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eval.log import EvalLog, Summary, read_log
from eval.scorers.named import CLASS, STAGE
from eval.wording import interval, number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.figures", description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--measures", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--kinds", action="store_true", help="a table of kinds of items against the measures instead")
    options = parser.parse_args(arguments)
    for log in map(read_log, options.logs):
        title = f"{log.suite.name} `{log.suite.digest}`, {log.suite.items} items, {log.system.name}"
        rows = kinds(log, options.measures) if options.kinds else measures(log, options.measures)
        print("\n".join((f"**{title}**", "", *rows, "")))
    return 0


def measures(log: EvalLog, names: Sequence[str]) -> Iterator[str]:
    """A row a measure."""
    shown = names or [name for name in log.summaries if not name.startswith((STAGE, CLASS))]
    yield from ("| measure | value | 95 % interval | n | unscored |", "|---|--:|---|--:|--:|")
    for name in shown:
        if found := log.summaries.get(name):
            cells = (name, number(found.value), interval(found.low, found.high), str(found.n), str(found.unscored))
            yield f"| {' | '.join(cells)} |"


def kinds(log: EvalLog, names: Sequence[str]) -> Iterator[str]:
    """A row a kind of item, a column a measure that some kind has."""
    shown = [name for name in names if any(name in summaries for summaries in log.by_kind.values())]
    yield from (f"| kind | items | {' | '.join(shown)} |", "|---|--:|" + "--:|" * len(shown))
    for kind, summaries in log.by_kind.items():
        items = sum(record.item.kind == kind for record in log.records)
        yield f"| {kind} | {items} | {' | '.join(_cell(summaries, name) for name in shown)} |"


def _cell(summaries: Mapping[str, Summary], name: str) -> str:
    found = summaries.get(name)
    return number(found.value) if found and found.n else "–"


if __name__ == "__main__":
    sys.exit(main())
