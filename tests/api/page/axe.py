"""axe-core, which finds what keeps people from using a page, from npm; installed once, in a folder that git ignores."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import npm
from playwright.sync_api import Page

VERSION: Final = "4.14.1"
#: The levels A and AA of WCAG 2.0, 2.1 and 2.2, and what its makers hold to be good practice.
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _script() -> str:
    return (npm.installed("axe-core", VERSION) / "axe-core" / "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What it finds wrong with a page as it stands: rule, element, why. No rule is left out."""
    page.evaluate(_script())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
