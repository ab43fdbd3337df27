"""Open WebUI itself, in a browser, over a served index: what is asked, read and opened there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from small_corpus import document
from under_load import ROOT, served, until

from rag.domain import Answer
from rag.index.build import build
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file

pytestmark = pytest.mark.slow

PROGRAM = ROOT / ".tools" / "open-webui" / "bin" / "open-webui"
PAGE = (ROOT / "docs" / "open-webui.md").read_text("utf-8")
#: Beside those of the page: no accounts, nothing that would be fetched.
SETTINGS = {"WEBUI_AUTH": "False", "WEBUI_SECRET_KEY": "of the tests", "RAG_EMBEDDING_ENGINE": "openai"}
QUESTION = (
    "Should IVIG (Intravenous Immunoglobulin) be given to a patient with severe thrombocytopenia, cirrhosis, impaired "
    "renal function, and heparin-induced thrombocytopenia (HIT) who is on argatroban (argatroban)?"
)
ELSEWHERE = "How is a fractured scaphoid immobilised?"
#: A sentence of a source that would be links, images, HTML, mathematics, a mark and more.
HOSTILE = (
    "Plerixafor is given at 0.24 mg/kg in WHIM syndrome, see [the label](http://evil.example/a) and "
    "![x](http://evil.example/x.png) or <img src=http://evil.example/y.png> <script>alert(1)</script> [2] $$x^2$$ "
    r"\(z\) www.evil.example {{USER_NAME}} ~~gone~~ ```html."
)
#: Keeps the length of the page's text whenever it changes.
GROWTH = """() => { window.lengths = []; new MutationObserver(() => {
  const message = document.querySelector('.chat-assistant');
  if (message && message.innerText.length !== window.lengths.at(-1)) window.lengths.push(message.innerText.length);
}).observe(document.body, {childList: true, subtree: true, characterData: true}); }"""


@pytest.fixture(scope="module")
def index(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter corpus with one source more."""
    index_dir = tmp_path_factory.mktemp("index") / "hostile"
    shutil.copytree(starter_index, index_dir)
    body = "## Recommendations\n\n- " + re.sub(r"([^\w\s])", r"\\\1", HOSTILE) + " {#h1}\n"
    documents = [read_file(path) for path in corpus_files([ROOT / "corpus"])]
    build([*documents, document("hostile", body)], index_dir)
    return index_dir


