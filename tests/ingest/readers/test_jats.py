"""The reader of JATS, on small articles."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest

from rag.domain import Block, BlockKind, Document, EvidenceType
from rag.errors import CorpusError
from rag.ingest.readers.design import design_of
from rag.ingest.readers.jats import read

DOCTYPE = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">'
TITLE = "<title-group><article-title>Heparin and platelets</article-title></title-group>"
NAMES = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"'


def article(body: str = "<p>Text.</p>", meta: str = TITLE, attributes: str = "", rest: str = "") -> str:
    journal = "<journal-meta><journal-title-group><journal-title>J Tests</journal-title></journal-title-group>"
    journal += "<publisher><publisher-name>Testers</publisher-name></publisher></journal-meta>"
    front = f"<front>{journal}<article-meta>{meta}</article-meta></front>"
    return f"<article {NAMES} {attributes}>{front}<body>{body}</body>{rest}</article>"


def documents(xml: str | bytes, name: str = "a.nxml") -> list[Document | CorpusError]:
    return list(read(BytesIO(xml.encode() if isinstance(xml, str) else xml), name))


def one(xml: str | bytes, name: str = "a.nxml") -> Document:
    (document,) = documents(xml, name)
    assert isinstance(document, Document)
    for block in document.blocks:
        assert document.text[block.start : block.end].strip() == document.text[block.start : block.end] != ""
    assert all(a.end + 2 == b.start for a, b in pairwise(document.blocks))
    return document


def blocks(xml: str) -> list[tuple[str, tuple[str, ...], str]]:
    document = one(xml)
    return [(b.kind.value, b.heading_path, document.text[b.start : b.end]) for b in document.blocks]


def texts(body: str) -> list[str]:
    return [text for _, _, text in blocks(article(body))]


def text(body: str) -> str:
    return one(article(f"<p>{body}</p>")).text


def source(meta: str, attributes: str = "", title: str = TITLE) -> object:
    return one(article(meta=title + meta, attributes=attributes)).source


# front matter


def test_the_front_matter_becomes_the_source() -> None:
    meta = (
        '<article-id pub-id-type="pmid">123</article-id><article-id pub-id-type="pmc">4567</article-id>'
        '<article-id pub-id-type="doi">10.1000/abc</article-id>'
        "<title-group><article-title>Heparin <italic>in vitro</italic>"
        '<xref ref-type="fn" rid="f">*</xref></article-title>'
        "<subtitle>a test</subtitle></title-group><contrib-group>"
        '<contrib contrib-type="author"><name><surname>Weiß</surname><given-names>Anne-Marie J.</given-names></name>'
        '<xref ref-type="aff">1</xref></contrib>'
        "<contrib><name><surname>Ng</surname><given-names>YT</given-names><suffix>Jr</suffix></name></contrib>"
        '<contrib contrib-type="editor"><name><surname>Editor</surname></name></contrib>'
        '<contrib contrib-type="author"><collab>The HIT Group<contrib-group><contrib><name><surname>Member</surname>'
        "</name></contrib></contrib-group></collab></contrib></contrib-group>"
        '<pub-date pub-type="ppub"><month>1</month><year>2019</year></pub-date>'
        '<pub-date pub-type="epub"><day>7</day><month>12</month><year>2018</year></pub-date>'
        '<pub-date pub-type="pmc-release"><day>1</day><month>1</month><year>2017</year></pub-date>'
        "<volume>3</volume><issue>2</issue><fpage>10</fpage><lpage>19</lpage>"
    )
    found = one(article(meta=meta, attributes='xml:lang="de"')).source
    assert (found.key, found.doi, found.pmid, found.pmcid) == ("pmc4567", "10.1000/abc", "123", "PMC4567")
    assert found.title == "Heparin in vitro: a test"
    assert found.authors == ("Weiß AMJ", "Ng YT Jr", "The HIT Group")
    assert (found.container, found.publisher, found.language) == ("J Tests", "Testers", "de")
    assert (found.published, found.year, found.volume, found.issue, found.pages) == (
        "2018-12-07",
        2019,
        "3",
        "2",
        "10-19",
    )
    assert found.evidence_type is EvidenceType.UNCLASSIFIED


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ('<article-id pub-id-type="pmcid">PMC99123</article-id>', "pmc99123"),
        (
            '<article-id pub-id-type="pmid">77</article-id><article-id pub-id-type="doi">10.1000/x</article-id>',
            "pmid77",
        ),
        ('<article-id pub-id-type="publisher-id">x</article-id>', "a"),
    ],
)
def test_the_key_is_the_best_identifier(ids: str, key: str) -> None:
    assert one(article(meta=ids + TITLE)).source.key == key


def test_a_doi_alone_makes_the_key() -> None:
    found = one(article(meta=f'<article-id pub-id-type="doi">10.1000/x</article-id>{TITLE}')).source
    assert found.key.startswith("10.1000-x-")


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        (
            '<license xlink:href="http://creativecommons.org/licenses/by/4.0/"><license-p>Free.</license-p></license>',
            "CC BY 4.0",
        ),
        (
            '<license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>Under <ext-link '
            'xlink:href="https://creativecommons.org/licenses/by-nc/4.0/">this</ext-link></license-p></license>',
            "CC BY-NC 4.0",
        ),
        (
            '<license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>Creative Commons '
            "Attribution Non-Commercial License</license-p></license>",
            "CC BY-NC",
        ),
        ("<license><license-p>All (CC BY-ND 3.0).</license-p></license>", "CC BY-ND 3.0"),
        ("<copyright-statement>© 2020 A. All rights reserved.</copyright-statement>", "© 2020 A. All rights reserved."),
    ],
)
def test_of_several_licences_the_strictest_counts(licence: str, expected: str) -> None:
    assert one(article(meta=f"{TITLE}<permissions>{licence}</permissions>")).source.licence == expected


@pytest.mark.parametrize(
    ("kind", "subject", "title", "expected"),
    [
        ("research-article", "", "Heparin", EvidenceType.UNCLASSIFIED),
        ("research-article", "", "Heparin: a randomised controlled trial", EvidenceType.RCT),
        ("research-article", "Clinical Guidelines", "Heparin", EvidenceType.GUIDELINE),
        ("review-article", "", "Heparin", EvidenceType.NARRATIVE_REVIEW),
        ("review-article", "", "Heparin: a systematic review", EvidenceType.SYSTEMATIC_REVIEW),
        ("case-report", "", "Heparin", EvidenceType.CASE_REPORT),
        ("letter", "", "Heparin: a randomised controlled trial", EvidenceType.UNCLASSIFIED),
        ("correction", "", "Heparin: a randomised controlled trial", EvidenceType.UNCLASSIFIED),
    ],
)
def test_evidence_type_by_type_subject_and_title(kind: str, subject: str, title: str, expected: EvidenceType) -> None:
    meta = f"<article-categories><subj-group><subject>{subject}</subject></subj-group></article-categories>"
    meta += TITLE.replace("Heparin and platelets", title)
    assert one(article(meta=meta, attributes=f'article-type="{kind}"')).source.evidence_type is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("A randomized, double-blind trial of argatroban", EvidenceType.RCT),
        ("Argatroban in HIT: results from a multicentre randomised trial", EvidenceType.RCT),
        ("Dropout in a physical activity trial: a qualitative study", EvidenceType.UNCLASSIFIED),
        ("Protocol for a randomised trial of argatroban", EvidenceType.UNCLASSIFIED),
        ("Argatroban: a non-randomised trial", EvidenceType.UNCLASSIFIED),
        (
            "Argatroban or danaparoid? Systematic review and meta-analysis of randomised trials",
            EvidenceType.SYSTEMATIC_REVIEW,
        ),
        ("Platelets — a retrospective cohort study", EvidenceType.COHORT),
        ("Risk of HIT: a nested case-control study", EvidenceType.CASE_CONTROL),
    ],
)
def test_the_title_says_the_design_only_of_itself(title: str, expected: EvidenceType) -> None:
    assert design_of(title) is expected


def test_retraction_and_related_articles() -> None:
    forward = '<related-article related-article-type="retraction-forward" xlink:href="10.1000/r"/>'
    found = one(article(meta=TITLE + forward)).source
    assert found.retracted
    assert found.note == "Retracted; the notice is doi:10.1000/r."
    notice = '<related-article related-article-type="retracted-article" xlink:href="10.1000/r"/>'
    found = one(article(meta=TITLE + notice, attributes='article-type="retraction"')).source
    assert not found.retracted
    assert found.note == "Notice of the retraction of doi:10.1000/r."
    assert one(article(meta=TITLE.replace("Heparin", "RETRACTED ARTICLE: Heparin"))).source.retracted


# running text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("10<sup>9</sup>/l and 5 x 10<sup>−3</sup>, CO<sub>2</sub>", "10⁹/l and 5 x 10⁻³, CO2"),
        ("the 19<sup>th</sup> <italic>day</italic>", "the 19th day"),
        ('Known.<sup><xref ref-type="bibr">1</xref>,<xref ref-type="bibr">2</xref></sup> Next', "Known. Next"),
        ('Known<xref ref-type="bibr"><sup>1</sup></xref>–<xref ref-type="bibr"><sup>3</sup></xref>.', "Known."),
        ('Known.<xref ref-type="bibr">12</xref> Next', "Known. Next"),
        ('Known [<xref ref-type="bibr">1</xref>-<xref ref-type="bibr">3</xref>].', "Known [1-3]."),
        ('A (B). Known (<xref ref-type="bibr">1</xref>).', "A (B). Known (1)."),
        ('Known (<xref ref-type="bibr">Ng 2002</xref>).', "Known (Ng 2002)."),
        ('Known <sup>(</sup> <xref ref-type="bibr"><sup>1</sup></xref> <sup>)</sup> .', "Known."),
        ('See <xref ref-type="fig">Figure 1</xref>.', "See Figure 1."),
        ('Score 12<xref ref-type="table-fn">a</xref> here', "Score 12 ᵃ here"),
        ("A<break/>B &#x2265;&#xa0;5 &lt; 6", "A B ≥ 5 < 6"),
        ("sum <inline-formula><tex-math>TEX</tex-math></inline-formula>.", "sum TEX."),
        ("as <disp-formula><graphic/></disp-formula>in use", "as […] in use"),
        ("soft\u00adhyphen and ﬁrst", "softhyphen and first"),
    ],
)
def test_running_text(body: str, expected: str) -> None:
    assert text(body) == expected


def test_formulas_are_one_line_and_said_once() -> None:
    math = (
        "<mml:math><mml:mrow><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:mfrac><mml:mi>a</mml:mi><mml:mrow>"
        "<mml:mi>b</mml:mi><mml:mo>+</mml:mo><mml:mn>1</mml:mn></mml:mrow></mml:mfrac>"
        "<mml:msup><mml:mn>10</mml:mn><mml:mn>9</mml:mn></mml:msup></mml:mrow></mml:math>"
    )
    formula = f"<inline-formula><alternatives><tex-math>TEX</tex-math>{math}</alternatives></inline-formula>"
    assert text(f"If {formula}, then") == "If x = a/(b+1)10⁹, then"


def test_named_characters_without_a_dtd() -> None:
    assert one(DOCTYPE + article("<p>5 &mu;g, &unheard; of</p>")).text == "5 μg, &unheard; of"


# sections and blocks


def test_abstract_first_then_sections_as_heading_path() -> None:
    abstract = (
        "<abstract><title>Abstract</title><sec><title>METHODS:</title><p>We did.</p></sec></abstract>"
        '<abstract abstract-type="teaser"><p>Short.</p></abstract>'
        '<abstract abstract-type="key-points"><p>Point.</p></abstract>'
        '<trans-abstract xml:lang="pt"><p>Resumo.</p></trans-abstract>'
    )
    body = "<p>Lead.</p><sec><title>2. Results</title><p>A.</p><sec><title>2.1. Safety</title><p>B.</p></sec></sec>"
    assert blocks(article(body, TITLE + abstract)) == [
        ("paragraph", ("Abstract", "Methods"), "We did."),
        ("paragraph", ("Key points",), "Point."),
        ("paragraph", (), "Lead."),
        ("paragraph", ("Results",), "A."),
        ("paragraph", ("Results", "Safety"), "B."),
    ]


def test_an_english_abstract_instead_of_another_one() -> None:
    abstract = "<abstract><p>Resumo.</p></abstract>"
    abstract += '<trans-abstract xml:lang="en"><p>Summary.</p></trans-abstract>'
    assert blocks(article("", TITLE + abstract, 'xml:lang="pt"')) == [("paragraph", ("Abstract",), "Summary.")]


def test_labels_within_an_abstract() -> None:
    abstract = "<abstract><p><bold>Background:</bold> A. <bold>Results:</bold> B.</p></abstract>"
    assert blocks(article("", TITLE + abstract)) == [
        ("paragraph", ("Abstract", "Background"), "A."),
        ("paragraph", ("Abstract", "Results"), "B."),
    ]


def test_lists_within_a_paragraph() -> None:
    body = (
        "<p>Give:<list><list-item><label>1.</label><p>argatroban</p><list><list-item><p>slowly</p></list-item></list>"
        "</list-item><list-item><label>Recommendation 2</label><p>nothing</p></list-item></list>.</p>"
        "<def-list><def-item><term>HIT</term><def><p>low platelets</p></def></def-item></def-list>"
    )
    assert [(kind, text) for kind, _, text in blocks(article(body))] == [
        ("paragraph", "Give:"),
        ("list_item", "argatroban"),
        ("list_item", "slowly"),
        ("list_item", "Recommendation 2: nothing"),
        ("list_item", "HIT: low platelets"),
    ]


def test_a_box_names_what_is_in_it_and_cuts_no_sentence() -> None:
    box = "<boxed-text><label>Box 1</label><caption><title>Dosing</title></caption><p>Two.</p>"
    box += "<list><list-item><p>Three.</p></list-item></list></boxed-text>"
    assert blocks(article(f"<sec><title>S</title><p>One{box} and more.</p></sec>")) == [
        ("paragraph", ("S",), "One and more."),
        ("box", ("S", "Box 1. Dosing"), "Two."),
        ("box", ("S", "Box 1. Dosing"), "Three."),
    ]


def test_quotes_verses_and_statements() -> None:
    body = (
        "<disp-quote><p>Said.</p></disp-quote><verse-group><verse-line>a</verse-line><verse-line>b</verse-line>"
        "</verse-group><statement><label>Recommendation 1</label><p>Use it.</p></statement>"
        "<p>Note<fn><p>Foot.</p></fn>.</p>"
    )
    assert blocks(article(body)) == [
        ("paragraph", (), "Said."),
        ("paragraph", (), "a / b"),
        ("paragraph", ("Recommendation 1",), "Use it."),
        ("paragraph", (), "Note."),
        ("paragraph", (), "Foot."),
    ]


def test_a_table_row_stands_alone() -> None:
    table = (
        "<table-wrap><label>Table 1</label><caption><title>Doses</title><p>By organ.</p></caption><table><thead>"
        '<tr><th rowspan="2">Drug</th><th colspan="2">Dose</th></tr><tr><th>low</th><th>high<sup>a</sup></th></tr>'
        '</thead><tbody><tr><td rowspan="2">argatroban</td><td>1</td><td>2<break/>mg</td></tr><tr><td>3</td><td/></tr>'
        '<tr><td>both</td><td colspan="2">4</td></tr></tbody></table>'
        '<table-wrap-foot><fn id="x"><label>a</label><p>Not in liver failure.</p></fn><p>Source: us.</p>'
        "</table-wrap-foot></table-wrap>"
    )
    heading = ("S", "Table 1. Doses")
    assert blocks(article(f"<sec><title>S</title>{table}</sec>")) == [
        ("caption", ("S",), "Table 1. Doses. By organ."),
        ("table_row", heading, "Drug: argatroban | Dose, low: 1 | Dose, high ᵃ: 2 mg"),
        ("table_row", heading, "Drug: argatroban | Dose, low: 3"),
        ("table_row", heading, "Drug: both | Dose, low, high ᵃ: 4"),
        ("paragraph", heading, "ᵃ Not in liver failure."),
        ("paragraph", heading, "Source: us."),
    ]


def test_column_names_in_the_first_row_of_the_body() -> None:
    table = (
        '<table-wrap><table><thead><tr><th/><th colspan="2">Group</th></tr></thead><tbody>'
        "<tr><td/><td>Placebo</td><td>Drug</td></tr><tr><td>Men</td><td>1</td><td>2</td></tr></tbody></table></table-wrap>"
    )
    assert texts(table) == ["Men | Group, Placebo: 1 | Group, Drug: 2"]


def test_a_table_without_head_and_a_figure() -> None:
    body = (
        "<table-wrap><alternatives><graphic/><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"
        "</alternatives></table-wrap><fig><label>Figure 2.</label><caption><p>A curve.</p></caption><graphic/></fig>"
    )
    assert [(kind, text) for kind, _, text in blocks(article(body))] == [
        ("table_row", "A: 1 | B: 2"),
        ("caption", "Figure 2. A curve."),
    ]


def test_back_matter_floats_and_sub_articles() -> None:
    rest = (
        "<back><ack><p>Thanks.</p></ack><sec><title>Competing interests</title><p>None.</p></sec>"
        "<app-group><app><label>Appendix 1</label><title>Search</title><p>Terms.</p></app></app-group>"
        "<glossary><def-list><def-item><term>A</term><def><p>B</p></def></def-item></def-list></glossary></back>"
        "<floats-group><fig><label>Fig 1</label><caption><p>C.</p></caption></fig></floats-group>"
        f'<sub-article article-type="reviewer-report"><front-stub>{TITLE}</front-stub><body><p>Poor.</p></body>'
        "</sub-article><response><body><p>Not so.</p></body></response>"
    )
    assert blocks(article("<p>Text.</p>", rest=rest)) == [
        ("paragraph", (), "Text."),
        ("caption", (), "Fig 1. C."),
        ("paragraph", ("Appendix 1. Search",), "Terms."),
        ("list_item", (), "A: B"),
    ]


def test_references_are_cited_works() -> None:
    rest = (
        "<back><ref-list>"
        '<ref><element-citation><pub-id pub-id-type="pmid">5</pub-id><pub-id pub-id-type="doi">10.1000/r</pub-id>'
        "</element-citation></ref>"
        '<ref><mixed-citation>A. <pub-id pub-id-type="pmid">0012</pub-id>.</mixed-citation></ref>'
        '<ref><mixed-citation><bold>Ng Y</bold>. Old book. 1950 <ext-link xlink:href="https://doi.org/10.1000/q"/>.'
        "</mixed-citation></ref>"
        "<ref><element-citation><name><surname>Ng</surname><given-names>Y T</given-names></name><article-title>Clots."
        "</article-title><source>J</source><year>1950</year><volume>2</volume><fpage>3</fpage></element-citation></ref>"
        "<ref><mixed-citation>Ng Y. <source>Old book</source>. 1949.</mixed-citation></ref>"
        "</ref-list></back>"
    )
    assert one(article(rest=rest)).cites == (
        "doi:10.1000/r",
        "pmid:12",
        "doi:10.1000/q",
        "Ng YT. Clots. J. 1950;2:3",
        "Ng Y. Old book. 1949.",
    )


# files


def test_articles_of_a_set_in_other_namespaces() -> None:
    second = article("", '<article-id pub-id-type="pmc">222</article-id>' + TITLE)
    third = article("<p>Third.</p>").replace(
        "<article ", '<article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.3/" '
    )
    found = documents(f"<set><record>{article()}</record>{second}{third}</set>")
    assert [type(document) for document in found] == [Document, CorpusError, Document]
    assert "a.nxml: article 2: pmc222 has metadata only" in str(found[1])
    assert isinstance(found[2], Document)
    assert (found[2].source.key, found[2].source.container, found[2].text) == ("a-3", "J Tests", "Third.")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (b"", "a.nxml: not well-formed XML"),
        (b"<html><p>x</p></html>", "a.nxml: holds no <article>; expected JATS"),
        (b"<article><front/></article>", "has no <article-meta>"),
        (article(meta="").encode(), "has no <article-title>"),
        (article("").encode(), "a has metadata only; expected an abstract or a body"),
        (article().encode()[:-20], "not well-formed XML at line 1"),
        (article("<p>nul \0 byte</p>").encode(), "not well-formed XML"),
        (
            article("<bold>" * 10_000 + "x" + "</bold>" * 10_000).encode(),
            "not well-formed XML at line 1: Excessive depth",
        ),
        (b"\x1f\x8b\x08\x00garbage", "damaged as gzip"),
    ],
)
def test_what_cannot_be_read(xml: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        documents(xml)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("tag", ["sec", "bold", "list", "p", "sup", "boxed-text", "td"])
def test_the_deepest_nesting_that_is_allowed(tag: str) -> None:
    count = 250
    assert texts(f"<{tag}>" * count + "<p>deep</p>" + f"</{tag}>" * count) == ["deep"]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8-sig", "windows-1252"])
def test_declared_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    xml = f'<?xml version="1.0" encoding="{declared}"?>{article("<p>Größe 5 µg</p>")}'
    assert one(xml.encode(encoding)).text == "Größe 5 µg"


# hostile files


def test_declared_entities_are_refused() -> None:
    declared = "".join(f'<!ENTITY {name} "x">' for name in "abcd")
    with pytest.raises(CorpusError, match=r"a\.nxml: declares entities in its DOCTYPE \(a, b, c, …\); expected none"):
        documents(f"<!DOCTYPE article [{declared}]>{article()}")


def test_an_entity_bomb_ends_at_once() -> None:
    bomb = '<!ENTITY a "boom">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise("abcdefghij"))
    for place in ("<p>&j;</p>", '<p id="&j;">x</p>'):
        with pytest.raises(CorpusError):
            documents(f"<!DOCTYPE article [{bomb}]>{article(place)}")


@pytest.mark.parametrize("declaration", ['<!ENTITY x SYSTEM "{}">', '<!ENTITY % x SYSTEM "{}"> %x;'])
def test_external_entities_are_never_read(declaration: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    xml = f"<!DOCTYPE article [{declaration.format(secret.as_uri())}]>" + article("<p>&x;</p>")
    with pytest.raises(CorpusError) as error:
        documents(xml)
    assert "SECRET" not in str(error.value)


def test_a_dtd_is_never_read(tmp_path: Path) -> None:
    dtd = tmp_path / "a.dtd"
    dtd.write_text('<!ENTITY x "SECRET"><!ATTLIST article article-type CDATA "case-report">')
    document = one(f'<!DOCTYPE article SYSTEM "{dtd.as_uri()}">' + article("<p>Text &x;.</p>"))
    assert document.text == "Text &x;."
    assert document.source.evidence_type is EvidenceType.UNCLASSIFIED


def test_comments_and_instructions_are_no_text() -> None:
    assert text("one<!-- two --> <?three four?>five") == "one five"


def test_blocks_are_blocks() -> None:
    assert one(article()).blocks == (Block(start=0, end=5, kind=BlockKind.PARAGRAPH),)
