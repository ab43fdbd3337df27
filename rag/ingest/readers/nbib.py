"""Reader of MEDLINE's tagged text, as PubMed exports it (``.nbib``, or ``.txt`` in its format "PubMed")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.readers.assembly import Item, assembled, cleaned, key_of
from rag.ingest.readers.fields import source_of, stated_fields
from rag.ingest.readers.labels import labelled_parts

_TAGGED = re.compile(r"([A-Z][A-Z0-9]{0,3}) {0,3}- ?(.*)")


def read(stream: BinaryIO, name: str) -> Iterator[Document]:
    """A document for each record with an abstract, its key "pmid" with the number.

    Raises:
        CorpusError: not UTF-8, or without any record.
    """
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    is_empty = True
    for record in records_of(text):
        is_empty = False
        abstract = cleaned(" ".join(record.get("AB", [])))
        if abstract:
            stated = _stated(record)
            pmid = record["PMID"][0]
            source = source_of(key_of(f"pmid{pmid}"), cleaned(str(stated["title"] or "")) or f"PMID {pmid}", stated)
            yield assembled(
                source,
                (
                    Item(part, ("Abstract", label) if label else ("Abstract",))
                    for label, part in labelled_parts(abstract)
                ),
            )
    if is_empty:
        raise CorpusError(f"{name}: has no MEDLINE record; expected lines such as PMID- 12345678; export it again")


def records_of(text: str) -> Iterator[dict[str, list[str]]]:
    """The records of MEDLINE's tagged text: for each tag its values in order, continued lines joined."""
    record: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.splitlines():
        match = _TAGGED.fullmatch(line)
        if match:
            if match[1] == "PMID" and "PMID" in record:
                yield record
                record = {}
            values = record.setdefault(match[1], [])
            values.append(match[2].strip())
        elif line.startswith("      ") and values:
            values[-1] = f"{values[-1]} {line.strip()}"
    if "PMID" in record:
        yield record


def fields_of(record: Mapping[str, list[str]]) -> dict[str, Any]:
    """The valid fields of ``Source`` in a record, where a document's are to be completed."""
    return stated_fields(_stated(record))


def _stated(record: Mapping[str, list[str]]) -> dict[str, object]:
    """Fields of ``Source`` from a MEDLINE record; one that was updated names the update as ``superseded_by``."""
    types = record.get("PT", [])
    mesh = [heading.split("/")[0].replace("*", "") for heading in record.get("MH", [])]
    update = next((match[1] for text in record.get("UIN", []) if (match := re.search(r"PMID: ?(\d+)", text))), None)
    dois = [text for tag in ("LID", "AID") for text in record.get(tag, []) if text.endswith("[doi]")]
    return {
        "title": _one(record, "TI", "BTI").removesuffix(".") or None,
        "authors": [*record.get("AU", []), *record.get("CN", [])],
        "container": _one(record, "JT", "TA"),
        "volume": _one(record, "VI"),
        "issue": _one(record, "IP"),
        "pages": _one(record, "PG"),
        "published": _one(record, "DP"),
        "doi": next(iter(dois), None),
        "pmid": _one(record, "PMID"),
        "pmcid": _one(record, "PMC"),
        "language": _one(record, "LA"),
        "publisher": _one(record, "PB"),
        "publication_types": types,
        "mesh": list(dict.fromkeys(mesh)),
        "superseded_by": f"pmid{update}" if update else None,
        "retracted": "RIN" in record,
    }


def _one(record: Mapping[str, list[str]], *tags: str) -> str:
    return next((record[tag][0] for tag in tags if record.get(tag)), "")
