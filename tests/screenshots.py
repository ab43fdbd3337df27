"""Pictures of the page for its documentation: ``python -m tests.screenshots`` writes docs/images/page-*.png.

It serves the starter index itself, with a new database, and asks the reference question in Debian's Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, expect

ROOT: Final = Path(__file__).parent.parent
for _folder in ("http", "page"):  # where the tests of the page have their helpers
    sys.path.insert(0, str(ROOT / "tests" / "api" / _folder))

from browsing import QUESTION, Troubles, Windows, answered, ask, chromium  # noqa: E402
from under_load import served  # noqa: E402

IMAGES: Final = ROOT / "docs" / "images"
#: A picture of more bytes is too much for a repository.
MAX_BYTES: Final = 200_000


def question(windows: Windows) -> Page:
    page = windows.open(height=620)
    page.locator("summary", has_text="Patient").click()
    page.locator("[name=age]").fill("67")
    page.locator("[name=sex]").select_option("woman")
    page.locator("#question").fill("How is argatroban dosed in heparin-induced thrombocytopenia?")
    return page


def answer(windows: Windows, width: int = 1280, height: int = 900, scheme: str = "light") -> Page:
    page = windows.open(width=width, height=height, color_scheme=scheme)
    ask(page, QUESTION)
    return page


def quote(windows: Windows) -> Page:
    page = answer(windows)
    page.locator(".bottom-line a.cite").first.click()
    expect(page.locator(".quote mark").first).to_be_visible()
    page.evaluate("scrollBy(0, document.querySelector('.bottom-line').getBoundingClientRect().top - 80)")
    return page


def phone(windows: Windows) -> Page:
    return answer(windows, 390, 844)


def dark(windows: Windows) -> Page:
    page = answer(windows, scheme="dark")
    page.locator("#turn-1 .related button").first.click()
    answered(page, 2)
    return page


def review(windows: Windows) -> Page:
    page = answer(windows)
    page.goto(f"/answers/{page.locator('.answer').get_attribute('data-answer')}/review")
    return page


def sources(windows: Windows) -> Page:
    return windows.open("/sources")


VIEWS: Final[dict[str, Callable[[Windows], Page]]] = {
    "ask": question, "answer": answer, "quote": quote, "phone": phone, "dark": dark, "review": review,
    "sources": sources,
}  # fmt: skip


def picture(page: Page) -> bytes:
    """What a window shows, in 128 colours, which is all that a page of text needs.

    No box has the caret, which blinks; to hide it playwright would need styles that the page does not allow.
    """
    page.evaluate("document.activeElement.blur()")
    shown = Image.open(BytesIO(page.screenshot(caret="initial"))).convert("RGB")
    written = BytesIO()
    shown.quantize(128, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> None:
    troubles = Troubles()
    with (
        tempfile.TemporaryDirectory() as folder,
        served(ROOT / "indexes" / "starter", Path(folder) / "osler.sqlite") as (address, _),
        chromium() as browser,
    ):
        windows = Windows(browser, address, troubles)
        for name, view in VIEWS.items():
            made = picture(view(windows))
            windows.close()
            assert len(made) < MAX_BYTES, f"page-{name}.png has {len(made):,} bytes; expected fewer than {MAX_BYTES:,}"
            (IMAGES / f"page-{name}.png").write_bytes(made)
            print(f"docs/images/page-{name}.png: {len(made):,} bytes")
    assert troubles == [], troubles


if __name__ == "__main__":
    main()
