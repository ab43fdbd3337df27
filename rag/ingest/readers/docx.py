"""Reader of Word documents: headings by style, lists, tables and core properties, in document order.

Footnotes, comments, headers and footers are not read.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from rag.domain import BlockKind, Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import RAISED, Item, assembled, cleaned, key_of_file
from rag.ingest.readers.fields import source_of
from rag.ingest.readers.grid import Cell, Row, table_items

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

#: What a file may claim to unpack to: in all, and relative to its packed size for a member of more than 1 MB.
MAX_UNPACKED_BYTES = 200_000_000
MAX_RATIO = 200
_RATIO_FROM_BYTES = 1_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_XML = (".xml", ".rels")
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_LIST = re.compile(r"list\b", re.IGNORECASE)
_MAX_STYLES = 10
_NUMBERED = "w:pPr/w:numPr/w:numId"
_RUNS = ".//w:r[not(ancestor::w:txbxContent) and not(ancestor::w:moveFrom) and not(ancestor::w:del)]"
_HEAD_ROW = "w:trPr/w:tblHeader"


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The one document of a ``.docx`` file.

    Raises:
        CorpusError: not a Word document, encrypted, of the format before 2007, larger than it may be when unpacked,
            with entities declared in its XML, or without text.
    """
    content = stream.read()
    _check(content, name)
    word = _opened(content, name)
    try:
        body, stated = _Body(word), _properties(word)
    except (KeyError, ValueError, AttributeError, IndexError, RecursionError) as error:  # as python-docx meets damage
        raise CorpusError(f"{name}: a part of it is damaged ({cleaned(str(error))}); save it in Word anew") from error
    if not body.items:
        raise CorpusError(f"{name}: has no text; expected paragraphs, not only pictures; give it as a PDF with text")
    title = body.title or str(stated["title"]) or cleaned(name)
    yield assembled(source_of(key_of_file(name), title, stated), body.items)


