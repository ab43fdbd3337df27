"""Baselines: made from a log, passed by it, and not passed by what falls short of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_logs import realistic_log, small_log

from eval.gate import Baseline, Bound, baseline_of, gate, read_baseline, write_baseline
from eval.log import EvalLog, Summary
from rag.errors import InputError


def rates(*values: float | None) -> dict[str, dict[str, float | None]]:
    return {f"q{i}": {"recall": value} for i, value in enumerate(values)}


def asking(**measures: Bound) -> Baseline:
    return Baseline(suite="starter", digest="a" * 64, measures=measures)


def messages(log: EvalLog, baseline: Baseline) -> list[str]:
    return [finding.message for finding in gate(log, baseline)]


def test_a_value_on_its_bound_passes() -> None:
    log = small_log(rates(1, 1, 1, 0))
    assert gate(log, asking(recall=Bound(at_least=0.75, at_most=0.75))) == []


def test_a_value_below_its_bound_is_found_with_value_bound_and_n() -> None:
    (finding,) = gate(small_log(rates(1, 0, 1, 0)), asking(recall=Bound(at_least=0.75)))
    assert (finding.measure, finding.value, finding.n) == ("recall", 0.5, 4)
    assert finding.bound == Bound(at_least=0.75)
    assert finding.message.startswith("recall: 0.5000 on 4 items, expected at least 0.75; ")


def test_a_value_above_at_most_is_found() -> None:
    (message,) = messages(small_log(rates(1, 1)), asking(recall=Bound(at_most=0.5)))
    assert "1.0000 on 2 items, expected at most 0.5" in message


def test_an_unscored_measure_is_found_although_it_is_not_below() -> None:
    (finding,) = gate(small_log(rates(None, None)), asking(recall=Bound(at_most=1)))
    assert finding.value is None
    assert "not scored on any of 2 items" in finding.message


def test_a_milder_judge_does_not_pass_for_the_one_of_the_baseline() -> None:
    log = small_log({"q": {"contradictions": 0}})
    assert messages(log, asking(contradictions=Bound(at_most=1, judge="matcher 1"))) == []
    (message,) = messages(log, asking(contradictions=Bound(at_most=1, judge="llm strict")))
    assert "judged by matcher 1, expected llm strict" in message


def test_a_missing_measure_is_found() -> None:
    (finding,) = gate(small_log(rates(1)), asking(precision=Bound(at_least=0)))
    assert (finding.measure, finding.value, finding.n) == ("precision", None, 0)
    assert "not in the log" in finding.message


def test_a_value_that_rests_on_fewer_items_than_before_is_found() -> None:
    (message,) = messages(small_log(rates(1, None, None)), asking(recall=Bound(at_least=0.9, scored=3)))
    assert "scored on 1 items and unscored on 2, expected 3 scored" in message


def test_of_another_suite_nothing_is_measured() -> None:
    (message,) = messages(small_log(rates(0), digest="b" * 64), asking(recall=Bound(at_least=1)))
    assert "digest bbbbbbbbbbbb, expected aaaaaaaaaaaa" in message
    assert "make the baseline again" in message


def test_kinds_are_bounded_by_themselves() -> None:
    baseline = asking().model_copy(
        update={"by_kind": {"plain": {"recall": Bound(at_least=1)}, "gone": {"recall": Bound(at_least=0)}}}
    )
    found = gate(small_log(rates(1, 0)), baseline)
    assert [(f.kind, f.value) for f in found] == [("plain", 0.5), ("gone", None)]
    assert found[0].message.startswith("recall (plain): 0.5000")


@pytest.mark.parametrize("slack", [0, 1, 2.5])
def test_a_log_passes_its_own_baseline(slack: float) -> None:
    log = realistic_log(60)
    baseline = baseline_of(log, slack, kinds=True)
    assert {"claim_recall", "contradictions", "macro_f1"} <= baseline.measures.keys()
    assert baseline.by_kind["unanswerable"]["abstained"].scored >= 1
    assert gate(log, baseline) == []


def test_slack_is_in_items() -> None:
    baseline = baseline_of(small_log(rates(1, 1, 1, 0)), slack=1)
    assert baseline.measures == {"recall": Bound(at_least=0.5, scored=3)}
    assert gate(small_log(rates(1, 1, 0, 0)), baseline) == []
    assert len(gate(small_log(rates(1, 0, 0, 0)), baseline)) == 1


def test_what_is_better_lower_gets_an_upper_bound_of_the_size_of_its_scores() -> None:
    log = small_log({f"q{i}": {"contradictions": value} for i, value in enumerate((0, 0, 0, 4))})
    assert baseline_of(log).measures["contradictions"] == Bound(at_most=2, scored=3, judge="matcher 1")


def test_bounds_are_rounded_outwards() -> None:
    assert baseline_of(small_log(rates(1, 1, 0)), slack=0).measures["recall"].at_least == 0.6666


def test_costs_unscored_measures_and_those_without_a_direction_are_left_to_hand() -> None:
    log = small_log({"q0": {"recall": 1, "seconds": 0.1, "words": 50, "rubric": None}})
    stage = {"stage_ms.compose.p95": Summary(value=0.5, n=1, higher_is_better=False)}
    assert baseline_of(log.model_copy(update={"summaries": log.summaries | stage})).measures.keys() == {"recall"}


def test_a_baseline_needs_something_to_bound_and_no_negative_slack() -> None:
    with pytest.raises(InputError, match="no scored measure"):
        baseline_of(small_log(rates(None)))
    with pytest.raises(InputError, match="slack -1"):
        baseline_of(small_log(rates(1)), slack=-1)


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "starter.json"
    baseline = baseline_of(realistic_log(40), kinds=True)
    write_baseline(baseline, path)
    assert read_baseline(path) == baseline
    assert "null" not in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "Invalid JSON"),
        ('{"suite": "s", "digest": "d", "measures": {"recall": {}}}', "measures.recall.*at_least"),
        ('{"suite": "s", "digest": "d", "measures": {"recall": {"minimum": 1}}}', "measures.recall.minimum"),
        ('{"baseline_version": 9, "suite": "s", "digest": "d", "measures": {}}', "baseline_version"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=what):
        read_baseline(path)


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be written"):
        write_baseline(asking(), tmp_path)
