"""The same documents answer alike, however they came into the index and lie in segments."""

from __future__ import annotations

import random
import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from small_corpus import CORPUS, document, empty_index, exported_encoder, tiny_corpus

from rag.domain import Document
from rag.index import build as builder
from rag.index.build import add, build, remove
from rag.index.manifest import current_id, manifest_path, read_manifest
from rag.index.snapshot import Snapshot
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file
from rag.pipeline import Pipeline
from rag.serving import Serving
from rag.settings import Settings

ROOT = Path(__file__).parent.parent.parent
QUESTIONS = (ROOT / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [read_file(path) for path in corpus_files([CORPUS])]


def shown(pipeline: Pipeline, question: str) -> str:
    """The answer but for its timings and the last digits of scores, which vary with what a text is embedded beside."""
    answer = pipeline.ask(question).model_dump_json(exclude={"receipt": {"timings_ms", "retrieved"}})
    return re.sub(r'"score":[0-9.]+', "", answer)


@pytest.mark.parametrize("seed", [1, 2])
def test_answers_do_not_depend_on_how_the_corpus_came_about(
    documents: list[Document], starter_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Built at once, or in shuffled parts with segments of 50, with a source removed and one changed and back."""
    chance, index = random.Random(seed), tmp_path / "index"
    shutil.copytree(starter_index, index, symlinks=True)
    monkeypatch.setattr(builder, "SEGMENT_PASSAGES", 50)
    mixed = chance.sample(documents, len(documents))
    build(mixed[:60], index)
    add(mixed[40:110], index)
    changed = mixed[3].model_copy(update={"source": mixed[3].source.model_copy(update={"note": "changed"})})
    add([changed, *mixed[110:]], index)
    remove([mixed[7].source.key, mixed[120].source.key], index)
    last = add([mixed[7], mixed[120], mixed[3]], index)
    assert last.snapshot_id == current_id(starter_index)
    assert len(read_manifest(index, last.snapshot_id)["segments"]) > 3
    spread, whole = (Pipeline.open(Settings(index_dir=folder)) for folder in (index, starter_index))
    for question in QUESTIONS:
        assert shown(spread, question) == shown(whole, question)
        found = [{h.passage_id: h.score for h, _, _ in p.search(question, 400)} for p in (spread, whole)]
        assert found[0] == pytest.approx(found[1], abs=2e-3)
    spread.close()
    whole.close()


# a running server


@pytest.fixture
def index(tmp_path: Path, starter_index: Path) -> Path:
    folder = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build(tiny_corpus(), folder)
    return folder


def test_a_server_takes_up_each_snapshot_without_dropping_a_question(index: Path) -> None:
    serving, failures, seen = Serving(Settings(index_dir=index)), list[BaseException](), set[str]()
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                with serving.pipeline() as pipeline:
                    answer = pipeline.ask("What is the dose of argatroban in hepatic impairment?")
                    assert answer.receipt.snapshot_id == pipeline.snapshot.snapshot_id
                    assert "0.5 mcg/kg/min" in answer.model_dump_json()
                    seen.add(answer.receipt.snapshot_id)
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    published = [current_id(index)]
    for i in range(4):
        published.append(add([document(f"new{i}", f"- Statement {i} on danaparoid. {{#n{i}}}\n")], index).snapshot_id)
        deadline = time.monotonic() + 20
        while published[-1] not in seen and time.monotonic() < deadline and not failures:
            time.sleep(0.01)
    published.append(remove(["hernia"], index).snapshot_id)
    time.sleep(0.3)
    is_over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == set(published), "every snapshot was taken up"
    serving.close()


def test_a_snapshot_that_cannot_be_opened_is_left_alone(index: Path) -> None:
    serving = Serving(Settings(index_dir=index))
    good = current_id(index)
    built = add([document("new", "- A statement on danaparoid. {#n}\n")], index)
    manifest_path(index, built.snapshot_id).write_text("{}")
    for _ in range(2):
        with serving.pipeline() as pipeline:
            assert pipeline.snapshot.snapshot_id == good
    assert "run `osler index build`" in str(serving.problem)
    again = build([*tiny_corpus(), document("other", "- Another statement. {#o}\n")], index)
    with serving.pipeline() as pipeline:
        assert pipeline.snapshot.snapshot_id == again.snapshot_id
    assert serving.problem is None
    serving.close()


def test_opening_reads_no_passage(index: Path) -> None:
    opened = Snapshot(index)
    assert opened.store._read == {}
    opened.close()
