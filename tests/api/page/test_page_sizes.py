"""The page on a phone, enlarged, in the dark, on paper and without scripts; how much of it is loaded, and how fast."""

from __future__ import annotations

import re
from pathlib import Path

import pypdfium2
import pytest
from browsing import QUESTION, SHORT, Windows, ask, kept, width
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow

MAX_BYTES = 150_000
#: How light the page and its text are, from 0 to 255.
LIGHTNESS = (
    "part => getComputedStyle(document.body)[part].match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3"
)


@pytest.mark.parametrize(("wide", "high"), [(390, 844), (320, 256)], ids=["phone", "enlarged"])
def test_nothing_is_wider_than_the_window(windows: Windows, wide: int, high: int) -> None:
    """320 pixels are what remains of a window of 1280 that is enlarged to 400 % (WCAG 2.2, 1.4.10)."""
    page = windows.open(width=wide, height=high)
    assert width(page)[0] <= wide
    for summary in page.locator(".panel summary").all():
        summary.click()
    assert width(page)[0] <= wide
    turn = ask(page, QUESTION)
    assert width(page)[0] <= wide
    turn.locator("a.cite").first.click()
    expect(turn.locator(".quote mark").first).to_be_visible()
    assert width(page)[0] <= wide
    quote = turn.locator("a.cite").first.get_attribute("href") or ""
    for path in (quote, "/sources", "/search?query=argatroban", "/reviews", "/sign-in"):
        page.goto(path)
        assert width(page)[0] <= wide, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_as_light_as_the_system(windows: Windows, scheme: str) -> None:
    page = windows.open(color_scheme=scheme)
    ground, ink = page.evaluate(LIGHTNESS, "backgroundColor"), page.evaluate(LIGHTNESS, "color")
    assert (ground > 200 > 60 > ink) if scheme == "light" else (ground < 40 < 200 < ink)


def test_little_moves_where_that_is_wanted(windows: Windows) -> None:
    page = windows.open(reduced_motion="reduce")
    page.evaluate("document.body.classList.add('busy')")
    assert page.evaluate("document.getAnimations().length") == 0


def test_an_answer_is_printed(page: Page, tmp_path: Path) -> None:
    turn = ask(page, QUESTION)
    answer = kept(page, turn)
    page.goto(f"/answers/{answer.answer_id}")
    page.pdf(path=tmp_path / "answer.pdf", format="A4")
    with pypdfium2.PdfDocument(tmp_path / "answer.pdf") as pdf:
        pages = [sheet.get_textpage().get_text_range() for sheet in pdf]
    text = re.sub(r"\W+", "", "".join(pages))
    assert re.sub(r"\W+", "", answer.question) in text
    for statement in answer.statements():
        assert re.sub(r"\W+", "", statement.shown)[:60] in text
    assert all(re.sub(r"\W+", "", r.title) in text for r in answer.references)
    for chrome in ("Skip to", "Sign in", "Ask again", "Download", "Receipt", "Link to this answer"):
        assert re.sub(r"\W+", "", chrome) not in text
    assert len(pages) <= 12


def test_asking_and_reading_need_no_scripts(windows: Windows) -> None:
    page = windows.open(java_script_enabled=False)
    page.get_by_label("Question", exact=True).fill(SHORT)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#turn-1 .bottom-line .statement").first).to_be_visible()
    page.locator("#question").fill("And in Child-Pugh C?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#turn-2 .asked")).to_contain_text("And in Child-Pugh C?")
    page.locator("#turn-2 .related button").first.click()
    expect(page.locator("#turn-3")).to_be_visible()
    cite = page.locator("#turn-1 .statement a.cite").first
    evidence = kept(page, page.locator("#turn-1")).bottom_line[0].evidence[0]
    cite.click()
    expect(page.locator("mark").first).to_be_visible()
    marked = "".join(page.locator("mark").all_inner_texts())
    assert "".join(marked.split()) == "".join(evidence.quote.split())


def loaded(windows: Windows, path: str) -> tuple[int, float]:
    """Bytes that a window without a cache receives for a page, and milliseconds until something is painted."""
    page = windows.open(None)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received = list[int]()
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return int(sum(received)), painted


def test_little_is_loaded(windows: Windows, page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    answer = kept(page, ask(page, QUESTION))
    assert answer.turn
    for path in ("/", f"/answers/{answer.answer_id}", f"/conversations/{answer.turn.conversation_id}"):
        size, painted = loaded(windows, path)
        with capsys.disabled():
            print(f"\n{path}: {size:,} bytes, first paint after {painted:.0f} ms")
        assert 1000 < size < MAX_BYTES
