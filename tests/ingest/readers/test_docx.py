"""Word documents, made by python-docx or by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import docx
import pytest
from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers import docx as reader


def saved(make: Callable[[WordDocument], object]) -> bytes:
    word = docx.Document()
    make(word)
    stream = io.BytesIO()
    word.save(stream)
    return stream.getvalue()


def read(content: bytes, name: str = "file.docx") -> Document:
    (document,) = reader.read(io.BytesIO(content), name)
    return document


def blocks(make: Callable[[WordDocument], object]) -> list[tuple[str, tuple[str, ...], str]]:
    document = read(saved(make))
    return [(b.kind.value, b.heading_path, document.text[b.start : b.end]) for b in document.blocks]


def rewritten(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return stream.getvalue()


def test_headings_lists_and_tables_in_order() -> None:
    def make(word: WordDocument) -> None:
        word.add_heading("The title", 0)
        word.add_paragraph("first")
        word.add_heading("Doses", 1)
        table = word.add_table(3, 3)
        for i, row in enumerate((("Drug", "Low", "High"), ("argatroban", "1", "2"), ("", "3", "4"))):
            for j, text in enumerate(row):
                table.cell(i, j).text = text
        table.cell(1, 0).merge(table.cell(2, 0))
        word.add_paragraph("Table 1. Doses", style="Caption")
        word.add_heading("Renal", 2)
        word.add_paragraph("one", style="List Bullet")
        word.add_paragraph("")
        word.add_heading("Next", 1)
        word.add_paragraph("two", style="List Number")

    assert blocks(make) == [
        ("paragraph", (), "first"),
        ("table_row", ("Doses",), "Drug: argatroban | Low: 1 | High: 2"),
        ("table_row", ("Doses",), "Drug: argatroban | Low: 3 | High: 4"),
        ("caption", ("Doses",), "Table 1. Doses"),
        ("list_item", ("Doses", "Renal"), "one"),
        ("list_item", ("Next",), "two"),
    ]
    assert read(saved(make)).source.title == "The title"


def test_a_table_within_a_cell_is_not_lost() -> None:
    def make(word: WordDocument) -> None:
        table = word.add_table(2, 2)
        table.cell(0, 0).text, table.cell(0, 1).text, table.cell(1, 0).text = "Drug", "Dose", "a"
        table.cell(1, 1).paragraphs[0].text = "given"
        table.cell(1, 1).add_table(1, 2).cell(0, 1).text = "5 mg"

    assert blocks(make) == [("table_row", (), "Drug: a | Dose: given 5 mg")]


def test_runs() -> None:
    def make(word: WordDocument) -> None:
        paragraph = word.add_paragraph("10")
        paragraph.add_run("9").font.superscript = True
        paragraph.add_run("/L CO")
        paragraph.add_run("2").font.subscript = True
        paragraph.add_run(" hidden").font.hidden = True
        inserted = f'<w:ins {nsdecls("w")} w:id="1" w:author="a"><w:r><w:t> new</w:t></w:r></w:ins>'
        deleted = f'<w:del {nsdecls("w")} w:id="2" w:author="a"><w:r><w:delText> old</w:delText></w:r></w:del>'
        for change in (inserted, deleted):
            paragraph._p.append(parse_xml(change))

    assert blocks(make) == [("paragraph", (), "10⁹/L CO2 new")]


def test_content_controls_are_read() -> None:
    def make(word: WordDocument) -> None:
        text = "<w:p><w:r><w:t>kept</w:t></w:r></w:p>"
        control = f"<w:sdt {nsdecls('w')}><w:sdtPr/><w:sdtContent>{text}</w:sdtContent></w:sdt>"
        word.element.body.insert(0, parse_xml(control))

    assert blocks(make) == [("paragraph", (), "kept")]


def test_core_properties() -> None:
    def make(word: WordDocument) -> None:
        core = word.core_properties
        core.title, core.author, core.language = "T", "A B; C D", "en-GB"
        core.modified = datetime(2024, 2, 15, 12)
        word.add_paragraph("x")

    source = read(saved(make)).source
    assert (source.title, source.authors, source.as_of, source.language) == ("T", ("A B", "C D"), "2024-02-15", "en")
    assert (source.key, source.published) == ("file", None)
    bare = read(saved(lambda word: word.add_paragraph("x"))).source
    assert (bare.title, bare.authors) == ("file.docx", ())


ONE = saved(lambda word: word.add_paragraph("x"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a whole .docx file"),
        (b"plain text", "is not a whole .docx file"),
        (ONE[: len(ONE) // 2], "is not a whole .docx file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "is encrypted or in Word's format before 2007"),
        (rewritten(ONE, "word/document.xml", lambda xml: xml[:-30]), "is not a Word document"),
        (rewritten(ONE, "word/document.xml", lambda xml: b"<a/>"), "a part of it is damaged"),
        (rewritten(ONE, "[Content_Types].xml", lambda xml: b"<a/>"), "is not a Word document"),
        (saved(lambda word: None), "has no text"),
        (
            rewritten(ONE, "word/document.xml", lambda xml: b'<!DOCTYPE a [<!ENTITY b "c">]>' + xml),
            "word/document.xml declares entities",
        ),
        (
            rewritten(ONE, "docProps/core.xml", lambda xml: '<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16")),
            "docProps/core.xml declares entities",
        ),
        (
            rewritten(ONE, "word/document.xml", lambda xml: b" " * 3_000_000),
            "word/document.xml unpacks ",
        ),
    ],
)
def test_what_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        read(content)
    assert str(error.value).startswith("file.docx: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_would_unpack_to_too_much_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(CorpusError, match="expected 1,000 at most"):
        read(ONE)


def test_an_understated_size_is_not_believed() -> None:
    content = saved(lambda word: word.add_paragraph("text " * 10_000))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("word/document.xml").file_size
    true, stated = size.to_bytes(4, "little"), (1000).to_bytes(4, "little")
    with pytest.raises(CorpusError, match=r"not a whole \.docx file \(.*word/document.xml"):
        read(content.replace(true, stated))


def test_an_encrypted_member_is_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(ONE)) as archive:
        entry = archive.infolist()[0]
    at = ONE.rindex(b"PK\x01\x02" + b"", 0, len(ONE))
    assert entry.flag_bits & 1 == 0
    with pytest.raises(CorpusError, match="is encrypted"):
        read(ONE[: at + 8] + bytes([ONE[at + 8] | 1]) + ONE[at + 9 :])
