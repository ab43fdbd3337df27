"""The simple ways to answer in a few sentences."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from eval.domain import Item
from eval.systems.sentences import Method, NearestSentences, _central, _diverse
from rag.pipeline import Pipeline

ITEM = Item(item_id="i", question="Should IVIG be given in heparin-induced thrombocytopenia?")


@pytest.mark.parametrize("method", get_args(Method))
def test_sentences_are_quotes_of_the_nearest_passages(pipeline: Pipeline, method: Method) -> None:
    system = NearestSentences(pipeline, method, 2)
    said = system.respond(ITEM).article.bottom_line
    near = " ".join(passage.text for _, passage, _ in pipeline.search(ITEM.question, 1 if method == "lead" else 10))
    assert 1 <= len(said) <= 2
    assert all(s.text in near and s.quotes == (s.text,) for s in said)
    assert system.respond(ITEM).article == system.respond(ITEM).article
    assert system.receipt()["method"] == method


def test_diversity_passes_over_what_was_said() -> None:
    vectors, near = np.array([[1, 0], [0.99, 0.14], [0, 1]], np.float32), np.array([0.9, 0.85, 0.8], np.float32)
    assert _diverse(vectors, near, 2) == [0, 2]
    assert _diverse(vectors, near, 9) == [0, 2, 1]


def test_the_most_central_is_like_all_the_others() -> None:
    vectors = np.array([[1, 0], [0.7, 0.7], [0, 1]], np.float32)
    assert int(_central(vectors).argmax()) == 1
