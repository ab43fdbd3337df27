"""An answer as CommonMark.

Every string of an answer is escaped: what a corpus or a question holds can make neither markup nor links nor HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal
from urllib.parse import quote

from rag.domain import Answer, Disagreement, Needed, Reference, Statement
from rag.render import words

#: Of brackets the closing ones: without them an opening one makes nothing, and chat front ends take an opening one with
#: a backslash for the beginning of a formula.
_SPECIAL = re.compile(r"[\\`*_{}\]<>|~#$@]|&(?=#?\w+;)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_LINE_START = re.compile(r"^(\d{0,9})([-+=.)])")
_ADDRESS_SAFE = "/:?#@!$&+,;=%~-._"
#: Citation marks that lead to the list of references by ``<a id="ref-1"></a>``, the only HTML; to the source's own
#: page; or nowhere, "[1]" as it is, for front ends that give it a meaning of their own.
MarkStyle = Literal["anchored", "linked", "plain"]


def to_markdown(answer: Answer, *, marks: MarkStyle = "anchored") -> str:
    """An answer, bottom line first, ending with one newline."""
    return "\n\n".join(blocks(answer, marks)) + "\n"


def blocks(answer: Answer, style: MarkStyle) -> list[str]:
    """The paragraphs, headings and lists of an answer, in order; a blank line parts them."""
    marks = _Marks(answer.references, style)
    made = [*_head(answer), *_bottom_line(answer, marks), *_sections(answer, marks), *_disagreements(answer, marks)]
    made += [*_needed(answer, marks), *_gaps(answer), *_withheld(answer), *_nearest(answer)]
    made += [*_references(answer, style), *_related(answer), *_glossary(answer, marks), *_foot(answer)]
    return made


def escape(text: str) -> str:
    """One line of Markdown that shows ``text`` as it stands, wherever in a line it is put."""
    escaped = _SPECIAL.sub(lambda match: "\\" + match.group(), words.one_line(text))
    return _LINE_START.sub(r"\1\\\2", escaped)


def _within_link(text: str) -> str:
    """As ``escape``, for the text of a link, which an opening bracket would begin anew."""
    return escape(text).replace("[", "\\[")


class _Marks:
    """Citation marks of statements, linked to where a reader finds the source."""

    def __init__(self, references: Sequence[Reference], style: MarkStyle) -> None:
        self._style = style
        self._targets = {
            r.number: f"#{words.anchor(r.number)}" if style == "anchored" else _address(words.web_link(r.url))
            for r in references
        }

    def sentence(self, statement: Statement) -> str:
        marks = self.of(statement.citations)
        note = words.qualifier(statement)
        return f"{escape(statement.shown)} {marks}" + (f" *({escape(note)})*" if note else "")

    def of(self, numbers: Sequence[int]) -> str:
        return "".join(map(self._mark, numbers))

    def _mark(self, number: int) -> str:
        if self._style == "plain":
            return words.mark(number)
        mark, target = _within_link(words.mark(number)), self._targets[number]
        return f"[{mark}]({target})" if target else mark


def _head(answer: Answer) -> Iterator[str]:
    yield f"# {escape(answer.title)}"
    if words.one_line(answer.question) != words.one_line(answer.title):
        yield f"**Question:** {escape(answer.question)}"
    if told := words.follow_up(answer):
        yield escape(told)
    if answer.readings:
        yield escape(words.readings(answer))
    yield f"*{escape(words.status(answer))}*"
    if answer.reason:
        yield f"**Reason:** {escape(answer.reason)}"
    if told := words.wording(answer):
        yield f"*{escape(told)}*"


def _bottom_line(answer: Answer, marks: _Marks) -> Iterator[str]:
    if not answer.bottom_line:
        return
    yield f"**{words.BOTTOM_LINE}**"
    for statement in answer.bottom_line:
        yield marks.sentence(statement)


def _sections(answer: Answer, marks: _Marks) -> Iterator[str]:
    for section in answer.sections:
        yield f"## {escape(section.heading)}"
        yield _list(marks.sentence(statement) for statement in section.statements)


def _disagreements(answer: Answer, marks: _Marks) -> Iterator[str]:
    if answer.disagreements:
        yield f"## {words.DISAGREEMENTS}"
    for disagreement in answer.disagreements:
        yield f"**{escape(disagreement.topic)}**"
        yield _list(_positions(disagreement, answer, marks))


def _positions(disagreement: Disagreement, answer: Answer, marks: _Marks) -> Iterator[str]:
    for position in disagreement.positions:
        who, where = words.holder(position, answer.references), words.place_and_year(position)
        yield f"**{escape(who)}** ({escape(where)}): {marks.sentence(position.statement)}"


def _needed(answer: Answer, marks: _Marks) -> Iterator[str]:
    if answer.needed:
        yield f"## {words.needed_heading(answer)}"
        yield "\n".join(_variable(needed, marks) for needed in answer.needed)


def _variable(needed: Needed, marks: _Marks) -> str:
    lines = [f"- **{escape(needed.variable)}:** {escape(needed.why)}"]
    for branch in needed.branches:
        note = f" ({escape(branch.note)})" if branch.note else ""
        lines.append(f"  - **{escape(branch.value)}:** {marks.sentence(branch.statement)}{note}")
    return "\n".join(lines)


def _gaps(answer: Answer) -> Iterator[str]:
    if answer.gaps:
        yield f"## {words.GAPS}"
        yield _list(f"**{escape(gap.aspect)}:** {escape(gap.reason)}" for gap in answer.gaps)


def _withheld(answer: Answer) -> Iterator[str]:
    if answer.withheld:
        yield f"## {words.WITHHELD}"
        yield _list(f"**{escape(part.heading)}:** {escape(words.withheld(part))}" for part in answer.withheld)


def _nearest(answer: Answer) -> Iterator[str]:
    if not answer.nearest:
        return
    yield f"## {words.NEAREST}"
    for evidence in answer.nearest:
        where = ", ".join(filter(None, [words.source_label(evidence, answer.references), words.locator(evidence)]))
        yield f"> {escape(evidence.quote)}\n>\n> {escape(where)}"


def _references(answer: Answer, style: MarkStyle) -> Iterator[str]:
    if answer.references:
        yield f"## {words.REFERENCES}"
        numbers = [r.number for r in answer.references]
        # A list counts on from its first number. Where numbers leap, as in a conversation, another list begins: by
        # another sign behind the number.
        leaps = [n != before + 1 for before, n in pairwise([numbers[0] - 1, *numbers])]
        signs = (".)"[count % 2] for count in accumulate(leaps))
        entries = (_reference(r, answer.references, style) for r in answer.references)
        lines = zip(leaps, numbers, signs, entries, strict=True)
        yield "\n".join(("\n" if leap else "") + f"{number}{sign} {entry}" for leap, number, sign, entry in lines)


def _reference(reference: Reference, references: Sequence[Reference], style: MarkStyle) -> str:
    target = f'<a id="{words.anchor(reference.number)}"></a>' if style == "anchored" else ""
    citation = "".join(_piece(text, url) for text, url in words.linked(reference))
    return f"{target}{citation} *({escape(words.details(reference, references))})*"


def _piece(text: str, url: str | None) -> str:
    """A piece of a citation; spaces at its ends are kept, since pieces are joined."""
    if url and text == url and not set(url) & set("<>"):
        return f"<{url}>"
    if url:
        return f"[{_within_link(text)}]({_address(url)})"
    before, after = " " * text[:1].isspace(), " " * (text[-1:].isspace() and not text.isspace())
    return before + escape(text) + after


def _related(answer: Answer) -> Iterator[str]:
    if answer.related_questions:
        yield f"## {words.RELATED}"
        yield _list(escape(question) for question in answer.related_questions)


def _glossary(answer: Answer, marks: _Marks) -> Iterator[str]:
    for heading, entries in words.glossaries(answer):
        yield f"## {heading}"
        yield _list(
            f"**{escape(entry.term)}:** {escape(words.meaning(entry))} {marks.of(entry.citations)}".rstrip()
            for entry in entries
        )


def _foot(answer: Answer) -> Iterator[str]:
    yield "---"
    yield escape(answer.disclaimer)
    yield f"*{escape(words.receipt_line(answer))}*"


def _list(items: Iterator[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _address(url: str | None) -> str | None:
    """A link destination: characters that could end it are encoded, and "&" is no entity."""
    return quote(url, safe=_ADDRESS_SAFE).replace("&", "&amp;") if url else None
