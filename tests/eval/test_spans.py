"""Whether passages hold the words that answer."""

from __future__ import annotations

import pytest

from eval.domain import Gold, Item, Outcome, Ranked, Response
from eval.scorers.spans import span_scores
from eval.systems.osler import OslerRetriever
from rag.pipeline import Pipeline

SPAN = "Argatroban is cleared by the liver, so that its dose is lower in hepatic impairment."


def of(*passages: str, evidence: tuple[str, ...] = (SPAN,)) -> dict[str, float | None]:
    item = Item(item_id="i", question="q", gold=Gold(evidence=evidence))
    given = Response(item_id="i", outcome=Outcome.ANSWERED, ranking=(Ranked("d", 1.0),), passages=tuple(passages))
    return {name: score.value for name, score in span_scores(item, given).items()}


def test_a_passage_holds_a_stretch_of_which_half_stands_in_it() -> None:
    assert of("Heparin is stopped.", f"First. {SPAN.upper()} Then.") == {"span@1": 0.0, "span@5": 1.0, "span@10": 1.0}
    assert of("argatroban is cleared by the liver so that its dose is halved")["span@1"] == 1.0
    assert of("Its dose is lower in hepatic impairment of any kind and in the old")["span@1"] == 0.0


def test_a_stretch_may_be_longer_than_a_passage_or_shorter_than_a_run() -> None:
    assert of("so that its dose is lower in hepatic impairment")["span@1"] == 1.0
    assert of("It took 90 minutes.", evidence=("90 minutes",))["span@1"] == 0.0
    assert of("90 minutes", evidence=("90 minutes",))["span@1"] == 1.0


def test_nothing_is_scored_without_a_stretch_or_without_passages() -> None:
    assert of("Any.", evidence=()) == {}
    assert of() == {"span@1": None, "span@5": None, "span@10": None}


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "lexical"])
def test_a_retriever_gives_its_best_passages(pipeline: Pipeline, retriever: str) -> None:
    question = "How is argatroban monitored?"
    found = OslerRetriever(pipeline, retriever, k=20).respond(Item(item_id="i", question=question))  # type: ignore[arg-type]
    assert len(found.passages) == 10
    if retriever == "hybrid":
        assert found.passages[0] == pipeline.search(question, 20)[0][1].text
