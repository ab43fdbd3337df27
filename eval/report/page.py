"""``write_report``: a log as one HTML page that loads nothing, and as a Markdown summary.

Every string of a log passes an escape for its format, for all of them are written by systems under test and by data
that was downloaded. Should one still slip through, the page's content policy runs no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval import wording
from eval.compare import compare, leaves
from eval.domain import Outcome
from eval.log import EvalLog
from eval.report import items, view
from eval.report.terminal import names_of, score_line
from rag.errors import InputError
from rag.render.words import one_line, printable

_FOLDER = Path(__file__).parent
#: What would be markup somewhere in a line of Markdown; values never begin one.
_SPECIAL = re.compile(r"[\\`*\[\]{}<>|~$@]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_FIGURES = (wording.number, wording.signed, wording.interval, wording.p_value, wording.direction)


def write_report(log: EvalLog, path: Path, others: Sequence[EvalLog] = ()) -> tuple[Path, Path]:
    """Writes the page and the summary; returns their paths.

    Args:
        path: A file that ends in ``.html``, beside which the summary gets the ending ``.md``; or else a folder, which
            gets ``report.html`` and ``report.md``.
        others: Logs to compare ``log`` with, as the earlier ones. Of another suite only shared items are compared.

    Raises:
        InputError: The path cannot be written, or a log in ``others`` shares no item with ``log``.
    """
    page = path if path.suffix.lower() in (".html", ".htm") else path / "report.html"
    written = {page: to_html(log, others), page.with_suffix(".md"): to_markdown(log, others)}
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        for target, text in written.items():
            target.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"report {path}: cannot be written ({error.strerror}); name another folder") from None
    return page, page.with_suffix(".md")


def to_html(log: EvalLog, others: Sequence[EvalLog] = ()) -> str:
    """The page. It needs no script for anything but filtering, sorting and searching its items."""
    script = (_FOLDER / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (_FOLDER / "page.css").read_text("utf-8")
    return (
        _html()
        .get_template("page.html.jinja")
        .render(
            _content(log, others),
            items=items.views(log),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'",
        )
    )


def to_markdown(log: EvalLog, others: Sequence[EvalLog] = ()) -> str:
    """The same tables without the items, except for a list of the worst."""
    text = _markdown().get_template("summary.md.jinja").render(_content(log, others))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _content(log: EvalLog, others: Sequence[EvalLog]) -> dict[str, Any]:
    """What both templates show."""
    return {
        "log": log,
        "rows": view.rows(log),
        "kinds": view.kinds(log),
        "outcomes": view.outcomes(log),
        "all_outcomes": list(Outcome),
        "reasons": view.reasons(log),
        "stages": view.stages(log),
        "worst": view.worst(log),
        "comparisons": [compare(other, log, allow_different=True, seed=log.seed) for other in others],
        "numbers": {record.item.item_id: number for number, record in enumerate(log.records, 1)},
        "view": view,
        "leaves": lambda tree: list(leaves(tree)),
        "stages_of": view.stages_of,
        "names_of": names_of,
        "score_line": score_line,
    }


@cache
def _html() -> Environment:
    environment = _environment(autoescape=True, finalize=_shown)
    environment.filters |= {"linked": items.linked}
    return environment


def _shown(value: Any) -> Any:
    """Without control characters and direction overrides."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _markdown() -> Environment:
    # The Markdown is escaped by ``finalize``: escaping it as HTML too would show entities.
    environment = _environment(autoescape=False, finalize=_escaped)
    trusted = {f.__name__: _trusted(f) for f in _FIGURES}
    environment.filters |= trusted
    environment.globals |= trusted
    return environment


def _environment(**options: Any) -> Environment:
    environment = Environment(  # noqa: S701 - the page's is on; the summary's values are escaped as Markdown
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options
    )
    figures: dict[str, Any] = {f.__name__: f for f in _FIGURES}
    environment.filters |= figures | {"plain": wording.plain}
    environment.globals |= figures
    return environment


def _trusted(write: Any) -> Any:
    """A filter whose figures stand in Markdown as they are."""
    return lambda *values, **options: Markup(write(*values, **options))  # noqa: S704 - made of numbers


def _escaped(value: Any) -> str:
    if isinstance(value, Markup):
        return str(value)
    return _SPECIAL.sub(lambda match: "\\" + match.group(), one_line(str(value)))
