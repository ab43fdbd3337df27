"""Two logs of one suite: differences, who won, what moved, and what is not compared at all."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console
from synthetic_logs import log_of, realistic_log, small_log, with_records

from eval.compare import Comparison, Contrast, compare, is_pooled
from eval.domain import Outcome, Record, unscored
from eval.log import EvalLog, GitState, Summary, SystemFacts
from eval.report.terminal import render
from eval.summary import summaries
from rag.errors import InputError

Values = dict[str, dict[str, float | None]]


def column(measure: str, *values: float | None) -> Values:
    return {f"q{i}": {measure: value} for i, value in enumerate(values)}


def contrast(comparison: Comparison, measure: str) -> Contrast:
    return next(c for c in comparison.contrasts if c.measure == measure)


def printed(comparison: Comparison, width: int = 200) -> str:
    out = io.StringIO()
    render(comparison, Console(file=out, width=width))
    return out.getvalue()


def test_a_difference_is_after_less_before_over_pairs() -> None:
    before, after = small_log(column("recall", 0, 0, 1, 1)), small_log(column("recall", 1, 0.5, 1, 0.5))
    found = contrast(compare(before, after), "recall")
    assert (found.before, found.after, found.difference, found.n) == (0.5, 0.75, 0.25, 4)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.25 < found.high


def test_the_randomisation_test_counts_sign_flips() -> None:
    """Five items that all gain as much: of 32 flips two are as extreme."""
    found = contrast(compare(small_log(column("recall", *[0] * 5)), small_log(column("recall", *[1] * 5))), "recall")
    assert found.p == pytest.approx(2 / 32)
    assert (found.low, found.high) == (1, 1)


def test_related_items_are_one_piece_of_evidence() -> None:
    def together(record: Record) -> Record:
        item = record.item.model_copy(update={"cluster": "a" if record.item.item_id < "q3" else "b"})
        return record.model_copy(update={"item": item})

    logs = [with_records(small_log(column("recall", *[v] * 6)), together) for v in (0.0, 1.0)]
    found = contrast(compare(*logs), "recall")
    assert (found.n, found.clusters) == (6, 2)
    assert found.p == pytest.approx(2 / 4)


def test_one_cluster_gives_no_interval_and_no_test() -> None:
    found = contrast(compare(small_log(column("recall", 0)), small_log(column("recall", 1))), "recall")
    assert found.difference == 1
    assert (found.low, found.high, found.p, found.p_holm) == (None, None, None, None)


def test_p_values_are_adjusted_for_the_number_of_measures() -> None:
    names = ("one", "two", "three")
    before = small_log({f"q{i}": dict.fromkeys(names, 0.0) for i in range(5)})
    gains = {"one": (1, 1, 1, 1, 1), "two": (1, 1, 1, 1, 0), "three": (1, 1, -1, 1, 0)}
    after = small_log({f"q{i}": {name: gains[name][i] for name in names} for i in range(5)})
    found = {c.measure: (c.p, c.p_holm) for c in compare(before, after).contrasts}
    assert found["one"] == pytest.approx((2 / 32, 6 / 32))
    assert found["two"] == pytest.approx((2 / 16, 4 / 16))
    assert found["three"] == pytest.approx((10 / 16, 10 / 16))


def test_wins_follow_the_direction_of_the_measure() -> None:
    before = small_log({"q0": {"wrong": 1, "words": 10}, "q1": {"wrong": 0, "words": 10}})
    after = small_log({"q0": {"wrong": 0, "words": 20}, "q1": {"wrong": 0, "words": 20}})
    result = compare(before, after)
    wrong, words = contrast(result, "wrong"), contrast(result, "words")
    assert (wrong.difference, wrong.wins, wrong.ties, wrong.losses) == (-0.5, 1, 1, 0)
    assert (words.difference, words.wins, words.losses) == (10, None, None)
    moves = {m.measure: m.better for m in result.changes[0].moves}
    assert moves == {"wrong": True, "words": None}


def test_an_item_scored_in_one_log_only_is_named_and_not_counted_as_zero() -> None:
    before, after = small_log(column("recall", 1, None, 1, None)), small_log(column("recall", 1, 1, None, None))
    result = compare(before, after)
    found = contrast(result, "recall")
    assert (found.n, found.before, found.after) == (1, 1, 1)
    assert (found.unscored_before, found.unscored_after) == (("q1",), ("q2",))
    assert [(c.item_id, c.moves[0].before, c.moves[0].after, c.moves[0].better) for c in result.changes] == [
        ("q1", None, 1, None),
        ("q2", 1, None, None),
    ]


def test_a_measure_of_one_log_only_is_listed_without_a_difference() -> None:
    found = contrast(compare(small_log(column("old", 1, 1)), small_log(column("new", 1, 1))), "old")
    assert (found.n, found.difference, found.before) == (0, None, None)
    assert found.notes == ("scored in both logs for no item",)


def test_a_pooled_figure_of_the_same_items_has_an_interval_of_its_difference() -> None:
    """Of ten claims the first system gets five right, the second nine; four more are right, none is lost."""

    def of(given: str) -> EvalLog:
        def labelled(record: Record) -> Record:
            at = int(record.item.item_id.removeprefix("q"))
            gold = record.item.gold.model_copy(update={"label": "supports" if at % 2 else "refutes"})
            label = {"s": "supports", "r": "refutes"}[given[at]]
            item = record.item.model_copy(update={"gold": gold})
            return record.model_copy(
                update={"item": item, "response": record.response.model_copy(update={"label": label})}
            )

        log = with_records(small_log(column("accuracy", *[0.0] * 10)), labelled)
        return log.model_copy(update={"summaries": log.summaries | summaries(log.records, {})})

    found = contrast(compare(of("s" * 10), of("r" + "rs" * 4 + "s")), "macro_f1")
    assert found.pooled
    assert (found.n, found.p, found.wins) == (10, None, None)
    assert found.difference == pytest.approx((found.after or 0) - (found.before or 0))
    assert found.low is not None
    assert found.low > -1
    assert found.low <= (found.difference or 0) <= (found.high or 0)


def test_pooled_figures_stand_side_by_side_without_a_test() -> None:
    def with_f1(log: EvalLog, value: float) -> EvalLog:
        return log.model_copy(update={"summaries": log.summaries | {"macro_f1": Summary(value=value, n=2)}})

    logs = [with_f1(small_log(column("recall", 1, 0)), value) for value in (0.5, 0.75)]
    found = contrast(compare(*logs), "macro_f1")
    assert found.pooled
    assert (found.before, found.after, found.difference, found.p, found.wins) == (0.5, 0.75, 0.25, None, None)
    assert "pooled" in found.notes[0]
    assert not is_pooled("recall", logs[0])


def test_another_judge_is_said() -> None:
    def judged(judge: str) -> EvalLog:
        log = small_log(column("recall", 1, 0))
        return log.model_copy(
            update={"summaries": {"recall": log.summaries["recall"].model_copy(update={"judge": judge})}}
        )

    assert contrast(compare(judged("matcher 1"), judged("matcher 2")), "recall").notes == (
        "judged by matcher 1 before and by matcher 2 after",
    )


def test_logs_of_different_suites_are_refused() -> None:
    before, after = small_log(column("recall", 1), digest="b" * 64), small_log(column("recall", 1))
    with pytest.raises(InputError, match=r"different suites, starter .bbbb.*expected the same digest"):
        compare(before, after)


def test_different_suites_are_compared_on_the_items_they_share_if_allowed() -> None:
    before = small_log({"q0": {"recall": 0}, "q1": {"recall": 0}, "old": {"recall": 0}}, digest="b" * 64)
    after = small_log({"q0": {"recall": 1}, "q1": {"recall": 1}, "new": {"recall": 0}})

    def another_question(record: Record) -> Record:
        if record.item.item_id != "q1":
            return record
        return record.model_copy(update={"item": record.item.model_copy(update={"question": "Something else?"})})

    result = compare(before, with_records(after, another_question), allow_different=True)
    assert not result.same_suite
    assert (result.items, result.only_before, result.only_after, result.altered) == (1, ("old",), ("new",), ("q1",))
    assert contrast(result, "recall").difference == 1
    assert "The suites differ" in printed(result)


def test_logs_that_share_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="share no item"):
        compare(small_log({"a": {}}, digest="b" * 64), small_log({"b": {}}), allow_different=True)


def test_changes_are_of_outcome_text_or_score_and_never_of_cost() -> None:
    scores: Values = {name: {"recall": 1.0, "seconds": 0.1} for name in ("same", "text", "outcome", "slower", "worse")}
    before = small_log(scores)
    changes: dict[str, Callable[[Record], Record]] = {
        "text": lambda r: r.model_copy(update={"response": r.response.model_copy(update={"text": "Other words."})}),
        "outcome": lambda r: r.model_copy(
            update={"response": r.response.model_copy(update={"outcome": Outcome.PARTIAL})}
        ),
    }
    scores = scores | {"slower": {"recall": 1, "seconds": 9}, "worse": {"recall": 0, "seconds": 0.1}}
    after = with_records(small_log(scores), lambda r: changes.get(r.item.item_id, lambda r: r)(r))
    found = [(c.item_id, c.text_changed, c.outcome_after, len(c.moves)) for c in compare(before, after).changes]
    assert found == [
        ("worse", False, Outcome.ANSWERED, 1),
        ("text", True, Outcome.ANSWERED, 0),
        ("outcome", False, Outcome.PARTIAL, 0),
    ]


def test_what_the_logs_were_made_with_is_compared() -> None:
    before = small_log(column("recall", 1))
    after = small_log(
        column("recall", 1),
        settings={"k": 20, "limit": None},
        versions={"python": "3.12.0", "osler": "0.4.0"},
        git=GitState(commit="0" * 40, dirty=True),
        system=SystemFacts(name="osler", receipt={"snapshot_id": "s1", "models": {"encoder": "large"}, "new": 1}),
    )
    found = {d.where: (d.before, d.after) for d in compare(before, after).differing}
    assert found == {
        "settings.k": (10, 20),
        "versions.python": ("3.11.2", "3.12.0"),
        "git.dirty": (False, True),
        "receipt.models.encoder": ("small", "large"),
        "receipt.new": (None, 1),
    }


def test_a_log_against_itself_differs_in_nothing() -> None:
    log = realistic_log(40)
    result = compare(log, log)
    assert result.changes == result.differing == ()
    assert {c.difference for c in result.contrasts if c.n and not c.pooled} == {0}
    assert {c.p for c in result.contrasts if c.p is not None} == {1}


def test_a_comparison_is_the_same_again_and_survives_json() -> None:
    before, after = realistic_log(40), realistic_log(40, seed=1)
    result = compare(before, after, seed=3)
    assert result == compare(before, after, seed=3)
    assert Comparison.model_validate_json(result.model_dump_json()) == result
    assert "NaN" not in result.model_dump_json()


def test_the_terminal_shows_measures_changes_and_unscored_as_such() -> None:
    before = small_log({"q0": {"recall": 1.0, "rubric": None}, "q1": {"recall": 1.0}})
    after = small_log({"q0": {"recall": 0.5, "rubric": None}, "q1": {"recall": None}}, settings={"k": 11})
    text = printed(compare(before, after))
    assert "recall" in text
    assert "−0.500" in text
    assert "▼ recall 1.000 → 0.500" in text
    assert "1 not scored after: q1" in text
    assert "settings.k" in text
    rubric = next(line for line in text.splitlines() if "rubric" in line)
    assert rubric.count("not scored") == 2
    assert "0.000" not in rubric


def test_the_terminal_reads_no_markup_and_no_escapes_out_of_a_log() -> None:
    records = [r.model_copy(update={"scores": {"[red]x[/red]\x1b[31m": unscored("no gold")}}) for r in
               small_log(column("recall", 1)).records]  # fmt: skip
    log = log_of(records, system="[bold]me[/bold]\x1b]0;title\x07")
    text = printed(compare(log, log))
    assert "[bold]me[/bold]" in text
    assert "[red]x[/red]" in text
    assert "\x1b" not in text
