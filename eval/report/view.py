"""What a report works out from a log: who judged a measure, outcomes by kind, times, reasons, items to read first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from eval.compare import Comparison, Contrast
from eval.domain import Outcome, Record
from eval.judges.base import LLM
from eval.log import EvalLog, Summary
from eval.measures.cost import Latency, by_stage, latency
from eval.report import plots
from eval.scorers.named import STAGE, is_cost
from eval.scorers.named import measure as meaning
from eval.wording import number

#: How the time a user waits is named among the stages, and how the product names the sum of its own.
WHOLE, TOTAL = "whole answer", "total"
_SHOWN_WORST = 10
#: Below it a logarithmic axis ends, in milliseconds.
_SHORTEST_MS = 0.001


class Row(NamedTuple):
    """A measure with what it says and, if a judge's opinion is in it, how well that judge agrees with people.

    ``agreement`` also says with whom; ``brief`` does not.
    """

    name: str
    what: str
    summary: Summary
    agreement: str
    brief: str


class Reason(NamedTuple):
    """Why a measure was not scored on ``n`` items."""

    measure: str
    reason: str
    n: int


class Worst(NamedTuple):
    """An item with the mean of its rates, each turned so that 1 is best."""

    number: int
    item_id: str
    kind: str
    question: str
    outcome: Outcome
    mean: float


def rows(log: EvalLog) -> list[Row]:
    """All measures in the order of the log, but for times of stages, which have a table of their own."""
    shown = ((name, s) for name, s in log.summaries.items() if not name.startswith(STAGE))
    return [
        Row(name, _what(name), s, agreement(log, s.judge), agreement(log, s.judge, labels=False)) for name, s in shown
    ]


def _what(name: str) -> str:
    try:
        return meaning(name).what
    except KeyError:
        return ""


def agreement(log: EvalLog, judge: str, *, labels: bool = True) -> str:
    """How well a judge agrees with people, in words, with or without whose ``labels`` these are; "" for arithmetic."""
    if not judge:
        return ""
    known = (
        f"accuracy {number(a.accuracy)}, κ {number(a.kappa)} on {a.n}" + (f" of {a.labels}" if labels else "")
        for a in log.judges
        if a.judge == judge
    )
    return f"{judge}: " + ("; ".join(known) or "agreement with people not measured")


def partial_judges(log: EvalLog) -> list[str]:
    """What to know of judges that are the model whose words they judge: models favour their own.

    Panickssery et al. 2024, arXiv:2404.13076.
    """
    receipts = [log.system.receipt, *(record.response.receipt for record in log.records)]
    wordings = [receipt.get("wording") for receipt in receipts]
    composers = {log.system.receipt.get("model"), *(w.get("model") for w in wordings if isinstance(w, dict))}
    judges = dict.fromkeys(s.judge for s in log.summaries.values() if s.judge.startswith(LLM))
    models = {judge: judge.removeprefix(LLM).rpartition(" prompts ")[0] for judge in judges}
    return [
        f"{judge}: is the model whose answers it judges, and models favour their own words; let another one judge"
        for judge, model in models.items()
        if model in composers
    ]


def asked(log: EvalLog) -> str:
    """How many items were asked, and the limit where one was set: figures of a part are not those of the suite."""
    items, limit, seed = f"{log.suite.items:,} items", log.settings.get("limit"), log.settings.get("sample")
    if limit is None:
        return items
    return f"{items} (the first {limit})" if seed is None else f"{items} (sample of {limit}, seed {seed})"


def kinds(log: EvalLog) -> list[str]:
    """Kinds of items that have summaries; none where there is only one."""
    return list(log.by_kind) if len(log.by_kind) > 1 else []


def outcomes(log: EvalLog) -> dict[str, Counter[Outcome]]:
    """How often each outcome was, by kind, and over all under ""."""
    counts: dict[str, Counter[Outcome]] = {"": Counter()}
    for record in log.records:
        for kind in {"", record.item.kind}:
            counts.setdefault(kind, Counter())[record.response.outcome] += 1
    return counts


def reasons(log: EvalLog) -> list[Reason]:
    """Why items were not scored, commonest first within a measure."""
    found = Counter(
        (name, score.reason) for r in log.records for name, score in r.scores.items() if score.value is None
    )
    order = {name: i for i, name in enumerate(log.summaries)}
    ranked = sorted(found.items(), key=lambda f: (order.get(f[0][0], len(order)), -f[1], f[0]))
    return [Reason(name, reason, n) for (name, reason), n in ranked]


def values(log: EvalLog, measure: str) -> list[float]:
    """What items scored, unscored ones left out."""
    scores = (record.scores.get(measure) for record in log.records)
    return [score.value for score in scores if score and score.value is not None]


def stages(log: EvalLog) -> dict[str, Latency]:
    """Times by stage in milliseconds, in the order in which the system names them, then their total and the answer."""
    found = by_stage([record.response.timings_ms for record in log.records])
    total = {
        name: found.pop(name) for name in (TOTAL,) if name in found
    }  # else named before what it does not go through
    whole = latency([r.response.seconds * 1000 for r in log.records if r.response.seconds is not None])
    return found | total | ({WHOLE: whole} if whole else {})


def means(log: EvalLog) -> list[float | None]:
    """For each record the mean of its rates, each turned so that 1 is best; 0 for a failure, None without any rate.

    Rates are the measures with a direction whose scores all lie within 0..1, costs left out. Only for finding items
    worth reading: it adds up unlike things.
    """
    better = {name: s.higher_is_better for name, s in log.summaries.items() if _is_rate(log, name, s)}
    return [_mean(record, better) for record in log.records]


def _is_rate(log: EvalLog, name: str, summary: Summary) -> bool:
    directed = summary.higher_is_better is not None and not is_cost(name)
    return directed and all(0 <= value <= 1 for value in values(log, name))


def _mean(record: Record, better: Mapping[str, bool | None]) -> float | None:
    if _failed(record):
        return 0.0
    scored = {name: s.value for name, s in record.scores.items() if name in better and s.value is not None}
    rates = [value if better[name] else 1 - value for name, value in scored.items()]
    return math.fsum(rates) / len(rates) if rates else None


def _failed(record: Record) -> bool:
    return record.response.outcome is Outcome.FAILED


def worst(log: EvalLog) -> list[Worst]:
    """Failures, then the items with the lowest means; those that are faultless or not scored are left out."""
    low = [(not _failed(log.records[i]), mean, i) for i, mean in enumerate(means(log)) if mean is not None and mean < 1]
    return [_worst(i, mean, log.records[i]) for _, mean, i in sorted(low)[:_SHOWN_WORST]]


def _worst(index: int, mean: float, record: Record) -> Worst:
    item = record.item
    return Worst(index + 1, item.item_id, item.kind, item.question, record.response.outcome, mean)


class Figure(NamedTuple):
    """A plot with its caption."""

    svg: Markup
    caption: str


def distributions(log: EvalLog) -> list[Figure]:
    """A histogram for each measure of which an item has a score."""
    found = []
    for name in dict.fromkeys([*log.summaries, *(name for record in log.records for name in record.scores)]):
        scored, summary = values(log, name), log.summaries.get(name)
        if scored:
            missing = f", {summary.unscored} not scored" if summary and summary.unscored else ""
            svg = plots.histogram(name, scored, summary.value if summary else None)
            found.append(Figure(svg, f"{name}: {len(scored)} scored{missing}"))
    return found


def curves(log: EvalLog) -> list[Figure]:
    """Reliability and risk-coverage plots, where the log has points for them."""
    captions = {
        "reliability": "On the dashed line confidence is what it says; the area of a dot grows with its items.",
        "risk_coverage": "The lower, the better the system knows what it does not know.",
    }
    return [Figure(plots.curve(c), f"{c.title}. {captions[c.kind]}") for c in log.curves.values() if c.points]


def stage_plot(times: Mapping[str, Latency]) -> Markup:
    """Median and 99th percentile of each stage, from the shortest time that the axis can show."""
    at = _drawable
    spreads = [plots.Spread(name, at(t.p50), at(t.p95), at(t.p99)) for name, t in times.items()]
    return plots.spans("Time by stage", spreads, "milliseconds, logarithmic: p50, p95 (dot), p99")


def _drawable(ms: float) -> float:
    return max(_SHORTEST_MS, ms)


def difference_plot(comparison: Comparison) -> Markup | None:
    """Differences of measures within ±1 with their intervals; None where nothing was paired."""
    spreads = [
        plots.Spread(c.measure, c.low, c.difference, c.high, _tone(c))
        for c in comparison.contrasts
        if c.low is not None and c.high is not None and c.difference is not None and max(abs(c.low), abs(c.high)) <= 1
    ]
    return plots.intervals("Differences with 95 % intervals", spreads, "after − before") if spreads else None


def stages_of(comparison: Comparison) -> list[str]:
    """The measures of a comparison that are times of stages."""
    return [c.measure for c in comparison.contrasts if c.measure.startswith(STAGE)]


def _tone(contrast: Contrast) -> str:
    """Coloured only where the interval leaves out zero and one direction is better."""
    if contrast.higher_is_better is None or not contrast.low or not contrast.high or contrast.low * contrast.high < 0:
        return ""
    return "good" if (contrast.low > 0) == contrast.higher_is_better else "bad"
