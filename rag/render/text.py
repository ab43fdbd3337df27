"""An answer in a terminal, through rich: the only module that imports it.

Content goes in as ``Text``, never as markup, and without control characters, so that it can neither style nor steer
the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.style import Style
from rich.text import Text

from rag.domain import Answer, Evidence, GlossaryEntry, Needed, Outcome, Reference, Statement
from rag.render import words

if TYPE_CHECKING:
    from rich.console import Console

MAX_MEASURE = 100
"""Columns a line may use on a wider console; longer lines are hard to follow."""

_CITE, _SOFT, _STRONG, _HEADING = "cyan", "dim", "bold", "bold"
_OUTCOME_STYLES = {Outcome.ANSWERED: "green", Outcome.PARTIAL: "yellow"}


def to_text(answer: Answer, console: Console, *, evidence: bool = False) -> None:
    """Print an answer to ``console``, within its width and ``MAX_MEASURE``.

    Args:
        evidence: Also print under each statement the words that support it, and where they stand. Words that are
            the statement's own are not repeated, only located.
    """
    _Page(answer, console, evidence).print()


class _Page:
    """One answer on its way to one console."""

    def __init__(self, answer: Answer, console: Console, evidence: bool) -> None:
        self.answer, self.console, self.evidence = answer, console, evidence
        self.width = min(console.width, MAX_MEASURE)

    def print(self) -> None:
        self._head()
        self._bottom_line()
        self._sections()
        self._disagreements()
        self._needed()
        self._gaps()
        self._withheld()
        self._nearest()
        self._references()
        self._related()
        self._glossary()
        self._foot()

    def _head(self) -> None:
        answer = self.answer
        self._write(_text(answer.title, _STRONG))
        if words.one_line(answer.question) != words.one_line(answer.title):
            self._write(_text(answer.question, _SOFT))
        if told := words.follow_up(answer):
            self._write(_text(told, _SOFT))
        if answer.readings:
            self._write(_text(words.readings(answer), _SOFT))
        self._write(_text(words.status(answer), _OUTCOME_STYLES.get(answer.outcome, "magenta")))
        if answer.reason:
            self._blank()
            self._write(_text(answer.reason))
        if told := words.wording(answer):
            self._write(_text(told, _SOFT))

    def _bottom_line(self) -> None:
        if not self.answer.bottom_line:
            return
        body = Text("\n\n").join(_sentence(statement) for statement in self.answer.bottom_line)
        self._blank()
        panel = Panel(body, title=words.BOTTOM_LINE, title_align="left", border_style="green", padding=(0, 1))
        self.console.print(panel, width=self.width)
        for statement in self.answer.bottom_line:
            self._quotes(statement, "  ")

    def _sections(self) -> None:
        for section in self.answer.sections:
            self._heading(section.heading)
            for statement in section.statements:
                self._bullet(statement)

    def _disagreements(self) -> None:
        if self.answer.disagreements:
            self._heading(words.DISAGREEMENTS)
        for disagreement in self.answer.disagreements:
            self._write(_text(disagreement.topic, _STRONG))
            for position in disagreement.positions:
                who = words.holder(position, self.answer.references)
                self._bullet(position.statement, _labelled(who, "", f" ({words.place_and_year(position)}): "))

    def _needed(self) -> None:
        if self.answer.needed:
            self._heading(words.needed_heading(self.answer))
        for needed in self.answer.needed:
            self._variable(needed)

    def _variable(self, needed: Needed) -> None:
        self._write(_labelled(needed.variable, needed.why), "• ")
        for branch in needed.branches:
            self._bullet(branch.statement, _labelled(branch.value, ""), "  → ")
            if branch.note:
                self._write(_text(branch.note, _SOFT), "    ")

    def _gaps(self) -> None:
        self._entries(words.GAPS, (_labelled(gap.aspect, gap.reason) for gap in self.answer.gaps))

    def _withheld(self) -> None:
        self._entries(words.WITHHELD, (_labelled(w.heading, words.withheld(w)) for w in self.answer.withheld))

    def _nearest(self) -> None:
        if self.answer.nearest:
            self._heading(words.NEAREST)
        for evidence in self.answer.nearest:
            self._quote(evidence, "")

    def _references(self) -> None:
        if not self.answer.references:
            return
        self._heading(words.REFERENCES)
        indent = len(words.mark(self.answer.references[-1].number)) + 1
        for reference in self.answer.references:
            self._write(
                _reference(reference, self.answer.references), words.mark(reference.number).ljust(indent), _CITE
            )

    def _related(self) -> None:
        self._entries(words.RELATED, map(_text, self.answer.related_questions))

    def _glossary(self) -> None:
        for heading, entries in words.glossaries(self.answer):
            self._entries(heading, map(_explained, entries))

    def _foot(self) -> None:
        self._blank()
        self._write(_text(self.answer.disclaimer, _SOFT))
        self._write(_text(words.receipt_line(self.answer), _SOFT))

    def _heading(self, heading: str) -> None:
        self._blank()
        self._write(_text(heading, _HEADING))

    def _entries(self, heading: str, entries: Iterable[Text]) -> None:
        for position, entry in enumerate(entries):
            if not position:
                self._heading(heading)
            self._write(entry, "• ")

    def _bullet(self, statement: Statement, label: Text | None = None, bullet: str = "• ") -> None:
        self._write((label or Text()).append_text(_sentence(statement)), bullet)
        self._quotes(statement, " " * len(bullet))

    def _quotes(self, statement: Statement, indent: str) -> None:
        for evidence in statement.evidence if self.evidence else ():
            self._quote(evidence, indent, words.one_line(statement.shown))

    def _quote(self, evidence: Evidence, indent: str, shown: str = "") -> None:
        """Print a quote, unless it is what is ``shown`` already, and where it stands."""
        bar, quote = f"{indent}│ ", words.one_line(evidence.quote)
        where = ", ".join(filter(None, [words.source_label(evidence, self.answer.references), words.locator(evidence)]))
        if quote == shown:
            where = f"word for word in {where}"
        else:
            self._write(_text(f"“{quote}”", _SOFT), bar, _SOFT, bar)
        self._write(_text(where, _SOFT), bar, _SOFT, bar)

    def _blank(self) -> None:
        self.console.print()

    def _write(self, body: Text, first: str = "", style: str = "", rest: str | None = None) -> None:
        """Print ``body`` after ``first``, its further lines after ``rest`` (as many spaces, unless given)."""
        rest = " " * len(first) if rest is None else rest
        for number, line in enumerate(body.wrap(self.console, max(self.width - len(first), 1))):
            line.rstrip()
            prefix = Text(rest if number else first, style=style)
            self.console.print(prefix.append_text(line), soft_wrap=True)


def _text(text: str, style: str = "") -> Text:
    return Text(words.one_line(text), style=style)


def _labelled(label: str, text: str, colon: str = ": ") -> Text:
    return Text().append(words.one_line(label), _STRONG).append(colon).append(words.one_line(text))


def _sentence(statement: Statement) -> Text:
    sentence = Text(words.one_line(statement.shown)).append_text(_cites(statement.citations))
    note = words.qualifier(statement)
    return sentence.append(f" ({words.one_line(note)})", "italic dim") if note else sentence


def _cites(numbers: Sequence[int]) -> Text:
    return Text(f" [{','.join(map(str, numbers))}]", _CITE) if numbers else Text()


def _explained(entry: GlossaryEntry) -> Text:
    return _labelled(entry.term, words.meaning(entry)).append_text(_cites(entry.citations))


def _reference(reference: Reference, references: Sequence[Reference]) -> Text:
    entry = Text()
    for text, url in words.linked(reference):
        entry.append(words.printable(text), Style(link=url))
    return entry.append(f"\n{words.one_line(words.details(reference, references))}", _SOFT)
