"""One run: a suite, a system and how it is scored, to an ``EvalLog``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from eval import runner, summary
from eval.cache import AnswerCache
from eval.datasets.base import Dataset, digest
from eval.domain import Record
from eval.log import Agreement, EvalLog, SuiteFacts, Summary, SystemFacts
from eval.provenance import git_state, machine, peak_memory_mb, versions
from eval.scorers.stability import stability
from eval.scoring import Scoring
from eval.systems.base import System
from rag.errors import InputError


class Plan(NamedTuple):
    """How a run is made; none of it changes what is asked.

    ``judges`` are the names of the judges by what they decide, ``agreements`` how well they agree with people;
    ``seed`` is of the intervals, and ``settings`` is what the log is to say beside it.
    """

    workers: int = 1
    seed: int = 0
    journal: Path | None = None
    cache: AnswerCache | None = None
    judges: dict[str, str] = {}  # noqa: RUF012  never changed
    agreements: tuple[Agreement, ...] = ()
    settings: dict[str, Any] = {}  # noqa: RUF012


def part_of(suite: Dataset, limit: int | None = None, sample: int | None = None) -> Dataset:
    """A suite of some of the items, see ``runner.select``; its digest is of these.

    Raises:
        InputError: a limit that cannot be used, or a sample without one.
    """
    if limit is None and sample is not None:
        raise InputError(f"sample {sample}: of how many items is not said; give a limit too")
    items = tuple(runner.select(suite.items, limit, sample))
    return suite._replace(items=items, digest=digest(items))


def evaluate(
    suite: Dataset, system: System, scoring: Scoring, plan: Plan, progress: runner.Progress | None = None
) -> EvalLog:
    """The log of asking ``system`` the items of ``suite``.

    Raises:
        InputError: a number of workers or a journal that cannot be used.
        OslerError: the system cannot be used at all.
    """
    started, began = datetime.now(UTC), time.perf_counter()
    records = runner.run(
        suite.items,
        system,
        score=scoring,
        workers=plan.workers,
        journal=plan.journal,
        cache=plan.cache,
        progress=progress,
    )
    records = _related(records)
    return EvalLog(
        suite=_facts(suite),
        system=SystemFacts(name=system.name, receipt=system.receipt()),
        settings={**plan.settings, "workers": plan.workers, "judges": plan.judges, "machine": machine()},
        versions=versions(),
        git=git_state(),
        seed=plan.seed,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - began, 3),
        summaries=summary.summaries(records, plan.judges, plan.seed) | _memory(),
        by_kind=summary.by_kind(records, plan.judges, plan.seed),
        judges=plan.agreements,
        curves=summary.curves(records),
        records=tuple(records),
    )


def _facts(suite: Dataset) -> SuiteFacts:
    return SuiteFacts(
        name=suite.name,
        digest=suite.digest,
        items=len(suite.items),
        description=suite.description,
        source=suite.source,
        licence=suite.licence,
    )


def _related(records: Sequence[Record]) -> list[Record]:
    """With the scores that compare the answers of a cluster."""
    found = stability(records)
    return [r.model_copy(update={"scores": r.scores | found.get(r.item.item_id, {})}) for r in records]


def _memory() -> dict[str, Summary]:
    return {"memory_mb": Summary(value=round(peak_memory_mb(), 1), n=1, clusters=1, higher_is_better=False)}
