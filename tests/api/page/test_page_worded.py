"""A language model on the page: what it writes shows when it is verified, and gives way to the article."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from browsing import Troubles, Windows, answered
from playwright.sync_api import Browser, expect
from served_model import Asked, Reply, events, line, served_model
from under_load import served

pytestmark = pytest.mark.slow

QUESTION = "Should IVIG be given in HIT?"
#: No name that anybody would give, but one may be sent.
NAME = "<b onclick=alert(1)>&amp; [model](x)"


class Writer(NamedTuple):
    """A model that writes one statement, and the others when it is told to."""

    goes_on: threading.Event

    def __call__(self, asked: Asked) -> Reply:
        said = [line(e["section"], [e["evidence"]], e["quotes"][0].rstrip(".")) for e in asked.evidence]
        return Reply(self._pieces(said))

    def _pieces(self, said: list[str]) -> Iterator[bytes | float]:
        yield from events(said[0], 100, finish=None, usage=None)[:-1]
        assert self.goes_on.wait(20)
        yield from events("".join(said[1:]), 100)


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer(threading.Event())


@pytest.fixture(scope="module")
def osler(writer: Writer, starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("worded")
    with served_model(writer) as model, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OSLER_LLM_URL", model.url)
        environment.setenv("OSLER_LLM_MODEL", NAME)
        with served(starter_index, folder / "osler.sqlite") as (address, _):
            yield address


def test_statements_show_when_they_are_verified_and_then_the_article(
    browser: Browser, osler: str, troubles: Troubles, writer: Writer
) -> None:
    windows = Windows(browser, osler, troubles)
    page = windows.open()
    page.locator("#question").fill(QUESTION)
    page.locator("#question").press("Enter")
    draft = page.locator("#draft")
    expect(draft.locator(".statement")).to_have_count(1)
    expect(draft.locator("h2")).to_have_text("Bottom line")
    expect(draft.locator(".soft")).to_contain_text("Verified so far")
    expect(page.locator("#status")).to_have_text(f"Writing with {NAME}")
    written = draft.locator(".statement").inner_text()
    writer.goes_on.set()
    answered(page, 1)
    expect(draft).to_have_count(0)
    turn = page.locator(".turn")
    expect(turn.locator(".bottom-line .statement").first).to_contain_text(written)
    expect(turn.locator(".article-head")).to_contain_text(f"Worded by {NAME} from the quotes")
    assert page.locator("b[onclick]").count() == 0
    mark = turn.locator(".verdict.generated").first
    assert mark.get_attribute("title") == "Supported by its quote, worded by the language model"
    assert turn.locator(".verdict.quoted").count() > 0, "positions stay quoted"
    windows.close()


def test_stopping_takes_it_back(browser: Browser, osler: str, troubles: Troubles, writer: Writer) -> None:
    writer.goes_on.clear()
    windows = Windows(browser, osler, troubles)
    page = windows.open()
    page.locator("#question").fill("How is argatroban monitored?")
    page.locator("#question").press("Enter")
    expect(page.locator("#draft .statement")).to_have_count(1)
    page.locator("#stop").click()
    expect(page.locator("#draft")).to_have_count(0)
    expect(page.locator("#status")).to_contain_text("Stopped.")
    writer.goes_on.set()
    windows.close()


def test_without_scripts_it_is_the_same_page(osler: str, writer: Writer) -> None:
    writer.goes_on.set()
    with httpx2.Client(base_url=osler, timeout=60, follow_redirects=True) as client:
        html = client.post("/ask", data={"question": QUESTION}, headers={"Origin": osler}).text
    assert "Worded by &lt;b onclick=alert(1)&gt;&amp;amp; [model](x) from the quotes" in html
    assert "<b onclick" not in html
    receipt = html.partition('<details class="receipt">')[2]
    assert re.search(r"<dt>Its statements</dt><dd>\d+ shown, 0 refused", receipt)
