"""Plain text: encodings, paragraphs, bullets, headings."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers import plain


def read(text: str | bytes, name: str = "note.txt") -> Document:
    (document,) = plain.read(io.BytesIO(text if isinstance(text, bytes) else text.encode()), name)
    return document


def blocks(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [(b.kind.value, b.heading_path, document.text[b.start : b.end]) for b in document.blocks]


def texts(text: str) -> list[str]:
    return [block[2] for block in blocks(read(text))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_encodings(encoding: str) -> None:
    document = read("Title\n\n5 µg – für Ärzte.".encode(encoding))
    assert (document.source.title, document.text) == ("Title", "5 µg – für Ärzte.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no text"),
        (b" \n\n", "has no text"),
        (b"a\0b", "is binary (a NUL byte at 1)"),
        (b"\xff\xfea\0\0\0", "is binary"),
        (b"\xff\xfea", "not utf-16-le at byte 0"),
        (b"\xef\xbb\xbf\xff", "not utf-8 at byte 0"),
        (b"a \x81 b", "neither UTF-8 (byte 2) nor windows-1252"),
    ],
)
def test_what_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        read(content)
    assert str(error.value).startswith("note.txt: ")
    assert message in str(error.value)


def test_the_title() -> None:
    assert read("\n  A  title \n\nText.").source.title == "A title"
    assert read("A title\n=======\nText.").source.title == "A title"
    assert read("x" * 300 + "\n\nText.").source.title == "note"
    assert texts("Only line") == ["Only line"]
    document = read("A paragraph that is\nwrapped.\n\nText.")
    assert (document.source.title, document.source.key) == ("note", "note")
    assert texts("A paragraph that is\nwrapped.\n\nText.") == ["A paragraph that is wrapped.", "Text."]


def test_headings() -> None:
    document = read(
        "T\n\nDosing\n------\nFirst.\n\n1.2 Dose in renal failure\n\nSecond.\n\nADVERSE EVENTS\n\nThird.\n\n"
        "Part\n====\nFourth."
    )
    assert [(path, text) for _, path, text in blocks(document)] == [
        (("Dosing",), "First."),
        (("1.2 Dose in renal failure",), "Second."),
        (("ADVERSE EVENTS",), "Third."),
        (("Part",), "Fourth."),
    ]


def test_what_looks_like_a_heading_with_nothing_under_it_is_text() -> None:
    assert blocks(read("T\n\n1. Stop heparin\n\n2. Start argatroban\n\nSTOP HEPARIN NOW")) == [
        ("list_item", (), "1. Stop heparin"),
        ("list_item", (), "2. Start argatroban"),
        ("paragraph", (), "STOP HEPARIN NOW"),
    ]


def test_lists() -> None:
    text = "T\n\nGive:\n- one\n  more\n* two\n\n1. first\n2. second"
    assert blocks(read(text)) == [
        ("paragraph", (), "Give:"),
        ("list_item", (), "one more"),
        ("list_item", (), "two"),
        ("list_item", (), "1. first"),
        ("list_item", (), "2. second"),
    ]


def test_a_wrapped_number_or_sign_is_not_a_bullet() -> None:
    assert texts("T\n\nThe dose was\n5. Then it rose\n- 3 in all.") == ["The dose was 5. Then it rose - 3 in all."]


def test_hyphens_at_the_end_of_a_line() -> None:
    text = "T\n\nThrombo-\ncytopenia is low-\ndose COVID-\n19 and A -\nB. Thrombocytopenia."
    assert texts(text) == ["Thrombocytopenia is low-dose COVID-19 and A - B. Thrombocytopenia."]
    assert texts("T\n\nThrombo-\ncytopenia.") == ["Thrombo-cytopenia."]


@pytest.mark.parametrize("text", ["x" * 10**6, "= " * 500_000, " " * 10**6 + "y", "ab-\n" * 100_000, "A-\n" * 100_000])
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    read("Title\n\n" + text)
    assert time.process_time() - started < 2


@given(st.text(alphabet="aB1.-=* \n\t:", max_size=80))
def test_no_word_is_lost(text: str) -> None:
    if not text.strip():
        return
    document = read("Title\n\nzz\n\n" + text)
    words = " ".join([document.text, *(h for b in document.blocks for h in b.heading_path)])
    assert sum(text.count(c) for c in "aB1") <= sum(words.count(c) for c in "aB1")
