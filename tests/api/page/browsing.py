"""The page in a browser: windows that tell of what goes wrong in them, and what a reader does there."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

import httpx2
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright
from under_load import ROOT

from rag.domain import Answer

MAKEFILE: Final = (ROOT / "Makefile").read_text("utf-8")
#: The reference question.
QUESTION: Final = MAKEFILE.partition("QUESTION := ")[2].partition("\n\n")[0].replace("\\\n", "")
SHORT: Final = "How is argatroban monitored?"
#: What moved on the page without that somebody had touched it; what was said in the status line; when parts came.
WATCHED: Final = """
window.shifts = []; window.said = []; window.headings = [];
new PerformanceObserver(list => list.getEntries().forEach(entry => {
  if (!entry.hadRecentInput) window.shifts.push([
    entry.value, entry.sources.some(s => s.node?.closest?.('.turn')), entry.sources.map(s => s.node?.className ?? '')
  ]);
})).observe({type: 'layout-shift', buffered: true});
document.addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  const status = document.getElementById('status')?.textContent;
  if (status && status !== window.said.at(-1)) window.said.push(status);
  const count = document.querySelectorAll('.turn:last-child h2').length;
  if (count !== window.headings.at(-1)) window.headings.push(count);
}).observe(document.body, {childList: true, subtree: true, characterData: true}));
"""


class Troubles(list[str]):
    """What went wrong in windows: errors of scripts and of the console, requests to other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self._expected = list[str]()

    def expect(self, pattern: str) -> None:
        """Has what matches be no trouble; it has to come."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        missing = [f"did not come: {p}" for p in self._expected if not any(re.search(p, t) for t in self)]
        return missing + [t for t in self if not any(re.search(p, t) for p in self._expected)]

    def watch(self, page: Page) -> None:
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.append(f"script: {error}"))
        page.on("request", self._requested)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.append(f"console: {message.text} ({message.location['url']})")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            self.append(f"elsewhere: {request.url}")


class Windows:
    """Opens windows of a browser, each with cookies of its own."""

    def __init__(self, browser: Browser, address: str, troubles: Troubles) -> None:
        self._browser = browser
        self._address = address
        self._troubles = troubles

    def open(self, path: str | None = "/", width: int = 1280, height: int = 900, **options: Any) -> Page:
        """A window at ``path``, or at none. ``options`` are those of a context of playwright's."""
        options = {"base_url": self._address, "viewport": {"width": width, "height": height}} | options
        context = self._browser.new_context(**options)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.add_init_script(WATCHED)
        self._troubles.watch(page)
        if path is not None:
            page.goto(path)
        return page

    def close(self) -> None:
        for context in self._browser.contexts:
            context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


class Valve:
    """Lets some parts of a streamed answer pass, and the rest when it is opened; each with a pause, so that it is seen.

    Args:
        first: how many parts pass; with fewer than 0 nothing of the stream does.
    """

    def __init__(self, first: int) -> None:
        self._left = first
        self._opened = threading.Event()
        self._is_lost = False

    def open(self) -> None:
        self._opened.set()

    def lose(self) -> None:
        """Lets no more pass of any stream: its connection is closed."""
        self._is_lost = True
        self._opened.set()

    def mend(self) -> None:
        self._is_lost = False

    def __call__(self, _: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        whole = b""
        while b"\r\n\r\n" not in whole:  # what comes together depends on how busy the machine is
            whole += next(pieces)
        head, end, rest = whole.partition(b"\r\n\r\n")
        yield head + end
        if b"text/event-stream" not in head:
            yield rest
            yield from pieces
            return
        for piece in chain([b""], pieces):
            *events, rest = re.split(rb"(?<=\n\n)", rest + piece)
            for event in events:
                self._left -= b"event: part" in event
                if self._left < 0 and (not self._opened.wait(20) or self._is_lost):
                    raise ConnectionError("the rest is lost")
                time.sleep(0.03)
                yield event
        yield rest


def ask(page: Page, question: str, number: int = 1) -> Locator:
    """Asks in the box, and waits for the whole answer; gives its turn."""
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    return answered(page, number)


def answered(page: Page, number: int = 1) -> Locator:
    """The turn of this number, when its answer is whole."""
    turn = page.locator(f"#turn-{number}")
    expect(turn.locator(".answer footer")).to_be_attached(timeout=20_000)
    expect(page.locator("body:not(.busy)")).to_be_attached()
    return turn


def kept(page: Page, turn: Locator) -> Answer:
    """The answer of a turn as the service keeps it."""
    answer_id = turn.locator(".answer").get_attribute("data-answer")
    address = re.match(r"http://[^/]+", page.url)
    assert address
    return Answer.model_validate_json(httpx2.get(f"{address[0]}/v1/answers/{answer_id}").content)


def numbers(turn: Locator) -> set[int]:
    """The numbers that a turn cites."""
    return {int(text.strip("[]")) for text in turn.locator(".statement a.cite").all_inner_texts()}


def width(page: Page) -> tuple[int, int]:
    """How wide the page's content is, and its window."""
    found: tuple[int, int] = tuple(page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))
    return found
