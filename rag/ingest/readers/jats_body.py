"""The text of a JATS article as items: sections, lists, tables, captions and boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from rag.domain import BlockKind
from rag.ingest.readers.assembly import Item
from rag.ingest.readers.grid import Cell, Row, table_items
from rag.ingest.readers.labels import labelled_parts, section_name
from rag.ingest.readers.xml import LANGUAGE
from rag.ingest.readers.xml_text import add, add_content, joined, mark_of, text_of

Path = tuple[str, ...]

_PARAGRAPH, _BOX = BlockKind.PARAGRAPH, BlockKind.BOX
#: Abstracts that say the same again, for a table of contents or in a picture.
_LESSER_ABSTRACTS = frozenset(("teaser", "toc", "graphical", "graphical-abstract", "precis", "video", "web-summary"))
#: In the back matter only these speak of the subject; the rest is on the making of the article.
_BACK_PARTS = frozenset(("sec", "app", "app-group", "glossary", "boxed-text", "table-wrap", "fig", "floats-group"))
_MAKING = re.compile(
    r"(?:the )?(?:authors?\W{0,2}s?\W? |author )?(?:contributions?|information|details)|"
    r"(?:conflicts?|declarations?|statements?|disclosures?|competing|duality|financial|funding|source of|sources of|"
    r"ethic\w*|consent|acknowledge?ments?|data (?:availability|sharing|accessibility)|availability of|pre-publication|"
    r"provenance|supporting information|supplementa\w+|additional (?:files?|information)|electronic supplementary|"
    r"publisher.s note|open access)\b",
    re.IGNORECASE,
)
_LEFT_OUT = frozenset(
    "title label caption graphic media supplementary-material object-id alt-text long-desc ref-list sec-meta "
    "permissions fn-group kwd-group processing-meta sub-article response def-head term-head".split()
)
_NAMED = frozenset(("sec", "app", "boxed-text", "statement", "glossary", "list", "fig-group", "def-list"))
#: Their label is part of their name: "Box 1. Dosing", where the number of a section is not.
_LABELLED = frozenset(("app", "boxed-text", "statement"))
#: These interrupt a paragraph, and those stand somewhere near it.
_INTERRUPTIONS = frozenset("list def-list disp-quote verse-group preformat code speech statement".split())
_FLOATS = frozenset("fig fig-group table-wrap table-wrap-group boxed-text fn".split())
_BLOCKS = _NAMED | _INTERRUPTIONS | _FLOATS | {"p", "table", "array", "def-item", "list-item"}
_MAX_HEADING = 160
_INDENT = re.compile("[\n\r\t ]*([\xa0\u2000-\u200a\u3000]*)")
_WORD = re.compile(r"\w")
_NUMBER = re.compile(r"^(?:\d+\.)+(?:\d+\.?)?\s+")
_NAME = re.compile(r"[^\W\d_]{3}")


def items_of(article: Any) -> Iterator[Item]:
    """The abstract, the body, the tables and figures kept apart from it, and what the back matter adds, in this order.

    Reviewers' reports, responses and translations (``sub-article``, ``response``) are left out.
    """
    for abstract in _abstracts(article):
        yield from _abstract_items(abstract)
    for part in article.iterchildren("body", "floats-group"):
        yield from _children(part, (), _PARAGRAPH)
    for back in article.iterchildren("back"):
        for part in back.iterchildren(*_BACK_PARTS):
            if not _MAKING.match(text_of(part.find("title"))):
                yield from _items(part, (), _PARAGRAPH)


def _abstracts(article: Any) -> list[Any]:
    """Of abstracts in several languages only one; the English one, if there is one, beside none in English."""
    meta = article.find("front/article-meta")
    if meta is None:
        return []
    main = [a for a in meta.iterchildren("abstract") if a.get("abstract-type") not in _LESSER_ABSTRACTS]
    translated = list(meta.iterchildren("trans-abstract"))
    english = [a for a in translated if (a.get(LANGUAGE) or "").startswith("en")]
    is_english = (article.get(LANGUAGE) or "en").startswith("en")
    if main and (is_english or not english):
        return main
    return english[:1] or translated[:1]


def _abstract_items(abstract: Any) -> Iterator[Item]:
    kind = abstract.get("abstract-type")
    name = text_of(abstract.find("title")) or kind.replace("-", " ").capitalize() if kind else "Abstract"
    for item in _children(abstract, (), _PARAGRAPH):
        path = tuple(_calm(heading) for heading in item.heading_path)
        if item.kind is _PARAGRAPH and not path:
            for label, part in labelled_parts(item.text):
                yield item._replace(text=part, heading_path=(name, label) if label else (name,))
        else:
            yield item._replace(heading_path=(name, *path))


def _calm(heading: str) -> str:
    return heading.capitalize() if heading.isupper() else heading


def _children(node: Any, path: Path, kind: BlockKind) -> Iterator[Item]:
    for child in node:
        yield from _items(child, path, kind)


def _items(node: Any, path: Path, kind: BlockKind) -> Iterator[Item]:
    """Items of one element, ``kind`` being what paragraphs are where it stands."""
    tag = node.tag
    if tag in _LEFT_OUT or tag is etree.Entity:
        return
    if tag == "p":
        yield from _paragraph(node, path, kind)
    elif tag in ("fig", "table-wrap"):
        yield from _captioned(node, path)
    elif tag == "def-item":
        term, meaning = text_of(node.find("term")), text_of(node.find("def"))
        yield Item(f"{term}: {meaning}" if term and meaning else term or meaning, path, kind)
    elif tag == "list-item":
        yield from _list_item(node, path, kind)
    elif tag == "fn":
        yield Item(_note(node), path, kind)
    elif tag == "verse-group":
        yield Item(" / ".join(filter(None, map(text_of, node.iter("verse-line")))), path, kind)
    elif tag in _NAMED:
        yield from _named(node, path, kind)
    elif any(child.tag in _BLOCKS for child in node):
        yield from _children(node, path, kind)
    else:
        yield Item(text_of(node), path, kind)


def _named(node: Any, path: Path, kind: BlockKind) -> Iterator[Item]:
    tag = node.tag
    if tag == "boxed-text":
        kind = _BOX
    elif tag in ("list", "def-list") and kind is not _BOX:
        kind = BlockKind.LIST_ITEM
    name = _heading(node)
    inner = (*path, name) if name and path[-1:] != (name,) else path
    caption = node.find("caption")
    if caption is not None:
        yield from _children(caption, inner, kind)
    yield from _children(node, inner, kind)


def _heading(node: Any) -> str:
    label = text_of(node.find("label")).rstrip(".: ") if node.tag in _LABELLED else ""
    title = text_of(node.find("title")) or text_of(node.find("caption/title"))
    title = section_name(title) or _NUMBER.sub("", title).rstrip(": ")
    return f"{label}. {title}" if label and title else label or title


def _paragraph(node: Any, path: Path, kind: BlockKind) -> Iterator[Item]:
    """A paragraph, in pieces around its lists; a table or box in it comes after it, lest it cut a sentence."""
    parts = [node.text or ""]
    floats = []
    for child in node:
        if child.tag in _FLOATS:
            floats.append(child)
        elif child.tag in _INTERRUPTIONS:
            yield from _piece(parts, path, kind)
            parts = []
            yield from _items(child, path, kind)
        else:
            add(parts, child)
        parts.append(child.tail or "")
    yield from _piece(parts, path, kind)
    for child in floats:
        yield from _items(child, path, kind)


def _piece(parts: list[str], path: Path, kind: BlockKind) -> Iterator[Item]:
    text = joined(parts)
    if _WORD.search(text):  # not the full stop that followed a list
        yield Item(text, path, kind)


def _list_item(node: Any, path: Path, kind: BlockKind) -> Iterator[Item]:
    """A label that is a number is left out, one such as "Recommendation 3" is not."""
    label = text_of(node.find("label"))
    for item in _children(node, path, kind):
        yield item._replace(text=f"{label.rstrip('.: ')}: {item.text}") if _NAME.search(label) else item
        label = ""


def _note(node: Any) -> str:
    """A footnote with its mark, raised as where it stands in the text."""
    parts: list[str] = []
    for child in node:
        if child.tag == "label":
            parts.append(f"{mark_of(text_of(child))} ")
        else:
            add(parts, child)
    return joined(parts)


def _captioned(node: Any, path: Path) -> Iterator[Item]:
    """The caption; for a table also its rows and notes, under the caption as their heading."""
    label = text_of(node.find("label")).rstrip(".: ")
    title = text_of(node.find("caption/title"))
    paragraphs = [text_of(p) for p in node.iterfind("caption/p")]
    texts = [text for text in (title, *paragraphs, *map(text_of, node.iterchildren("attrib"))) if text]
    caption = _sentences([label, *texts]) if texts else label
    if texts or node.tag == "table-wrap":
        yield Item(caption, path, BlockKind.CAPTION)
    if node.tag == "table-wrap":
        name = _sentences([label, *texts[:1]])
        yield from _table(
            node, (*path, name.rstrip(".") if len(name) <= _MAX_HEADING else label or name[:_MAX_HEADING])
        )


def _sentences(texts: list[str]) -> str:
    return " ".join(t if t.endswith((".", "?", "!", ":")) else f"{t}." for t in texts[:-1] if t) + (
        f" {texts[-1]}" if texts else ""
    )


def _table(node: Any, path: Path) -> Iterator[Item]:
    path = tuple(filter(None, path))
    for table in node.iter("table", "array"):
        yield from table_items(_rows(table), path)
    for foot in node.iterchildren("table-wrap-foot"):
        for note in foot.iter("fn", "p"):
            if note.tag == "fn" or note.getparent().tag != "fn":
                yield Item(_note(note) if note.tag == "fn" else text_of(note), path)


def _rows(table: Any) -> list[Row]:
    """A table without ``<thead>`` is headed by the rows at its top that are all ``<th>``.

    Where the head ends in groups of columns, their names are often the first row of the body.
    """
    elements = list(table.iter("tr"))
    groups = [element.getparent().tag for element in elements]
    rows = [[_cell(cell) for cell in element.iterchildren("td", "th")] for element in elements]
    heads = groups.count("thead")
    while "thead" not in groups and heads < len(rows) and all(cell.tag == "th" for cell in elements[heads]):
        heads += 1
    if 0 < heads < len(rows) and _names_columns(rows[heads], rows[heads - 1]):
        heads += 1
    return [Row(cells, i < heads, group == "tfoot") for i, (cells, group) in enumerate(zip(rows, groups, strict=True))]


def _names_columns(row: list[Cell], above: list[Cell]) -> bool:
    is_grouped = any(cell.columns > 1 for cell in above) and len(above) > 1
    return is_grouped and len(row) > 2 and not row[0].text and all(cell.text for cell in row[-2:])


def _cell(cell: Any) -> Cell:
    parts: list[str] = []
    add_content(parts, cell)
    raw = "".join(parts)
    indent = _INDENT.match(raw)
    is_bold = not (cell.text or "").strip() and all(
        child.tag in ("bold", "break", "hr", "sup", "xref") and not (child.tail or "").strip() for child in cell
    )
    return Cell(
        joined(parts),
        _span(cell, "colspan"),
        _span(cell, "rowspan"),
        len(indent[1]) if indent else 0,
        is_bold and cell.find("bold") is not None,
    )


def _span(cell: Any, name: str) -> int:
    value = (cell.get(name) or "").strip()
    return int(value) if value.isdecimal() and len(value) < 6 else 1
