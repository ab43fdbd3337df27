from __future__ import annotations

import io
import re
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from builders import LABEL_US, make_abstained, make_answer, make_evidence, make_receipt, make_statement
from markdown_it import MarkdownIt
from rich.console import Console

from rag.answer.references import reference
from rag.domain import Answer, Gap, GlossaryEntry, Needed, Position, Review, Role, Section, Verdict
from rag.render import words
from rag.render.html import to_html
from rag.render.markdown import MarkStyle, to_markdown
from rag.render.text import to_text

HOSTILE = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/p.png)",
    "[bold]loud[/bold]",
    "`code` ```fence",
    "*a* _b_ **c** ~~d~~ | e |",
    "# not a heading #",
    "- not a bullet",
    "1. not an item",
    "=== not a heading",
    "&lt;b&gt; &#60;",
    "<https://evil.example>",
    "http://evil.example and www.evil.example and a@evil.example",
    '" onmouseover="x',
    "back\\slash \\[",
    "an [open one",
    "![[an ![image [x](http://evil.example) [",
    "\x1b[31mred\x07\u202eesrever",
    "two\n\nlines\n# heading",
)
VOID = {"meta", "br", "link", "img", "hr", "input"}
CLOSES_P = {"p", "ul", "ol", "table", "section", "details", "blockquote", "figure", "h1", "h2", "h3", "dl"}


