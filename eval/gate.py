"""``gate``: whether a log holds what a committed baseline asks of it.

A baseline is a small JSON file: the suite with its digest and, for each measure, a bound. It is made of a log by
``baseline_of`` and then belongs to whoever edits it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from eval.log import EvalLog, Summary
from eval.scorers.named import is_cost
from eval.wording import number
from rag.domain import Frozen
from rag.errors import InputError

#: Bounds are rounded outwards to so many decimals.
_DECIMALS = 4


class Bound(Frozen):
    """What a measure must hold; ``scored`` is the number of items that must have been scored for it to count.

    ``judge`` is the one whose opinions the bounds were made of, as another's may be milder; None is any or nobody's.
    """

    at_least: float | None = None
    at_most: float | None = None
    scored: int = Field(default=1, ge=1)
    judge: str | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a bound needs at_least, at_most or both")
        return self


Bounds = dict[str, Bound]


class Baseline(Frozen):
    """Bounds by measure, over all items and by kind. ``system`` and ``made`` say which log it came from."""

    baseline_version: Literal[1] = 1
    suite: str
    digest: str
    system: str = ""
    made: str = ""
    measures: Bounds
    by_kind: dict[str, Bounds] = Field(default={})


class Finding(Frozen):
    """One thing in which a log falls short. ``measure`` and ``kind`` are "" where it concerns no single one."""

    message: str
    measure: str = ""
    kind: str = ""
    value: float | None = None
    bound: Bound | None = None
    n: int = 0


def gate(log: EvalLog, baseline: Baseline) -> list[Finding]:
    """All in which ``log`` falls short of ``baseline``; none when it passes. A value on its bound passes.

    Of another suite's log nothing is measured: the only finding is that they do not belong together.
    """
    if log.suite.digest != baseline.digest:
        return [Finding(message=_other_suite(log, baseline))]
    found = list(_short(baseline.measures, log.summaries, ""))
    for kind, bounds in baseline.by_kind.items():
        found += _short(bounds, log.by_kind.get(kind, {}), kind)
    return found


def _other_suite(log: EvalLog, baseline: Baseline) -> str:
    return (
        f"baseline of {baseline.suite}: the log is of {log.suite.name} with digest {log.suite.digest[:12]}, expected "
        f"{baseline.digest[:12]}; if the suite was meant to change, make the baseline again from this log"
    )


def _short(bounds: Mapping[str, Bound], summaries: Mapping[str, Summary], kind: str) -> Iterator[Finding]:
    for measure, bound in bounds.items():
        summary = summaries.get(measure)
        subject = f"{measure} ({kind})" if kind else measure
        for problem in _problems(bound, summary):
            yield Finding(
                message=f"{subject}: {problem}",
                measure=measure,
                kind=kind,
                value=summary.value if summary else None,
                bound=bound,
                n=summary.n if summary else 0,
            )


def _problems(bound: Bound, summary: Summary | None) -> Iterator[str]:
    """Value, expectation and remedy for each way in which a measure falls short."""
    if summary is None:
        yield f"not in the log, expected {_expected(bound)}; score it, or take it out of the baseline"
    elif summary.value is None:
        yield (
            f"not scored on any of {summary.unscored} items, expected {_expected(bound)}; "
            "see the reasons in the report, or take it out of the baseline"
        )
    else:
        yield from _misses(bound, summary, summary.value)


def _misses(bound: Bound, summary: Summary, value: float) -> Iterator[str]:
    exact = f"{value:.{_DECIMALS}f} on {summary.n} items"
    if bound.at_least is not None and value < bound.at_least:
        yield f"{exact}, expected at least {bound.at_least:g}; see the report's items, or lower the bound and say why"
    if bound.at_most is not None and value > bound.at_most:
        yield f"{exact}, expected at most {bound.at_most:g}; see the report's items, or raise the bound and say why"
    if bound.judge is not None and bound.judge != summary.judge:
        yield (
            f"judged by {summary.judge or 'nobody'}, expected {bound.judge}; score it with that judge, or "
            "make the baseline again from this log"
        )
    if summary.n < bound.scored:
        yield (
            f"scored on {summary.n} items and unscored on {summary.unscored}, expected {bound.scored} scored; "
            "see the reasons in the report, or lower the number in the baseline and say why"
        )


def _expected(bound: Bound) -> str:
    parts = [("at least", bound.at_least), ("at most", bound.at_most)]
    return " and ".join(f"{words} {number(limit)}" for words, limit in parts if limit is not None)


def baseline_of(log: EvalLog, slack: float = 1.0, *, kinds: bool = False) -> Baseline:
    """A baseline that ``log`` passes.

    Bounded are the measures with a direction, except those of cost, which depend on the machine. Each gets room for
    ``slack`` items: one item that goes from best to worst moves a mean of n scores by their range over n, where the
    range of rates is 1 and that of other scores their largest less their smallest, but at least 1. Of pooled figures
    such as macro-F1 this is only the order of magnitude: look at them. As many items must be scored as in ``log``,
    less ``slack``.

    Args:
        slack: In items, 0 or more. 0 suits a system that is deterministic on the suite.
        kinds: Also bound each kind of item by itself.

    Raises:
        InputError: ``slack`` is negative or the log has no measure to bound.
    """
    if slack < 0:
        raise InputError(f"baseline of {log.suite.name}: slack {slack:g}, expected 0 items or more")
    measures = _bounds(log, log.summaries, slack)
    if not measures:
        raise InputError(
            f"baseline of {log.suite.name}: the log has no scored measure of which one direction is better; "
            "expected one or more; score the suite first"
        )
    return Baseline(
        suite=log.suite.name,
        digest=log.suite.digest,
        system=log.system.name,
        made=log.started,
        measures=measures,
        by_kind={kind: found for kind, s in log.by_kind.items() if (found := _bounds(log, s, slack))} if kinds else {},
    )


def _bounds(log: EvalLog, summaries: Mapping[str, Summary], slack: float) -> Bounds:
    return {
        measure: _bound(summary, summary.value, slack * _range(log, measure) / summary.n, slack)
        for measure, summary in summaries.items()
        if summary.value is not None and summary.n and _is_bounded(measure, summary)
    }


def _is_bounded(measure: str, summary: Summary) -> bool:
    return summary.higher_is_better is not None and not is_cost(measure)


def _bound(summary: Summary, value: float, room: float, slack: float) -> Bound:
    scored = max(1, summary.n - math.floor(slack))
    unit, judge = 10**_DECIMALS, summary.judge or None
    if summary.higher_is_better:
        return Bound(at_least=math.floor((value - room) * unit) / unit, scored=scored, judge=judge)
    return Bound(at_most=math.ceil((value + room) * unit) / unit, scored=scored, judge=judge)


def _range(log: EvalLog, measure: str) -> float:
    scores = (record.scores.get(measure) for record in log.records)
    values = [score.value for score in scores if score and score.value is not None]
    return max(1.0, max(values) - min(values)) if values else 1.0


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Writes a baseline to be committed. Raises ``InputError`` when the path cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps(baseline.model_dump(exclude_none=True), indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
    except OSError as error:
        raise InputError(f"baseline {path}: cannot be written ({error.strerror}); name another file") from None


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises ``InputError`` when it is none."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"baseline {path}: cannot be read ({error.strerror}); expected a JSON file made from a log; "
            "make it with `osler eval gate LOG --baseline FILE --write`"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"baseline {path}: {where}: {first['msg']}; mend it or make it again from a log") from None
