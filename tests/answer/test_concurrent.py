"""Questions from many threads are answered as they are one after the other."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.answer import sentences
from rag.index import library
from rag.pipeline import Pipeline
from rag.settings import Settings

QUESTIONS = (
    *(Path(__file__).parents[2] / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines(),
    "IVIG in HIT?",
    "What is the dose of argatroban in moderate hepatic impairment?",
    "When may warfarin be started after heparin-induced thrombocytopenia?",
    "What is the capital of France?",
    "Is plasma exchange used before cardiac surgery?",
    "platelet transfusion",
)
THREADS = 16


@pytest.fixture
def pressed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """A pipeline that has answered nothing yet, forgets at once, and whose threads are changed all the time."""
    monkeypatch.setattr(library, "_REMEMBERED", 3)
    monkeypatch.setattr(sentences, "_REMEMBERED", 3)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    opened = Pipeline.open(Settings(index_dir=pipeline.settings.index_dir, corpus_dir=pipeline.settings.corpus_dir))
    yield opened
    sys.setswitchinterval(interval)
    opened.close()


def article(pipeline: Pipeline, question: str) -> str:
    answer = pipeline.ask(question)
    receipt = answer.receipt.model_copy(update={"timings_ms": {}})
    return answer.model_copy(update={"receipt": receipt}).model_dump_json()


def passages(pipeline: Pipeline, question: str) -> str:
    found = pipeline.search(question, k=20)
    assert found
    opened = [pipeline.passage(passage.passage_id) for _, passage, _ in found]
    assert opened == [(passage, source) for _, passage, source in found]
    return repr(
        [(hit, passage.model_dump_json(), source.key, pipeline.alike(passage)) for hit, passage, source in found]
    )


def test_one_connection_may_serve_several_threads() -> None:
    assert sqlite3.threadsafety == 3, "SQLite was compiled without its own locks"


@pytest.mark.parametrize("asked", [article, passages])
def test_many_threads_get_what_one_gets(
    pipeline: Pipeline, pressed: Pipeline, asked: Callable[[Pipeline, str], str]
) -> None:
    expected = {question: asked(pipeline, question) for question in QUESTIONS}
    order = [question for seed in range(2) for question in random.Random(seed).sample(QUESTIONS, len(QUESTIONS))]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda question: asked(pressed, question), order))
    assert found == [expected[question] for question in order]


def test_pipelines_on_indexes_of_one_model_share_the_loaded_model(pipeline: Pipeline, pressed: Pipeline) -> None:
    assert pressed.snapshot is not pipeline.snapshot
    assert pressed.snapshot.encoder is pipeline.snapshot.encoder
