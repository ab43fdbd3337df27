"""What the commands of ``osler eval`` do: each reads its arguments, calls the harness, prints, and returns a code."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from eval.cache import AnswerCache
from eval.evaluate import Plan, evaluate
from eval.log import EvalLog, read_log, write_log
from eval.runner import Progress
from eval.scorers.named import STAGE
from eval.wording import interval, number

_FOLDER = Path("eval-logs")


def suites(arguments: Namespace) -> int:
    """Lists what can be run."""
    from eval.suites.catalogue import names, suite

    table = Table("suite", "what", "data from", "licence")
    for name in names():
        about = suite(name).about()
        table.add_row(name, about.description, about.source, about.licence)
    Console().print(table)
    return 0


def run(arguments: Namespace) -> int:
    """Asks, scores, writes the log and prints its figures."""
    from eval.opening import Judges, scoring_of, system_of
    from eval.suites.catalogue import suite as suite_of

    suite = suite_of(arguments.suite)
    task = arguments.task or suite.task
    dataset = suite.load(arguments.data)
    judges = Judges(arguments.judge, arguments.citation_judge) if task == "answers" else None
    with closing(system_of(arguments, dataset, task)) as system, _cache(arguments.cache) as cache, _progress() as told:
        out = arguments.out or _FOLDER / f"{_plain(dataset.name)}-{_plain(system.name)}.json"
        journal = out.with_name(out.name + ".journal")
        plan = Plan(
            workers=arguments.workers,
            limit=arguments.limit,
            sample=arguments.sample,
            seed=arguments.seed,
            journal=journal,
            cache=cache,
            judges=judges.names if judges else {},
            agreements=judges.agreements if judges else (),
            settings={"task": task, "suite": arguments.suite, "retriever": arguments.retriever, "k": arguments.k},
        )
        log = evaluate(dataset, system, scoring_of(task, judges), plan, told)
    write_log(log, out)
    journal.unlink(missing_ok=True)
    _rankings(log, arguments.run_out)
    _print(log)
    print(f"log: {out}")
    if arguments.report:
        _report(log, arguments.report, [])
    return 0


def retrieval(arguments: Namespace) -> int:
    """``run`` of a collection in BEIR's form."""
    given = {"suite": "beir", "task": "retrieval", "system": "osler", "judge": "matcher", "citation_judge": None}
    return run(Namespace(**{**vars(arguments), **given}))


def compare(arguments: Namespace) -> int:
    """Prints what differs between two logs."""
    from eval.compare import compare as compared
    from eval.report.terminal import render

    found = compared(read_log(arguments.before), read_log(arguments.after), allow_different=arguments.shared_items)
    if arguments.as_json:
        print(found.model_dump_json(indent=1))
    else:
        render(found, Console())
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
    held = f"all {len(baseline.measures)} measures hold" if not findings else f"{len(findings)} findings"
    print(f"gate of {baseline.suite}: {held}")
    return 1 if findings else 0


def _report(log: EvalLog, path: Path, earlier: list[EvalLog]) -> None:
    from eval.report.page import write_report

    page, summary = write_report(log, path, earlier)
    print(f"report: {page}, {summary}")


def _rankings(log: EvalLog, path: Path | None) -> None:
    if path:
        from eval import trec

        trec.write_run(path, {r.item.item_id: r.response.ranking for r in log.records}, _plain(log.system.name))
        print(f"run: {path}")


def _print(log: EvalLog) -> None:
    console = Console()
    table = Table(
        Column("measure", no_wrap=True), "value", "95 % interval", "n", "unscored", "judge", title=_title(log)
    )
    for name, found in log.summaries.items():
        if not name.startswith(STAGE):
            row = (number(found.value), interval(found.low, found.high), str(found.n), str(found.unscored), found.judge)
            table.add_row(name, *row)
    console.print(table)
    if stages := stage_times(log):
        table = Table("stage", "p50, ms", "p95, ms", "p99, ms")
        for stage, times in stages.items():
            table.add_row(stage, *map(number, times))
        console.print(table)
    for judge in log.judges:
        agrees = f"accuracy {judge.accuracy:.3f}, kappa {judge.kappa:.3f} on {judge.n} items of {judge.labels}"
        console.print(f"{judge.judge}: {agrees}", soft_wrap=True)


def stage_times(log: EvalLog) -> dict[str, list[float | None]]:
    """The three shares of each stage's time, by stage."""
    found: dict[str, list[float | None]] = {}
    for name, times in log.summaries.items():
        if name.startswith(STAGE):
            found.setdefault(name.removeprefix(STAGE).rpartition(".")[0], []).append(times.value)
    return found


def _title(log: EvalLog) -> str:
    return f"{log.suite.name} {log.suite.digest}, {log.suite.items} items, {log.system.name}, {log.seconds:.0f} s"


def _plain(name: str) -> str:
    """A name that a file can have."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-").lower()


@contextmanager
def _cache(path: Path | None) -> Iterator[AnswerCache | None]:
    if path is None:
        yield None
        return
    with closing(AnswerCache(path)) as cache:
        yield cache


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
