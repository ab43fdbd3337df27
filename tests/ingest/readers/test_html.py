"""Web pages: main text kept, furniture and hidden text gone, tables, boxes, references, metadata."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers import html

FILLER = "<p>Heparin was stopped in all of them, and argatroban was given to those with a thrombosis at once.</p>" * 5


def read(page: str | bytes, name: str = "page.html") -> Document:
    (document,) = html.read(io.BytesIO(page if isinstance(page, bytes) else page.encode()), name)
    return document


def blocks(body: str, head: str = "") -> list[tuple[str, tuple[str, ...], str]]:
    document = read(f"<html><head>{head}</head><body>{body}</body></html>")
    found = [(b.kind.value, b.heading_path, document.text[b.start : b.end]) for b in document.blocks]
    return [block for block in found if not block[2].startswith("Heparin was stopped in all")]


def texts(body: str) -> list[str]:
    return [text for _, _, text in blocks(body)]


# main text and furniture


def test_headings_paragraphs_and_lists() -> None:
    body = (
        "<h1>T</h1><p>a<h2>H</h2><div>b <b>c</b>d</div><ul><li>one<ul><li>two</ul><li><p>three</p></ul>"
        "<h4>Sub</h4>loose<br>text<h2>I</h2><dl><dt>HIT<dd>a disorder<dt>Why?<dd>so</dl><pre>x\n  y</pre>"
    )
    assert blocks(body) == [
        ("paragraph", (), "a"),
        ("paragraph", ("H",), "b cd"),
        ("list_item", ("H",), "one"),
        ("list_item", ("H",), "two"),
        ("list_item", ("H",), "three"),
        ("paragraph", ("H", "Sub"), "loose text"),
        ("list_item", ("I",), "HIT: a disorder"),
        ("list_item", ("I",), "Why? so"),
        ("paragraph", ("I",), "x y"),
    ]


def test_furniture_is_gone() -> None:
    page = (
        "<div id=skipmenu><a href=#m>Skip</a></div><header>Site</header><nav>Home</nav>"
        "<div class='breadcrumb'>A / B</div>"
        f"<main><ul class=toc><li><a href='#a'>On this page</a></ul><div role=navigation>Prev</div>{FILLER}<p>kept</p>"
        "<ol><li><a href='#x'>Methods</a></ol><div class='social-media'>Tweet</div><button>Print</button>"
        "<section class='informed-consent'>Consent was given.</section><p><a href='#'>Back to top</a></p>"
        "<aside><a href='/x'>Another article</a></aside></main><aside>Elsewhere</aside><footer>Foot</footer>"
    )
    assert texts(page) == ["kept", "Consent was given."]


def test_without_a_main_element_the_page_is_read() -> None:
    page = f"<header>Site</header><div class='nav-menu'>Home</div><div>{FILLER}<p>kept</p></div><footer>F</footer>"
    assert texts(page) == ["kept"]


def test_a_part_with_most_of_the_text_is_kept_whatever_its_name() -> None:
    assert texts(f"<div class='sidebar'>{FILLER}<p>kept</p></div>") == ["kept"]
    assert texts(f"<main>teaser</main><div>{FILLER}<p>kept</p></div>") == ["teaser", "kept"]


@pytest.mark.parametrize(
    "attributes",
    [
        "style='display:none'",
        "style='color:red; DISPLAY : NONE !important'",
        "style='visibility:hidden'",
        "style='font-size:0'",
        "style='font-size: 0px;'",
        "style='opacity:0'",
        "style='color:#fff'",
        "style='color: white'",
        "bgcolor='#FFFFFF' style='background:none;color:white'",
        "style='color:rgb(255, 255, 255)'",
        "hidden",
        "hidden=until-found",
        "aria-hidden=true",
        "class='x sr-only'",
        "class=d-none",
    ],
)
@pytest.mark.parametrize("tag", ["p", "span", "li", "td"])
def test_hidden_text_is_not_read(attributes: str, tag: str) -> None:
    element = f"<{tag} {attributes}>SECRET <b>WORD</b></{tag}>"
    body = f"<p>a</p>{element if tag != 'td' else ''}<table><tr><td>1<td>2{element}</table>"
    assert texts(body + FILLER) == ["a", "1 | 2"]


@pytest.mark.parametrize(
    "attributes",
    [
        "style='font-size:0.9em'",
        "style='color:#fff000'",
        "style='background-color:#000;color:#fff'",
        "style='background-color: white'",
        "aria-hidden=false",
        "class='d-none d-md-block'",
        "style='opacity:0.9'",
        "bgcolor=navy style='color:white'",
    ],
)
def test_text_that_is_seen_is_read(attributes: str) -> None:
    assert texts(f"<p {attributes}>seen</p>{FILLER}") == ["seen"]


def test_scripts_and_comments_are_not_read() -> None:
    body = "<script>x=1</script><style>p{}</style><noscript>on</noscript><template>t</template><!-- c --><p>a</p>"
    assert texts(body + "<svg><text>s</text></svg>" + FILLER) == ["a"]


# inline


@pytest.mark.parametrize(
    ("inline", "expected"),
    [
        ("10<sup>9</sup>/L and 10<sup>-3</sup>", "10⁹/L and 10⁻³"),
        ("CO<sub>2</sub>, m<sup>2</sup>", "CO2, m²"),
        ("fell<sup><a href='#r3'>3,4</a></sup> then", "fell then"),
        ("fell<a href='#r3'><sup>3</sup></a> then", "fell then"),
        ("fell.<sup>3-5</sup> Then", "fell. Then"),
        ("199<sup>a</sup> (5<sup>*</sup>)", "199 (5)"),
        ("1<sup>st</sup>, 2<sup>n</sup>", "1st, 2n"),
        ("<math><msup><mn>10</mn><mn>9</mn></msup></math>/L", "10⁹/L"),
        ("a&nbsp;&lt;&nbsp;b", "a < b"),
        ("so<wbr>lid un<i>brok</i>en", "solid unbroken"),
    ],
)
def test_inline(inline: str, expected: str) -> None:
    assert texts(f"<p>{inline}</p>") == [expected]


# headings that are not marked as such


def test_a_bold_paragraph_is_a_heading_over_text_and_else_a_paragraph() -> None:
    body = "<h2>H</h2><p><b>Methods</b></p><p>a</p><p><strong>Stop heparin</strong></p><h2>I</h2><p>b</p>"
    assert blocks(body + "<p><b>Do not give it.</b></p><p><b>Last</b></p>") == [
        ("paragraph", ("H", "Methods"), "a"),
        ("paragraph", ("H", "Methods"), "Stop heparin"),
        ("paragraph", ("I",), "b"),
        ("paragraph", ("I",), "Do not give it."),
        ("paragraph", ("I",), "Last"),
    ]


def test_a_heading_over_a_figure_or_table_is_its_caption() -> None:
    body = (
        "<h2>H</h2><h5>TABLE 1. Doses</h5><p>a</p><p><b>Figure. Curve</b></p><p>b</p><h3>Tables of truth</h3><p>c</p>"
    )
    assert blocks(body) == [
        ("caption", ("H",), "TABLE 1. Doses"),
        ("paragraph", ("H",), "a"),
        ("caption", ("H",), "Figure. Curve"),
        ("paragraph", ("H",), "b"),
        ("paragraph", ("H", "Tables of truth"), "c"),
    ]


def test_what_is_too_long_for_a_heading_is_a_paragraph() -> None:
    assert blocks(f"<h2>{'word ' * 50}</h2>")[0][:2] == ("paragraph", ())


# boxes, captions, tables


def test_boxes_keep_their_headings_to_themselves() -> None:
    body = (
        f"{FILLER}<h2>H</h2><aside><h3>Key points</h3><p>a</p><ul><li>b</ul></aside>"
        "<div class='boxed-text'>c</div><p>d</p>"
    )
    assert blocks(body) == [
        ("box", ("H", "Key points"), "a"),
        ("box", ("H", "Key points"), "b"),
        ("box", ("H",), "c"),
        ("paragraph", ("H",), "d"),
    ]


def test_a_row_too_wide_for_a_passage_is_parted_with_its_name() -> None:
    years = range(1990, 2020)
    head = "".join(f"<th>Year {year}" for year in years)
    cells = "".join(f"<td>{year % 7}.5 (1.0 to 9.9) mg" for year in years)
    rows = [t for kind, _, t in blocks(f"<table><tr><th>Drug{head}<tr><td>argatroban{cells}</table>") if "row" in kind]
    assert len(rows) > 2
    assert all(row.startswith("Drug: argatroban | Year ") and len(row) < 800 for row in rows)
    assert [cell for row in rows for cell in row.split(" | ")[1:]] == [
        f"Year {year}: {year % 7}.5 (1.0 to 9.9) mg" for year in years
    ]


def test_tables() -> None:
    body = (
        "<h2>H</h2><table><caption>Table 1. <b>Doses</b></caption><thead><tr><th rowspan=2>Drug<th colspan=2>Dose"
        "<tr><th>low<th>high</thead><tr><td rowspan=2>argatroban<td>1<td>2<br>or 3<tr><td>4<td></td>"
        "<tfoot><tr><td colspan=3>CI, interval</tfoot></table>"
        "<figure><img><figcaption>Figure 1. <p>x</figcaption></figure>"
    )
    assert blocks(body) == [
        ("caption", ("H",), "Table 1. Doses"),
        ("table_row", ("H", "Table 1. Doses"), "Drug: argatroban | Dose, low: 1 | Dose, high: 2 or 3"),
        ("table_row", ("H", "Table 1. Doses"), "Drug: argatroban | Dose, low: 4"),
        ("table_row", ("H", "Table 1. Doses"), "CI, interval"),
        ("caption", ("H",), "Figure 1."),
        ("caption", ("H",), "x"),
    ]


def test_rows_of_headings_head_a_table_without_thead() -> None:
    assert texts("<table><tr><th>Drug<th>Dose<tr><th>a<td>1<tr><td>b<td>2</table>") == [
        "Drug: a | Dose: 1",
        "Drug: b | Dose: 2",
    ]
    assert texts("<table><tr><td>a<td>1</table>") == ["a | 1"]


@pytest.mark.parametrize(
    "inner", ["&nbsp;&nbsp;low", "<span>&nbsp;&nbsp;</span>low", "IN'padding-left: 2em'>low", "IN'text-indent:8px'>low"]
)
def test_rows_that_are_set_in(inner: str) -> None:
    cell = f"<td>{inner}" if "IN" not in inner else inner.replace("IN", "<td style=")
    body = f"<table><tr><th>Sign<th>No.<tr><td colspan=2>Income<tr>{cell}<td>1<tr><td>Age<td>2</table>"
    assert texts(body) == ["Income | Sign: low | No.: 1", "Sign: Age | No.: 2"]


def test_tables_that_arrange_the_page_are_read_as_text() -> None:
    assert blocks("<table><tr><td><h2>H</h2><p>a</p><td>b<tr><td><table><tr><td>1<td>2</table></table>") == [
        ("paragraph", ("H",), "a"),
        ("paragraph", ("H",), "b"),
        ("table_row", ("H",), "1 | 2"),
    ]
    assert texts("<table role=presentation><tr><td>a<td>b</table>") == ["a", "b"]
    assert texts("<table><tr><td>a<tr><td>b</table>") == ["a", "b"]


# references


def test_reference_lists_become_cites() -> None:
    body = (
        "<h2>Results</h2><p>a</p><h2>References</h2><ol><li><p>A. B. 2018.</p> <a href='https://doi.org/10.1182/x'>doi</a>"
        "<li>C. PMID: 123.<li>D. A book. 1999. [PubMed] [Google Scholar]</ol><p>Footnote</p>"
    )
    document = read(body)
    assert document.cites == ("doi:10.1182/x", "pmid:123", "D. A book. 1999.")
    assert [document.text[b.start : b.end] for b in document.blocks] == ["a", "Footnote"]
    assert document.blocks[-1].heading_path == ()


def test_references_in_paragraphs_or_a_marked_part() -> None:
    document = read("<p>a</p><p><b>Referencias</b></p><p>1. A. 2018;1:2.</p><p>B. 1999.</p><h2>H</h2><p>c 2001</p>")
    assert document.cites == ("1. A. 2018;1:2.", "B. 1999.")
    document = read(f"<main>{FILLER}<div class=ref-list><ul><li>A. 2018.</ul></div><ul><li>b</ul></main>")
    assert document.cites == ("A. 2018.",)
    assert document.text.endswith("b")


# metadata


def test_metadata() -> None:
    head = (
        "<title>Site | T</title><meta name=citation_title content='The title'><meta name=citation_author content='A B'>"
        "<meta name=Citation_Author content='C D'><meta name=citation_publication_date content='2024/02/15'>"
        "<meta name=citation_doi content='doi:10.1182/x'><meta name=citation_journal_title content='J'>"
        "<meta name=citation_firstpage content=5><meta name=citation_lastpage content=9>"
        "<meta name=DC.Publisher content=P><meta name=DC.Rights content='CC BY 4.0'>"
        "<meta property=og:title content=O><link rel=canonical href='https://a.org/x'>"
    )
    source = read(f"<html lang=en-GB><head>{head}</head><body><h1>H</h1>{FILLER}</body></html>").source
    assert (source.title, source.authors, source.published, source.year) == (
        "The title",
        ("A B", "C D"),
        "2024-02-15",
        2024,
    )
    assert (source.doi, source.container, source.pages, source.publisher) == ("10.1182/x", "J", "5-9", "P")
    assert (source.licence, source.url, source.language, source.key) == ("CC BY 4.0", "https://a.org/x", "en", "page")


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>T</title><meta property=og:title content=O>", "<h1>H</h1>", "H"),
        ("<title>T</title><meta property=og:title content=O>", "<h1>H</h1><h1>I</h1>", "O"),
        ("<title>T</title>", "", "T"),
        ("", "<h1>H</h1><h1>I</h1>", "H"),
        ("", "", "page.html"),
    ],
)
def test_the_title(head: str, body: str, title: str) -> None:
    assert read(f"<head>{head}</head><body>{body}{FILLER}").source.title == title


def test_what_is_invalid_in_metadata_is_left_out() -> None:
    head = (
        "<meta name=citation_doi content=none><meta name=date content=soon><meta name=citation_pmid content=x>"
        "<link rel=canonical href='/x'><meta name=author content='https://a.org/me; E F'>"
    )
    source = read(f"<head>{head}</head><body>{FILLER}").source
    assert (source.doi, source.published, source.pmid, source.url) == (None, None, None, None)
    assert source.authors == ("E F",)


# encodings and damage


@pytest.mark.parametrize(
    "page",
    [
        "<p>5 µg – ä".encode(),
        "<p>5 µg – ä".encode("utf-8-sig"),
        "<p>5 µg – ä".encode("utf-16"),
        "<p>5 µg – ä".encode("windows-1252"),
        "<meta charset='windows-1252'><p>5 µg – ä".encode("windows-1252"),
        "<meta http-equiv=x content='text/html; charset=ISO-8859-1'><p>5 µg – ä".encode("windows-1252"),
        "<meta charset=unicode_escape><p>5 µg – ä".encode(),
        "<meta charset=iso-8859-99><p>5 µg – ä".encode(),
    ],
)
def test_encodings(page: bytes) -> None:
    assert read(page).text == "5 µg – ä"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no text"),
        (b"<p></p><script>run()</script>", "has no text"),
        (b"\x89PNG\0\0", "is binary"),
        (b"<div>" * 6000 + b"x", "nested deeper than 5000"),
    ],
)
def test_what_cannot_be_read(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        read(content)
    assert str(error.value).startswith("page.html: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "page", ["<div>" * 4900 + "x", "<p>x" * 50_000, "<table><tr><td rowspan=9999 colspan=9999>a" * 99]
)
def test_odd_pages_are_read_in_time(page: str) -> None:
    started = time.process_time()
    assert read(page).blocks
    assert time.process_time() - started < 4


_PIECES = st.sampled_from(
    "<p> </p> <b> </b> <ul> <li> </ul> <dl> <dt> <dd> </dl> <table> <tr> <td> <th> </table> <caption> <aside> </aside> "
    "<h2> </h2> <h2>References</h2> <sup> </sup> <a> </a> word 2018 <br> <div> </div> "
    "<figcaption> <thead> <tfoot>".split()
)


@given(st.lists(_PIECES, max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_soup_is_read_or_refused(pieces: list[str]) -> None:
    try:
        document = read("x" + " ".join(pieces))
    except CorpusError:
        return
    assert document.blocks
