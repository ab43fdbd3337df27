"""The list of conversations in a browser: up to date without turning pages, named and erased beside the answer."""

from __future__ import annotations

import pytest
from axe import violations
from browsing import SHORT, Troubles, Windows, ask, width
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.slow

NAME = "<b>HIT</b> & the kidney"


@pytest.fixture
def talks(page: Page) -> Locator:
    """The items of the list, the first of which was asked in this window."""
    ask(page, SHORT)
    found = page.locator("#talks li")
    expect(found.first.locator("[aria-current]")).to_be_attached()
    return found


def opened(talk: Locator) -> Locator:
    talk.locator("summary").click()
    return talk


def test_an_answer_is_listed_when_it_is_there(page: Page) -> None:
    ask(page, f"{SHORT} Once.")
    current = page.locator("#talks [aria-current]")
    expect(current).to_have_text(f"{SHORT} Once.")
    assert current.get_attribute("href") == page.evaluate("location.pathname")
    ask(page, "And in Child-Pugh C?", 2)
    expect(current).to_have_count(1)
    page.get_by_role("link", name="New question").click()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#talks a").first).to_have_text(f"{SHORT} Once.")
    expect(current).to_have_count(0)


def test_a_title_is_given_beside_the_answer(page: Page, talks: Locator) -> None:
    address = page.url
    opened(talks.first).get_by_label("Title").fill(NAME)
    page.keyboard.press("Enter")
    expect(talks.first.locator("a")).to_have_text(NAME)
    expect(talks.first.locator("a")).to_be_focused()
    expect(page.locator("#talk-status")).to_have_text("Renamed.")
    assert page.url == address
    expect(page.locator("#turn-1")).to_be_visible()
    page.reload()
    expect(talks.first.locator("a")).to_have_text(NAME)


def test_what_is_typed_is_kept_when_an_answer_comes(page: Page, talks: Locator) -> None:
    title = opened(talks.first).get_by_label("Title")
    title.fill("half a ti")
    ask(page, "And in Child-Pugh C?", 2)
    expect(title).to_have_value("half a ti")


def test_erasing_takes_two_steps(page: Page, talks: Locator) -> None:
    address = talks.first.locator("a").get_attribute("href") or ""
    page.goto("/")
    count = talks.count()
    opened(talks.first).get_by_role("button", name="Erase…").dblclick()
    expect(talks).to_have_count(count)
    talks.first.get_by_role("button", name="Erase…").click()
    expect(talks.first.get_by_role("button", name="Keep it")).to_be_focused()
    assert talks.first.locator("a").get_attribute("href") == address
    talks.first.get_by_role("button", name="Erase it for good").click()
    expect(page.locator("#talk-status")).to_have_text("Erased.")
    assert address not in [a.get_attribute("href") for a in talks.locator(">a").all()]


def test_who_erases_what_is_read_asks_anew(page: Page, talks: Locator) -> None:
    opened(talks.first).get_by_role("button", name="Erase…").click()
    talks.first.get_by_role("button", name="Erase it for good").click()
    expect(page.locator("#welcome")).to_be_visible()
    assert page.evaluate("location.pathname") == "/"


def test_a_service_that_is_away_is_told_of(page: Page, talks: Locator, troubles: Troubles) -> None:
    troubles.expect("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    opened(talks.first).get_by_role("button", name="Rename").click()
    expect(page.locator("#talk-status")).to_have_text("The service cannot be reached.")


def test_all_of_it_works_without_scripts(windows: Windows, page: Page) -> None:
    ask(page, f"{SHORT} Without scripts.")
    plain = windows.open(java_script_enabled=False)
    talks = plain.locator("#talks li")
    opened(talks.first).get_by_label("Title").fill("Plain")
    talks.first.get_by_role("button", name="Rename").click()
    expect(plain.locator("#turn-1")).to_be_visible()
    plain.get_by_label("Search conversations").fill("plain argatroban")
    plain.get_by_role("button", name="Find").click()
    expect(talks).to_have_count(1)
    opened(talks.first).get_by_role("button", name="Erase…").click()
    plain.get_by_role("button", name="Erase it").click()
    plain.get_by_label("Words in titles").fill("plain argatroban")
    plain.get_by_role("button", name="Search").click()
    expect(plain.locator("main")).to_contain_text("None of your conversations has these words.")


def test_the_list_is_folded_on_a_phone_alone(windows: Windows, page: Page) -> None:
    ask(page, SHORT)
    expect(page.locator("#talks")).to_be_visible()
    expect(page.locator(".beside>summary")).to_be_hidden()
    phone = windows.open(page.url, width=390, height=844)
    expect(phone.locator("#talks")).to_be_hidden()
    phone.locator(".beside>summary").click()
    opened(phone.locator("#talks li").first)
    expect(phone.get_by_label("Title").first).to_be_visible()
    assert width(phone)[0] <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_keeps_nobody_out(windows: Windows, scheme: str) -> None:
    page = windows.open(color_scheme=scheme)
    ask(page, SHORT)
    opened(page.locator("#talks li").first).get_by_role("button", name="Erase…").click()
    assert violations(page) == []
    page.goto("/conversations")
    opened(page.locator("#talks li").first)
    assert violations(page) == []
    page.get_by_label("Words in titles").fill("nobody asked this")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("None of your conversations")
    assert violations(page) == []