def _check(content: bytes, name: str) -> None:
    """Refuses what must not be opened, by the sizes that the archive declares, which must be true, and its XML."""
    if content.startswith(_OLE):
        raise CorpusError(f"{name}: is encrypted or in Word's format before 2007; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_sizes(members, name)
            for member in members:
                content = _unpacked(archive, member)
                if member.filename.casefold().endswith(_XML) and _DECLARATION.search(content.replace(b"\0", b"")):
                    raise CorpusError(
                        f"{name}: {member.filename} declares entities; expected none; save it in Word anew"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise CorpusError(f"{name}: is not a whole .docx file ({error}); save it in Word anew") from error


def _check_sizes(members: list[zipfile.ZipInfo], name: str) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES:
        raise CorpusError(f"{name}: unpacks to {unpacked:,} bytes, expected {MAX_UNPACKED_BYTES:,} at most; split it")
    for member in members:
        if member.flag_bits & 1:
            raise CorpusError(f"{name}: {member.filename} is encrypted; save the file without a password")
        if member.file_size > _RATIO_FROM_BYTES and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise CorpusError(
                f"{name}: {member.filename} unpacks {member.file_size // max(member.compress_size, 1)}-fold, expected "
                f"{MAX_RATIO}-fold at most; save it in Word anew"
            )


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A part's bytes, no more than its size as declared, which a bomb understates."""
    with archive.open(member) as part:
        content = part.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename} is not as long as it says")
    return content


def _opened(content: bytes, name: str) -> WordDocument:
    import docx

    try:
        return docx.Document(io.BytesIO(content))
    except Exception as error:  # python-docx lets through whatever lxml and its own look-ups raise on a broken part
        problem = cleaned(str(error)) or type(error).__name__
        raise CorpusError(f"{name}: is not a Word document ({problem}); save it in Word as .docx") from error


class _Body:
    """The items of a document, and the first paragraph styled as its title, which is none of them."""

    def __init__(self, word: WordDocument) -> None:
        self.title = ""
        self.items: list[Item] = []
        self._headings: list[tuple[int, str]] = []
        for part in _parts(word):
            self._add(part)

    def _add(self, part: Paragraph | Table) -> None:
        from docx.table import Table

        path = tuple(heading for _, heading in self._headings)
        if isinstance(part, Table):
            caption = self.items[-1] if self.items and self.items[-1].kind is BlockKind.CAPTION else None
            if caption and not caption.text.casefold().startswith("fig"):
                path = (*path, caption.text)  # it says whose numbers the rows are
            self.items.extend(table_items(list(_rows(part)), path))
        elif text := _text(part):
            styles = _styles(part)
            match = next((match for style in styles if (match := _HEADING.fullmatch(style))), None)
            level = int(match[1]) if match else 0
            if match or "title" in styles:
                if level or self.title:
                    self._headings = [*(h for h in self._headings if h[0] < level), (level, text)]
                else:
                    self.title = text
            else:
                self.items.append(Item(text, path, _kind(part, styles)))


def _parts(word: WordDocument) -> Iterator[Paragraph | Table]:
    """Paragraphs and tables in order, those in content controls too but for Word's own, such as the contents."""
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    body = word._body
    control = "./w:sdt[not(w:sdtPr/w:docPartObj)]/w:sdtContent"
    for element in word.element.body.xpath(f"./w:p | ./w:tbl | {control}/w:p | {control}/w:tbl"):
        yield Table(element, body) if element.tag.endswith("}tbl") else Paragraph(element, body)


def _kind(paragraph: Paragraph, styles: list[str]) -> BlockKind:
    if "caption" in styles:
        return BlockKind.CAPTION
    numbers = paragraph._p.xpath(_NUMBERED)
    is_numbered = bool(numbers) and numbers[0].val != 0  # 0 takes a style's numbering away
    is_listed = any(_LIST.match(style) for style in styles)
    return BlockKind.LIST_ITEM if is_numbered or is_listed else BlockKind.PARAGRAPH


def _styles(paragraph: Paragraph) -> list[str]:
    """The names of the paragraph's style and of those it is based on, in small letters."""
    names: list[str] = []
    style: Any = paragraph.style
    while style is not None and len(names) < _MAX_STYLES:
        names.append((style.name or "").casefold())
        style = getattr(style, "base_style", None)
    return names


def _text(paragraph: Paragraph) -> str:
    """The text with raised digits as such, 10⁹ not 109; with what was inserted, without what is deleted or hidden."""
    from docx.text.run import Run

    runs = [Run(element, paragraph) for element in paragraph._p.xpath(_RUNS)]
    return cleaned(
        "".join(run.text.translate(RAISED) if run.font.superscript else run.text for run in runs if not run.font.hidden)
    )


def _rows(table: Table) -> Iterator[Row]:
    """Rows as written; python-docx gives a merged cell once for each place, and Word marks the rows of the head."""
    for i, row in enumerate(table.rows):
        cells: list[Cell] = []
        previous = None
        for cell in row.cells:
            if previous is not None and cell._tc is previous:
                cells[-1] = cells[-1]._replace(columns=cells[-1].columns + 1)
            else:
                cells.append(Cell(_cell_text(cell)))
            previous = cell._tc
        yield Row(cells, is_head=i == 0 or bool(row._tr.xpath(_HEAD_ROW)))


def _cell_text(cell: _Cell) -> str:
    """A cell's paragraphs, and the cells of a table within it, in one line."""
    from docx.table import Table

    texts: list[str] = []
    for part in cell.iter_inner_content():
        if isinstance(part, Table):
            texts.extend(_cell_text(inner) for row in part.rows for inner in row.cells)
        else:
            texts.append(_text(part))
    return " ".join(text for text in texts if text)


def _properties(word: WordDocument) -> dict[str, object]:
    """What the core properties state, but for what programs write into every file.

    The date of the last change says which state was read; the day a file was made is not its day of publication.
    """
    core = word.core_properties
    try:
        as_of = core.modified.date().isoformat() if core.modified else None
    except ValueError:  # a date that is none
        as_of = None
    title = "" if core.title == "Word Document" else cleaned(core.title)
    authors = [] if core.author == "python-docx" else core.author.split(";")
    return {"title": title, "authors": authors, "as_of": as_of, "language": core.language}
