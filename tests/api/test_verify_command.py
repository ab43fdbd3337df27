"""``osler verify``: a verdict with its reason, from words, files, passages and standard input."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from api.cli import main
from rag.pipeline import Pipeline

QUOTE = "Start argatroban at 0.5 mcg/kg/min in moderate or severe hepatic impairment."
TEN_TIMES = "Start argatroban at 5 mcg/kg/min in moderate or severe hepatic impairment."


@pytest.fixture(autouse=True)
def index_in_the_environment(starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))


def record(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["verify", *arguments, "--format", "json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_words_of_the_evidence_are_supported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", QUOTE, "--quote", QUOTE]) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert lines["verdict"] == "supported"
    assert float(lines["probability"]) > 0.9
    assert "reason" not in lines


def test_a_false_statement_is_no_failure_and_the_reason_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", TEN_TIMES, "--quote", QUOTE]) == 0
    printed = capsys.readouterr().out
    assert "verdict      supported" not in printed
    assert "number: 5 mcg/kg/min is not in the evidence" in printed


def test_evidence_from_a_file_and_from_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "evidence.txt"
    path.write_text(f"Argatroban is a thrombin inhibitor. {QUOTE} No trial exists.", "utf-8")
    assert record(capsys, QUOTE, "--evidence", str(path))["verdict"] == "supported"
    monkeypatch.setattr("sys.stdin", io.StringIO(path.read_text("utf-8")))
    found = record(capsys, QUOTE, "--evidence", "-")
    assert (found["verdict"], found["statement"], found["reasons"]) == ("supported", QUOTE, [])
    monkeypatch.setattr("sys.stdin", io.StringIO(TEN_TIMES))
    assert record(capsys, "-", "--evidence", str(path))["verdict"] != "supported"


def test_evidence_from_a_passage_of_the_index(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    ((_, passage, _), *_) = pipeline.search("argatroban in hepatic impairment", 1)
    found = record(capsys, passage.text, "--passage", passage.passage_id)
    assert found["verdict"] == "supported"
    assert found["evidence"] == [{"origin": passage.passage_id, "text": passage.text}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([QUOTE], "evidence: none was given; expected --quote"),
        (["", "--quote", QUOTE], "statement '': empty"),
        ([QUOTE, "--quote", "  "], "empty; expected words"),
        ([QUOTE, "--evidence", "/no/such/file"], "/no/such/file: cannot be read"),
        ([QUOTE, "--passage", "no-such-passage"], "no-such-passage"),
        (["-", "--evidence", "-"], "asked for 2 times"),
        (["caf\udce9", "--quote", QUOTE], "not UTF-8"),
    ],
)
def test_what_cannot_be_judged_is_bad_input(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_text_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert main(["verify", QUOTE, "--evidence", str(tmp_path / "bytes")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
