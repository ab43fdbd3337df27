"""JSON lines: BEIR's and MedRAG's forms, bad lines, labels, metadata."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from rag.domain import Document, EvidenceType
from rag.errors import CorpusError
from rag.ingest.readers import jsonl


def read(content: bytes, name: str = "c.jsonl") -> list[Document | CorpusError]:
    return list(jsonl.read(io.BytesIO(content), name))


def one(**record: Any) -> Document:
    (document,) = read(json.dumps({"_id": "1", "title": "T", "text": "x", **record}).encode())
    assert isinstance(document, Document), document
    return document


def blocks(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(block.heading_path, document.text[block.start : block.end]) for block in document.blocks]


def test_beir() -> None:
    document = one(_id="a b/1", title="A  title", text="One.\n\nTwo.\nThree.", metadata={"year": "1997"})
    assert (document.source.title, document.source.original_id, document.source.year) == ("A title", "a b/1", 1997)
    assert document.source.key.startswith("a-b-1-")
    assert blocks(document) == [((), "One."), ((), "Two."), ((), "Three.")]


def test_medrag() -> None:
    line = {"id": "pubmed23n0001_0", "title": "T", "content": "C", "contents": "T. C", "PMID": 21}
    (document,) = read(json.dumps(line).encode())
    assert isinstance(document, Document)
    assert (document.source.key, document.source.pmid, document.text) == ("pubmed23n0001_0", "21", "C")
    assert document.source.original_id is None
    (document,) = read(b'{"id": 7, "contents": "T. C"}')
    assert isinstance(document, Document)
    assert (document.source.key, document.source.title, document.text) == ("7", "7", "T. C")


def test_an_empty_title_is_the_id() -> None:
    assert one(_id="x1", title="").source.title == "x1"
    assert one(_id="x1", title=None).source.title == "x1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b"[1]", "a list, expected an object"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b'{"text": "x"}', "the id is None"),
        (b'{"_id": true, "text": "x"}', "the id is True"),
        (b'{"_id": " ", "text": "x"}', "the id is ' '"),
        (b'{"_id": "a"}', "'a' has no text"),
        (b'{"_id": "a", "text": " \\n "}', "'a' has no text"),
        (b'{"_id": "a", "text": ["x"]}', '"text" is a list'),
        (b'{"_id": "a", "text": "x", "title": 5}', '"title" is a int'),
        (b'{"_id": "\\u200b", "text": "x"}', "cannot be used as an id"),
        (b"[" * 100_000, "not JSON"),
        (b'{"_id": ' + b"9" * 5000 + b', "text": "x"}', "not JSON"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(line: bytes, message: str) -> None:
    good = b'{"_id": "g", "text": "x"}'
    first, bad, last = read(good + b"\n\n" + line + b"\r\n" + good)
    assert isinstance(first, Document)
    assert isinstance(last, Document)
    assert isinstance(bad, CorpusError)
    assert str(bad).startswith("c.jsonl: line 3: ")
    assert message in str(bad)
    assert "\n" not in str(bad)


def test_a_line_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 40)
    good = b'{"_id": "g", "text": "x"}\n'
    for length in (41, 42, 81, 82, 83, 200):
        long = b'{"_id": "l", "text": "'.ljust(length - 1, b"x") + b"\n"
        results = read(good + long + good + long[:-1])
        assert [type(result) for result in results] == [Document, CorpusError, Document, CorpusError], length
        assert "line 2: longer than" in str(results[1])


def test_gzip_and_a_byte_order_mark() -> None:
    content = b'\xef\xbb\xbf{"_id": "g", "text": "x"}\n{"_id": "h", "text": "y"}'
    packed = gzip.compress(content)
    assert [type(result) for result in read(packed, "c.jsonl.gz")] == [Document, Document]
    for damaged in (packed[:-10], b"no gzip", packed[:20] + b"\0\0\0" + packed[23:]):
        with pytest.raises(CorpusError, match=r"^c.jsonl.gz: cannot be unpacked"):
            read(damaged, "c.jsonl.gz")
    assert read(b"") == []


def test_labels_become_headings() -> None:
    document = one(text="BACKGROUND: Why. RESULTS: 5 of 9. DESIGN, SETTING: A ward.\nUNLABELLED: Rest. Methods: How.")
    assert blocks(document) == [
        (("Background",), "Why."),
        (("Results",), "5 of 9."),
        (("Design, setting",), "A ward."),
        ((), "Rest."),
        (("Methods",), "How."),
    ]


@pytest.mark.parametrize(
    "text", ["ELISA: positive.", "Patients: 12 women.", "The RESULTS: good.", "Ratio 1:2 in METHODS:x", "a: b"]
)
def test_what_is_no_label_stays(text: str) -> None:
    assert blocks(one(text=text)) == [((), text)]


def test_a_section_name_alone_stands_over_what_follows() -> None:
    document = one(text="Abstract: CONCLUSION: Yes.\n\nText: Long.\n2. Methods\nWe did.\nAnd did.\nResults\nDone.")
    assert blocks(document) == [
        (("Conclusion",), "Yes."),
        ((), "Long."),
        (("Methods",), "We did."),
        (("Methods",), "And did."),
        (("Results",), "Done."),
    ]


def test_metadata() -> None:
    metadata = {
        "journal": "Blood",
        "license": "cc-by",
        "doi": "doi:10.1182/x",
        "pmid": 5,
        "authors": ["A B"],
        "language": "eng",
        "publication_types": ["Practice Guideline"],
        "mesh": ["Heparin"],
        "snippets": 4,
        "jurisdiction": "nowhere",
        "title": "another",
        "original_id": "z",
    }
    for stated in (metadata, json.dumps(metadata)):
        source = one(metadata=stated).source
        assert (source.container, source.licence, source.doi, source.pmid) == ("Blood", "cc-by", "10.1182/x", "5")
        assert (source.authors, source.language, source.mesh) == (("A B",), "en", ("Heparin",))
        assert source.evidence_type is EvidenceType.GUIDELINE
        assert (source.jurisdiction, source.title, source.original_id) == (None, "T", None)
    for odd in ("no json", 5, None, [1]):
        assert one(metadata=odd).source.pmid is None


def test_half_characters_do_no_harm() -> None:
    (document,) = read(rb'{"_id": "a", "title": "\ud800T", "text": "x \udfff y"}')
    assert isinstance(document, Document)
    assert (document.source.title, document.text) == ("T", "x y")
