"""The table of what asking costs: that it measures what it says."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from small_corpus import exported_encoder

from eval.asking import asked_at_once, main, synthetic_questions
from eval.embedding import tokens_of


def test_synthetic_questions_have_the_tokens_that_they_should_have(starter_index: Path) -> None:
    folder = exported_encoder(starter_index)
    questions = synthetic_questions(folder, 16)
    assert len(set(questions)) == len(questions) > 1
    assert tokens_of(folder)(questions) == [14] * len(questions), "and the two that every text is given"


def test_so_many_ask_at_once_one_question_after_the_other() -> None:
    inside, seen = threading.Semaphore(3), list[str]()

    def call(question: str) -> None:
        assert inside.acquire(blocking=False), "more than three at once"
        seen.append(question)
        time.sleep(0.01)
        inside.release()

    times = asked_at_once(call, ["a", "b"], 3, 0.2)
    assert 3 < len(times) <= len(seen) <= len(times) + 3
    assert min(times) >= 0.01
    assert abs(seen.count("a") - seen.count("b")) <= 3


def test_prints_latency_and_throughput(
    starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    questions = tmp_path / "some" / "queries.jsonl"
    questions.parent.mkdir()
    questions.write_text("".join(json.dumps({"_id": str(n), "text": f"IVIG in HIT, {n}?"}) + "\n" for n in range(3)))
    index = ["--index", str(starter_index)]
    assert main([*index, "--questions", str(questions), "--rounds", "1", "--seconds", "0.3"]) == 0
    printed = capsys.readouterr().out
    for text in ("64 tokens", "some", "OpenVINO fp32, 2 threads*", "16 at once", "embed, together*", "search", "ask"):
        assert text in printed
