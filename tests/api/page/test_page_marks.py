"""What is marked is seen, light and dark: its text stands out from the mark, and the mark's edge from the page."""

from __future__ import annotations

import re

import pytest
from browsing import QUESTION, Windows, ask
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.slow

Colour = tuple[float, float, float]
#: Of text and of what is no text (WCAG 2.2, 1.4.3 and 1.4.11).
TEXT, OTHER = 4.5, 3.0
#: What is behind an element that has no ground of its own.
GROUND = """element => {
  for (let e = element; e; e = e.parentElement) {
    const ground = getComputedStyle(e).backgroundColor;
    if (!ground.endsWith(', 0)')) return ground;
  }
}"""


def colour(css: str) -> Colour:
    red, green, blue = map(int, re.findall(r"\d+", css)[:3])
    return red, green, blue


def luminance(of: Colour) -> float:
    """Relative, as WCAG 2.2 defines it."""
    parts = [part / 255 for part in of]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(colour(one)), luminance(colour(other))))
    return (lighter + 0.05) / (darker + 0.05)


def style(of: Locator, name: str) -> str:
    found: str = of.evaluate("(element, name) => getComputedStyle(element)[name]", name)
    return found


def edge(of: Locator) -> str:
    return re.findall(r"rgb\([^)]+\)", style(of, "boxShadow"))[-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_are_seen(windows: Windows, scheme: str) -> None:
    page = windows.open(color_scheme=scheme)
    turn = ask(page, QUESTION)
    turn.locator(".bottom-line a.cite").first.click()
    quote = turn.locator(".quote mark").first
    expect(quote).to_be_visible()
    turn.locator(".references li[data-source]").first.hover()
    rests = turn.locator(".statement.rests")
    for marked in (quote, rests.first, rests.last):
        ground, around = style(marked, "backgroundColor"), marked.locator("..").evaluate(GROUND)
        assert ground != around
        assert contrast(style(marked, "color"), ground) >= TEXT
        assert contrast(edge(marked), around) >= OTHER
    for part in rests.locator("a.cite:not([aria-expanded]), .note").all():
        assert contrast(style(part, "color"), style(rests.first, "backgroundColor")) >= TEXT
