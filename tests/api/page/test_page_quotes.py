"""Quotes in a browser: opened under the line that cites them, one a line, shut again; and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from browsing import QUESTION, Troubles, Windows, ask, kept, width
from playwright.sync_api import Locator, Page, Route, expect
from small_corpus import document, empty_index, exported_encoder
from under_load import served

from rag.domain import Answer
from rag.index.build import build

pytestmark = pytest.mark.slow


@pytest.fixture
def turn(page: Page) -> Locator:
    return ask(page, QUESTION)


@pytest.fixture
def answer(page: Page, turn: Locator) -> Answer:
    return kept(page, turn)


@pytest.fixture(scope="module")
def twins(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service over two sources that say the same."""
    folder = tmp_path_factory.mktemp("twins")
    index = empty_index(folder / "index", exported_encoder(starter_index))
    same = "## Dosing\n\n- Plerixafor is given at 0.24 mg/kg in WHIM syndrome. {#p1}\n"
    build([document("first", same), document("second", same)], index)
    with served(index, folder / "osler.sqlite") as (address, _):
        yield address


@pytest.fixture
def cites(windows: Windows, twins: str) -> tuple[Page, Locator]:
    """A line with two citations, in its window."""
    page = windows.open(base_url=twins)
    return page, ask(page, "What dose of plerixafor is given in WHIM syndrome?").locator(".bottom-line a.cite")


def is_open(cite: Locator) -> None:
    """It says so, and names its panel, which is the one under its line."""
    expect(cite).to_have_attribute("aria-expanded", "true")
    panel = cite.locator("xpath=ancestor::*[contains(@class,'statement')]/following-sibling::*[1]")
    expect(panel.locator("mark")).to_be_visible()
    assert cite.get_attribute("aria-controls") == panel.get_attribute("id")


def is_shut(cite: Locator) -> None:
    expect(cite).to_have_attribute("aria-expanded", "false")
    assert cite.get_attribute("aria-controls") is None


def test_a_quote_comes_with_what_is_known_of_it(page: Page, turn: Locator, answer: Answer) -> None:
    cite = turn.locator(".bottom-line a.cite").first
    is_shut(cite)
    cite.click()
    is_open(cite)
    expect(cite).to_be_focused()
    quote = turn.locator(".statement + .quote")
    evidence = answer.bottom_line[0].evidence[0]
    source = next(r for r in answer.references if r.source_id == evidence.source_id)
    for said in (source.title, str(source.year), evidence.heading or "", "Kind", "Strength"):
        expect(quote).to_contain_text(said)
    page.keyboard.press("Tab")
    expect(quote.get_by_role("button", name="Close")).to_be_focused()
    quote.get_by_role("link", name="Open the passage").click()
    expect(page.locator("main mark")).to_have_text(evidence.quote)
    page.get_by_role("link", name="All passages of this source").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(source.title)


def test_a_second_citation_takes_the_place_of_the_first(cites: tuple[Page, Locator]) -> None:
    page, (first, second) = cites[0], cites[1].all()
    first.click()
    is_open(first)
    expect(page.locator(".quote")).to_contain_text("About first")
    second.click()
    is_open(second)
    is_shut(first)
    expect(page.locator(".quote")).to_have_count(1)
    expect(page.locator(".quote")).to_contain_text("About second")
    second.click()
    expect(page.locator(".quote")).to_have_count(0)
    is_shut(second)


def test_a_quote_that_comes_late_opens_nothing(cites: tuple[Page, Locator], troubles: Troubles) -> None:
    troubles.expect("ERR_FAILED")
    page, (first, second) = cites[0], cites[1].all()
    held = list[Route]()
    page.route("**/passages/first*part=true", lambda route: held.append(route))
    first.click()
    expect(page.locator(".quote")).to_have_text("Opening the quote")
    second.click()
    is_open(second)
    held[0].abort()
    page.unroute_all()
    first.click()
    is_open(first)
    expect(page.locator(".quote")).to_have_count(1)


