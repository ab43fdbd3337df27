"""The check of the corpus format: one small good corpus, and each way to break it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import CorpusError
from rag.ingest.check import HEADINGS, check_corpus, corpus_files

CORPUS = Path(__file__).parents[2] / "corpus"

HEADER = """key: {key}
title: "A study of {key}"
authors:
- Family AB
year: 2024
jurisdiction: US
evidence_type: cohort
licence: Apache-2.0
"""
STATEMENT = '- In cohort {anchor} the median dose was 2 mg. {{#{anchor} checked="abstract" confidence="high"}}\n'


def header(key: str = "first2024") -> str:
    return HEADER.format(key=key)


def statement(anchor: str = "one001") -> str:
    return STATEMENT.format(anchor=anchor)


def write(folder: Path, name: str, head: str, body: str) -> None:
    (folder / name).write_text(f"---\n{head}---\n\n{body}", "utf-8")


def problems(folder: Path) -> list[str]:
    return list(check_corpus(folder).problems)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two sources without a problem; tests write over ``first2024.md`` or add a file."""
    write(tmp_path, "first2024.md", header(), f"## Dosing\n\n{statement()}")
    write(
        tmp_path, "second2024.md", header("second2024"), f"## Diagnosis\n\n{statement('two001')}{statement('two002')}"
    )
    (tmp_path / "README.md").write_text("# About\n\nNo source.\n", "utf-8")
    return tmp_path


def test_starter_corpus_has_no_problems() -> None:
    report = check_corpus(CORPUS)
    assert report.problems == ()
    assert report.sources > 100
    assert report.statements > report.sources


def test_good_corpus_is_counted_and_has_no_problems(corpus: Path) -> None:
    assert check_corpus(corpus) == (2, 3, ())


@pytest.mark.parametrize(
    ("changed", "to", "problem"),
    [
        ("key: first2024", "key: other2024", "key 'other2024': is not the file's name; expected the file to be other"),
        ("licence: Apache-2.0\n", "", "licence: missing; expected the licence of the paraphrase"),
        ("authors:\n- Family AB\n", "", "authors: missing; expected authors, an issuing_body, or a note"),
        ("jurisdiction: US", "jurisdiction: USA", "jurisdiction: Value error, jurisdiction 'USA' is not well formed"),
        ("jurisdiction: US\n", "", "jurisdiction: missing; expected an ISO country code"),
        ("evidence_type: cohort\n", "", "evidence_type: missing; expected guideline, rct or another kind"),
        ("evidence_type: cohort", "evidence_type: gossip", "evidence_type: Input should be"),
        ("year: 2024", "doi: doi:10.1000/x", "doi: Value error, doi 'doi:10.1000/x' is not well formed"),
        ("year: 2024", "shelf: 3", "shelf: Extra inputs are not permitted"),
        ("year: 2024", "supersedes: [gone]", "supersedes 'gone': no such source; expected the key of a source"),
        ("year: 2024", "superseded_by: gone", "superseded_by 'gone': no such source; expected the key of a source"),
        ("year: 2024", "superseded_by: second2024", "superseded_by 'second2024': not said there; expected supersedes"),
    ],
)
def test_problem_of_a_source(corpus: Path, changed: str, to: str, problem: str) -> None:
    assert changed in header()
    write(corpus, "first2024.md", header().replace(changed, to), f"## Dosing\n\n{statement()}")
    (found,) = problems(corpus)
    assert found.startswith(f"first2024.md: {problem}")


@pytest.mark.parametrize(
    ("changed", "to", "problem"),
    [
        ("## Dosing", "## Doses", "#one001: heading 'Doses' is unknown; expected one of Recommendations, "),
        ("## Dosing\n", "", "#one001: heading '' is unknown; expected one of Recommendations, "),
        ("2 mg.", "2 mg", "#one001: ends with 'g'; expected a full stop"),
        ("In cohort one001 the median dose was 2 mg.", "Two mg suffice.", "#one001: 3 words; expected at least 4"),
        ("#one001 ", "", "'In cohort one001 the median dose': attribute anchor is missing; expected #anchor"),
        (' checked="abstract"', "", '#one001: attribute checked is missing; expected checked="primary" or '),
        (' confidence="high"', "", "#one001: attribute confidence is missing; expected "),
        ('"abstract"', '"rumour"', "#one001: attribute checked is 'rumour'; expected checked=\"primary\" or "),
        ('="high"', '="low"', "#one001: attribute confidence is 'low'; expected confidence=\"high\" or "),
        ("checked=", 'mood="good" checked=', "#one001: attribute mood is unknown; expected anchor, strength, "),
        ("checked=", 'strength="" checked=', "#one001: attribute strength is empty; expected a value"),
        ("checked=", 'derived="true" checked=', "#one001: derived, but its text does not say so; expected words"),
        ("checked=", 'derived="yes" checked=', "#one001: attribute derived is 'yes'; expected derived=\"true\""),
    ],
)
def test_problem_of_a_statement(corpus: Path, changed: str, to: str, problem: str) -> None:
    body = f"## Dosing\n\n{statement()}"
    assert changed in body
    write(corpus, "first2024.md", header(), body.replace(changed, to))
    (found,) = problems(corpus)
    assert found.startswith(f"first2024.md: {problem}")


