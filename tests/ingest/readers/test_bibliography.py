"""Records beside a file, and MEDLINE's tagged text as documents."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rag.domain import Document, EvidenceType, Source
from rag.errors import CorpusError
from rag.ingest.readers import nbib
from rag.ingest.readers.bibliography import completed, record_beside

NBIB = """
PMID- 123
TI  - Heparin in
      some of them.
PG  - 1-9
LID - S1 [pii]
LID - 10.1182/x [doi]
AB  - BACKGROUND: Why not.
      RESULTS: 5 of 9.
AU  - Cuker A
AU  - Ng Y
LA  - eng
PT  - Practice Guideline
MH  - *Heparin/adverse effects
MH  - Humans
DP  - 2018 Nov 27
JT  - Blood advances
PMC - PMC456
UIN - Blood. 2020;1:2. PMID: 789

PMID- 124
TI  - [Another one]
PT  - Retracted Publication
RIN - Blood. 2021;3:4
"""

RIS = """TY  - JOUR
AU  - Cuker, Adam
AU  - Ng, Y
TI  - Heparin
JO  - Blood
VL  - 2
IS  - 22
SP  - 33
EP  - 39
PY  - 2018
DA  - 2018/11/27/
DO  - https://doi.org/10.1182/x
AN  - 123
DP  - PubMed
UR  - https://a.org/x
ER  -
"""

CSL = {
    "type": "article-journal",
    "title": "Heparin",
    "author": [{"family": "Cuker", "given": "Adam B."}, {"literal": "ASH"}, "odd"],
    "issued": {"date-parts": [[2018, 11, "27"]]},
    "container-title": "Blood",
    "DOI": "10.1182/x",
    "page": "33-39",
    "PMID": "not one",
}


def beside(folder: Path, **files: str | bytes) -> dict[str, Any] | None:
    for suffix, content in files.items():
        (folder / f"paper.{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return record_beside(folder / "paper.pdf")


def test_ris(tmp_path: Path) -> None:
    record = beside(tmp_path, ris=RIS)
    assert record == {
        "title": "Heparin",
        "authors": ("Cuker, Adam", "Ng, Y"),
        "container": "Blood",
        "volume": "2",
        "issue": "22",
        "pages": "33-39",
        "year": 2018,
        "published": "2018-11-27",
        "doi": "10.1182/x",
        "pmid": "123",
        "url": "https://a.org/x",
    }


@pytest.mark.parametrize("change", ["no ER", "windows", "bom"])
def test_ris_as_programs_write_it(tmp_path: Path, change: str) -> None:
    text = {"no ER": RIS.replace("ER  -\n", ""), "windows": RIS.replace("\n", "\r\n"), "bom": "\ufeff" + RIS}[change]
    record = beside(tmp_path, ris=text)
    assert record is not None
    assert (record["title"], record["pages"]) == ("Heparin", "33-39")


@pytest.mark.parametrize("wrapped", [False, True])
def test_csl_json(tmp_path: Path, wrapped: bool) -> None:
    record = beside(tmp_path, json=json.dumps([CSL] if wrapped else CSL))
    assert record == {
        "title": "Heparin",
        "authors": ("Cuker AB", "ASH"),
        "container": "Blood",
        "year": 2018,
        "published": "2018-11-27",
        "doi": "10.1182/x",
        "pages": "33-39",
    }


@pytest.mark.parametrize("content", ["{", "[]", "[1]", '{"title": "x"}', '{"type": 1, "title": "x"}', "[" * 99_999])
def test_other_json_is_no_record(tmp_path: Path, content: str) -> None:
    assert beside(tmp_path, json=content) is None


@pytest.mark.parametrize(
    "date", [{}, {"date-parts": [[]]}, {"date-parts": [[None]]}, {"raw": "x"}, 5, {"date-parts": 1}]
)
def test_odd_csl_dates_are_left_out(tmp_path: Path, date: object) -> None:
    record = beside(tmp_path, json=json.dumps({**CSL, "issued": date}))
    assert record is not None
    assert "published" not in record


def test_nbib(tmp_path: Path) -> None:
    record = beside(tmp_path, nbib=NBIB)
    assert record == {
        "title": "Heparin in some of them",
        "authors": ("Cuker A", "Ng Y"),
        "container": "Blood advances",
        "pages": "1-9",
        "year": 2018,
        "published": "2018-11-27",
        "doi": "10.1182/x",
        "pmid": "123",
        "pmcid": "PMC456",
        "language": "en",
        "publication_types": ("Practice Guideline",),
        "mesh": ("Heparin", "Humans"),
        "evidence_type": EvidenceType.GUIDELINE,
        "superseded_by": "pmid789",
    }


def test_without_a_record(tmp_path: Path) -> None:
    assert beside(tmp_path) is None
    (tmp_path / "paper.json").write_text(json.dumps(CSL))
    assert record_beside(tmp_path / "paper.json") is None  # a file is no record of itself


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"ris": "nothing"}, "paper.ris: has no RIS record"),
        ({"ris": b"\xff"}, "paper.ris: not UTF-8 at byte 0"),
        ({"nbib": "nothing"}, "paper.nbib: has no MEDLINE record"),
        ({"ris": b" " * (4 * 2**20 + 1)}, "paper.ris: 4,194,305 bytes"),
    ],
)
def test_a_record_that_cannot_be_read(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        beside(tmp_path, **files)


def test_a_record_completes_a_document() -> None:
    document = Document(source=Source(key="paper", title="p4.indd", note="n"), text="x", blocks=(), cites=("pmid:1",))
    done = completed(document, {"key": "other", "title": "Heparin", "evidence_type": EvidenceType.RCT, "pmid": "5"})
    assert done.source == Source(key="paper", title="Heparin", note="n", evidence_type=EvidenceType.RCT, pmid="5")
    assert (done.text, done.cites) == ("x", ("pmid:1",))
    assert completed(document, {}) == document


# tagged text as documents


def test_tagged_text_is_read_record_by_record() -> None:
    (document,) = nbib.read(io.BytesIO(NBIB.encode()), "x.nbib")  # the other record has no abstract
    assert (document.source.key, document.source.pmid) == ("pmid123", "123")
    assert [(b.heading_path, document.text[b.start : b.end]) for b in document.blocks] == [
        (("Abstract", "Background"), "Why not."),
        (("Abstract", "Results"), "5 of 9."),
    ]
    first, second = nbib.records_of(NBIB)
    assert nbib.fields_of(second)["retracted"]
    assert first["AU"] == ["Cuker A", "Ng Y"]


@pytest.mark.parametrize(("content", "message"), [(b"", "has no MEDLINE record"), (b"\xff", "not UTF-8 at byte 0")])
def test_tagged_text_that_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=f"^x.nbib: {message}"):
        list(nbib.read(io.BytesIO(content), "x.nbib"))
