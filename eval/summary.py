"""Records to figures: means with intervals, figures that are pooled over items, and curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval.domain import Record
from eval.log import Curve, Point, Summary
from eval.measures import calibration, classes, selective
from eval.measures.cost import percentile
from eval.scorers.named import CLASS, MEASURES, STAGE, measure
from eval.statistics import Interval, Statistic, summarise, summarise_pooled

#: Resamples of a pooled figure, which is computed anew for each; a mean gets the statistics' own, larger number.
_RESAMPLES = 1000
_BINS = 10
_SHARES = (50, 95, 99)
#: More points than this are not seen in a plot.
_MOST_POINTS = 200
#: Right classes of claims that evidence is held against.
_ENTAILMENT = ("supports", "refutes", "neutral")
Judges = Mapping[str, str]
"""Name of the judge by what it decides: "claims", "citations"."""


class Pooled(NamedTuple):
    """A figure of some records together. ``statistic`` takes rows of those; ``unscored`` counts the others."""

    name: str
    records: Sequence[Record]
    statistic: Statistic
    unscored: int = 0

    def interval(self, seed: int) -> Interval:
        """The figure with its interval."""
        return _interval(self.statistic, self.records, seed)

    def difference(self, other: Pooled, seed: int) -> Interval | None:
        """This figure less the other's, resampled together; None when they are not of the same items."""
        if [r.item.item_id for r in self.records] != [r.item.item_id for r in other.records]:
            return None

        def less(rows: NDArray[np.intp]) -> float | None:
            one, two = self.statistic(rows), other.statistic(rows)
            return None if one is None or two is None else one - two

        return _interval(less, self.records, seed)


def _interval(statistic: Statistic, records: Sequence[Record], seed: int) -> Interval:
    return summarise_pooled(statistic, len(records), _clusters(records), seed, resamples=_RESAMPLES)


def summaries(records: Sequence[Record], judges: Judges, seed: int = 0) -> dict[str, Summary]:
    """Every measure that some record has a score of, and the pooled figures, in the order of the table of measures."""
    found = {name: _mean(name, records, judges, seed) for name in _scored(records)}
    for figure in pooled(records):
        found[figure.name] = _summary(figure.name, figure.interval(seed), figure.unscored, judges)
    order = [*MEASURES, *(name for name in found if name.startswith((CLASS, STAGE)))]
    return {name: found[name] for name in order if name in found}


def by_kind(records: Sequence[Record], judges: Judges, seed: int = 0) -> dict[str, dict[str, Summary]]:
    """The same of each kind of item, in the order in which kinds first come; nothing when there is one kind only."""
    kinds = list(dict.fromkeys(r.item.kind for r in records if r.item.kind))
    if len(kinds) < 2:
        return {}
    return {kind: summaries([r for r in records if r.item.kind == kind], judges, seed) for kind in kinds}