class Page(HTMLParser):
    """What a page holds; refuses wrong nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not ("p" in self.open and tag in CLOSES_P), f"<{tag}> in <p>"
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.hrefs += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] != "style" else ""


def as_text(answer: Answer, width: int = 80, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width)
    to_text(answer, console, **options)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def flat(text: str) -> str:
    return re.sub(r"[\s│]+", " ", text)


def hostile(text: str) -> Answer:
    """An answer in which every free string is ``text``."""
    said = make_statement(text, strength=text, evidence=(make_evidence(quote=text, heading=text),))
    source = LABEL_US.model_copy(update={"title": text, "issuing_body": text, "as_of": text, "superseded_by": text})
    position = Position(statement=said, issuing_body=text, jurisdiction="US", year=None)
    branch = {"value": text, "statement": said, "note": text}
    return make_answer(
        title=text,
        question=f"{text} ?",
        reason=text,
        bottom_line=(said,),
        sections=(Section(heading=text, role=Role.ACTION, statements=(said,)),),
        disagreements=({"topic": text, "positions": (position, position)},),
        gaps=(Gap(aspect=text, reason=text),),
        needed=(Needed.model_validate({"variable": text, "why": text, "branches": (branch,)}),),
        references=(reference(1, source).model_copy(update={"url": "javascript:alert(1)"}),),
        related_questions=(text,),
        glossary=(GlossaryEntry(term=text, meaning=text),),
        nearest=(make_evidence(quote=text, heading=text),),
        review=Review(updated=text),
        disclaimer=text,
        receipt=make_receipt().model_copy(update={"software": text}),
    )


def test_html_shows_every_statement_quote_and_reference() -> None:
    answer, html = make_answer(), to_html(make_answer())
    for statement in answer.statements():
        assert escape(statement.text) in html
        assert all(f"<blockquote>{escape(e.quote)}</blockquote>" in html for e in statement.evidence)
    text = Page(html).text
    assert all(r.vancouver in text for r in answer.references)
    assert html.count("<summary>Evidence</summary>") == len(answer.statements())


def test_html_nests_and_every_citation_has_its_target() -> None:
    page = Page(to_html(make_answer()))
    assert [href for href in page.hrefs if href.startswith("#")]
    assert {href for href in page.hrefs if href.startswith("#")} == {f"#{i}" for i in page.ids}
    assert len(page.ids) == len(set(page.ids)) == 3
    assert page.tags.count("h1") == page.tags.count("article") == 1


def test_html_loads_nothing() -> None:
    html = to_html(make_answer())
    assert not {"script", "link", "img", "iframe"} & set(Page(html).tags)
    assert not re.search(r"\ssrc=|@import|url\(", html)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_escapes_whatever_it_is_given(text: str) -> None:
    page, calm = Page(to_html(hostile(text))), Page(to_html(hostile("calm")))
    assert (page.tags, page.attributes, page.hrefs) == (calm.tags, calm.attributes, calm.hrefs)
    assert words.printable(text) in page.text
    assert not re.search("[\x00-\x08\x1b\u202e]", page.text)


def test_markdown_shows_everything_and_marks_have_targets() -> None:
    answer = make_answer()
    page = Page(MarkdownIt().render(to_markdown(answer)))
    assert all(statement.text in page.text for statement in answer.statements())
    assert all(r.vancouver in page.text for r in answer.references)
    assert {href for href in page.hrefs if href.startswith("#")} == {f"#{i}" for i in page.ids}
    assert re.search(r"^# IVIG .*\*\*Bottom line\*\*.*^## Why.*^## References", to_markdown(answer), re.M | re.S)


def test_markdown_without_anchors_has_no_html_and_links_to_the_sources() -> None:
    page = Page(MarkdownIt("commonmark", {"html": False}).render(to_markdown(make_answer(), marks="linked")))
    assert "<" not in page.text
    assert set(page.hrefs) >= {r.url for r in make_answer().references}
    assert not [href for href in page.hrefs if href.startswith("#")]


@pytest.mark.parametrize("marks", get_args(MarkStyle))
@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_escapes_whatever_it_is_given(text: str, marks: MarkStyle) -> None:
    parser = MarkdownIt("js-default", {"html": True})
    page = Page(parser.render(to_markdown(hostile(text), marks=marks)))
    calm = Page(parser.render(to_markdown(hostile("calm"), marks=marks)))
    assert (page.tags, page.attributes, page.hrefs) == (calm.tags, calm.attributes, calm.hrefs)
    assert words.one_line(text) in page.text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("evidence", [False, True])
def test_text_keeps_to_the_width_and_has_no_colour_off_a_terminal(width: int, evidence: bool) -> None:
    shown = as_text(make_answer(), width, evidence=evidence)
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown


def test_text_shows_everything() -> None:
    answer, shown = make_answer(), flat(as_text(make_answer()))
    assert all(flat(statement.text) in shown for statement in answer.statements())
    for piece in ("[2,3]", "Child-Pugh class", "Where sources disagree", "(UK, 2024)", "Snapshot 3f9a1c0b7d2e"):
        assert piece in shown


def test_text_sets_only_labels_in_bold_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    to_text(make_answer(), console)
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[1mEthypharm UK Ltd\x1b[0m (UK, 2024): Argatroban" in console.file.getvalue()
    assert "→ \x1b[1mC\x1b[0m: Argatroban" in console.file.getvalue()


def test_text_shows_quotes_when_asked_and_repeats_no_statement() -> None:
    answer = make_answer()
    quote = answer.sections[0].statements[0].evidence[0].quote
    assert quote not in flat(as_text(answer))
    shown = flat(as_text(answer, evidence=True))
    assert f"“{quote}” [1], Recommendation 3.1, p. 3364" in shown
    assert shown.count(answer.bottom_line[0].text) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_text_escapes_whatever_it_is_given(text: str) -> None:
    shown = as_text(hostile(text), 100, evidence=True)
    assert words.one_line(text) in flat(shown)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", shown)


def test_text_takes_nothing_for_rich_markup() -> None:
    shown = as_text(hostile("[bold]loud[/bold]"), 100, evidence=True)
    assert shown.count("[bold]loud[/bold]") == shown.count("loud") > 10


@pytest.mark.parametrize("render", [to_html, to_markdown, as_text])
def test_an_abstained_answer_says_why_and_what_came_near(render: Any) -> None:
    shown = flat(render(make_abstained()))
    for piece in (
        "No passage in the corpus speaks to sunscreen.",
        "Argatroban is cleared by the liver.",
        "Not answered",
    ):
        assert piece in shown
    assert words.BOTTOM_LINE not in shown


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strength": "strong", "certainty": "moderate"}, "strong recommendation, moderate certainty"),
        ({"strength": "contraindication"}, "contraindication"),
        ({"text": "A strong recommendation.", "strength": "strong", "certainty": "low"}, "low certainty"),
        ({"text": "Of moderate-certainty evidence.", "certainty": "moderate"}, None),
        ({"derived": True}, "our own calculation or inference"),
        ({"verdict": Verdict.PARTIAL}, "partly supported"),
        ({}, None),
    ],
)
def test_qualifier_says_only_what_the_text_does_not(changes: dict[str, Any], expected: str | None) -> None:
    statement = make_statement("A text.").model_copy(update=changes)
    assert words.qualifier(statement) == expected


def test_a_review_says_why_and_since_when() -> None:
    rejected = Review(status="rejected", updated="2026-01-28T09:30:00+00:00", reasons=("unsafe", "source_removed"))
    answer = make_answer(review=rejected)
    assert words.review(answer) == "rejected by a clinician: unsafe; a source was removed (2026-01-28)"
    assert words.review(make_answer()) == "submitted, not yet reviewed by a clinician"


def test_details_say_what_vancouver_leaves_out() -> None:
    first, _, third = make_answer().references
    assert words.details(first, ()) == "guideline · US · as of 2018; reviewed Feb 2022, not revised"
    assert words.details(third, ()) == "drug label · UK"
    old = third.model_copy(update={"superseded_by": "cuker2018", "retracted": True})
    assert words.details(old, (first,)) == "drug label · UK · retracted · superseded by [1]"
    assert words.details(old, ()).endswith("superseded by cuker2018")


def test_linked_pieces_make_up_the_citation() -> None:
    first, second, _ = make_answer().references
    assert dict(words.linked(first))["PMID: 30482768"] == "https://pubmed.ncbi.nlm.nih.gov/30482768/"
    assert "".join(text for text, _ in words.linked(first)) == first.vancouver
    assert words.linked(second)[-1] == (second.url, second.url)
    bare = second.model_copy(update={"vancouver": "A title."})
    assert words.linked(bare) == [("A title.", None), (" ", None), (second.url, second.url)]
    assert words.linked(bare.model_copy(update={"url": "javascript:x"})) == [("A title.", None)]


def test_only_the_terminal_renderer_imports_rich() -> None:
    code = "import sys, rag.render.html, rag.render.markdown; assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
