"""``osler consistency``: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import make_answer, make_statement

from api.cli import main
from rag.answer.consistency import NEAR

FOR = "Argatroban is recommended in HIT with severe hepatic impairment."
AGAINST = "Argatroban is contraindicated in HIT with severe hepatic impairment."


@pytest.fixture(autouse=True)
def index_of_the_starter_corpus(starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two stored answers that contradict each other."""
    for name, text in (("a1", FOR), ("a2", AGAINST)):
        empty = {"sections": (), "disagreements": (), "needed": (), "references": make_answer().references[:1]}
        answer = make_answer(answer_id=name, bottom_line=(make_statement(text),), **empty)
        (tmp_path / f"{name}.json").write_text(answer.model_dump_json(), "utf-8")
    return tmp_path


def test_contradictions_are_shown_with_links_and_end_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consistency", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "2 answers, 1 pairs of neighbours, 1 pairs of statements on one subject: 1 contradiction\n" in shown
    assert all(word in shown for word in ("a1", "a2", "osler show", make_statement(FOR).statement_id))


def test_json_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consistency", str(folder), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (conflict,) = found["contradictions"]
    assert {conflict["one"]["text"], conflict["other"]["text"]} == {FOR, AGAINST}
    assert conflict["one"]["places"][0]["answer_id"] == "a1"


def test_questions_that_ship_are_asked_when_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consistency"]) == 0
    assert capsys.readouterr().out.startswith("12 answers, ")


def test_a_file_of_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("# mine\nHow is argatroban monitored?\nWhat is the capital of France?\n", "utf-8")
    assert main(["consistency", str(questions), "--near", "0.9"]) == 0
    assert capsys.readouterr().out.startswith("2 answers, 0 pairs of neighbours")


@pytest.mark.parametrize("arguments", [["/nowhere"], ["--near", "2"]])
def test_what_cannot_be_used_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consistency", *arguments]) == 2
    assert "expected" in capsys.readouterr().err


def test_help_says_the_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["consistency", "--help"])
    assert f"(default: {NEAR})" in " ".join(capsys.readouterr().out.split())
