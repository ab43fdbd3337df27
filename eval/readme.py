"""The parts of README and of this folder's README that are made, not written.

``python -m eval.readme`` writes them, the tests compare them. README's figures are those of the run that wrote them.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from eval.judges.verifying import VerifyingJudge
from eval.judges.weights import CITATIONS, MATCHER, read_fitted
from eval.scorers.named import MEASURES
from rag.pipeline import Pipeline
from rag.render.text import to_text
from rag.settings import FromEnvironment, Settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
HARNESS = ROOT / "eval" / "README.md"
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


def settings(kind: type[FromEnvironment] = Settings) -> str:
    """The table of settings of a kind."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = f"`{default.relative_to(ROOT)}/`" if isinstance(default, Path) else f"`{default}`"
        shown = "none" if default in (None, ()) else shown.replace(f"{ROOT}/", "")
        rows.append(f"| `OSLER_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def measures() -> str:
    """The table of all measures."""
    judged = {"claims": "claim matcher", "citations": "citation judge", "": ""}
    rows = ["| measure | what it says | better | judge |", "|---|---|---|---|"]
    for name, measure in MEASURES.items():
        rows.append(f"| `{name}` | {measure.what} | {measure.better or '–'} | {judged[measure.judged]} |")
    return "\n".join(rows)


def judges() -> str:
    """The table of the judges' agreement with people."""
    fitted = [read_fitted(path) for path in (MATCHER, CITATIONS)]
    found = [f.agreement(f"{f.judge} {f.version}") for f in fitted] + [VerifyingJudge().agreement()]
    rows = ["| judge | agrees with | n | accuracy | κ |", "|---|---|--:|--:|--:|"]
    rows += [f"| {a.judge} | {a.labels} | {a.n} | {a.accuracy:.3f} | {a.kappa:.3f} |" for a in found]
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
    page = HARNESS.read_text("utf-8")
    page = with_part(page, "measures", measures())
    HARNESS.write_text(with_part(page, "judges", judges()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
