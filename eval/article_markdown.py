"""The blocks of an answer in Markdown, as language models write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from eval.article_blocks import BOLD_LEVEL, BULLET, Block, Kind, is_bold_heading, raised
from rag.ingest.readers.assembly import cleaned, row_text


def read(text: str) -> Iterator[Block]:
    """The blocks of CommonMark with tables; a list within a list is one deeper, a row of a table an item."""
    environment: dict[str, dict[str, dict[str, str]]] = {}
    stream = MarkdownIt("commonmark").enable("table").parse(text, environment)
    lists: list[int | None] = []
    header: list[str] = []
    for i, token in enumerate(stream):
        if token.type in ("ordered_list_open", "bullet_list_open"):
            lists.append(int(token.attrs.get("start", 1)) - 1 if token.type.startswith("ordered") else None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            lists.pop()
        elif token.type == "list_item_open" and lists[-1] is not None:
            lists[-1] += 1
        elif token.type == "inline" and stream[i - 1].type == "heading_open":
            yield Block(Kind.HEADING, _plain(token.children or []), int(stream[i - 1].tag[1:]))
        elif token.type == "inline" and stream[i - 1].type == "paragraph_open":
            is_first = stream[i - 2].type == "list_item_open"
            yield from _paragraph(token, len(lists), lists[-1] if lists and is_first else None)
        elif token.type == "thead_open":
            header = _row(stream, i + 1)
        elif token.type == "tr_open" and stream[i - 1].type != "thead_open":
            yield Block(Kind.ITEM, row_text(header, _row(stream, i)), 1)
        elif token.type == "hr":
            yield Block(Kind.RULE, "")
    for label, target in environment.get("references", {}).items():
        if number := re.fullmatch(r"\^?(\d{1,3})", label):  # "[1]: https://… "title"", which shows nothing of itself
            yield Block(Kind.PARAGRAPH, f"[{number[1]}] {target.get('title', '')} {target.get('href', '')}")


def _row(stream: list[Token], start: int) -> list[str]:
    cells = []
    for token in (stream[i] for i in range(start, len(stream))):
        if token.type == "tr_close":
            break
        if token.type == "inline":
            cells.append(_plain(token.children or []))
    return cells


def _paragraph(token: Token, depth: int, number: int | None) -> Iterator[Block]:
    """A paragraph; a line of it that is all bold is a heading, and one with a bullet of its own an item."""
    kind, text = (Kind.ITEM if depth else Kind.PARAGRAPH), ""
    is_item = depth > 0
    for line in _lines(token.children or []):
        shown = _plain(line)
        bullet = None if is_item else BULLET.fullmatch(shown)
        is_heading = not is_item and _is_bold(line) and is_bold_heading(shown)
        if not (is_heading or bullet):
            text = f"{text} {shown}".strip()
            continue
        if text:
            yield Block(kind, text, depth, number)
        text = ""
        if is_heading:
            yield Block(Kind.HEADING, shown, BOLD_LEVEL)
        elif bullet:
            text, kind, depth = bullet["text"], Kind.ITEM, 1
    if text:
        yield Block(kind, text, depth, number)


def _lines(children: list[Token]) -> Iterator[list[Token]]:
    line: list[Token] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            yield line
            line = []
        else:
            line.append(child)
    yield line


def _is_bold(line: list[Token]) -> bool:
    depth = 0
    for child in line:
        depth += child.nesting if child.type in ("strong_open", "strong_close") else 0
        if not depth and child.nesting == 0 and child.content.strip():
            return False
    return any(child.type == "strong_open" for child in line)


def _plain(children: list[Token]) -> str:
    """Text of inline tokens without their markup; what is raised stays so, lest 10<sup>9</sup> become 109."""
    parts: list[str] = []
    is_raised = False
    for child in children:
        if child.type == "html_inline":
            is_raised = child.content.lower().startswith("<sup") or (is_raised and "sup" not in child.content.lower())
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type in ("text", "code_inline", "text_special"):
            parts.append(raised(child.content) if is_raised else child.content)
    return cleaned("".join(parts))
