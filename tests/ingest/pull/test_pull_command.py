"""``osler corpus pull``: options, what is printed, exit codes."""

from __future__ import annotations

import argparse
import gzip
from importlib import import_module
from pathlib import Path

import pytest
from eutils_server import Ncbi, article, record, serving

from api.pulling import add_pull
from rag.errors import InputError


@pytest.fixture
def ncbi(monkeypatch: pytest.MonkeyPatch) -> Ncbi:
    """Goes by the real clock, since the command does."""
    return Ncbi(pmids=5)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_pull(parser.add_subparsers())
    given = parser.parse_args(["pull", *arguments])
    module, _, function = given.command.partition(".")
    code: int = getattr(import_module(f"api.{module}"), function)(given)
    return code


def test_pull_pubmed(
    ncbi: Ncbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSLER_NCBI_API_KEY", "secret")
    ncbi.key = "secret"
    given = ("pubmed", "--query", "heparin", "--max", "3", "--out", str(tmp_path), "--email", "a@example.org")
    with serving(ncbi) as address:
        monkeypatch.setenv("OSLER_EUTILS_URL", address)
        assert run(*given) == 0
        assert capsys.readouterr().out == f"{tmp_path}: 3 records in 1 files\n  PubMed found 5 records\n"
        assert run(*given) == 0
    assert "in 1 files, going on where an earlier run stopped\n" in capsys.readouterr().out
    assert ncbi.requests[0].form["email"] == "a@example.org"


def test_what_is_left_out_is_printed_and_exits_with_1(
    ncbi: Ncbi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ncbi.pmc = {"1": article("1")}
    listed = tmp_path / "list.txt"
    listed.write_text("PMC2\n")
    with serving(ncbi) as address:
        monkeypatch.setenv("OSLER_EUTILS_URL", address)
        assert run("pmc", "PMC1", "--from", str(listed), "--out", str(tmp_path / "out")) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("1 records in 1 files")
    assert printed[1] == "  left out PMC2: not in PMC (The following PMCID is not available: 2)"


def test_pull_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pubmed26n0001.xml.gz"
    kind = "<PublicationTypeList><PublicationType>Guideline</PublicationType></PublicationTypeList>"
    records = record("1", kind) + record("2")
    file.write_bytes(gzip.compress(f"<PubmedArticleSet>{records}</PubmedArticleSet>".encode()))
    given = ("baseline", str(file), "--type", "Guideline", "--since", "2000", "--out", str(tmp_path / "out"))
    assert run(*given) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("1 records in 1 files")


def test_a_batch_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--batch 0"):
        run("pubmed", "--query", "heparin", "--batch", "0", "--out", str(tmp_path / "out"))
