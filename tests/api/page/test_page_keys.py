"""The page by keyboard alone."""

from __future__ import annotations

import pytest
from browsing import SHORT, Windows, answered, ask
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow

#: How the focused element is told from others: the width of its outline.
OUTLINE = "element => parseFloat(getComputedStyle(element).outlineWidth)"


def tabbed(page: Page) -> str:
    """Where the next Tab leads, which has to be seen."""
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate(OUTLINE) >= 2
    found: str = page.evaluate(
        "() => { const e = document.activeElement; return e.id || e.name || e.textContent.trim() }"
    )
    return found


def test_a_question_is_asked_read_and_asked_on(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.insert_text(SHORT)
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#question")).to_have_value(f"{SHORT}\n")
    page.keyboard.press("Enter")
    turn = answered(page)
    statements = turn.locator(".statement")
    page.keyboard.press("j")
    expect(statements.first).to_be_focused()
    assert statements.first.evaluate(OUTLINE) >= 2
    page.keyboard.press("j")
    expect(statements.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(statements.first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#question")).not_to_be_focused()


def test_a_quote_is_opened_and_shut(page: Page) -> None:
    turn = ask(page, SHORT)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    quote = turn.locator(".quote")
    expect(quote.locator("mark").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(quote).to_have_count(0)
    page.keyboard.press("j")
    expect(turn.locator(".statement").nth(1)).to_be_focused()


def test_the_keys_are_told(page: Page) -> None:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("modifier", ["Control", "Alt", "Meta"])
def test_a_key_with_another_is_the_browser_s(page: Page, modifier: str) -> None:
    ask(page, SHORT)
    title = page.locator("#turn-1 h1")
    for key in ("/", "?", "j", "k"):
        page.keyboard.press(f"{modifier}+{key}")
    expect(title).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_keys_that_are_told_are_those_that_work(page: Page) -> None:
    page.keyboard.press("?")
    told = page.locator("#help kbd").all_inner_texts()
    assert told == ["/", "Shift", "Enter", "j", "k", "Enter", "Esc", "?"]
    page.keyboard.press("j")
    page.keyboard.press("/")
    expect(page.locator("#question")).not_to_be_focused()


def test_statements_of_a_desk_are_stepped_through(windows: Windows, page: Page) -> None:
    turn = ask(page, SHORT)
    phone = windows.open(turn.get_by_role("link", name="Review", exact=True).get_attribute("href"), width=390)
    phone.keyboard.press("j")
    phone.keyboard.press("j")
    second = phone.locator(".desk > li").nth(1)
    expect(second.locator("summary").first).to_be_focused()
    expect(second.locator("blockquote").first).to_be_hidden()
    phone.keyboard.press("Enter")
    expect(second.locator("blockquote").first).to_be_visible()


def test_everything_is_reached_in_the_order_in_which_it_is_read(page: Page) -> None:
    assert [tabbed(page) for _ in range(5)] == ["Skip to the content", "Osler", "Ask", "Sources", "Reviews"]
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert [tabbed(page) for _ in range(4)] == ["question", "audience", "Ask", "Patient"]


def test_what_is_typed_in_a_box_is_text(page: Page) -> None:
    page.locator("#question").focus()
    page.keyboard.type("j/k?")
    expect(page.locator("#question")).to_have_value("j/k?")
    page.locator("[type=search]").first.focus()
    page.keyboard.type("j/k?")
    expect(page.locator("[type=search]").first).to_have_value("j/k?")
    expect(page.get_by_role("dialog")).to_be_hidden()
