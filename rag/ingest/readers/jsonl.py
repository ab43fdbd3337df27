"""Reader of JSON lines, one document a line: corpora in BEIR's form and MedRAG's chunks, gzipped or not.

BEIR: ``{"_id": …, "title": …, "text": …, "metadata": {…}}``. MedRAG: ``{"id": …, "title": …, "content": …}``, where
``contents`` repeats title and content. A line that cannot be read does not hide the lines after it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

from pydantic import ValidationError

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import Item, assembled, cleaned, key_of
from rag.ingest.readers.fields import source_of
from rag.ingest.readers.labels import labelled_parts, section_name

MAX_LINE_BYTES = 16 * 2**20
_SHOWN = 60
#: Other names for the fields of a source.
_ALIASES = {"journal": "container", "license": "licence", "date": "published", "lang": "language", "PMID": "pmid"}


def read(stream: BinaryIO, name: str) -> Iterator[Document | CorpusError]:
    """A document for each line, or the error that says which line is bad and why; empty lines are passed over.

    Raises:
        CorpusError: a ``.gz`` file that is damaged, when that place is reached.
    """
    for number, line in enumerate(_lines(stream, name), 1):
        try:
            if line is None:
                raise CorpusError(f"longer than {MAX_LINE_BYTES >> 20} MiB; expected one document a line; split it")
            if line := line.strip():
                yield _document(_record(line))
        except CorpusError as error:
            yield CorpusError(f"{name}: line {number}: {error}")


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes | None]:
    """Lines as they come, None for one that is too long, of which never more than the limit is held."""
    if name.endswith(".gz"):
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    try:
        is_first = True
        while line := stream.readline(MAX_LINE_BYTES + 1):
            is_whole = len(line) <= MAX_LINE_BYTES
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES + 1) or b"\n"
                if len(line) <= MAX_LINE_BYTES:
                    break
            yield line.removeprefix(b"\xef\xbb\xbf" if is_first else b"") if is_whole else None
            is_first = False
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{name}: cannot be unpacked: {error}; expected a whole gzip file; fetch it again") from error


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CorpusError(f"not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise CorpusError(f'not JSON ({error}); expected an object such as {{"_id": …, "text": …}}') from error
    if not isinstance(record, dict):
        raise CorpusError(f'a {type(record).__name__}, expected an object such as {{"_id": …, "text": …}}')
    return record


def _document(record: Mapping[str, Any]) -> Document:
    identifier = _identifier(record)
    title = cleaned(_string(record, "title")) or cleaned(identifier)
    items = list(_items(_body(record)))
    if not items:
        raise CorpusError(f'{_shown(identifier)} has no text; expected it in "text" (BEIR) or "content" (MedRAG)')
    key = key_of(identifier)
    stated = _stated(record) | {"original_id": None if key == identifier else identifier}
    try:
        return assembled(source_of(key, title, stated), items)
    except ValidationError as error:  # an id of invisible characters only, or with half a character
        raise CorpusError(f"{_shown(identifier)} cannot be used as an id or title; give it a readable one") from error


def _identifier(record: Mapping[str, Any]) -> str:
    value = record.get("_id", record.get("id"))
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise CorpusError(f'the id is {_shown(value)}, expected a string or a whole number in "_id" or "id"')
    return str(value)


def _string(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    if value is not None and not isinstance(value, str):
        raise CorpusError(f'"{field}" is a {type(value).__name__} ({_shown(value)}), expected a string')
    return value or ""


def _body(record: Mapping[str, Any]) -> str:
    return next((text for field in ("text", "content", "contents") if (text := _string(record, field))), "")


def _items(text: str) -> Iterator[Item]:
    """A block for each line of the text, and for each labelled part of one.

    A line that is only a section's name stands over the lines below it; a label speaks for its own line alone.
    """
    path: tuple[str, ...] = ()
    for line in text.splitlines():
        paragraph = cleaned(line)
        if len(paragraph) <= _SHOWN and (heading := section_name(paragraph)):
            path = (heading,)
            continue
        for label, part in labelled_parts(paragraph):
            yield Item(part, (label,) if label else path)


def _stated(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the line says of its source: ``metadata``, which some tools write as a string, and MedRAG's ``PMID``."""
    metadata = record.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            metadata = None
    stated = {"PMID": record.get("PMID"), **(metadata if isinstance(metadata, dict) else {})}
    return {_ALIASES.get(field, field): value for field, value in stated.items()}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
