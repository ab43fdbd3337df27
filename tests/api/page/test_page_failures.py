"""The page when things go wrong: stopped, lost and refused answers, a service that is gone, and the way back."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from browsing import SHORT, Troubles, Valve, Windows, answered, ask, kept
from playwright.sync_api import Page, expect
from proxies import proxy
from under_load import served

pytestmark = pytest.mark.slow

INCOMPLETE = "ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE"


def test_an_answer_is_stopped_and_asked_again(windows: Windows, osler: str) -> None:
    valve = Valve(2)
    with proxy(osler, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(SHORT)
        page.locator("#question").press("Enter")
        expect(page.locator(".bottom-line .statement").first).to_be_visible()  # it is read while the rest is to come
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#status")).to_contain_text("Stopped.")
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#welcome")).to_be_visible()
        expect(page.locator("#question")).to_have_value(SHORT)
        valve.open()
        page.get_by_role("button", name="Try again").click()
        answered(page)
        windows.close()


def test_a_service_that_ends_in_mid_stream_is_asked_again(
    starter_index: Path, tmp_path: Path, windows: Windows, troubles: Troubles
) -> None:
    troubles.expect(INCOMPLETE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    valve = Valve(2)
    database = tmp_path / "osler.sqlite"
    with served(starter_index, database, "--port", port) as (address, process), proxy(address, valve) as slow:
        page = windows.open(base_url=slow)
        page.locator("#question").fill(SHORT)
        page.locator("#question").press("Enter")
        expect(page.locator(".bottom-line")).to_be_visible()
        process.kill()
        process.wait(30)
        valve.lose()
        expect(page.locator("#status")).to_contain_text("The connection was lost before the answer was whole.")
        expect(page.locator(".turn")).to_have_count(0)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#status")).to_contain_text("The service cannot be reached")
        valve.mend()
        with served(starter_index, database, "--port", port):
            page.get_by_role("button", name="Try again").click()
            answered(page)
            windows.close()


def test_what_is_refused_is_said(page: Page, troubles: Troubles) -> None:
    troubles.expect("status of 4")
    page.locator("#question").evaluate("box => { box.removeAttribute('maxlength'); box.value = 'Why? '.repeat(3000); }")
    page.locator("#question").press("Enter")
    expect(page.locator("#status")).to_contain_text("question")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_two_windows_ask_in_one_conversation(windows: Windows) -> None:
    first = windows.open()
    ask(first, SHORT)
    second = windows.open(first.url)
    first.locator("#question").fill("And in Child-Pugh C?")
    second.locator("#question").fill("What are its risks?")
    first.locator("#question").press("Enter")
    second.locator("#question").press("Enter")
    for window in (first, second):
        expect(window.locator("body:not(.busy)")).to_be_attached()
        again = window.get_by_role("button", name="Try again")
        if again.count():  # a turn that leans on the one before cannot be made while another is
            expect(window.locator("#status")).to_contain_text("was answered first. Yours is not answered yet")
            again.click()
        expect(window.locator(".turn .answer footer")).to_have_count(2)
    first.reload()
    turns = first.locator(".turn")
    expect(turns).to_have_count(3)
    asked = {kept(first, turn).question for turn in turns.all()}
    assert len(asked) == 3


def test_the_way_back_and_forward(page: Page) -> None:
    ask(page, SHORT)
    address = page.url
    ask(page, "And in Child-Pugh C?", 2)
    page.go_back()
    expect(page).to_have_url(address)
    expect(page.locator(".turn")).to_have_count(2)
    page.go_back()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    page.go_forward()
    expect(page.locator(".turn")).to_have_count(2)
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)


def test_an_answer_that_is_not_there_is_a_page(windows: Windows, troubles: Troubles) -> None:
    troubles.expect("status of 404")
    page = windows.open("/answers/a0000000000000000")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such thing here")
    page.get_by_role("link", name="Ask a question").click()
    expect(page.locator("#question")).to_be_visible()
