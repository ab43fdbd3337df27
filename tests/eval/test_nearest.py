"""The simplest answerer: what it takes and when it stops."""

from __future__ import annotations

import pytest

from eval.domain import Item, Outcome
from eval.systems.base import System
from eval.systems.nearest import NearestPassages
from rag.pipeline import Pipeline

ITEM = Item(item_id="q", question="Should argatroban be reduced in hepatic impairment?")


@pytest.mark.parametrize("words", [1, 100, 400])
def test_passages_come_by_nearness_up_to_the_length(pipeline: Pipeline, words: int) -> None:
    system = NearestPassages(pipeline, words)
    assert isinstance(system, System)
    response = system.respond(ITEM)
    said = [s.text for s in response.article.said()]
    found = [passage.text for _, passage, _ in pipeline.search(ITEM.question, 100)]
    assert said == found[: len(said)]
    assert response.outcome is Outcome.ANSWERED
    assert len(said) == 1 or len(" ".join(said).split()) <= words < len(" ".join(found[: len(said) + 1]).split())
    assert system.receipt()["words"] == words


def test_each_statement_cites_its_own_source(pipeline: Pipeline) -> None:
    article = NearestPassages(pipeline, 400).respond(ITEM).article
    titles = {listed.number: listed.text for listed in article.references}
    assert sorted(titles) == list(range(1, len(titles) + 1))
    assert all(s.quotes == (s.text,) and s.citations[0] in titles for s in article.said())


def test_it_never_abstains(pipeline: Pipeline) -> None:
    far = Item(item_id="far", question="How do I centre a div in CSS?")
    assert NearestPassages(pipeline).respond(far).is_answer
