"""An answer as it comes: the page that is put together is the page that is loaded, and nobody is disturbed by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import QUESTION, SHORT, Troubles, Valve, Windows, answered, ask
from playwright.sync_api import Page, expect
from proxies import proxy
from under_load import served

pytestmark = pytest.mark.slow

NEXT = "And in Child-Pugh C?"
#: Landmarks and headings: what who does not see the page finds their way by.
LANDMARKS = "main, nav, aside, header, footer, article, section, form, h1, h2, h3, h4, [role]"


def html(page: Page) -> str:
    """The page as it stands, apart from blanks between elements, and from an attribute that says nothing."""
    whole = page.evaluate("document.documentElement.outerHTML")
    return re.sub(
        r"\s*(<[^>]+>)\s*", r"\n\1\n", whole.replace(' class=""', "").replace('checked=""', "checked")
    ).strip()


def outline(page: Page) -> list[str]:
    """The landmarks and headings that are there for who does not see the page."""
    found = (part for part in page.locator(LANDMARKS).all() if part.is_visible())
    return [
        part.evaluate("e => `${e.localName} ${e.ariaLabel ?? ''} ${e.matches('h1, h2, h3, h4') ? e.textContent : ''}`")
        for part in found
    ]


def test_the_streamed_page_is_the_page_loaded_anew(page: Page, windows: Windows) -> None:
    turn = ask(page, QUESTION)
    streamed = html(page)
    page.reload()
    assert streamed.splitlines() == html(page).splitlines()
    turn.locator(".related button").first.click()
    answered(page, 2)
    ask(page, NEXT, 3)
    expect(page.locator("#talks").get_by_text("3 questions").first).to_be_attached()  # the list comes after it
    streamed = html(page)
    page.reload()
    assert streamed.splitlines() == html(page).splitlines()
    streamed_outline = outline(page)
    plain = windows.open(page.url, java_script_enabled=False)
    assert streamed_outline == outline(plain)
    assert sum(line.startswith("article") for line in streamed_outline) == 3


def test_what_is_typed_while_an_answer_comes_is_kept(windows: Windows, osler: str) -> None:
    valve = Valve(1)
    with proxy(osler, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(SHORT)
        page.locator("#question").press("Enter")
        expect(page.locator(".turn h1")).to_be_visible()
        expect(page.locator("#question")).to_have_value("")
        page.locator("#question").press_sequentially(NEXT)
        valve.open()
        answered(page)
        expect(page.locator("#question")).to_have_value(NEXT)
        expect(page.locator("#question")).to_be_focused()
        expect(page.locator("#status")).to_have_text("The answer is there.")
        expect(page.get_by_label("Ask on", exact=True)).to_have_value(NEXT)
        windows.close()


def test_what_is_asked_while_an_answer_comes_is_asked_after_it(windows: Windows, osler: str) -> None:
    valve = Valve(1)
    with proxy(osler, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(SHORT)
        page.locator("#question").press("Enter")
        expect(page.locator(".turn h1")).to_be_visible()
        page.locator("#question").fill(NEXT)
        page.locator("#question").press("Enter")
        expect(page.locator("#status")).to_contain_text("Your next question waits.")
        expect(page.locator("#question")).to_have_value(NEXT)
        valve.open()
        expect(page.locator("#turn-2 .asked")).to_contain_text(NEXT)
        answered(page, 2)
        expect(page.locator("#question")).to_have_value("")
        expect(page.locator("#turn-2 h1")).to_be_focused()
        windows.close()


def test_a_stopped_question_comes_back_unless_another_is_there(windows: Windows, osler: str) -> None:
    valve = Valve(1)
    with proxy(osler, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(SHORT)
        page.locator("#question").press("Enter")
        expect(page.locator(".turn h1")).to_be_visible()
        page.locator("#question").fill(NEXT)
        page.get_by_role("button", name="Stop").focus()
        page.keyboard.press("Enter")
        again = page.get_by_role("button", name="Try again")
        expect(again).to_be_focused()
        expect(page.locator("#status")).to_contain_text(f"Stopped. Not answered: “{SHORT}”.")
        expect(page.locator("#question")).to_have_value(NEXT)
        valve.open()
        page.keyboard.press("Enter")
        expect(answered(page).locator(".asked")).to_contain_text(SHORT)
        expect(page.locator("#question")).to_have_value(NEXT)
        windows.close()


@pytest.mark.parametrize(("wide", "high"), [(1280, 900), (390, 844)], ids=["desktop", "phone"])
def test_nothing_moves_while_an_answer_comes(
    windows: Windows, starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wide: int, high: int
) -> None:
    """From the key that asks to the end of the answer, for the first question and for one that goes on."""
    valve, moved = Valve(-1), list[float]()
    with served(starter_index, tmp_path / "osler.sqlite") as (address, _), proxy(address, valve) as slow:
        page = windows.open(base_url=slow, width=wide, height=high)
        for number, question in enumerate((QUESTION, NEXT), 1):
            page.locator("#question").fill(question)
            page.wait_for_timeout(200)
            page.evaluate("window.shifts.length = 0")
            page.locator("#question").press("Enter")
            page.wait_for_timeout(600)  # what moves within half a second of a key is what the key has moved
            valve.open()
            answered(page, number)
            page.wait_for_timeout(300)
            shifts = page.evaluate("window.shifts")
            assert [where for _, is_read, where in shifts if is_read] == [], "what is read has moved"
            moved.append(sum(much for much, _, _ in shifts))
        with capsys.disabled():
            print(f"\ncumulative layout shift at {wide} px: {moved[0]:.4f}, of a second question {moved[1]:.4f}")
        assert max(moved) < 0.05
        windows.close()


def test_the_status_is_told_politely_and_once(page: Page) -> None:
    status = page.get_by_role("status").and_(page.locator("#status"))
    expect(status).to_have_attribute("aria-live", "polite")
    turn = ask(page, SHORT)
    expect(turn.locator("h1")).to_be_focused()
    expect(status).to_have_text("")


def test_a_field_that_is_wrong_says_so_beside_it(page: Page, troubles: Troubles) -> None:
    page.locator(".panel summary", has_text="Patient").click()
    age = page.get_by_label("Age")
    age.fill("200")
    page.locator(".panel summary", has_text="Patient").click()
    page.locator("#question").fill(SHORT)
    page.locator("#question").press("Enter")
    expect(age).to_be_focused()  # the browser says why
    troubles.expect("status of 422")
    page.locator("#ask").evaluate("form => { form.noValidate = true; }")
    page.locator("#question").press("Enter")
    expect(page.locator("#wrong")).to_have_text("Age cannot be used: expected whole years from 0 to 120")
    expect(age).to_be_focused()
    expect(age).to_have_attribute("aria-describedby", "wrong")
    expect(page.locator("#question")).to_have_value(SHORT)
    age.fill("67")
    page.locator("#question").press("Enter")
    answered(page)
    expect(page.locator("#wrong")).to_have_count(0)
