"""A run as a log: what it says of suite, system, settings and versions, and what of it changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from eval.datasets.base import About, Dataset, dataset
from eval.domain import Article, Gold, Item, Outcome, Response, Said
from eval.evaluate import Plan, evaluate, part_of
from eval.log import Agreement, EvalLog
from eval.scorers.stability import ORIGINAL
from eval.scoring import Scoring
from rag.errors import InputError

ABOUT = About("small", "claims made for tests", "this file", "Apache-2.0")
AGREEMENT = Agreement(judge="strict 1", labels="by hand", n=4, accuracy=0.75, kappa=0.5)


class Sure:
    """Supports every claim that is its own evidence, refutes the others and breaks on "broken"."""

    name = "sure"

    def receipt(self) -> dict[str, Any]:
        return {"version": 1}

    def respond(self, item: Item) -> Response:
        if item.question == "broken":
            raise RuntimeError("out of order")
        is_same = item.question in item.evidence
        article = Article(bottom_line=(Said(text=item.question),))
        return Response(
            item_id=item.item_id,
            outcome=Outcome.ANSWERED,
            article=article,
            label="supports" if is_same else "refutes",
            confidence=1.0 if is_same else 0.0,
            timings_ms={"look": 2.0},
        )

    def close(self) -> None:
        pass


def claims(*labels: str) -> Dataset:
    items = (
        Item(item_id=f"c{n}", question="True.", evidence=("True." if label == "supports" else "False.",), kind=label,
             gold=Gold(label=label))
        for n, label in enumerate(labels)
    )  # fmt: skip
    return dataset(ABOUT, items)


SUITE = claims("supports", "refutes", "supports", "neutral")


def run(suite: Dataset = SUITE, **plan: Any) -> EvalLog:
    return evaluate(suite, Sure(), Scoring("verification"), Plan(**plan))


def scores_of(log: EvalLog) -> list[dict[str, float | None]]:
    timed = ("seconds",)
    return [{n: s.value for n, s in r.scores.items() if n not in timed} for r in log.records]


# a part of a suite


def test_a_part_has_a_digest_of_its_own_items() -> None:
    part = part_of(SUITE, 2)
    assert [i.item_id for i in part.items] == ["c0", "c1"]
    assert part.digest == claims("supports", "refutes").digest != SUITE.digest
    assert part_of(SUITE) == SUITE


def test_a_sample_is_drawn_by_its_seed() -> None:
    drawn = {tuple(i.item_id for i in part_of(SUITE, 2, seed).items) for seed in range(20)}
    assert len(drawn) > 1
    assert all(len(ids) == 2 for ids in drawn)
    assert part_of(SUITE, 2, 3) == part_of(SUITE, 2, 3)


@pytest.mark.parametrize(("limit", "sample", "said"), [(None, 7, "sample 7"), (0, None, "limit 0"), (-1, 1, "limit")])
def test_a_part_that_cannot_be_taken_is_refused(limit: int | None, sample: int | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        part_of(SUITE, limit, sample)


# the log


def test_the_log_says_what_was_asked_of_whom_and_how() -> None:
    log = run(seed=5, workers=2, judges={"claims": "strict 1"}, agreements=(AGREEMENT,), settings={"task": "x"})
    assert (log.suite.name, log.suite.digest, log.suite.items) == ("small", SUITE.digest, 4)
    assert (log.suite.source, log.suite.licence) == (ABOUT.source, ABOUT.licence)
    assert (log.system.name, log.system.receipt) == ("sure", {"version": 1})
    assert log.settings["task"] == "x"
    assert log.settings["workers"] == 2
    assert log.settings["judges"] == {"claims": "strict 1"}
    assert log.settings["machine"]["cpus"] >= 1
    assert {"python", "osler"} <= log.versions.keys()
    assert log.seed == 5
    assert log.judges == (AGREEMENT,)
    assert log.git.commit is None or len(log.git.commit) == 40
    assert log.seconds >= 0
    assert log.started.endswith("+00:00")
    assert [r.item for r in log.records] == list(SUITE.items)


def test_the_figures_are_those_of_the_records() -> None:
    log = run()
    assert log.summaries["accuracy"].value == pytest.approx(3 / 4)
    assert log.summaries["accuracy"].n == 4
    assert log.summaries["stage_ms.look.p50"].value == 2
    assert log.summaries["memory_mb"].value
    assert log.summaries["memory_mb"].higher_is_better is False
    assert {kind: s["accuracy"].value for kind, s in log.by_kind.items()} == {"supports": 1, "refutes": 1, "neutral": 0}
    assert "reliability" in log.curves


def test_the_same_run_differs_in_times_alone() -> None:
    def without_times(log: EvalLog) -> str:
        timeless = json.loads(log.model_dump_json(exclude={"started", "seconds"}))
        for group in (timeless["summaries"], *timeless["by_kind"].values()):
            for name in [n for n in group if "seconds" in n or n == "memory_mb"]:
                del group[name]
        for record in timeless["records"]:
            del record["response"]["seconds"]
        return json.dumps(timeless)

    assert without_times(run(seed=1)) == without_times(run(seed=1))
    assert run(seed=1).summaries["accuracy"].low is not None


def test_workers_change_no_score() -> None:
    assert scores_of(run(workers=4)) == scores_of(run(workers=1))


def test_a_failure_of_the_system_is_scored_and_the_run_goes_on() -> None:
    items = (*SUITE.items, Item(item_id="b", question="broken", gold=Gold(label="supports")))
    log = run(dataset(ABOUT, items))
    assert log.records[-1].response.error == "RuntimeError: out of order"
    assert log.summaries["failed"].value == pytest.approx(1 / 5)
    assert log.summaries["accuracy"].value == pytest.approx(3 / 5), "a failure decides nothing, which is wrong"


def test_answers_of_a_cluster_are_compared_with_the_original() -> None:
    def put(item_id: str, question: str, kind: str) -> Item:
        return Item(item_id=item_id, question=question, kind=kind, cluster="q", gold=Gold(label="supports"))

    items: Sequence[Item] = (put("a", "One.", ORIGINAL), put("b", "One.", "again"), put("c", "Two.", "other"))
    log = run(dataset(ABOUT, items))
    assert [r.scores["same_statements"].value for r in log.records[1:]] == [1, 0]
    assert "same_statements" not in log.records[0].scores
    assert log.summaries["same_statements"].n == 2


def test_progress_is_told_from_nothing_to_all() -> None:
    told: list[tuple[int, int]] = []
    evaluate(SUITE, Sure(), Scoring("verification"), Plan(), lambda done, total: told.append((done, total)))
    assert told == [(done, 4) for done in range(5)]
