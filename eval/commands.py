"""What the commands of ``osler eval`` do: each reads its arguments, calls the harness, prints, and returns a code."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from eval.cache import AnswerCache
from eval.evaluate import Plan, evaluate
from eval.log import EvalLog, read_log, write_log
from eval.runner import Progress
from eval.scoring import Scoring
from eval.systems.base import as_put
from rag.errors import InputError

_FOLDER = Path("eval-logs")


def suites(arguments: Namespace) -> int:
    """Lists what can be run."""
    from eval.suites.catalogue import names, suite

    about_it = "its task and what it asks, where its data is from (to be given with --data), its licence"
    table = Table("suite", Column(about_it, overflow="fold"), box=SIMPLE)
    for name in names():
        found = suite(name)
        about = found.about()
        table.add_row(name, f"{found.task}: {about.description}\n{about.source}\n{about.licence}")
    _console().print(table)
    return 0


def items(arguments: Namespace) -> int:
    """Prints the items of a suite as they are put to a system, one a line, in the order in which they are asked."""
    from eval import opening

    for item in opening.asked(arguments).items:
        print(json.dumps(as_put(item), ensure_ascii=False))
    return 0


def run(arguments: Namespace) -> int:
    """Asks, scores, writes the log and prints its figures. 1 when the system failed on every item."""
    from eval import opening
    from eval.report.terminal import render_log

    suite, task = opening.asked(arguments), opening.task_of(arguments)
    with ExitStack() as opened:
        system = opened.enter_context(closing(opening.system_of(arguments, suite)))
        judges = opening.judges_of(arguments)
        out = arguments.out or _default_log(suite.name, system.name, arguments)
        journal = out.with_name(out.name + ".journal")
        plan = Plan(
            workers=arguments.workers,
            seed=arguments.seed,
            journal=journal,
            cache=opened.enter_context(closing(AnswerCache(arguments.cache))) if arguments.cache else None,
            judges=judges.names if judges else {},
            agreements=judges.agreements if judges else (),
            settings={"task": task, **{name: getattr(arguments, name) for name in ("suite", "limit", "sample")}},
        )
        scoring = judges.scoring() if judges else Scoring(task)
        log = evaluate(suite, system, scoring, plan, opened.enter_context(_progress()))
    write_log(log, out)
    journal.unlink(missing_ok=True)
    render_log(log, _console())
    print(f"log: {out}")
    if arguments.run_out:
        _write_rankings(log, arguments.run_out)
    if arguments.report:
        _report(log, arguments.report, [])
    return 1 if all(record.response.error for record in log.records) else 0


def compare(arguments: Namespace) -> int:
    """Prints what differs between two logs."""
    from eval.compare import compare as compared
    from eval.report.terminal import render

    found = compared(read_log(arguments.before), read_log(arguments.after), allow_different=arguments.shared_items)
    if arguments.as_json:
        print(found.model_dump_json(indent=1))
    else:
        render(found, _console())
    return 0


def report(arguments: Namespace) -> int:
    """Writes a log as a page and a summary."""
    earlier = [read_log(path) for path in arguments.against]
    _report(read_log(arguments.log), arguments.out or arguments.log.with_suffix(".html"), earlier)
    return 0


def gate(arguments: Namespace) -> int:
    """0 when the log holds its baseline, 1 with a line for each way in which it does not."""
    from eval.gate import baseline_of, read_baseline, write_baseline
    from eval.gate import gate as findings_of

    log = read_log(arguments.log)
    if arguments.write:
        write_baseline(baseline_of(log, arguments.slack), arguments.baseline)
        print(f"baseline: {arguments.baseline}")
        return 0
    baseline = read_baseline(arguments.baseline)
    findings = findings_of(log, baseline)
    for finding in findings:
        print(finding.message, file=sys.stderr)
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    held = count if findings else f"all {len(baseline.measures)} measures hold"
    print(f"gate of {baseline.suite}: {held}")
    return 1 if findings else 0


def _report(log: EvalLog, path: Path, earlier: list[EvalLog]) -> None:
    from eval.report.page import write_report

    page, summary = write_report(log, path, earlier)
    print(f"report: {page}, {summary}")


def _write_rankings(log: EvalLog, path: Path) -> None:
    from eval import trec

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trec.write_run(path, {r.item.item_id: r.response.ranking for r in log.records}, _plain(log.system.name))
    except OSError as error:
        raise InputError(f"run {path}: cannot be written ({error.strerror}); name another file") from None
    except ValueError as error:
        raise InputError(f"run {path}: cannot be written: {error}") from None
    print(f"run: {path}")


def _console() -> Console:
    """Nothing that is printed is read as markup."""
    return Console(markup=False, highlight=False)


def _default_log(suite: str, system: str, arguments: Namespace) -> Path:
    """A part of a suite does not replace the log of the whole."""
    part = (("first", arguments.limit), ("sample", arguments.sample))
    chosen = [f"{word}{n}" for word, n in part if n is not None]
    return _FOLDER / f"{'-'.join(map(_plain, (suite, *chosen, system)))}.json"


def _plain(name: str) -> str:
    """A name that a file can have."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-").lower()


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