@pytest.fixture(scope="module")
def osler(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(index, tmp_path_factory.mktemp("osler") / "osler.sqlite") as (address, _):
        yield address


@pytest.fixture(scope="module")
def open_webui(osler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; started in 15 to 20 s."""
    if not PROGRAM.is_file():
        pytest.fail("Open WebUI is not installed; run `make open-webui` (about 2 minutes and 3 GB in .tools)")
    folder = tmp_path_factory.mktemp("open-webui")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DATA_DIR": str(folder / "data")}
    environment |= SETTINGS | told(PAGE) | {"OPENAI_API_BASE_URLS": f"{osler}/v1"}
    (folder / "data").mkdir()
    command = [str(PROGRAM), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("w") as log, subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: process.poll() is not None or _is_up(address), 120)
            assert process.poll() is None, (folder / "log").read_text("utf-8")[-3000:]
            yield address
        finally:
            process.terminate()
            process.wait(30)


def told(page: str) -> dict[str, str]:
    """The variables that a page exports."""
    lines = re.findall(r"^export (.+)$", page, re.MULTILINE)
    assert lines
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))


def _is_up(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def fetched() -> list[str]:
    """Addresses that the page fetches."""
    return []


@pytest.fixture
def page(browser: Browser, open_webui: str, fetched: list[str]) -> Iterator[Page]:
    """A new chat."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(open_webui, timeout=60_000)
    news = page.get_by_role("dialog")
    news.wait_for()
    page.keyboard.press("Escape")
    news.wait_for(state="detached")
    page.evaluate(GROWTH)
    yield page
    page.close()


def ask(page: Page, question: str) -> None:
    page.locator("#chat-input").click()
    page.keyboard.insert_text(question)
    page.keyboard.press("Enter")


def message(page: Page, number: int, osler: str) -> tuple[Locator, Answer]:
    """The answer of this number, from 0, when it is there, as it is shown and as it is kept."""
    shown = page.locator(".chat-assistant").nth(number)
    receipt = shown.get_by_text(re.compile("^Snapshot .* answer a"))
    receipt.wait_for(timeout=30_000)
    found = re.search(r"answer (a[0-9a-f]{16})", receipt.inner_text())
    assert found
    return shown, Answer.model_validate_json(httpx2.get(f"{osler}/v1/answers/{found[1]}").content)


def opened(page: Page, chip: Locator) -> str:
    """What a chip opens, all of its quotes in one line."""
    chip.click()
    dialog = page.get_by_role("dialog")
    text = " ".join(dialog.inner_text().split())
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
    return text


def check_chips(page: Page, shown: Locator, answer: Answer) -> None:
    """The first chip of each reference that stands alone is named by it and opens its quotes."""
    chips = shown.locator('button[aria-label^="View source: "]')
    labels = [chip.get_attribute("aria-label") or "" for chip in chips.all()]
    named = {int(label.removeprefix("View source: ").split(" ")[0]): at for at, label in reversed([*enumerate(labels)])}
    references = {r.number: r for r in answer.references}
    assert named.keys() <= references.keys()
    assert len(named) > len(references) / 2
    for number in [*sorted(named)[:2], max(named)]:
        text, source_id = opened(page, chips.nth(named[number])), references[number].source_id
        quotes = {e.quote for s in answer.statements() for e in s.evidence if e.source_id == source_id}
        assert quotes
        assert all(" ".join(quote.split()) in text for quote in quotes), number


def test_an_answer_is_read_opened_and_followed(page: Page, osler: str, fetched: list[str]) -> None:
    ask(page, QUESTION)
    shown, answer = message(page, 0, osler)
    assert answer.question == QUESTION
    assert len(page.evaluate("window.lengths")) > 3, "it came at once, not as a stream"
    expect(shown).to_contain_text(answer.bottom_line[0].shown)
    expect(shown).to_contain_text(f"from {len(answer.references)} sources")
    assert shown.locator(".katex").count() == 0, "brackets of a source are shown as mathematics"
    assert "[1]" not in shown.inner_text(), "a mark is shown as text"
    check_chips(page, shown, answer)
    expect(page).to_have_title(re.compile("^IVIG in severe thrombocytopeni"))

    offered = page.get_by_role("button", name="Follow up: ")
    expect(offered.first).to_be_visible(timeout=30_000)
    questions = [chip.inner_text() for chip in offered.all()]
    assert questions == list(answer.related_questions[: len(questions)])
    offered.nth(1).click()
    shown, second = message(page, 1, osler)
    assert second.follow_up
    assert second.follow_up.asked == questions[1]
    assert answer.turn
    assert second.turn == answer.turn.model_copy(update={"number": 2})
    assert max(r.number for r in second.references) > len(second.references), "the test needs numbers that leap"
    check_chips(page, shown, second)
    assert [url for url in fetched if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


def test_a_source_can_make_nothing_but_text(page: Page, osler: str, fetched: list[str]) -> None:
    ask(page, "What dose of plerixafor is given in WHIM syndrome?")
    shown, answer = message(page, 0, osler)
    assert answer.bottom_line[0].text == HOSTILE
    expect(shown).to_contain_text(HOSTILE)
    assert HOSTILE in opened(page, shown.locator('button[aria-label^="View source: "]').first)
    assert page.locator('[href*="evil"], [src*="evil"], .katex, del').count() == 0
    assert not any("evil" in url for url in fetched)


def test_an_abstention_is_seen_as_one(page: Page, osler: str) -> None:
    ask(page, ELSEWHERE)
    shown, answer = message(page, 0, osler)
    assert answer.reason
    expect(shown).to_contain_text("Not answered: the sources do not speak to it")
    expect(shown).to_contain_text(" ".join(answer.reason.split()))
    assert shown.locator('button[aria-label^="View source: "]').count() == 0


def test_a_refusal_says_why(page: Page) -> None:
    ask(page, "Why? " * 3000)
    expect(page.locator(".chat-assistant")).to_contain_text("expected at most", timeout=30_000)


def test_thanks_are_no_question(page: Page, osler: str) -> None:
    ask(page, "Should IVIG be given in HIT?")
    message(page, 0, osler)
    ask(page, "Thanks!")
    expect(page.locator(".chat-assistant").nth(1)).to_contain_text("Nothing was asked", timeout=30_000)
