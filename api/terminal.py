"""What reaches the terminal: answers in each format, JSON, fields in columns, a progress bar.

Output that the terminal's encoding cannot show is replaced or, where the format has a way to, escaped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.domain import Answer, Source
    from rag.index.build import Progress


def write_answer(answer: Answer, form: str, *, quotes: bool = False) -> None:
    """Prints an answer as ``text``, ``markdown``, ``html`` or ``json``; ``quotes`` only concerns text."""
    if form == "json":
        write_json(answer.model_dump_json(indent=2))
    elif form == "html":
        from rag.render.html import to_html

        write(to_html(answer), "xmlcharrefreplace")
    elif form == "markdown":
        from rag.render.markdown import to_markdown

        write(to_markdown(answer), "xmlcharrefreplace")
    else:
        _write_text(answer, quotes)


def _write_text(answer: Answer, quotes: bool) -> None:
    from rich.console import Console

    from rag.render.text import to_text

    _replace_unprintable("replace")
    to_text(answer, Console(), evidence=quotes)


def write(text: str, errors: str = "replace") -> None:
    _replace_unprintable(errors)
    sys.stdout.write(text)


def write_json(text: str) -> None:
    """On a terminal that cannot show every character they are escaped, not replaced: JSON loses nothing."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2)
    sys.stdout.write(text + "\n")


def _replace_unprintable(errors: str) -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # absent when a caller has put something else in its place
    if reconfigure:
        reconfigure(errors=errors)


def write_fields(fields: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in fields)
    write("".join(f"{name:<{width}}  {line(value)}\n" for name, value in fields))


def line(text: str) -> str:
    from rag.render.words import one_line

    return one_line(text)


def label(source: Source) -> str:
    """First author or body, and year: "Cuker A et al., 2018"."""
    several = source.et_al or len(source.authors) > 1
    author = source.authors[0] + (" et al." if several else "") if source.authors else None
    who = author or source.issuing_body or source.container or source.title
    return line(f"{who}, {source.year}" if source.year else who)


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on standard error when that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield report