def curves(records: Sequence[Record]) -> dict[str, Curve]:
    """Reliability of a verifier's confidence, and risk against coverage, where the records have what they need."""
    found: dict[str, Curve] = {}
    if checked := _checked(records):
        points = calibration.reliability(*_confidences(checked), bins=_BINS)
        found["reliability"] = Curve(
            kind="reliability",
            title="Reliability: confidence that evidence supports",
            x="mean confidence",
            y="share supported",
            points=tuple(Point(x=p.confidence, y=p.accuracy, n=p.n) for p in points),
        )
    if risky := _risky(records):
        covered = selective.risk_coverage(*_losses(risky))
        step = -(-len(covered) // _MOST_POINTS)
        kept = [*covered[step - 1 : -1 : step], covered[-1]]
        found["risk_coverage"] = Curve(
            kind="risk_coverage",
            title="Risk and coverage",
            x="share of the answers given, surest first",
            y="mean risk",
            points=tuple(Point(x=c.coverage, y=c.risk, n=round(c.coverage * len(risky))) for c in kept),
        )
    return found


def _scored(records: Iterable[Record]) -> set[str]:
    return {name for r in records for name in r.scores}


def _mean(name: str, records: Sequence[Record], judges: Judges, seed: int) -> Summary:
    scored = [r for r in records if name in r.scores]
    values = [r.scores[name].value for r in scored]
    return _summary(name, summarise(values, _clusters(scored), seed), values.count(None), judges)


def _summary(name: str, interval: Interval, unscored: int, judges: Judges) -> Summary:
    meant = measure(name)
    return Summary(
        value=interval.value,
        n=interval.n,
        unscored=unscored,
        clusters=interval.clusters,
        low=interval.low,
        high=interval.high,
        judge=judges.get(meant.judged, "") if meant.judged else "",
        higher_is_better=None if meant.better is None else meant.better == "higher",
    )


def _clusters(records: Iterable[Record]) -> list[str]:
    """An item without a cluster is its own."""
    return [r.item.cluster or r.item.item_id for r in records]


def pooled(records: Sequence[Record]) -> Iterator[Pooled]:
    """All figures that are no mean of scores."""
    yield from _classes([r for r in records if r.item.gold.label is not None and "accuracy" in r.scores])
    yield from _confidence(_checked(records), sum(r.item.gold.label in _ENTAILMENT for r in records))
    yield from _risk(_risky(records), sum("risk" in r.scores for r in records))
    yield from _times(records)


def _classes(records: Sequence[Record]) -> Iterator[Pooled]:
    # Letters of options are no classes: that B is right says nothing of an item.
    records = [r for r in records if not r.item.gold.options]
    if not records:
        return
    gold = [str(r.item.gold.label) for r in records]
    pairs = classes.Pairs(gold, [r.response.label for r in records])
    yield Pooled("macro_f1", records, lambda rows: pairs.confusion(rows).macro_f1())
    yield Pooled("kappa", records, lambda rows: pairs.confusion(rows).kappa())
    for label in sorted(set(gold)):
        for part in ("precision", "recall", "f1"):
            yield Pooled(f"{CLASS}{label}.{part}", records, _of_class(pairs, label, part))
    most = classes.majority(gold)
    right = np.array([label == (most.label if most else None) for label in gold], float)
    yield Pooled("majority", records, lambda rows: float(right[rows].mean()))


def _of_class(pairs: classes.Pairs, label: str, part: str) -> Statistic:
    return lambda rows: getattr(pairs.confusion(rows).by_class()[label], part)


def _confidence(records: Sequence[Record], asked: int) -> Iterator[Pooled]:
    if not records:
        return
    values, right = map(np.array, _confidences(records))
    measures: Sequence[tuple[str, Callable[[list[float], list[bool]], float | None]]] = (
        ("auc", lambda c, r: classes.auc(r, c)),
        ("ece", lambda c, r: calibration.ece(c, r, bins=_BINS)),
        ("brier", calibration.brier),
    )
    for name, figure in measures:
        yield Pooled(name, records, _of_rows(figure, values, right), asked - len(records))


def _risk(records: Sequence[Record], asked: int) -> Iterator[Pooled]:
    if not records:
        return
    values, losses = map(np.array, _losses(records))
    for name, figure in (("aurc", selective.aurc), ("eaurc", selective.excess_aurc)):
        yield Pooled(name, records, _of_rows(figure, values, losses), asked - len(records))


def _of_rows(figure: Callable[..., float | None], first: NDArray[np.generic], second: NDArray[np.generic]) -> Statistic:
    return lambda rows: figure(first[rows], second[rows])


def _times(records: Sequence[Record]) -> Iterator[Pooled]:
    timed = [r for r in records if r.response.seconds is not None]
    seconds = np.array([r.response.seconds for r in timed], float)
    for share in _SHARES if timed else ():
        yield Pooled(f"seconds_p{share}", timed, _share(seconds, share), len(records) - len(timed))
    for stage in dict.fromkeys(name for r in records for name in r.response.timings_ms):
        through = [r for r in records if stage in r.response.timings_ms]
        times = np.array([r.response.timings_ms[stage] for r in through], float)
        for share in _SHARES:
            yield Pooled(f"{STAGE}{stage}.p{share}", through, _share(times, share))


def _share(values: NDArray[np.float64], share: int) -> Statistic:
    return lambda rows: percentile(values[rows].tolist(), share)


def _checked(records: Iterable[Record]) -> list[Record]:
    """Records of a verifier that says how sure it is that evidence supports a claim."""
    return [r for r in records if r.item.gold.label in _ENTAILMENT and r.response.confidence is not None]


def _confidences(records: Sequence[Record]) -> tuple[list[float], list[bool]]:
    return [r.response.confidence or 0.0 for r in records], [r.item.gold.label == "supports" for r in records]


def _risky(records: Iterable[Record]) -> list[Record]:
    """Records of answers that can be wrong and say how sure they are."""
    return [r for r in records if _loss(r) is not None and r.response.confidence is not None]


def _losses(records: Sequence[Record]) -> tuple[list[float], list[float]]:
    return [r.response.confidence or 0.0 for r in records], [_loss(r) or 0.0 for r in records]


def _loss(record: Record) -> float | None:
    score = record.scores.get("risk")
    return score.value if score else None