@pytest.mark.parametrize("words", ["(our inference)", "(derived from Family 2024)"])
def test_derived_statement_that_says_so_is_no_problem(corpus: Path, words: str) -> None:
    body = f"## Dosing\n\n{statement()}".replace("2 mg.", f"2 mg {words}.").replace("checked", 'derived="true" checked')
    write(corpus, "first2024.md", header(), body)
    assert problems(corpus) == []


def test_file_that_cannot_be_read_is_a_problem_and_no_source(corpus: Path) -> None:
    (corpus / "first2024.md").write_text("no header", "utf-8")
    report = check_corpus(corpus)
    assert (report.sources, report.statements) == (1, 2)
    assert report.problems[0].startswith("first2024.md: no YAML header; expected ")


def test_source_without_statements_is_a_problem(corpus: Path) -> None:
    write(corpus, "first2024.md", header(), "## Dosing\n")
    (found,) = problems(corpus)
    assert found.startswith("first2024.md: body: no statements; expected ")


def test_anchor_may_not_be_used_twice(corpus: Path) -> None:
    write(corpus, "first2024.md", header(), f"## Dosing\n\n{statement('two001').replace('median', 'mean')}")
    (found,) = problems(corpus)
    assert found == "second2024.md: anchor 'two001': already used in first2024.md; expected it only once"


def test_statement_may_not_be_said_twice(corpus: Path) -> None:
    body = f"## Dosing\n\n{statement()}{statement().replace('#one001', '#one002')}"
    write(corpus, "first2024.md", header(), body)
    (found,) = problems(corpus)
    assert found.startswith("first2024.md: statement 'in cohort one001 ")


@pytest.mark.parametrize(
    ("one", "other"), [("doi: 10.1000/ABC", "doi: 10.1000/abc"), ('pmid: "12345"', 'pmid: "12345"')]
)
def test_two_sources_may_not_be_the_same_publication(corpus: Path, one: str, other: str) -> None:
    write(corpus, "first2024.md", f"{header()}{one}\n", f"## Dosing\n\n{statement()}")
    write(corpus, "second2024.md", f"{header('second2024')}{other}\n", f"## Dosing\n\n{statement('two001')}")
    (found,) = problems(corpus)
    assert "already used in first2024.md; expected it only once" in found


def test_key_may_not_be_used_twice(corpus: Path) -> None:
    (corpus / "deeper").mkdir()
    write(corpus / "deeper", "first2024.md", header(), f"## Dosing\n\n{statement('three001')}")
    (found,) = problems(corpus)
    assert found.startswith("first2024.md: key 'first2024': already used in first2024.md")


def test_sources_that_replace_one_another_are_no_problem(corpus: Path) -> None:
    write(corpus, "first2024.md", f"{header()}supersedes: [second2024]\n", f"## Dosing\n\n{statement()}")
    second = f"{header('second2024')}superseded_by: first2024\n"
    write(corpus, "second2024.md", second, f"## Dosing\n\n{statement('two001')}")
    assert problems(corpus) == []


def test_every_problem_is_one_line_that_says_what_is_expected(corpus: Path) -> None:
    write(corpus, "first2024.md", header().replace("Apache-2.0", "").replace("first", "1st"), "Loose text")
    found = problems(corpus)
    assert len(found) >= 5
    assert all("\n" not in p and "; expected " in p for p in found)


def test_headings_are_those_of_the_corpus_readme() -> None:
    assert f"where needed: {', '.join(HEADINGS)}." in (CORPUS / "README.md").read_text("utf-8")


def test_corpus_files_expands_folders_and_takes_each_file_once(corpus: Path) -> None:
    files = [corpus / "first2024.md", corpus / "second2024.md"]
    assert corpus_files([corpus]) == files
    assert corpus_files([files[1], corpus, files[1]]) == files


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.md", "does not exist"),
        ("empty", "no documents in it"),
        ("notes.txt", "not a document"),
        ("README.md", "not a document"),
    ],
)
def test_corpus_files_refuses_what_is_no_document(corpus: Path, name: str, message: str) -> None:
    (corpus / "empty").mkdir()
    (corpus / "notes.txt").write_text("notes", "utf-8")
    with pytest.raises(CorpusError, match=f"{name}.*{message}.*; expected"):
        corpus_files([corpus / name])


def test_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"gone: does not exist; expected "):
        check_corpus(tmp_path / "gone")
