"""Reader of PDF: the text layer in reading order, with headings, lists, table rows and page numbers.

The text and its places come from pypdfium2, metadata and outline from pypdf. What cannot be seen on the page is not
read (see ``pdf_text``), and a scan without a text layer is refused: this reader recognises no letters.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import assembled
from rag.ingest.readers.pdf_blocks import blocks_of
from rag.ingest.readers.pdf_layout import laid_out
from rag.ingest.readers.pdf_record import source_of_pdf, structure_of
from rag.ingest.readers.pdf_text import Page, read_page

#: The longest guidelines and drug compendia have some 2,000 pages.
_MAX_PAGES = 10_000
#: Fewer letters a page than this are stamps on a scan.
_LEAST_LETTERS = 20
#: The signature may stand after other bytes, but in the first kilobyte (ISO 32000-1, annex H).
_SIGNATURE_WITHIN = 1024
_LETTER = re.compile(r"[^\W\d_]")
#: PDFium may be called by one thread at a time.
_PDFIUM = threading.Lock()


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The one document of a PDF.

    Raises:
        CorpusError: no PDF, damaged, encrypted with a password, without pages, or without text.
    """
    content = stream.read()
    if b"%PDF-" not in content[:_SIGNATURE_WITHIN]:
        raise CorpusError(f"{name}: not a PDF: starts with {content[:8]!r}, expected '%PDF-'; check the file's suffix")
    with _PDFIUM:
        pages = _pages(content, name)
    _check_text(pages, name)
    structure = structure_of(content)
    source = source_of_pdf(name, structure.metadata, pages)
    text = blocks_of(laid_out(pages), structure.outline, source.title)
    if not text.items:
        raise CorpusError(f"{name}: a PDF with no paragraph, list or table; expected text besides headings and numbers")
    yield assembled(source, text.items, text.cites)


def _pages(content: bytes, name: str) -> list[Page]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise CorpusError(
                f"{name}: an encrypted PDF, expected one that opens without a password; save it without one"
            ) from None
        raise CorpusError(
            f"{name}: a damaged PDF that cannot be opened ({len(content)} bytes), expected a whole one; fetch it again"
        ) from None
    try:
        count = len(document)
        if not 0 < count <= _MAX_PAGES:
            raise CorpusError(
                f"{name}: a PDF of {count} pages, expected 1 to {_MAX_PAGES}; "
                + ("split it" if count else "fetch it again")
            )
        return [_page(document, i, name) for i in range(count)]
    finally:
        document.close()


def _page(document: pypdfium2.PdfDocument, index: int, name: str) -> Page:
    try:
        return read_page(document, index)
    except pypdfium2.PdfiumError:
        raise CorpusError(
            f"{name}: page {index + 1} of {len(document)} is damaged, expected a readable page; fetch the file again"
        ) from None


def _check_text(pages: list[Page], name: str) -> None:
    letters = sum(len(_LETTER.findall(s.text)) for page in pages for s in page.segments)
    if letters >= _LEAST_LETTERS * (len(pages) if any(page.has_image for page in pages) else 1):
        return
    what = "a scanned PDF without a text layer" if any(p.has_image for p in pages) else "a PDF without text"
    raise CorpusError(f"{name}: {what} ({letters} letters on {len(pages)} pages), expected text; run OCR on it first")
