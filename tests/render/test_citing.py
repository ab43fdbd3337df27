"""References for other programs, read back by what reads such files here, and by a small reader of BibTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rispy
from builders import SOURCES, make_abstained, make_answer, make_statement

from rag.answer.references import reference
from rag.domain import Answer, EvidenceType, Source
from rag.errors import InputError, NotFoundError
from rag.ingest.readers.bibliography import record_beside
from rag.pipeline import Pipeline
from rag.render.citing import references

#: Its title has a brace without the other, which would end a field.
AWKWARD = Source(
    key="awkward.2019_b",
    title="Cost & benefit of 5% {braced \\ $10 #1 _under_ ~tilde ^hat: a β-blocker trial",
    evidence_type=EvidenceType.RCT,
    authors=("van der Meer FJM Jr", "Ångström Ö", "PROTECT & Co Study Group"),
    et_al=True,
    container="Ann. of R&D, 2nd ser.",
    year=2019,
    volume="12",
    issue="3 Suppl 1",
    pages="e107032",
    doi="10.1002/(SICI)1097-0258(19980815)17:15<1661::AID>3.0.CO;2-2",
    pmid="12345678",
    url="https://example.org/a_b?x=1&y={2}",
    published="2019-03-04",
    retracted=True,
    superseded_by="newer2022",
)
ALL = (*SOURCES, AWKWARD)


def source_of(key: str) -> Source:
    return next(s for s in ALL if s.key == key)


def answer_of(*sources: Source) -> Answer:
    said = [
        make_statement(f"Statement {n}.", evidence=make_answer().bottom_line[0].evidence, citations=(n,))
        for n in range(1, len(sources) + 1)
    ]
    cited = tuple(reference(n, s) for n, s in enumerate(sources, 1))
    return make_answer(
        bottom_line=tuple(said), sections=(), disagreements=(), needed=(), references=cited, glossary=()
    )  # fmt: skip


def bibtex(text: str) -> dict[str, dict[str, str]]:
    """Entries by key, their fields in lower case, as written between the outermost braces."""
    entries: dict[str, dict[str, str]] = {}
    at = 0
    while match := re.compile(r"@(\w+)\{([^,\s]+),").search(text, at):
        fields, at = {"type": match[1]}, match.end()
        while field := re.compile(r"\s*(\w+) = \{").match(text, at):
            start = at = field.end()
            depth = 1
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            fields[field[1]] = text[start : at - 1]
            at += 1
        assert text[at : at + 2] == "\n}"
        entries[match[2]] = fields
    return entries


def plain(text: str) -> str:
    """What BibTeX would print."""
    for name, meant in (("tilde", "~"), ("circum", "^")):
        text = text.replace(rf"\textascii{name}{{}}", meant)
    text = re.sub(r"(?<!\\textbackslash)\\([&%$#_])", r"\1", text)
    for name, meant in (("braceleft", "{"), ("braceright", "}"), ("backslash", "\\")):
        text = text.replace(rf"\text{name}{{}}", meant)
    return text


def test_ris_is_read_back(tmp_path: Path) -> None:
    for source in ALL:
        (tmp_path / "paper.ris").write_text(references(answer_of(source), "ris", source_of), "utf-8")
        found = record_beside(tmp_path / "paper.pdf")
        assert found is not None
        same = ("title", "container", "year", "volume", "issue", "pages", "pmid", "publisher")
        assert {n: found.get(n) for n in same} == {n: getattr(source, n) for n in same}
        assert found["published"] == (source.published or str(source.year))
        assert found.get("doi") == (
            source.doi if "<" not in (source.doi or "") else "10.1002/(SICI)1097-0258(19980815)17:15"
        )
        names = source.authors or (source.issuing_body,)
        assert [name.replace(",", "") for name in found["authors"]] == [str(n).replace(",", "") for n in names]


def test_ris_keeps_what_a_reader_must_know() -> None:
    records: list[dict[str, Any]] = rispy.loads(references(answer_of(*ALL), "ris", source_of))
    assert [r["id"] for r in records] == [s.key for s in ALL]
    assert [r["type_of_reference"] for r in records] == ["JOUR", "ELEC", "ELEC", "JOUR"]
    assert [r["notes"][0] for r in records] == [f"Reference {n} of the answer" for n in (1, 2, 3, 4)]
    assert "State read: 2024-11-14" in records[2]["notes"]
    assert {"Retracted", "Superseded by newer2022", "Has more authors than these"} <= set(records[3]["notes"])
    assert records[3]["doi"] == AWKWARD.doi
    assert records[0]["urls"] == ["https://doi.org/10.1182/bloodadvances.2018024489"]


def test_csl_is_read_back(tmp_path: Path) -> None:
    for source in ALL:
        (tmp_path / "paper.json").write_text(references(answer_of(source), "json", source_of), "utf-8")
        found = record_beside(tmp_path / "paper.pdf")
        assert found is not None
        same = ("title", "container", "year", "volume", "issue", "pages", "pmid", "publisher")
        assert {n: found.get(n) for n in same} == {n: getattr(source, n) for n in same}
        assert found.get("published") == (source.published or str(source.year))


def test_csl_keeps_what_a_reader_must_know() -> None:
    records = json.loads(references(answer_of(*ALL), "json", source_of))
    assert [r["citation-number"] for r in records] == [1, 2, 3, 4]
    assert records[3]["author"] == [
        {"family": "van der Meer", "given": "FJM", "suffix": "Jr"},
        {"family": "Ångström", "given": "Ö"},
        {"literal": "PROTECT & Co Study Group"},
    ]
    assert records[3]["issued"] == {"date-parts": [[2019, 3, 4]]}
    assert records[3]["DOI"] == AWKWARD.doi
    assert records[2]["type"] == "webpage"
    assert "State read: 2024-11-14" in records[2]["note"]
    assert records[3]["note"].endswith("Retracted; Superseded by newer2022")


def test_bibtex_is_read_back() -> None:
    entries = bibtex(references(answer_of(*ALL), "bib", source_of))
    assert list(entries) == [s.key for s in ALL]
    assert [e["type"] for e in entries.values()] == ["article", "misc", "misc", "article"]
    awkward = entries[AWKWARD.key]
    assert (awkward["title"][0], awkward["title"][-1]) == ("{", "}")
    assert plain(awkward["title"][1:-1]) == AWKWARD.title
    assert awkward["author"] == r"van der Meer, FJM, Jr and Ångström, Ö and {PROTECT \& Co Study Group} and others"
    assert plain(awkward["journal"]) == AWKWARD.container
    assert (awkward["pages"], awkward["doi"], awkward["pmid"]) == ("e107032", AWKWARD.doi, AWKWARD.pmid)
    assert entries["cuker2018"]["pages"] == "3360--3392"
    assert entries["smpc_argatroban_uk"]["author"] == "{Ethypharm UK Ltd}"
    assert "State read: 2024-11-14" in entries["smpc_argatroban_uk"]["note"]
    assert "Retracted; Superseded by newer2022" in awkward["note"]
    assert not any(set(e.get("url", "")) & set("{}\\ ") for e in entries.values())


def test_keys_of_bibtex_differ() -> None:
    """Keys of sources may differ in case only, which BibTeX does not tell apart."""
    sources = [SOURCES[0].model_copy(update={"key": key}) for key in ("Cuker2018", "cuker2018")]
    keys = list(bibtex(references(answer_of(*sources), "bib", lambda key: SOURCES[0])))
    assert keys == ["Cuker2018", "cuker2018-2"]


def test_vancouver_says_the_number_and_the_state() -> None:
    lines = references(answer_of(*ALL), "txt", source_of).splitlines()
    assert [line.split(". ")[0] for line in lines] == ["1", "2", "3", "4"]
    assert lines[0].startswith("1. Cuker A, Arepally GM, Chong BH")
    assert "2024-11-14" in lines[2]
    assert "[Retracted]" in lines[3]
    assert lines[3].endswith("[superseded by newer2022]")


@pytest.mark.parametrize("form", ["ris", "bib", "json", "txt"])
def test_a_source_that_is_gone_is_cited_as_the_answer_has_it(form: str) -> None:
    def gone(key: str) -> Source:
        raise NotFoundError(f"source {key!r}: not in this snapshot")

    for look in (gone, None):
        text = references(answer_of(*ALL), form, look)
        assert all(s.doi in text for s in ALL if s.doi)
        assert "Ethypharm UK Ltd" in text


@pytest.mark.parametrize(("form", "nothing"), [("ris", ""), ("bib", ""), ("json", "[]\n"), ("txt", "")])
def test_no_references(form: str, nothing: str) -> None:
    assert references(make_abstained(), form) == nothing


def test_another_form_is_refused() -> None:
    with pytest.raises(InputError, match="form 'docx'"):
        references(make_answer(), "docx")


LINE_OF: dict[str, Callable[[str], int]] = {
    "ris": lambda text: len(rispy.loads(text)),
    "bib": lambda text: len(bibtex(text)),
    "json": lambda text: len(json.loads(text)),
    "txt": lambda text: len(text.splitlines()),
}


@pytest.mark.parametrize("form", LINE_OF)
def test_every_reference_of_a_real_answer_is_there(pipeline: Pipeline, form: str) -> None:
    answer = pipeline.ask("How is argatroban dosed and monitored in HIT with cirrhosis?")
    text = references(answer, form, pipeline.snapshot.store.source)
    assert LINE_OF[form](text) == len(answer.references) > 3
    assert references(answer, form, pipeline.snapshot.store.source) == text
    assert [r.doi for r in answer.references if r.doi and r.doi not in text] == []
    assert [r.pmid for r in answer.references if r.pmid and r.pmid not in text] == []
