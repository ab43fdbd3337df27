"""The options of ``ask`` and ``search`` that keep them to some sources, and ``--set`` of ``index``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from api.cli import main
from rag.domain import Answer, Filter

ROOT = Path(__file__).parents[2]
DOSE = "What is the dose of argatroban in hepatic impairment?"


@pytest.fixture(autouse=True)
def index_in_the_environment(starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))


def test_every_option_reaches_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--year-from 2005 --year-to 2024 --evidence guideline,drug_label --evidence rct --jurisdiction us,GB "
    options += "--source cuker2018,label_argatroban_us --source smpc_argatroban_uk"
    assert main(["ask", DOSE, "--format", "json", *options.split()]) == 0
    answer = Answer.model_validate_json(capsys.readouterr().out)
    assert answer.receipt.filter == Filter.of(
        year_from=2005,
        year_to=2024,
        evidence_types=["rct", "guideline", "drug_label"],
        jurisdictions=["GB", "US"],
        sources=["cuker2018", "label_argatroban_us", "smpc_argatroban_uk"],
    )
    assert {r.source_id for r in answer.references} <= set(answer.receipt.filter.sources)


def test_search_lists_only_what_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", DOSE, "--k", "4", "--source", "cuker2018", "--json"]) == 0
    assert [hit["source_id"] for hit in json.loads(capsys.readouterr().out)] == ["cuker2018"] * 4


def test_search_says_when_nothing_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", DOSE, "--jurisdiction", "SG"]) == 0
    assert capsys.readouterr().out == "no passage passes the filter: SG\n"
    assert main(["search", DOSE, "--jurisdiction", "SG", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--evidence guidline", "'guidline' is no evidence type; expected one of guideline, "),
        ("--jurisdiction USA", "jurisdiction 'USA' is not well formed"),
        ("--year-from 2020 --year-to 2010", "years 2020 to 2010: expected the earlier one first"),
        ("--year-from soon", "argument --year-from: invalid int value: 'soon'"),
        ("--source cuker18", "source 'cuker18': not in this snapshot; did you mean cuker2018"),
        ("--set mine", "document set 'mine': not in this snapshot; it has none"),
        ("--source=", "key '' is not well formed"),
        ("--set=mine,", "document_set '' is not well formed"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_wrong_value_is_told_in_one_line(
    command: str, options: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, DOSE, *options.split()]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert told.err.count("\n") == 1


def test_sets_are_named_when_sources_are_indexed(
    starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    shutil.copytree(starter_index / "encoders", index / "encoders", symlinks=True)
    us, uk = (str(ROOT / "corpus" / f"{key}.md") for key in ("label_argatroban_us", "smpc_argatroban_uk"))
    assert main(["index", "build", us, "--set", "us-labels", "--index", str(index)]) == 0
    assert main(["index", "add", uk, "--set", "uk", "--index", str(index)]) == 0
    capsys.readouterr()
    for name, key in (("us-labels", "label_argatroban_us"), ("uk", "smpc_argatroban_uk")):
        assert main(["search", DOSE, "--set", name, "--json", "--index", str(index)]) == 0
        assert {hit["source_id"] for hit in json.loads(capsys.readouterr().out)} == {key}
    assert main(["search", DOSE, "--set", "us", "--index", str(index)]) == 2
    assert "document set 'us': not in this snapshot; it has uk, us-labels" in capsys.readouterr().err
    assert main(["index", "add", uk, "--set", "no name", "--index", str(index)]) == 2
    assert "document_set 'no name' is not well formed" in capsys.readouterr().err
