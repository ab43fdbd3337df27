"""The page and the summary: complete, self-contained, and no text of a log becomes markup, a script or a link."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import time
from pathlib import Path

import pytest
from hostile_logs import evil_log
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode
from synthetic_logs import JUDGE, log_of, realistic_log, small_log, with_records

from eval.domain import (
    Article,
    Claim,
    Erratum,
    Gold,
    Item,
    Listed,
    Outcome,
    Record,
    Response,
    Said,
    Score,
    Turn,
)
from eval.log import EvalLog, Summary
from eval.report import items, plots, view
from eval.report.page import to_html, to_markdown, write_report
from eval.wording import interval, number, p_value, signed
from rag.errors import InputError

BRIEF = "matcher 1: accuracy 0.874, κ 0.713 on 500"
AGREEMENT = f"{BRIEF} of labelled claims"


@pytest.fixture(scope="module")
def log() -> EvalLog:
    return realistic_log(60, seed=1, skill=0.8)


@pytest.fixture(scope="module")
def page(log: EvalLog) -> LexborHTMLParser:
    return LexborHTMLParser(to_html(log, [realistic_log(60)]))


@pytest.fixture(scope="module")
def evil_page() -> LexborHTMLParser:
    return LexborHTMLParser(to_html(evil_log(), [evil_log()]))


def cells(row: LexborNode) -> list[str]:
    return [" ".join(cell.text(separator=" ").split()) for cell in row.css("th, td")]


def row_of(page: LexborHTMLParser, section: str, name: str) -> list[str]:
    rows = (cells(row) for row in page.css(f"#{section} tbody tr"))
    return next(row for row in rows if row[0].split()[0] == name)


# what stands on the page


def test_the_head_says_what_was_run(log: EvalLog, page: LexborHTMLParser) -> None:
    run = page.css_first("#run").text()
    for fact in (
        log.suite.digest,
        "osler 1",
        log.started,
        "0" * 40,
        "clean",
        "snapshot_id",
        "models.encoder",
        "3.11.2",
    ):
        assert fact in run
    assert page.css_first("header time").attributes["datetime"] == "2026-03-02T09:00:00+00:00"


def test_each_measure_has_value_interval_n_unscored_and_direction(log: EvalLog, page: LexborHTMLParser) -> None:
    found = row_of(page, "measures", "citation_recall")
    summary = log.summaries["citation_recall"]
    assert found[1:6] == [
        number(summary.value),
        interval(summary.low, summary.high),
        str(summary.n),
        str(summary.unscored),
        "higher",
    ]
    assert row_of(page, "measures", "wrong")[5] == "lower"


def test_the_judges_agreement_is_printed_beside_every_score_that_rests_on_it(
    log: EvalLog, page: LexborHTMLParser
) -> None:
    judged = [name for name, summary in log.summaries.items() if summary.judge == JUDGE]
    assert len(judged) > 3
    for name in judged:
        assert AGREEMENT in row_of(page, "measures", name)[-1]
        assert BRIEF in row_of(page, "kinds", name)[0]
        assert BRIEF in row_of(page, "comparison-1", name)[0]
        assert re.search(rf"\| {name} \|.*{re.escape(AGREEMENT)}", to_markdown(log))
    assert "κ" not in row_of(page, "measures", "words")[-1]
    assert BRIEF in page.css_first("#item-1 table.scores").text()


def test_a_judge_whose_agreement_is_unknown_is_called_that(log: EvalLog) -> None:
    bare = log.model_copy(update={"judges": ()})
    assert "matcher 1: agreement with people not measured" in to_html(bare)
    assert "matcher 1: agreement with people not measured" in to_markdown(bare)


def test_not_scored_is_never_zero(log: EvalLog, page: LexborHTMLParser) -> None:
    assert row_of(page, "measures", "rubric")[1:5] == ["not scored", "–", "0", "60"]
    assert "| rubric | not scored | – | 0 | 60 |" in to_markdown(log)
    assert ["rubric", "60", "no judge that can read a rubric is configured"] in [
        cells(row) for row in page.css("#unscored tbody tr")
    ]
    two = LexborHTMLParser(to_html(small_log({"zero": {"recall": 0.0}, "none": {"recall": None}})))
    assert [cells(two.css_first(f"#item-{i} .scores tbody tr"))[1] for i in (1, 2)] == ["0.000", "not scored"]
    assert [json.loads(n.attributes["data-scores"] or "")["recall"] for n in two.css("details.item")] == [0.0, None]


def test_every_number_a_system_is_asked_about_is_there(log: EvalLog, page: LexborHTMLParser) -> None:
    assert row_of(page, "outcomes", "all")[-1] == "60"
    assert row_of(page, "time", "compose")[1] == str(sum("compose" in r.response.timings_ms for r in log.records))
    assert "whole answer" in page.css_first("#time").text()
    assert len(page.css("#curves svg")) == 2
    assert len(page.css("#distributions svg")) == len({name for r in log.records for name in r.scores} - {"rubric"})


def test_an_item_shows_answer_and_expectation_side_by_side() -> None:
    claims = tuple(Claim(claim_id=f"c{i}", text=f"Claim {i} is so.") for i in range(4))
    erratum = Erratum(erratum_id="e1", claim="Old.", correction="New.")
    said = Said(text="Claim 0 is so.", citations=(1, 7), quotes=("Seen that claim 0 is so.",))
    record = Record(
        item=Item(item_id="q", question="What is so?", history=(Turn(role="user", text="Hello."),),
                  gold=Gold(claims=claims, errata=(erratum,))),
        response=Response(
            item_id="q", outcome=Outcome.ANSWERED,
            article=Article(bottom_line=(said,), references=(Listed(number=1, text="A. https://doi.org/10.1/x."),)),
        ),
        scores={
            "claim_recall": Score(value=0.25, details={
                "said": {"c0": {"reason": "word for word"}}, "missed": {"c1": {}, "c2": {}}}),
            "contradictions": Score(value=1, details={"contradicted": ["c2"]}),
            "errata_repeated": Score(value=1, details={"errata": [{"erratum_id": "e1", "repeated": True}]}),
            "citation_recall": Score(value=0, reason="weak", details={"statements": [
                {"text": said.text, "citations": [1, 7], "recalled": False, "precise": [False, False]}]}),
        },
    )  # fmt: skip
    item = LexborHTMLParser(to_html(log_of([record]))).css_first("#item-1")
    states = [(li.css_first(".state").text(), li.attributes["class"]) for li in item.css(".claims li")]
    assert states == [
        ("said", "said"),
        ("missed", "missed"),
        ("contradicted", "contradicted"),
        ("not judged", "not-judged"),
    ]
    assert item.css_first(".claims small").text() == "word for word"
    assert item.css_first("blockquote").text() == "Seen that claim 0 is so."
    assert [c.text() for c in item.css(".cite")] == ["[1]", "[7, not in the list]"]
    assert item.css_first(".fault").text() == "not supported by its citations"
    assert "(repeated)" in item.text()
    assert "Hello." in item.text()
    assert [a.attributes["href"] for a in item.css("a")] == ["#item-1-ref-1", "https://doi.org/10.1/x"]
    assert item.css_first("#item-1-ref-1") is not None
    assert "weak" in item.css_first(".scores").text()


def test_details_that_only_name_claims_stand_beside_the_claims_and_others_under_their_score() -> None:
    record = small_log({"q": {}}).records[0]
    score = Score(value=0.5, details={"missed": ["Dosing", "A heading that is rather a long one"], "covered": {}})
    (shown,) = items.views(log_of([record.model_copy(update={"scores": {"section_coverage": score}})]))
    assert shown.lines[0].details == [("missed", ["Dosing", "A heading that is rather a long one"])]


def test_a_failure_shows_its_error_and_comes_first_among_the_worst(log: EvalLog, page: LexborHTMLParser) -> None:
    failed = page.css_first('details[data-outcome="failed"]')
    assert "the server did not answer within 30 s" in failed.text()
    assert view.worst(log)[0].outcome is Outcome.FAILED
    assert "## Items to read first" in to_markdown(log)


def test_means_turn_what_is_better_lower_and_leave_out_what_is_no_rate() -> None:
    log = small_log(
        {"q0": {"recall": 1, "wrong": 1, "seconds": 0.2, "words": 0.5, "rubric": None}, "q1": {"rubric": None}}
    )
    assert view.means(log) == [0.5, None]
    assert [w.item_id for w in view.worst(log)] == ["q0"]


def test_the_comparison_links_to_the_items_that_changed(page: LexborHTMLParser) -> None:
    section = page.css_first("#comparison-1")
    assert "Comparison with osler 0" in section.css_first("h2").text()
    links = [a.attributes["href"] or "" for a in section.css("a")]
    assert len(links) > 10
    assert all(page.css_first(link) for link in links)
    assert "settings.k" in section.text()


def test_a_log_of_nothing_has_a_report(tmp_path: Path) -> None:
    empty = log_of([])
    assert "The log has no records." in to_html(empty)
    assert "| all | 0 |" in to_markdown(empty)
    bare = EvalLog(suite=empty.suite, system=empty.system, started=empty.started, seconds=0,
                   summaries={"recall": Summary(value=None, n=0)})  # fmt: skip
    assert "not in a checkout" in to_html(bare)


# what the page is made of


def test_the_page_loads_nothing(page: LexborHTMLParser, evil_page: LexborHTMLParser) -> None:
    for tree in (page, evil_page):
        assert tree.css("link, img, iframe, object, embed, video, audio, source, base, image, use") == []
        assert tree.css("[src], [srcset], [style], [background], [action], [formaction], [poster]") == []
        style = tree.css_first("style").text()
        assert "url(" not in style
        assert "@import" not in style
        policy = tree.css_first('meta[http-equiv="Content-Security-Policy"]').attributes["content"] or ""
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
        assert "script-src 'unsafe" not in policy


def test_only_the_pages_own_script_may_run(page: LexborHTMLParser, evil_page: LexborHTMLParser) -> None:
    for tree in (page, evil_page):
        (script,) = tree.css("script")
        text = script.text()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        policy = tree.css_first('meta[http-equiv="Content-Security-Policy"]').attributes["content"] or ""
        assert f"'sha256-{digest}'" in policy
        assert "innerHTML" not in text


def test_no_text_of_a_log_becomes_markup(evil_page: LexborHTMLParser) -> None:
    handlers = [(n.tag, a) for n in evil_page.root.traverse() for a in n.attributes if a.startswith("on")]
    assert handlers == []
    assert len(evil_page.css("details.item")) == 3
    assert "alert(1)" in evil_page.css_first("#item-1").text()
    assert "49" not in evil_page.css_first("#item-1 h3").text()
    raw = evil_page.html or ""
    assert "\x1b" not in raw
    assert "\u202e" not in raw


def test_only_web_addresses_become_links(evil_page: LexborHTMLParser) -> None:
    targets = {a.attributes["href"] or "" for a in evil_page.css("a")}
    outside = {target for target in targets if not target.startswith("#")}
    assert outside == {"http://evil.test/x.png", "https://example.org/a?b=1&c="}
    assert all(a.attributes["rel"] == "noopener noreferrer" for a in evil_page.css('a[href^="http"]'))


def test_addresses_end_where_the_sentence_goes_on() -> None:
    linked = items.linked("(see https://a.org/x_(y)., http://b.org) javascript:x ftp://c.org <b>")
    assert re.findall(r'href="([^"]*)"', linked) == ["https://a.org/x_(y", "http://b.org"]
    assert linked.endswith("javascript:x ftp://c.org &lt;b&gt;")


def test_the_summary_is_escaped() -> None:
    text = to_markdown(evil_log(), [evil_log()])
    html = LexborHTMLParser(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert html.css("script, img, svg, a, code, details") == []
    assert "\u202e" not in text
    assert "\x1b" not in text
    width = {len(row.css("th, td")) for row in html.css("table")[0].css("tr")}
    assert width == {7}


def test_headings_are_in_order_and_tables_have_headers(page: LexborHTMLParser) -> None:
    levels = [int(node.tag[1]) for node in page.css("h1, h2, h3, h4, h5, h6")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for table in page.css("table"):
        assert table.css("th")
        assert all(th.attributes.get("scope") in {"col", "row"} for th in table.css("th"))
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids))
    assert {a.attributes["href"] for a in page.css("nav a")} <= {f"#{name}" for name in ids}


def test_every_plot_says_in_words_what_it_shows(page: LexborHTMLParser) -> None:
    drawn = page.css("svg")
    assert len(drawn) > 8
    for svg in drawn:
        assert svg.attributes["role"] == "img"
        assert re.search(r"\d", svg.attributes["aria-label"] or "")
        assert "nan" not in (svg.html or "").lower()


def test_without_scripts_all_items_are_there_and_the_filter_is_not(page: LexborHTMLParser) -> None:
    assert len(page.css("#list > details.item")) == 60
    assert page.css("#list > details.item[hidden]") == []
    assert "hidden" in page.css_first("#filter").attributes


def test_the_same_log_gives_the_same_page(log: EvalLog) -> None:
    assert to_html(log) == to_html(log)


def test_a_thousand_items_are_written_in_seconds() -> None:
    log = realistic_log(20)
    many = log.model_copy(update={"records": log.records * 50})
    started = time.perf_counter()
    text = to_html(many)
    assert time.perf_counter() - started < 20
    assert text.count('class="item"') == 1000
    assert len(text) < 20_000_000


# where it goes


@pytest.mark.parametrize(
    ("name", "files"), [("out", ("out/report.html", "out/report.md")), ("a/x.html", ("a/x.html", "a/x.md"))]
)
def test_page_and_summary_are_written_beside_each_other(tmp_path: Path, name: str, files: tuple[str, str]) -> None:
    written = write_report(realistic_log(5), tmp_path / name)
    assert written == tuple(tmp_path / file for file in files)
    assert written[0].read_text("utf-8").startswith("<!doctype html>")
    assert written[1].read_text("utf-8").startswith("# starter")


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_report(small_log({"q": {}}), tmp_path / "file")


# plots and figures


def test_bins_count_each_value_once() -> None:
    assert plots.bins([0, 0.1, 0.3, 0.7, 0.99, 1], 0, 1) == [1, 1, 0, 1, 0, 0, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 7, [0, 2, 4, 6]), (-0.3, 0.3, [-0.2, 0, 0.2]), (3, 3, [3])],
)
def test_ticks_are_round_numbers_within(low: float, high: float, expected: list[float]) -> None:
    found = plots.ticks(low, high)
    assert set(expected) <= set(found)
    assert all(low <= tick <= high for tick in found)


def test_a_plot_of_one_value_is_drawn() -> None:
    assert "1 scores" in plots.histogram("words", [40.0], 40.0)
    assert "nan" not in plots.spans("Time", [plots.Spread("a", 1, 1, 1)], "ms")
    assert "nan" not in plots.intervals("Differences", [plots.Spread("a", 0, 0, 0)], "x")


def test_figures_are_written_alike_everywhere() -> None:
    assert [number(v) for v in (None, 0, 0.25, 9.99999, 40, 41.25, 1234.5)] == [
        "not scored", "0.000", "0.250", "10.0", "40", "41.2", "1,234",
    ]  # fmt: skip
    assert [number(v) for v in (-0.0001, -0.0, -0.25, -40)] == ["0.000", "0.000", "−0.250", "−40"]
    assert [signed(v) for v in (0.03, -0.2, 0)] == ["+0.030", "−0.200", "±0"]
    assert [p_value(p) for p in (None, 0.0001, 0.25)] == ["–", "<0.001", "0.250"]
    assert interval(None, 1) == "–"


def test_a_record_in_which_nothing_is_known_says_so(log: EvalLog) -> None:
    bare = with_records(log, lambda r: r.model_copy(update={"item": r.item.model_copy(update={"gold": Gold()})}))
    assert "Nothing is known of what is right here." in to_html(bare)
