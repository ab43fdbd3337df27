"""The reader of the starter format, on small documents."""

from __future__ import annotations

import contextlib
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Document, EvidenceType
from rag.errors import CorpusError
from rag.ingest.readers.markdown import read_file, read_markdown

HEADER = "---\nkey: a\ntitle: T\njurisdiction: US\nevidence_type: cohort\n---\n"


def read(body: str) -> Document:
    return read_markdown((HEADER + body).encode(), "a.md")


def texts(document: Document) -> list[str]:
    return [document.text[b.start : b.end] for b in document.blocks]


# the header


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("a0: &a0 [x, x]\na1: &a1 [*a0, *a0]\nauthors: *a1\n", "it has an alias such as *name"),
        ("note: " + "word " * 60_000 + "\n", "characters, expected 262,144 at most"),
        ("x: " + "[" * 300 + "]" * 300 + "\n", "x: Extra inputs are not permitted (got [[["),
        ("x: " + "[" * 90_000 + "\n", "the YAML header cannot be read"),
    ],
)
def test_a_header_that_would_not_end_is_refused_in_one_short_line(fields: str, problem: str) -> None:
    with pytest.raises(CorpusError, match=re.escape(problem)) as refused:
        read_markdown(f"---\nkey: a\ntitle: T\n{fields}---\n\nText.\n".encode(), "a.md")
    assert len(str(refused.value)) < 500


def test_the_header_becomes_the_source() -> None:
    header = (
        '---\nkey: cuker2018\ntitle: "ASH: HIT"\nauthors:\n- Cuker A\n- Ng Y\net_al: true\nyear: 2018\nvolume: "2"\n'
        'doi: 10.1182/x\npmid: "30482768"\njurisdiction: US\nevidence_type: guideline\nsupersedes: [old2012]\n---\n'
    )
    source = read_markdown(header.encode(), "x").source
    assert (source.key, source.title, source.authors, source.et_al) == (
        "cuker2018",
        "ASH: HIT",
        ("Cuker A", "Ng Y"),
        True,
    )
    assert (source.year, source.volume, source.doi, source.pmid) == (2018, "2", "10.1182/x", "30482768")
    assert source.evidence_type is EvidenceType.GUIDELINE
    assert source.supersedes == ("old2012",)
    assert source.issue is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no YAML header; expected the file to start"),
        (b"# Only text\n", "no YAML header"),
        (b"---\nkey: a\nno end\n", "no YAML header"),
        (b"\n" + HEADER.encode(), "no YAML header"),
        (b"---\n- a\n---\n", "the YAML header is a list, expected fields"),
        (b"---\njust text\n---\n", "the YAML header is a str"),
        (b"---\n\n---\n", "the YAML header is a NoneType"),
        (b"---\nkey: [a\n---\n", "the YAML header cannot be read"),
        (b"---\nkey: a\npublished: 2020-13-45\n---\n", "the YAML header cannot be read: month must be"),
        (b"---\nkey: !!int x\n---\n", "the YAML header cannot be read"),
        (b"---\nkey: a\0b\n---\n", "the YAML header cannot be read"),
        (b"---\nkey: !!python/object/apply:os.system [ls]\n---\n", "the YAML header cannot be read"),
        (b"---\n" + b"[" * 3000 + b"\n---\n", "the YAML header cannot be read"),
        (HEADER.replace("title", "titel").encode(), "title: Field required"),
        (HEADER.replace("T\n", "T\ncolour: red\n").encode(), "colour: Extra inputs are not permitted"),
        (HEADER.replace("T\n", "T\ndoi: 11.1/x\n").encode(), "doi '11.1/x' is not well formed"),
        (HEADER.replace("T\n", "T\npmid: 123\n").encode(), "pmid: Input should be a valid string"),
        (HEADER.replace("T\n", "T\nyear: 1066\n").encode(), "year: Input should be greater than"),
        (HEADER.replace("US", "usa").encode(), "jurisdiction 'usa' is not well formed"),
        (HEADER.replace("cohort", "opinion").encode(), "evidence_type: Input should be"),
        (HEADER.replace("key: a", "key: A B").encode(), "key 'A B' is not well formed"),
        (HEADER.encode() + b"caf\xe9\n", "not UTF-8 at byte 66; save the file as UTF-8"),
    ],
)
def test_a_wrong_file_is_named_with_what_was_expected(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read_markdown(content, "wrong.md")
    assert str(caught.value).startswith("wrong.md: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_change_nothing(mark: str, end: str) -> None:
    content = HEADER + "## H\n\n- One\n  line {#x}\n- Two\n"
    assert read_markdown((mark + content.replace("\n", end)).encode(), "a") == read_markdown(content.encode(), "a")


def test_a_file_is_read_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(HEADER + "Text.\n")
    assert texts(read_file(tmp_path / "a.md")) == ["Text."]
    (tmp_path / "b.md").write_text("x")
    with pytest.raises(CorpusError, match=r"^b\.md: "):
        read_file(tmp_path / "b.md")


# the body


@pytest.mark.parametrize(
    ("written", "text", "attributes"),
    [
        ("A. {#a1}", "A.", {"anchor": "a1"}),
        ('A. {#a1 strength="Grade 2C (weak)" checked="primary"}', "A.",
         {"anchor": "a1", "strength": "Grade 2C (weak)", "checked": "primary"}),
        ('A. {strength="x"}', "A.", {"strength": "x"}),
        ('A. {#a.b-c  population="<18 y & > 80 kg"}', "A.", {"anchor": "a.b-c", "population": "<18 y & > 80 kg"}),
        ('A. {#a1 population=""}', "A.", {"anchor": "a1", "population": ""}),
        ("A {not an attribute}", "A {not an attribute}", {}),
        ("A {#a1} b", "A {#a1} b", {}),
        ("A. {a=b}", "A. {a=b}", {}),
    ],
)  # fmt: skip
def test_attributes_are_not_text(written: str, text: str, attributes: dict[str, str]) -> None:
    for body in (f"- {written}\n", f"{written}\n", f"1. {written}\n", f"> {written}\n"):
        (block,) = read(body).blocks
        assert read(body).text == text
        assert block.attributes == attributes


def test_attributes_alone_are_no_text() -> None:
    assert read("- {#a}\n").blocks == ()


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ("x", [()]),
        ("## A\n\nx\n\n## B\n\ny\n", [("A",), ("B",)]),
        ("# T\n\nx\n\n## A\n\ny\n\n### B\n\nz\n\n## C\n\nw\n", [("T",), ("T", "A"), ("T", "A", "B"), ("T", "C")]),
        ("# T\n\n### A\n\nx\n\n### B\n\ny\n", [("T", "A"), ("T", "B")]),
        ("### A\n\nx\n\n# B\n\ny\n", [("A",), ("B",)]),
        ("A\n=\n\nx\n\nB\n-\n\ny\n", [("A",), ("A", "B")]),
        ("## *A* `b` &amp; c\n\nx\n", [("A b & c",)]),
        ("## A\n\n##\n\nx\n", [()]),
    ],
)
def test_heading_paths(body: str, paths: list[tuple[str, ...]]) -> None:
    assert [b.heading_path for b in read(body).blocks] == paths


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("one\ntwo\n\nthree\n", ["one two", "three"]),
        ("- a\n- b\n  - c\n\n  d\n", ["a", "b", "c", "d"]),
        (
            "| drug | dose |\n|---|---|\n| A | 1 mg |\n| | |\n| B | |\n| | 2 |\n",
            ["drug: A | dose: 1 mg", "drug: B", "dose: 2"],
        ),
        ("```python\nx = 1\ny = 2\n```\n", ["x = 1 y = 2"]),
        ("    indented code\n", ["indented code"]),
        ("```\n\n```\n", []),
        ("a\\\nb  \nc\n", ["a b c"]),
        ("**bold** *em* `code` [link](http://x.y) <http://auto.link>\n", ["bold em code link http://auto.link"]),
        ("&lt;20 &amp; &ge;3 &#181;g \\*\n", ["<20 & ≥3 µg *"]),
        ("p<0.05, CrCl <30 and >10\n", ["p<0.05, CrCl <30 and >10"]),
        ("a <b>bold</b> c\n", ["a bold c"]),
        ("150 x 10<sup>9</sup>/L, H<sub>2</sub>O, one<br>two\n", ["150 x 10⁹/L, H2O, one two"]),
        ("<script>\nalert(1)\n</script>\n\nText.\n", ["Text."]),
        ("<!-- a comment -->\n\nText.\n", ["Text."]),
        ("![alt](x.png)\n", []),
        ("---\n\nText.\n", ["Text."]),
        ("2\u00a0mg\u2009daily \t now\n", ["2 mg daily now"]),
        ("150 × 10⁹/L; FcγRIIa 🩸\n", ["150 × 10⁹/L; FcγRIIa 🩸"]),
        ("", []),
        ("## Only a heading\n", []),
    ],
)
def test_the_text_is_what_a_reader_sees(body: str, expected: list[str]) -> None:
    assert texts(read(body)) == expected


