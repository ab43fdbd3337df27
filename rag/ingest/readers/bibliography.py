"""Bibliographic records that lie beside a file under its name: RIS, CSL-JSON, and MEDLINE's tagged text (nbib)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rag.domain import Document, EvidenceType
from rag.errors import CorpusError
from rag.ingest.readers.assembly import cleaned
from rag.ingest.readers.fields import doi_of, stated_fields
from rag.ingest.readers.nbib import fields_of, records_of

_MAX_BYTES = 4 * 2**20
_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b")
#: RIS types that say what a source is; "JOUR" says nothing of it.
_RIS_TYPES = {"BOOK": EvidenceType.TEXTBOOK, "CHAP": EvidenceType.TEXTBOOK}
_CSL_ISSUED = ("issued", "published-print", "published-online")


def record_beside(path: Path) -> dict[str, Any] | None:
    """Fields of ``Source`` from the record beside ``path``, or None without one: ``stem.ris``, ``.json``, ``.nbib``.

    Of several the first that is one counts; a JSON file is one when it is CSL-JSON. Invalid fields are left out.

    Raises:
        CorpusError: a ``.ris`` or ``.nbib`` file that is too large, no text, or without a record.
    """
    for suffix, read in _READERS.items():
        beside = path.with_suffix(suffix)
        if beside != path and beside.is_file():
            fields = read(_content(beside), beside.name)
            if fields is not None:
                return fields
    return None


def completed(document: Document, record: Mapping[str, Any]) -> Document:
    """``document`` with the record's fields in place of what its reader found; the key stays."""
    fields = {name: value for name, value in record.items() if name != "key"}
    source = type(document.source).model_validate({**document.source.model_dump(), **fields})
    return document.model_copy(update={"source": source})


def _content(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise CorpusError(f"{path.name}: {size:,} bytes, expected one record of at most {_MAX_BYTES:,}; shorten it")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path.name}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    except OSError as error:
        raise CorpusError(f"{path.name}: cannot be read ({error.strerror}); expected a bibliographic record") from error


def _from_ris(text: str, name: str) -> dict[str, Any]:
    import rispy

    try:
        records: list[dict[str, Any]] = rispy.loads("\n".join(text.splitlines()) + "\nER  - \n")
    except Exception as error:  # rispy raises whatever its dictionaries do
        raise CorpusError(f"{name}: is not RIS ({cleaned(repr(error))}); export the record again") from error
    if not records:
        raise CorpusError(f"{name}: has no RIS record; expected lines from TY to ER; export the record again")
    record = records[0]
    pages = [str(record[tag]) for tag in ("start_page", "end_page") if record.get(tag)]
    stated = {
        "title": _first(record, "title", "primary_title"),
        "authors": [*record.get("authors", []), *record.get("first_authors", [])],
        "container": _first(record, "alternate_title3", "journal_name", "secondary_title"),
        "volume": record.get("volume"),
        "issue": record.get("number"),
        "pages": "-".join(dict.fromkeys(pages)),
        "published": _first(record, "date", "year", "publication_year"),
        "doi": doi_of(record.get("doi")) or next((doi for url in record.get("urls", []) if (doi := doi_of(url))), None),
        "url": next((url for url in record.get("urls", []) if url.startswith("http")), None),
        "publisher": record.get("publisher"),
        "language": record.get("language"),
        "pmid": record.get("accession_number") if _is_pubmed(record) else None,
        "evidence_type": _RIS_TYPES.get(record.get("type_of_reference", "")),
    }
    year = _YEAR.search(str(_first(record, "year", "publication_year", "date") or ""))
    return stated_fields({**stated, "year": year[0] if year else None})


def _is_pubmed(record: Mapping[str, Any]) -> bool:
    """Whether the accession number is PubMed's: as its exports, EndNote's and Zotero's say."""
    database = f"{record.get('name_of_database', '')} {record.get('database_provider', '')}".casefold()
    return "pubmed" in database or "medline" in database or "nlm" in database.split()


def _from_csl(text: str, name: str) -> dict[str, Any] | None:
    """None for JSON that is something else, which may well lie beside a file, and for what is no JSON."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    record = record[0] if isinstance(record, list) and record else record
    if not isinstance(record, dict) or not all(isinstance(record.get(field), str) for field in ("type", "title")):
        return None
    stated: dict[str, object] = {
        "authors": [author for name in _listed(record, "author") if (author := _csl_name(name))],
        "published": next((date for field in _CSL_ISSUED if (date := _csl_date(record.get(field)))), None),
        "doi": record.get("DOI"),
        "pmid": record.get("PMID"),
        "pmcid": record.get("PMCID"),
        "url": record.get("URL"),
        "container": record.get("container-title"),
        "pages": record.get("page"),
        "licence": record.get("license"),
        **{field: record.get(field) for field in ("title", "volume", "issue", "publisher", "language")},
    }
    if record["type"] in ("book", "chapter"):
        stated["evidence_type"] = EvidenceType.TEXTBOOK
    return stated_fields(stated)


def _listed(record: Mapping[str, Any], field: str) -> list[Any]:
    value = record.get(field)
    return value if isinstance(value, list) else []


def _csl_name(name: object) -> str | None:
    """ "Cuker A" of a family and given name, as MEDLINE writes it; a body's name as it is."""
    if not isinstance(name, dict):
        return None
    family, given, literal = (str(name.get(part) or "") for part in ("family", "given", "literal"))
    particle = str(name.get("non-dropping-particle") or "")
    return " ".join(part for part in (particle, family, _initials(given)) if part) if family else literal or None


def _initials(given: str) -> str:
    return "".join(part[0].upper() for part in re.split(r"[\s.-]+", given) if part)


def _csl_date(value: object) -> str | None:
    """ "2018-11-27" of CSL's date, in parts or as written."""
    if not isinstance(value, dict):
        return None
    parts = value.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
        numbers = [str(part) for part in parts[0][:3]]
        return "-".join([numbers[0], *(number.zfill(2) for number in numbers[1:])]) if all(numbers) else None
    stated = value.get("raw") or value.get("literal")
    return str(stated) if stated else None


def _from_nbib(text: str, name: str) -> dict[str, Any]:
    record = next(records_of(text), None)
    if record is None:
        raise CorpusError(f"{name}: has no MEDLINE record; expected a line PMID- …; export the record again")
    return fields_of(record)


def _first(record: Mapping[str, Any], *names: str) -> Any:
    return next((record[name] for name in names if record.get(name)), None)


_READERS: dict[str, Callable[[str, str], dict[str, Any] | None]] = {
    ".ris": _from_ris,
    ".json": _from_csl,
    ".nbib": _from_nbib,
}
