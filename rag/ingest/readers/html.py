"""Reader of web pages: their main text with headings, lists, tables, captions and boxes.

The page is parsed by Lexbor as a browser would. The walk is our own: extractors leave out asides and captions, keep
some hidden elements, and set a cell that spans rows into one of them only, so that a dose would lose its drug.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import assembled, cleaned, key_of_file
from rag.ingest.readers.fields import source_of
from rag.ingest.readers.html_items import ItemBuilder
from rag.ingest.readers.html_meta import decoded, stated_by, title_of
from rag.ingest.readers.html_tree import is_furniture, is_unseen, main_part, sizes_of, walked

#: Of the page's text, what a box may have at most.
_MAX_BOX_SHARE = 0.3
#: Beyond this the parser's time grows with the square of the depth.
_MAX_DEPTH = 5000
_TAG = re.compile(
    rb"<(/?)(?:div|span|font|b|i|a|table|section|ul|ol|dl|blockquote|center|em|strong|sub|sup|article|aside|main|header|"
    rb"footer|nav|details|figure|fieldset|form|small|big|u|s|code|button|svg|g|math|mrow|object|ruby|q)\b",
    re.I,
)


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The one document of a web page.

    Raises:
        CorpusError: binary, nested too deep, or without any text.
    """
    content = stream.read()
    if b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(f"{name}: is binary (a NUL byte at {content.index(0)}); expected an HTML page")
    _check_depth(content, name)
    page = LexborHTMLParser(decoded(content).replace("\0", ""))
    body = page.body
    if body is None:
        raise CorpusError(f"{name}: has no body; expected an HTML page with text in it")
    stated = stated_by(page)
    title = title_of(page, stated)
    builder = _built(body, title)
    if not builder.items:
        raise CorpusError(f"{name}: has no text; expected an HTML page with text in it, not one that a script fills")
    source = source_of(key_of_file(name), title or cleaned(name), stated)
    yield assembled(source, builder.items, builder.cites)


def _check_depth(content: bytes, name: str) -> None:
    depth = 0
    for tag in _TAG.finditer(content):
        depth += -1 if tag[1] and depth else 1 - bool(tag[1])
        if depth > _MAX_DEPTH:
            raise CorpusError(
                f"{name}: elements are nested deeper than {_MAX_DEPTH} at byte {tag.start()}; expected a page that a "
                "browser could show; mend what is not closed"
            )


def _built(body: LexborNode, title: str) -> ItemBuilder:
    sizes = sizes_of(body)
    main = main_part(body, sizes)
    whole, is_page = sizes[main.mem_id], main.mem_id == body.mem_id

    def is_left_out(node: LexborNode) -> bool:
        if node.mem_id == main.mem_id:
            return False
        return is_unseen(node) or is_furniture(node, sizes[node.mem_id], whole, is_page)

    builder = ItemBuilder(title)
    for node, is_start in walked(main, is_left_out):
        if node.is_text_node:
            builder.add_text(node.text_content or "")
        elif is_start:
            builder.open(node, sizes[node.mem_id].text < _MAX_BOX_SHARE * whole.text)
        else:
            builder.close(node)
    builder.finish()
    return builder
