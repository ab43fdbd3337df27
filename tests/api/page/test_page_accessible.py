"""Every page as axe-core judges it, light and dark."""

from __future__ import annotations

import pytest
from axe import violations
from browsing import QUESTION, Troubles, Windows, answered, ask
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

PAGES = ["/sources", "/search", "/search?query=argatroban+dose", "/reviews", "/sign-in"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(windows: Windows, troubles: Troubles, scheme: str) -> None:
    page = windows.open(color_scheme=scheme)
    found = {"/": violations(page)}
    for summary in page.locator(".panel summary").all():
        summary.click()
    found["the panels"] = violations(page)
    page.reload()
    turn = ask(page, QUESTION)
    found["an answer"] = violations(page)
    cite = turn.locator(".bottom-line a.cite").first
    cite.click()
    expect(turn.locator(".quote mark").first).to_be_visible()
    found["a quote"] = violations(page)
    turn.locator(".receipt summary").click()
    turn.locator(".related button").first.click()
    answered(page, 2)
    found["a conversation"] = violations(page)
    page.keyboard.press("?")
    found["the keys"] = violations(page)
    answer = turn.locator(".answer").get_attribute("data-answer")
    passage = cite.get_attribute("href") or ""
    page.goto(turn.locator(".references a[href^='/sources/']").first.get_attribute("href") or "")
    found["a source"] = violations(page)
    for path in (f"/answers/{answer}", f"/answers/{answer}/review", passage, *PAGES):
        page.goto(path)
        found[path] = violations(page)
    page.goto(f"/answers/{answer}/review")
    for step in ("Submit for review", "Start the review"):  # unless the window before took it
        if (button := page.locator("#article").get_by_role("button", name=step)).count():
            button.click()
    for summary in page.locator(".steps summary").all()[:8]:
        summary.click()
    found["a desk"] = violations(page)
    troubles.expect("status of 404")
    page.goto("/answers/a0000000000000000")
    found["a problem"] = violations(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
