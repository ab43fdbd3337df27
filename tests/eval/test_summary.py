"""Records to figures: unscored is in no mean, pooled figures are the measures themselves, clusters stay together."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval.domain import Gold, Item, Outcome, Record, Response, Score, Scores, unscored
from eval.log import EvalLog, SuiteFacts, Summary, SystemFacts
from eval.measures import calibration, classes, selective
from eval.measures.cost import percentile
from eval.scorers.labels import entailment_scores, label_scores
from eval.scorers.named import MEASURES, STAGE
from eval.statistics import compare, summarise
from eval.summary import by_kind, curves, summaries

VALUES = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=12)


def record(number: int, scores: Scores | None = None, *, kind: str = "", cluster: str = "",
           gold: Gold | None = None, **fields: object) -> Record:  # fmt: skip
    item = Item(item_id=f"i{number}", question="q", kind=kind, cluster=cluster, gold=gold or Gold())
    response = Response.model_validate({"item_id": item.item_id, "outcome": Outcome.ANSWERED} | fields)
    return Record(item=item, response=response, scores=scores or {})


def scored(values: Sequence[float | None], name: str = "claim_recall", clusters: Sequence[str] = ()) -> list[Record]:
    return [
        record(i, {name: unscored("no gold") if v is None else Score(value=v)}, cluster=clusters[i] if clusters else "")
        for i, v in enumerate(values)
    ]


def width(found: Summary) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


# means


@given(values=VALUES)
def test_a_mean_is_of_what_was_scored_and_counts_the_rest(values: list[float | None]) -> None:
    found = summaries(scored(values), {})["claim_recall"]
    there = [v for v in values if v is not None]
    assert (found.n, found.unscored) == (len(there), len(values) - len(there))
    assert found.value == (pytest.approx(sum(there) / len(there)) if there else None)
    assert (found.low is None) == (len(there) < 2)
    if found.low is not None and found.high is not None and found.value is not None:
        assert found.low <= found.value + 1e-9
        assert found.high >= found.value - 1e-9


def test_an_item_without_the_measure_is_not_unscored() -> None:
    found = summaries([*scored([1.0, None]), record(7, {"words": Score(value=3.0)})], {})
    assert (found["claim_recall"].n, found["claim_recall"].unscored) == (1, 1)
    assert (found["words"].n, found["words"].unscored) == (1, 0)


def test_figures_have_their_judge_direction_and_order() -> None:
    names = ["words", "seconds", "citation_recall", "contradictions", "claim_recall"]
    records = [record(i, {name: Score(value=1.0) for name in names}) for i in range(3)]
    found = summaries(records, {"claims": "matcher 1"})
    assert list(found) == [name for name in MEASURES if name in names]
    assert [found[n].judge for n in ("claim_recall", "citation_recall", "words")] == ["matcher 1", "", ""]
    assert [found[n].higher_is_better for n in ("claim_recall", "contradictions", "words")] == [True, False, None]


def test_no_records_have_no_figures() -> None:
    assert summaries([], {}) == {}
    assert by_kind([], {}) == {}
    assert curves([]) == {}


def test_a_score_that_nobody_described_is_refused() -> None:
    with pytest.raises(KeyError, match="charm"):
        summaries(scored([1.0], "charm"), {})


# clusters


def test_items_of_a_cluster_are_resampled_together() -> None:
    levels = [i / 19 for i in range(20)]
    values = [v for v in levels for _ in range(4)]
    names = [f"c{i}" for i in range(20) for _ in range(4)]
    apart, together = (summaries(scored(values, clusters=c), {})["claim_recall"] for c in ((), names))
    assert (apart.clusters, together.clusters) == (80, 20)
    assert apart.value == together.value
    assert width(together) > 1.6 * width(apart)


def test_pooled_figures_are_resampled_by_cluster_too() -> None:
    chance = random.Random(2)
    labels = [(chance.choice(["yes", "no"]), chance.choice(["yes", "no"])) for _ in range(15)]
    alone = [labelled(i, g, a) for i, (g, a) in enumerate(labels * 5)]
    grouped = [labelled(i, g, a, cluster=str(i % 15)) for i, (g, a) in enumerate(labels * 5)]
    first, second = (summaries(records, {})["macro_f1"] for records in (alone, grouped))
    assert first.value == second.value
    assert second.clusters == 15
    assert width(second) > 1.5 * width(first)


def test_by_kind_needs_two_kinds() -> None:
    one = [r.model_copy(update={"item": r.item.model_copy(update={"kind": "a"})}) for r in scored([1.0, 0.0])]
    assert by_kind(one, {}) == {}
    assert by_kind([*one, *scored([0.5])], {}) == {}, "no kind is none"
    two = [*one, record(9, {"claim_recall": Score(value=0.5)}, kind="b")]
    found = by_kind(two, {"claims": "matcher 1"})
    assert list(found) == ["a", "b"]
    assert (found["a"]["claim_recall"].value, found["a"]["claim_recall"].n) == (0.5, 2)
    assert found["b"]["claim_recall"].judge == "matcher 1"


# intervals of rates without variation


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("clusters", [2, 7, 60])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_rate_of_all_or_none_has_the_exact_interval(value: float, clusters: int, level: float) -> None:
    names = [str(i) for i in range(clusters) for _ in range(3)]
    found = summarise([value] * len(names), names, level=level)
    theirs = stats.binomtest(int(value) * clusters, clusters).proportion_ci(level, "exact")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert (found.value, found.n, found.clusters) == (value, 3 * clusters, clusters)


def test_nothing_else_has_that_interval() -> None:
    assert summarise([0.5, 0.5, 0.5])[:3] == (0.5, 0.5, 0.5)
    assert summarise([2.0, 2.0])[:3] == (2.0, 2.0, 2.0)
    assert summarise([1.0, 1.0], ["a", "a"])[:3] == (1.0, None, None)
    assert compare([1.0] * 9, [1.0] * 9).difference[:3] == (0.0, 0.0, 0.0), "a difference is no rate"
    with pytest.raises(ValueError, match="level 95"):
        summarise([1.0, 1.0], level=95)


def test_a_perfect_measure_is_not_certain() -> None:
    found = summaries(scored([1.0] * 20), {})["claim_recall"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.8316, abs=1e-4)


# pooled figures


def labelled(number: int, gold: str, given: str | None, confidence: float | None = None, cluster: str = "",
             options: dict[str, str] | None = None) -> Record:  # fmt: skip
    known = Gold(label=gold, options=options or {})
    made = record(number, gold=known, cluster=cluster, label=given, confidence=confidence)
    return made.model_copy(update={"scores": label_scores(made.item, made.response)})


def test_figures_of_classes_are_the_measures() -> None:
    chance = random.Random(3)
    pairs = [(chance.choice(["yes", "no", "maybe"]), chance.choice(["yes", "no", "maybe", None])) for _ in range(60)]
    gold, given = [g for g, _ in pairs], [a for _, a in pairs]
    found = summaries([labelled(i, g, a) for i, (g, a) in enumerate(pairs)], {})
    assert found["macro_f1"].value == classes.macro_f1(gold, given)
    assert found["kappa"].value == classes.kappa(gold, given)
    assert found["accuracy"].value == pytest.approx(classes.accuracy(gold, given))
    majority = classes.majority(gold)
    assert majority is not None
    assert found["majority"].value == pytest.approx(majority.accuracy)
    assert all(found[name].n == 60 and found[name].low is not None for name in ("macro_f1", "kappa", "majority"))


def test_letters_of_options_are_no_classes() -> None:
    options = {"A": "one", "B": "two"}
    records = [labelled(i, g, "A", options=options) for i, g in enumerate("ABAB")]
    assert summaries(records, {}).keys() == {"accuracy", "decided"}
    mixed = summaries([*records, labelled(9, "yes", "yes")], {})
    assert mixed["macro_f1"].n == 1
    assert mixed["accuracy"].n == 5


def checked(confidences: Sequence[float | None], gold: Sequence[str]) -> list[Record]:
    records = [
        record(i, gold=Gold(label=g), label="supports" if c and c > 0.5 else "neutral", confidence=c)
        for i, (c, g) in enumerate(zip(confidences, gold, strict=True))
    ]
    return [r.model_copy(update={"scores": entailment_scores(r.item, r.response)}) for r in records]


def test_figures_of_confidence_are_the_measures() -> None:
    chance = random.Random(4)
    gold = [chance.choice(["supports", "refutes", "neutral"]) for _ in range(50)]
    confidences = [chance.random() for _ in gold]
    right = [g == "supports" for g in gold]
    records = checked(confidences, gold)
    found = summaries(records, {})
    assert found["auc"].value == pytest.approx(classes.auc(right, confidences))
    assert found["ece"].value == pytest.approx(calibration.ece(confidences, right, bins=10))
    assert found["brier"].value == pytest.approx(calibration.brier(confidences, right))
    assert not found.keys() & {"aurc", "eaurc"}
    points = curves(records)["reliability"].points
    assert [(p.x, p.y, p.n) for p in points] == [tuple(p) for p in calibration.reliability(confidences, right, 10)]
    assert sum(p.n for p in points) == 50


def test_who_does_not_say_how_sure_he_is_is_counted() -> None:
    found = summaries(checked([0.9, None, 0.0], ["supports", "supports", "neutral"]), {})
    assert (found["auc"].value, found["auc"].n, found["auc"].unscored) == (1.0, 2, 1)
    assert found["brier"].value == pytest.approx(0.005), "a confidence of 0 is one"
    assert "auc" not in summaries(checked([None, None], ["supports", "neutral"]), {})
    one_class = summaries(checked([0.9, 0.8], ["supports", "supports"]), {})["auc"]
    assert (one_class.value, one_class.low) == (None, None)


def risky(confidences: Sequence[float | None], losses: Sequence[float | None]) -> list[Record]:
    return [
        record(i, {"risk": unscored("not answered") if w is None else Score(value=w)}, confidence=c)
        for i, (c, w) in enumerate(zip(confidences, losses, strict=True))
    ]


def test_risk_and_coverage_are_the_measures() -> None:
    chance = random.Random(5)
    confidences = [round(chance.random(), 1) for _ in range(80)]
    losses = [float(chance.random() > c) for c in confidences]
    found = summaries(risky([*confidences, None, 0.5], [*losses, 1.0, None]), {"claims": "matcher 1"})
    assert found["aurc"].value == pytest.approx(selective.aurc(confidences, losses))
    assert found["eaurc"].value == pytest.approx(selective.excess_aurc(confidences, losses))
    assert (found["aurc"].n, found["aurc"].unscored, found["aurc"].judge) == (80, 2, "matcher 1")
    assert (found["risk"].n, found["risk"].unscored) == (81, 1)


@pytest.mark.parametrize("n", [1, 2, 199, 200, 201, 399, 400, 1234])
def test_a_curve_has_the_right_points_and_not_too_many(n: int) -> None:
    confidences = [1 - i / n for i in range(n)]
    losses = [float(i % 3 == 0) for i in range(n)]
    points = curves(risky(confidences, losses))["risk_coverage"].points
    whole = {round(c.coverage, 9): c.risk for c in selective.risk_coverage(confidences, losses)}
    assert min(n, 100) <= len(points) <= 200
    assert all(p.y == whole[round(p.x, 9)] for p in points)
    assert all(p.n == round(p.x * n) for p in points)
    assert [p.x for p in points] == sorted({p.x for p in points})
    assert (points[-1].x, points[-1].n) == (1.0, n)
    assert points[-1].y == pytest.approx(sum(losses) / n)


# times


def test_percentiles_of_seconds_and_stages() -> None:
    seconds = [0.1, 0.2, 0.4, 0.8, 1.6]
    records = [record(i, seconds=s, timings_ms={"retrieve": s * 10}) for i, s in enumerate(seconds)]
    records += [record(8), record(9, seconds=3.2, timings_ms={"compose": 7.0})]
    found = summaries(records, {})
    for share in (50, 95, 99):
        assert found[f"seconds_p{share}"].value == pytest.approx(percentile([*seconds, 3.2], share))
        assert found[f"{STAGE}retrieve.p{share}"].value == pytest.approx(percentile([s * 10 for s in seconds], share))
    assert (found["seconds_p50"].n, found["seconds_p50"].unscored) == (6, 1)
    assert (found[f"{STAGE}compose.p95"].value, found[f"{STAGE}compose.p95"].n) == (7.0, 1)
    assert found[f"{STAGE}retrieve.p50"].n == 5, "who did not go through a stage did not take 0 ms"
    assert found[f"{STAGE}retrieve.p50"].higher_is_better is False
    assert list(found)[-6:] == [f"{STAGE}{s}.p{p}" for s in ("retrieve", "compose") for p in (50, 95, 99)]


# the file


def test_figures_are_numbers_or_null_and_the_same_each_time() -> None:
    chance = random.Random(6)
    records = [
        *scored([1.0, None, 0.0, None]),
        *scored([None, None], "citation_recall"),
        *checked([chance.random() for _ in range(6)], ["supports"] * 6),
        *risky([0.5, 0.4], [0.0, 0.0]),
    ]
    log = EvalLog(
        suite=SuiteFacts(name="s", digest="d", items=len(records)),
        system=SystemFacts(name="t"),
        started="2026-01-01T00:00:00",
        seconds=1.0,
        summaries=summaries(records, {}),
        curves=curves(records),
        records=tuple(records),
    )
    raw = json.loads(log.model_dump_json(), parse_constant=lambda word: pytest.fail(word))
    assert raw["summaries"]["citation_recall"]["value"] is None
    assert raw["summaries"]["citation_recall"]["unscored"] == 2
    assert raw["summaries"]["auc"]["value"] is None, "one class only"
    assert raw["records"][1]["scores"]["claim_recall"]["value"] is None
    numbers = [v for s in log.summaries.values() for v in (s.value, s.low, s.high) if v is not None]
    assert all(math.isfinite(v) for v in numbers)
    assert summaries(records, {}) == log.summaries
    assert np.isclose(log.summaries["claim_recall"].value or 0.0, 0.5)
