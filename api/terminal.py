"""What reaches the terminal: answers in each format, JSON, fields in columns, a progress bar.

Output that the terminal's encoding cannot show is replaced or, where the format has a way to, escaped.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rag.errors import InputError

if TYPE_CHECKING:
    from rag.domain import Answer, Source
    from rag.ingest.progress import Progress
    from rag.pipeline import Watch
    from rag.writing.wording import Told


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


def state(source: Source) -> str | None:
    """Why a source supports nothing, if it does not."""
    if source.retracted:
        return "retracted"
    return f"superseded by {source.superseded_by}" if source.superseded_by else None


def line(text: str) -> str:
    from rag.render.words import one_line

    return one_line(text)


def label(source: Source) -> str:
    """First author or body, and year: "Cuker A et al., 2018"."""
    several = source.et_al or len(source.authors) > 1
    author = source.authors[0] + (" et al." if several else "") if source.authors else None
    who = author or source.issuing_body or source.container or source.title
    return line(f"{who}, {source.year}" if source.year else who)


class Skipped:
    """Says on standard error what could not be used: the first lines, and where asked all of them in a file."""

    _SHOWN = 20
    #: Done, but not with everything that was given.
    EXIT_CODE = 3

    def __init__(self, report: Path | None) -> None:
        self._count = 0
        self._path = report
        self._file: TextIO | None = None

    def __enter__(self) -> Skipped:
        if self._path:
            try:
                self._file = self._path.open("w", encoding="utf-8")
            except OSError as error:
                raise InputError(
                    f"report {self._path}: cannot be written ({error.strerror}); name another file"
                ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def __call__(self, problem: Exception) -> None:
        self._count += 1
        if self._file:
            self._file.write(line(str(problem)) + "\n")
        if self._count <= self._SHOWN:
            print(f"skipped: {line(str(problem))}", file=sys.stderr)

    @property
    def exit_code(self) -> int:
        return self.EXIT_CODE if self._count else 0

    def summary(self) -> str:
        """A line on how many, or nothing."""
        if not self._count:
            return ""
        where = f"all in {self._path}" if self._path else "--report FILE lists all"
        more = f"; {where}" if self._count > self._SHOWN or self._path else ""
        return f"skipped: {self._count:,} files or records{more}\n"


@contextmanager
def telling(model: str | None) -> Iterator[Watch | None]:
    """Tells a terminal of each step, on standard error, where a language model makes the answer take a while."""
    if model is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    from rag.render.words import step

    with Console(stderr=True).status("") as status:
        verified = itertools.count(1)

        def tell(told: str | Told) -> None:
            if isinstance(told, str):
                shown = step(told, model)
            else:
                shown = f"{step('write', model)}: {next(verified)} statements verified"
            if shown:
                status.update(Text(shown))

        yield tell


@contextmanager
def progress() -> Iterator[Progress]:
    """On a terminal a bar on standard error, with rate and time left; elsewhere a line there every half minute."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}
        start = time.monotonic()

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None, rate="")
            rate = f"{done / max(time.monotonic() - start, 1e-3):,.0f}/s" if step != "read" else f"{done / 1e6:,.1f} MB"
            bar.update(tasks[step], completed=done, total=total or None, rate=rate)

        yield report


class _Lines:
    """Progress for a log."""

    _EVERY_S = 30.0

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._read, self._total, self._embedded = 0, 0, 0

    def __call__(self, step: str, done: int, total: int) -> None:
        if step == "read":
            self._read, self._total = done, total
        elif step == "embed":
            self._embedded = done
        now = time.monotonic()
        if now - self._last >= self._EVERY_S:
            self._last = now
            spent = now - self._start
            left = f", about {spent * (self._total / self._read - 1) / 60:.0f} min left" if self._read else ""
            amounts = f"{self._read / 1e6:,.1f} of {self._total / 1e6:,.1f} MB read, {self._embedded:,} texts embedded"
            print(f"{amounts}, {self._embedded / spent:,.0f}/s{left}", file=sys.stderr)
