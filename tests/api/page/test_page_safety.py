"""HTML and scripts in questions, patients and sources: they are shown as text, and nothing is fetched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import SHORT, Windows, ask, kept
from playwright.sync_api import Page, expect
from small_corpus import document
from under_load import ROOT, served

from rag.index.build import build
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file

pytestmark = pytest.mark.slow

ATTACK = '<img src="http://evil.example/x.png" onerror="alert(1)"><script>window.broken = 1</script>"\'{{7*7}}'
HOSTILE = "Plerixafor is given at 0.24 mg/kg in WHIM syndrome, see " + ATTACK.replace("*", "x") + " </textarea></p>."


@pytest.fixture(scope="module")
def hostile(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service over the starter corpus with one source more."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(starter_index, folder / "index")
    escaped = "".join(c if c.isalnum() or c.isspace() else f"\\{c}" for c in HOSTILE)
    body = f"## Recommendations\n\n- {escaped} {{#h1}}\n"
    documents = [read_file(path) for path in corpus_files([ROOT / "corpus"])]
    build([*documents, document("hostile", body)], folder / "index")
    with served(folder / "index", folder / "osler.sqlite") as (address, _):
        yield address


def is_unharmed(page: Page) -> bool:
    return not page.evaluate(
        "window.broken || document.querySelector('[src*=evil], [onerror], main script, .answer img') !== null"
    )


def test_a_question_is_text(page: Page) -> None:
    question = f"How is argatroban monitored? {ATTACK}"
    turn = ask(page, question)
    expect(turn.locator(".asked")).to_contain_text(ATTACK)
    assert is_unharmed(page)
    page.reload()
    expect(page.locator(".asked")).to_contain_text(ATTACK)
    assert is_unharmed(page)
    page.goto(f"/answers/{kept(page, page.locator('#turn-1')).answer_id}")
    expect(page.locator(".asked")).to_contain_text(ATTACK)
    assert is_unharmed(page)


def test_a_patient_is_text(page: Page) -> None:
    page.locator(".panel summary", has_text="Patient").click()
    page.locator("[name=more]").fill(ATTACK)
    turn = ask(page, SHORT)
    expect(turn.locator(".asked")).to_contain_text("onerror")
    assert is_unharmed(page)


def test_a_link_cannot_write_the_page(windows: Windows) -> None:
    page = windows.open(
        "/?question=%3C/textarea%3E%3Cscript%3Ewindow.broken=1%3C/script%3E&more=%22%3E%3Cimg%20src=x%3E"
    )
    expect(page.locator("#question")).to_have_value("</textarea><script>window.broken=1</script>")
    assert is_unharmed(page)


def test_a_source_is_text(windows: Windows, hostile: str) -> None:
    page = windows.open(base_url=hostile)
    turn = ask(page, "What dose of plerixafor is given in WHIM syndrome?")
    assert kept(page, turn).bottom_line[0].text == HOSTILE
    expect(turn.locator(".bottom-line")).to_contain_text(HOSTILE)
    assert is_unharmed(page)
    turn.locator("a.cite").first.click()
    expect(turn.locator(".quote")).to_contain_text(HOSTILE)
    assert is_unharmed(page)
    page.goto(turn.locator("a.cite").first.get_attribute("href") or "")
    expect(page.locator("main")).to_contain_text(HOSTILE)
    assert is_unharmed(page)


def test_scripts_of_others_do_not_run(page: Page, troubles: list[str]) -> None:
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.broken = 1'}))")
    assert not page.evaluate("window.broken")
    assert "Content Security Policy" in troubles.pop()