def test_quotes_of_two_lines_stand_side_by_side(turn: Locator) -> None:
    first, other = (turn.locator(".statement").nth(n).locator("a.cite").first for n in (0, 1))
    for cite in (first, other):
        cite.click()
        is_open(cite)
    is_open(first)
    expect(turn.locator(".quote")).to_have_count(2)


@pytest.mark.parametrize("way", ["button", "Escape in the line", "Escape in the quote"])
def test_who_closes_a_quote_is_back_at_its_citation(cites: tuple[Page, Locator], way: str) -> None:
    page, cite = cites[0], cites[1].nth(1)
    cite.focus()
    page.keyboard.press("Enter")
    is_open(cite)
    if way == "button":
        page.locator(".quote").get_by_role("button", name="Close").click()
    else:
        if way.endswith("quote"):
            page.locator(".quote a").first.focus()
        page.keyboard.press("Escape")
    expect(page.locator(".quote")).to_have_count(0)
    expect(cite).to_be_focused()
    is_shut(cite)


def test_a_quote_that_cannot_be_opened_says_so(page: Page, turn: Locator, troubles: Troubles) -> None:
    troubles.expect("ERR_FAILED")
    troubles.expect("status of 503")
    cite, quote = turn.locator(".bottom-line a.cite").first, turn.locator(".quote")
    page.route("**/passages/**part=true", lambda route: route.abort())
    cite.click()
    expect(quote).to_contain_text("The service cannot be reached.")
    page.keyboard.press("Escape")
    expect(cite).to_be_focused()
    page.unroute("**/passages/**part=true")
    page.route("**/passages/**part=true", lambda route: route.fulfill(status=503, body="<h1>away</h1>"))
    cite.click()
    expect(quote).to_contain_text("The quote cannot be opened (503).")
    assert "away" not in quote.inner_text()
    address = cite.get_attribute("href") or ""
    expect(quote.get_by_role("link", name="Open its page")).to_have_attribute(
        "href", f"{page.url.split('/conv')[0]}{address}"
    )
    assert violations(page) == []
    cite.click()
    expect(page.locator("main mark")).to_be_visible()
    assert page.url.endswith(address)


@pytest.mark.parametrize("way", ["hover", "focus"])
def test_a_source_shows_all_that_rests_on_it(page: Page, turn: Locator, answer: Answer, way: str) -> None:
    for reference in answer.references[:3]:
        item = turn.locator(f".references li[data-source='{reference.number}']")
        item.hover() if way == "hover" else item.locator("a").first.focus()
        lit = turn.locator(".statement.rests")
        assert set(lit.evaluate_all("all => all.map(one => one.dataset.statement)")) == {
            s.statement_id for s in answer.statements() if reference.number in s.citations
        }
    page.mouse.move(0, 0)
    page.locator("#question").focus()
    expect(turn.locator(".statement.rests")).to_have_count(0)


@pytest.mark.parametrize("path", [
    "/sources?words=hematology&year_from=2015", "/sources?words=zebra", "/sources/cuker2018",
    "/search?question=argatroban+dose&evidence_types=drug_label",
    "/passages/warkentin2019ivig-c4919d30e5?start=0&end=20",
])  # fmt: skip
def test_shelves_keep_nobody_out(windows: Windows, path: str) -> None:
    for scheme, wide in (("light", 1280), ("dark", 390)):
        page = windows.open(path, width=wide, color_scheme=scheme)
        assert violations(page) == []
        assert width(page)[0] <= wide


def test_sources_are_found_without_scripts(windows: Windows) -> None:
    page = windows.open("/sources", java_script_enabled=False)
    page.get_by_label("Title, author, body, year or key").fill("american society of hematology")
    page.locator("summary").click()
    page.get_by_label("guideline", exact=True).check()
    page.get_by_label("From year").fill("2018")
    page.get_by_role("button", name="Find").click()
    found = page.locator("tbody tr")
    expect(page.get_by_role("status")).to_contain_text("of 153 sources")
    assert 0 < found.count() < 20
    assert all(int(year) >= 2018 for year in page.locator("td[data-name=Year]").all_inner_texts())
    expect(page.get_by_label("guideline", exact=True)).to_be_checked()
    found.first.locator("a").click()
    expect(page.get_by_role("heading", name="Passages")).to_be_visible()
