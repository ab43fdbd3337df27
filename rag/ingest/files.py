"""Which files are documents, and which reader each of them takes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from rag.errors import CorpusError
from rag.ingest.readers import Read

_README = "readme.md"
#: Enough to see a format's mark behind a byte order mark, a licence comment or a doctype.
_HEAD_BYTES = 4096
#: A file of one document is read whole. The longest guideline among the fixtures has 2.9 MB of HTML, 262 pages of PDF.
MAX_FILE_BYTES = 100 * 2**20


class Format(NamedTuple):
    """A format: its name, the module in ``readers`` that reads it, and whether a file holds many documents."""

    name: str
    reader: str
    is_stream: bool = False

    def read(self) -> Read:
        """The reader, whose libraries are only loaded now."""
        function: Read = import_module(f"rag.ingest.readers.{self.reader}").read
        return function


PDF = Format("PDF", "pdf")
JATS = Format("JATS XML", "jats")
MEDLINE = Format("MEDLINE XML", "medline", is_stream=True)
HTML = Format("HTML", "html")
MARKDOWN = Format("Markdown", "markdown")
PLAIN = Format("plain text", "plain")
DOCX = Format("DOCX", "docx")
JSONL = Format("JSON lines", "jsonl", is_stream=True)

_BY_SUFFIX = {
    ".pdf": (PDF,), ".xml": (MEDLINE, JATS), ".xml.gz": (MEDLINE,), ".nxml": (JATS,), ".html": (HTML,), ".htm": (HTML,),
    ".xhtml": (HTML,), ".md": (MARKDOWN, PLAIN), ".markdown": (MARKDOWN, PLAIN), ".txt": (PLAIN,), ".text": (PLAIN,),
    ".docx": (DOCX,), ".jsonl": (JSONL,), ".jsonl.gz": (JSONL,), ".ndjson": (JSONL,),
}  # fmt: skip
#: Records beside a document, and what ``osler corpus pull`` leaves beside its files.
_BESIDE = {".ris", ".nbib", ".json", ".part", ".md5"}


def source_files(paths: Iterable[Path]) -> Iterator[Path | CorpusError]:
    """The files to read among ``paths`` and in the folders among them, at any depth, sorted, each once.

    In a folder, hidden files, README.md and files of other kinds are passed over; a file that is named must be of a
    known kind. What is not there is an error of its own.
    """
    seen = set[Path]()
    for path in paths:
        found: Iterable[Path | CorpusError]
        mode = _mode(path)
        if S_ISDIR(mode):
            found = sorted(p for p in path.rglob("*") if _is_document(p.relative_to(path)) and p.is_file())
            found = found or [CorpusError(f"folder {path}: no documents in it; expected files such as .md, .pdf, .xml")]
        elif not mode:
            found = [CorpusError(f"{path}: does not exist; expected a file or a folder of them")]
        elif not S_ISREG(mode):  # to open a pipe is to wait for who writes to it
            found = [CorpusError(f"{path}: a pipe or device; expected a file or a folder of them")]
        else:
            found = [path if suffix_of(path) in _BY_SUFFIX else _unknown(path)]
        for one in found:
            if isinstance(one, CorpusError) or one.resolve() not in seen:
                seen |= {one.resolve()} if isinstance(one, Path) else set()
                yield one


def _mode(path: Path) -> int:
    """0 for what is not there, whose name may be too long for any file, or a link to itself."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _is_document(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts)
    return not is_hidden and suffix_of(path) in _BY_SUFFIX and path.name.lower() != _README


def _unknown(path: Path) -> CorpusError:
    hint = "it belongs beside a document of the same name" if path.suffix in _BESIDE else "see docs/corpora.md"
    return CorpusError(f"{path}: no reader for {suffix_of(path) or 'a file without suffix'!r}; {hint}")


def suffix_of(path: Path) -> str:
    """The suffix in lower case, ``.xml.gz`` for a compressed file."""
    suffixes = [s.lower() for s in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def format_of(path: Path) -> Format:
    """The format of a file, by its suffix and its first bytes, which must agree.

    Raises:
        CorpusError: an unknown suffix, an empty file, another content than the suffix says, or a file of one document
            that is too large to be one.
    """
    suffix = suffix_of(path)
    if suffix not in _BY_SUFFIX:
        raise _unknown(path)
    size = path.stat().st_size
    if not size:
        raise CorpusError(f"{path.name}: empty; expected a document")
    head = _head(path, suffix.endswith(".gz"))
    if not head.strip(b"\0 \t\r\n"):
        raise CorpusError(f"{path.name}: begins with {len(head)} bytes of nothing; expected a document")
    expected = _BY_SUFFIX[suffix]
    content = _content(head)
    if content is JSONL and expected != (JSONL,):
        content = None  # any text may begin with a brace
    found = content if content in expected else None
    if content is None:
        found = expected[0] if expected[0] in (MARKDOWN, PLAIN, JSONL, HTML) else None
        found = PLAIN if expected[0] is MARKDOWN and not head.startswith((b"---", b"\xef\xbb\xbf---")) else found
    if found is None:
        is_what = f"{content.name} by its content" if content else f"no {expected[-1].name}"
        raise CorpusError(f"{path.name}: {is_what}; expected {expected[-1].name} by its name; give it the right suffix")
    if size > MAX_FILE_BYTES and not found.is_stream:
        raise CorpusError(
            f"{path.name}: {size / 2**20:.0f} MB; expected at most {MAX_FILE_BYTES >> 20} MB for one document; split it"
        )
    return found


def _head(path: Path, is_compressed: bool) -> bytes:
    if not is_compressed:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    try:
        with gzip.open(path) as file:
            return file.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path.name}: not readable as gzip ({error}); expected a .gz file; fetch it again") from None


def _content(head: bytes) -> Format | None:
    """What the first bytes give away; nothing for text of any kind."""
    text = head.replace(b"\0", b"").lower()  # the marks are ASCII, in UTF-16 with zeros between
    start = text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    marks = (
        (start.startswith(b"%pdf-") or b"%pdf-" in head[:1024].lower(), PDF),
        (head.startswith(b"PK\x03\x04"), DOCX),
        (head.startswith(b"\xd0\xcf\x11\xe0"), _OLE),
        (b"<pubmedarticle" in text or b"<pubmedbookarticle" in text or b"//dtd pubmedarticle" in text, MEDLINE),
        (start.startswith(b"<") and (b"<article" in text or b"<pmc-articleset" in text or b"jats" in text)
         and b"<html" not in text, JATS),
        (start.startswith(b"<!doctype html") or b"<html" in text, HTML),
        (start.startswith(b"{"), JSONL),
    )  # fmt: skip
    return next((found for is_it, found in marks if is_it), None)


_OLE = Format("old Word", "")
