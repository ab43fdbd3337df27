"""The reader of MEDLINE in XML, on small records."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from rag.domain import Document, EvidenceType
from rag.errors import CorpusError
from rag.ingest.readers.medline import deleted, read
from rag.ingest.readers.xml import elements

ABSTRACT = "<Abstract><AbstractText>Platelets fell.</AbstractText></Abstract>"
TITLE = "<ArticleTitle>Heparin and platelets.</ArticleTitle>"
JOURNAL = (
    "<Journal><JournalIssue><Volume>3</Volume><Issue>2</Issue><PubDate><Year>2019</Year><Month>Jan</Month></PubDate>"
    "</JournalIssue><Title>Journal of Tests</Title><ISOAbbreviation>J Tests</ISOAbbreviation></Journal>"
)


def record(
    article: str = TITLE + ABSTRACT, citation: str = "", data: str = "", pmid: str = "11", journal: str = JOURNAL
) -> str:
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article>{journal}{article}</Article>'
        f"{citation}</MedlineCitation><PubmedData>{data}</PubmedData></PubmedArticle>"
    )


def file_of(*records: str) -> bytes:
    doctype = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://dtd.example/pubmed.dtd">'
    return f"{doctype}<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()


def documents(content: bytes) -> Iterator[Document | CorpusError]:
    return read(BytesIO(content), "m.xml")


def one(xml: str) -> Document:
    (document,) = documents(file_of(xml))
    assert isinstance(document, Document), document
    for block in document.blocks:
        assert document.text[block.start : block.end].strip() == document.text[block.start : block.end] != ""
    assert all(a.end + 2 == b.start for a, b in pairwise(document.blocks))
    return document


def parts(abstract: str) -> list[tuple[tuple[str, ...], str]]:
    document = one(record(TITLE + abstract))
    return [(block.heading_path, document.text[block.start : block.end]) for block in document.blocks]


# the record


def test_a_record_becomes_a_source() -> None:
    article = (
        "<ArticleTitle>Heparin <i>in vitro</i> at 10<sup>9</sup>/l.</ArticleTitle>"
        "<Pagination><MedlinePgn>3360-92</MedlinePgn></Pagination>"
        '<ELocationID EIdType="doi" ValidYN="Y">10.1000/a</ELocationID>'
        "<Abstract><AbstractText>Fell.</AbstractText><CopyrightInformation>© 2019 Us.</CopyrightInformation></Abstract>"
        '<AuthorList CompleteYN="N"><Author ValidYN="Y"><LastName>Weiß</LastName><ForeName>Anna</ForeName>'
        '<Initials>A</Initials><Suffix>Jr</Suffix></Author><Author ValidYN="N"><LastName>Weiss</LastName></Author>'
        "<Author><CollectiveName>HIT Group</CollectiveName></Author></AuthorList><Language>ger</Language>"
        "<PublicationTypeList><PublicationType>Journal Article</PublicationType></PublicationTypeList>"
        "<ArticleDate><Year>2018</Year><Month>12</Month><Day>07</Day></ArticleDate>"
    )
    mesh = "<MeshHeadingList>" + "".join(
        f'<MeshHeading><DescriptorName MajorTopicYN="Y">{name}</DescriptorName><QualifierName>x</QualifierName>'
        "</MeshHeading>"
        for name in ("Heparin", "Humans", "Heparin")
    )
    ids = '<ArticleIdList><ArticleId IdType="doi">10.1000/a</ArticleId><ArticleId IdType="pmc">PMC123</ArticleId>'
    source = one(record(article, f"{mesh}</MeshHeadingList>", f"{ids}</ArticleIdList>")).source
    assert (source.key, source.pmid, source.pmcid, source.doi) == ("pmid11", "11", "PMC123", "10.1000/a")
    assert source.title == "Heparin in vitro at 10⁹/l"
    assert (source.authors, source.et_al) == (("Weiß A Jr", "HIT Group"), True)
    assert (source.container, source.volume, source.issue, source.pages) == ("J Tests", "3", "2", "3360-92")
    assert (source.published, source.year, source.language) == ("2018-12-07", 2019, "de")
    assert (source.mesh, source.publication_types) == (("Heparin", "Humans"), ("Journal Article",))
    assert (source.licence, source.note, source.retracted, source.stands) == ("© 2019 Us.", None, False, True)


@pytest.mark.parametrize(
    ("xml", "title"),
    [
        ("<ArticleTitle>[Platelets in Bern].</ArticleTitle>", "Platelets in Bern"),
        ("<ArticleTitle>[18F]FDG and [11C]choline</ArticleTitle>", "[18F]FDG and [11C]choline"),
        ("<ArticleTitle>Heparin in the U.S.</ArticleTitle>", "Heparin in the U.S."),
        ("<ArticleTitle>Why?</ArticleTitle>", "Why?"),
        ("<ArticleTitle/><VernacularTitle>Warum.</VernacularTitle>", "Warum"),
        ("<ArticleTitle>[Not Available].</ArticleTitle><VernacularTitle>Warum.</VernacularTitle>", "Warum"),
    ],
)
def test_titles(xml: str, title: str) -> None:
    assert one(record(xml + ABSTRACT)).source.title == title


@pytest.mark.parametrize(
    ("date", "published", "year"),
    [
        ("<Year>2018</Year><Month>Nov</Month><Day>7</Day>", "2018-11-07", 2018),
        ("<Year>2018</Year><Month>11</Month>", "2018-11", 2018),
        ("<Year>2018</Year><Season>Winter</Season>", "2018", 2018),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998", 1998),
        ("<MedlineDate>Spring 1998</MedlineDate>", "1998", 1998),
        ("<MedlineDate>undated</MedlineDate>", None, None),
        ("<Year>20188</Year>", None, None),
    ],
)
def test_dates(date: str, published: str | None, year: int | None) -> None:
    journal = f"<Journal><JournalIssue><PubDate>{date}</PubDate></JournalIssue></Journal>"
    source = one(record(journal=journal)).source
    assert (source.published, source.year) == (published, year)


def test_an_invalid_doi_is_left_out() -> None:
    invalid = '<ELocationID EIdType="doi" ValidYN="N">10.1000/a</ELocationID>'
    ids = '<ArticleIdList><ArticleId IdType="doi">10.1000/a</ArticleId></ArticleIdList>'
    assert one(record(TITLE + ABSTRACT + invalid, data=ids)).source.doi is None
    assert one(record(data=ids.replace("10.1000/a", "none"))).source.doi is None


@pytest.mark.parametrize(
    ("codes", "language"), [(("eng",), "en"), (("nor", "eng"), "en"), (("ger", "fre"), "de"), (("und",), None)]
)
def test_languages(codes: tuple[str, ...], language: str | None) -> None:
    xml = "".join(f"<Language>{code}</Language>" for code in codes)
    assert one(record(TITLE + ABSTRACT + xml)).source.language == language


@pytest.mark.parametrize(
    ("types", "mesh", "expected"),
    [
        (["Journal Article"], [], EvidenceType.UNCLASSIFIED),
        (["Practice Guideline", "Review"], [], EvidenceType.GUIDELINE),
        (["Meta-Analysis", "Randomized Controlled Trial"], [], EvidenceType.SYSTEMATIC_REVIEW),
        (["Randomized Controlled Trial"], [], EvidenceType.RCT),
        (["Clinical Trial"], [], EvidenceType.UNCLASSIFIED),
        (["Observational Study"], ["Cohort Studies"], EvidenceType.COHORT),
        (["Journal Article"], ["Case-Control Studies"], EvidenceType.CASE_CONTROL),
        (["Case Reports"], [], EvidenceType.CASE_REPORT),
        (["Review"], [], EvidenceType.NARRATIVE_REVIEW),
        (["Editorial", "Review"], [], EvidenceType.UNCLASSIFIED),
    ],
)
def test_evidence_types(types: list[str], mesh: list[str], expected: EvidenceType) -> None:
    listed = "".join(f"<PublicationType>{name}</PublicationType>" for name in types)
    headings = "".join(f"<MeshHeading><DescriptorName>{name}</DescriptorName></MeshHeading>" for name in mesh)
    article = f"{TITLE}{ABSTRACT}<PublicationTypeList>{listed}</PublicationTypeList>"
    assert one(record(article, f"<MeshHeadingList>{headings}</MeshHeadingList>")).source.evidence_type is expected


def linked(*links: tuple[str, str]) -> Document:
    xml = "".join(
        f'<CommentsCorrections RefType="{kind}"><RefSource>J. 2020;1:2</RefSource>'
        + (f"<PMID>{pmid}</PMID>" if pmid else "")
        + "</CommentsCorrections>"
        for kind, pmid in links
    )
    return one(record(citation=f"<CommentsCorrectionsList>{xml}</CommentsCorrectionsList>"))


@pytest.mark.parametrize(
    ("links", "retracted", "superseded_by", "supersedes", "note"),
    [
        ([("Cites", "5"), ("CommentIn", "6")], False, None, (), None),
        ([("RetractionIn", "5")], True, None, (), "Retracted; the notice is PMID 5."),
        ([("RetractionIn", "")], True, None, (), "Retracted; the notice is J. 2020;1:2."),
        ([("UpdateIn", "99"), ("UpdateIn", "100")], False, "pmid100", (), "Updated by PMID 99. Updated by PMID 100."),
        ([("UpdateOf", "4")], False, None, ("pmid4",), None),
        ([("RetractedandRepublishedIn", "5")], True, "pmid5", (), "Retracted and published again as PMID 5."),
        ([("ErratumIn", "5")], False, None, (), "Corrected by PMID 5."),
        ([("PartialRetractionIn", "5")], False, None, (), "Retracted in part; the notice is PMID 5."),
        ([("ExpressionOfConcernIn", "5")], False, None, (), "The journal has expressed concern about it in PMID 5."),
    ],
)
def test_what_became_of_it(
    links: list[tuple[str, str]],
    retracted: bool,
    superseded_by: str | None,
    supersedes: tuple[str, ...],
    note: str | None,
) -> None:
    source = linked(*links).source
    assert (source.retracted, source.superseded_by, source.supersedes, source.note) == (
        retracted,
        superseded_by,
        supersedes,
        note,
    )


def test_the_publication_type_retracts_too() -> None:
    kind = "<PublicationTypeList><PublicationType>Retracted Publication</PublicationType></PublicationTypeList>"
    assert one(record(TITLE + ABSTRACT + kind)).source.retracted


def test_references_and_their_ids_are_not_those_of_the_record() -> None:
    references = (
        "<ReferenceList><Reference><Citation>One</Citation><ArticleIdList>"
        '<ArticleId IdType="pubmed">5</ArticleId><ArticleId IdType="doi">10.1000/r</ArticleId></ArticleIdList>'
        "</Reference>"
        '<Reference><Citation>Two</Citation><ArticleIdList><ArticleId IdType="pubmed">6</ArticleId></ArticleIdList>'
        "</Reference><Reference><Citation>Ng Y. Three.</Citation></Reference></ReferenceList>"
    )
    document = one(record(data=references))
    assert document.cites == ("doi:10.1000/r", "pmid:6", "Ng Y. Three.")
    assert document.source.doi is None


# the abstract


def test_labels_are_headings() -> None:
    abstract = (
        '<Abstract><AbstractText Label="DESIGN, SETTING">We <b>did</b>.</AbstractText>'
        '<AbstractText Label="UNLABELLED">Some.</AbstractText>'
        '<AbstractText Label="Results">All.</AbstractText></Abstract>'
    )
    assert parts(abstract) == [
        (("Abstract", "Design, setting"), "We did."),
        (("Abstract",), "Some."),
        (("Abstract", "Results"), "All."),
    ]


def test_labels_within_the_text() -> None:
    assert parts("<Abstract><AbstractText>AIM: To see. RESULTS: Seen.</AbstractText></Abstract>") == [
        (("Abstract", "Aim"), "To see."),
        (("Abstract", "Results"), "Seen."),
    ]


def test_text_within_the_abstract() -> None:
    math = (
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:msup><mml:mn>10</mml:mn><mml:mn>9</mml:mn>'
        "</mml:msup></mml:math>"
    )
    abstract = (
        f"<Abstract><AbstractText>At {math}/l, 10<sup>-3</sup> H<sub>2</sub>O,\n &lt; 5</AbstractText></Abstract>"
    )
    assert parts(abstract) == [(("Abstract",), "At 10⁹/l, 10⁻³ H2O, < 5")]


def test_an_abstract_that_was_cut_says_so() -> None:
    abstract = "<Abstract><AbstractText>It was (ABSTRACT TRUNCATED AT 250 WORDS)</AbstractText></Abstract>"
    document = one(record(TITLE + abstract))
    assert document.text == "It was"
    assert document.source.note == "MEDLINE holds only the first part of its abstract."


def test_another_abstract_only_without_the_first() -> None:
    others = "".join(
        f'</Article><OtherAbstract Language="{code}"><AbstractText>In {code}.</AbstractText></OtherAbstract><Article>'
        for code in ("spa", "eng")
    )
    assert one(record(TITLE + others)).text == "In eng."
    assert one(record(TITLE + ABSTRACT + others)).text == "Platelets fell."


def test_a_chapter_of_a_book() -> None:
    book = (
        "<PubmedBookArticle><BookDocument><PMID>7</PMID><ArticleIdList>"
        '<ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>'
        "<Book><Publisher><PublisherName>Press</PublisherName></Publisher><BookTitle>Drugs</BookTitle>"
        "<PubDate><Year>2006</Year></PubDate>"
        "<AuthorList Type='editors'><Author><LastName>Ed</LastName></Author></AuthorList>"
        "</Book><ArticleTitle>Argatroban</ArticleTitle><Language>eng</Language><AuthorList Type='authors'><Author>"
        "<LastName>Ng</LastName><Initials>Y</Initials></Author></AuthorList><PublicationType>Review</PublicationType>"
        "<Abstract><AbstractText>Not known.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    source = one(book).source
    assert (source.key, source.title, source.container, source.publisher) == ("pmid7", "Argatroban", "Drugs", "Press")
    assert (source.authors, source.published, source.year) == (("Ng Y",), "2006", 2006)
    assert source.evidence_type is EvidenceType.TEXTBOOK


# files


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (record(TITLE), "m.xml: PMID 11 has no abstract"),
        (record(TITLE + "<Abstract/>"), "m.xml: PMID 11 has no abstract"),
        (record(ABSTRACT), "m.xml: PMID 11 has no title"),
        (record(pmid="x"), "m.xml: a record has no PMID"),
        ("<PubmedArticle/>", "m.xml: a record has no PMID"),
        ("<PubmedArticle><MedlineCitation><PMID>11</PMID></MedlineCitation></PubmedArticle>", "PMID 11 has no title"),
    ],
)
def test_a_record_that_cannot_be_used_ends_nothing(xml: str, message: str) -> None:
    bad, good = documents(file_of(xml, record(pmid="12")))
    assert isinstance(bad, CorpusError)
    assert message in str(bad)
    assert isinstance(good, Document)
    assert good.source.key == "pmid12"


def until_the_error(content: bytes) -> tuple[list[str], str]:
    found: list[Document | CorpusError] = []
    with pytest.raises(CorpusError) as error:
        found.extend(documents(content))
    assert "\n" not in str(error.value)
    return [document.source.key for document in found if isinstance(document, Document)], str(error.value)


def test_what_was_whole_is_read_before_the_damage() -> None:
    whole = file_of(record(pmid="1"), record(pmid="2"), record(pmid="333"))
    keys, message = until_the_error(whole[: whole.index(b">333<")])
    assert keys == ["pmid1", "pmid2"]
    assert "m.xml: not well-formed XML at line 1" in message
    noise = Random(1).randbytes(100_000).hex().encode()  # else all is in one block
    packed = gzip.compress(whole.replace(b">333<", b">" + noise + b"<"))
    keys, message = until_the_error(packed[: len(packed) // 2])
    assert keys == ["pmid1", "pmid2"]
    assert "m.xml: damaged as gzip" in message
    assert "fetch it again" in message
    keys, message = until_the_error(gzip.compress(whole)[:-8] + b"12345678")
    assert keys == ["pmid1", "pmid2", "pmid333"]
    assert "damaged as gzip" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (file_of(), "m.xml: holds no records"),
        (b"<PubmedArticleSet/>", "m.xml: holds no records"),
        (b"<html/>", "m.xml: holds no records"),
        (b"", "not well-formed"),
        (gzip.compress(b"", mtime=0), "not well-formed"),
        (b"PMID- 1\n", "not well-formed"),
        (file_of(record("\0")), "not well-formed"),
        (file_of(record("<i>" * 10_000)), "Excessive depth"),
    ],
)
def test_what_is_no_medline(content: bytes, message: str) -> None:
    keys, found = until_the_error(content)
    assert keys == []
    assert message in found


def test_compressed_files_of_any_number_of_members() -> None:
    content = file_of(record(pmid="1"), record(pmid="2"))
    packed = gzip.compress(content[:300]) + gzip.compress(content[300:])
    assert list(documents(packed)) == list(documents(content))


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16"])
def test_declared_encodings(encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?><s>{record(TITLE + ABSTRACT.replace("Platelets", "µ é"))}</s>'
    (document,) = documents(xml.encode(encoding))
    assert isinstance(document, Document)
    assert document.text == "µ é fell."


def test_entities_are_refused_and_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    doctype = f'<!DOCTYPE s [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    abstract = "<Abstract><AbstractText>&x;</AbstractText></Abstract>"
    keys, message = until_the_error(f"{doctype}<s>{record(TITLE + abstract)}</s>".encode())
    assert keys == []
    assert "declares entities in its DOCTYPE (x)" in message


def test_records_are_freed_as_they_are_read() -> None:
    class Counting(BytesIO):
        is_at_end = False

        def read(self, size: int | None = -1) -> bytes:
            chunk = super().read(size)
            self.is_at_end = not chunk
            return chunk

    stream = Counting(file_of(*(record(pmid=str(i)) for i in range(1, 2000))))
    found = read(stream, "m.xml")
    assert isinstance(next(found), Document)
    assert not stream.is_at_end
    assert sum(1 for _ in found) == 1998


def test_deleted_records() -> None:
    deletion = "<DeleteCitation><PMID>5</PMID><PMID>6</PMID></DeleteCitation>"
    content = file_of(record(), deletion)
    assert deleted(BytesIO(gzip.compress(content)), "m.xml.gz") == ["5", "6"]
    assert deleted(BytesIO(file_of(record())), "m.xml") == []
    assert len(list(documents(content))) == 1


@pytest.mark.parametrize("inside", ["<x/>", "<Other>y</Other>", " <!-- more -->"])
def test_what_never_ends_a_record_is_given_up(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "__kwdefaults__", {"most_bytes": 1 << 20})
    content = file_of(record())[: -len("</PubmedArticleSet>")] + inside.encode() * 2_000_000
    found = documents(content)
    assert isinstance(next(found), Document)
    with pytest.raises(CorpusError, match="without the end of a <PubmedArticle>"):
        next(found)