def test_blocks_are_separated_by_blank_lines() -> None:
    document = read("a\n\n- b\n- c\n")
    assert document.text == "a\n\nb\n\nc"
    assert [(b.start, b.end) for b in document.blocks] == [(0, 1), (3, 4), (6, 7)]


# properties

MARKUP = ["# a\n", "### b\n", "- x {#y}\n", "> q\n", "|a|b|\n", "|-|-|\n", "```\n", "\n", "text. ", "    code\n",
          "<div>\n", "1. n\n", "*", "&lt;", "\\", "\r\n", "===\n"]  # fmt: skip


def check(document: Document) -> None:
    assert "\n\n".join(texts(document)) == document.text
    for block in document.blocks:
        text = document.text[block.start : block.end]
        assert text == " ".join(text.split())
        assert text
    assert all(one.end <= other.start for one, other in pairwise(document.blocks))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_body_is_read_with_exact_offsets(body: str) -> None:
    check(read(body))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(MARKUP)))
def test_any_markup_is_read_with_exact_offsets(parts: list[str]) -> None:
    check(read("".join(parts)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abc µ≥,", min_size=1).filter(str.strip), min_size=1))
def test_plain_paragraphs_come_back_as_they_are(paragraphs: list[str]) -> None:
    assert texts(read("\n\n".join(p.strip() for p in paragraphs))) == [" ".join(p.split()) for p in paragraphs]


@settings(max_examples=100, deadline=None)
@given(st.binary() | st.text("---\n: []{}&*!ak\"'1").map(lambda s: f"---\n{s}\n---\n".encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(CorpusError):
        check(read_markdown(content, "any"))
