"""The parts of README that are made, not written: ``python -m eval.readme`` writes them, the tests compare them.

The demo's output and the settings are compared; the figures are those of the run that wrote them.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from rag.pipeline import Pipeline
from rag.render.text import to_text
from rag.settings import Settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
QUESTIONS = ROOT / "eval" / "questions" / "starter.txt"
DEMO_LINES = 62
_WIDTH = 100


def demo(pipeline: Pipeline) -> str:
    """The beginning of what the demo prints, without colour."""
    question = QUESTIONS.read_text("utf-8").splitlines()[0]
    console = Console(width=_WIDTH, file=io.StringIO(), force_terminal=False, color_system=None)
    to_text(pipeline.ask(question), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.rstrip() for line in printed.splitlines()][:DEMO_LINES]
    return "```text\n" + "\n".join(lines) + "\n```"


def settings() -> str:
    """The table of settings."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = f"`{default.relative_to(ROOT)}/`" if isinstance(default, Path) else f"`{default}`"
        rows.append(f"| `OSLER_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def part(page: str, name: str) -> str:
    """What stands between the marks of a part."""
    match = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", page, re.DOTALL)
    if not match:
        raise ValueError(f"README: no part {name!r}; expected <!-- {name} --> and <!-- /{name} -->")
    return match[1]


def with_part(page: str, name: str, content: str) -> str:
    """``page`` with the content of a part replaced."""
    return page.replace(part(page, name), content, 1)


def main() -> int:
    page = README.read_text("utf-8")
    page = with_part(page, "demo", demo(Pipeline.open()))
    page = with_part(page, "settings", settings())
    README.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
