"""Bibliographic fields as files state them, brought to the forms that ``Source`` asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from rag.domain import EvidenceType, Source
from rag.ingest.readers.assembly import cleaned
from rag.ingest.readers.evidence import evidence_type_of

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_URL = re.compile(r"https?://[^\s/]+\.\S+")
_ISO_DATE = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?(?![0-9])")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\b")
_NAMED_DATE = re.compile(  # "2006 Mar 1", "February 15, 2024", "15 February 2024"; of a range the year only
    r"(?P<y1>\d{4})[ -](?P<m1>[A-Za-z]{3,9})\.?(?:[ -](?P<d1>\d{1,2}))?$"
    r"|(?P<m2>[A-Za-z]{3,9})\.? (?:(?P<d2>\d{1,2})(?:st|nd|rd|th)?,? )?(?P<y2>\d{4})$"
    r"|(?P<d3>\d{1,2})\.? (?P<m3>[A-Za-z]{3,9})\.? (?P<y3>\d{4})$"
)
_MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
#: ISO 639-2 codes, as MEDLINE and Dublin Core write them, and English names, to ISO 639-1.
_LANGUAGES = dict(
    pair.split(":")
    for pair in (
        "ara:ar bul:bg cat:ca chi:zh zho:zh cze:cs ces:cs dan:da dut:nl nld:nl eng:en est:et fin:fi fre:fr fra:fr "
        "ger:de deu:de gre:el ell:el heb:he hin:hi hrv:hr hun:hu ind:id ita:it jpn:ja kor:ko lav:lv lit:lt nor:no "
        "per:fa fas:fa pol:pl por:pt rum:ro ron:ro rus:ru slo:sk slk:sk slv:sl spa:es srp:sr swe:sv tha:th tur:tr "
        "ukr:uk vie:vi english:en french:fr german:de italian:it spanish:es portuguese:pt dutch:nl russian:ru "
        "chinese:zh japanese:ja"
    ).split()
)


def source_of(key: str, title: str, stated: Mapping[str, object]) -> Source:
    """A source from fields of ``Source`` as ``stated``; what is empty, unknown or invalid is left out.

    ``year`` and ``evidence_type`` are filled from ``published`` and from ``publication_types`` with ``mesh`` when not
    stated, ``retracted`` when the publication types say so.

    Raises:
        ValidationError: the key or title is invalid.
    """
    fields = _formed(stated)
    try:
        return Source(key=key, title=title, **fields)
    except ValidationError as error:
        refused = {problem["loc"][0] for problem in error.errors()}
    return Source(key=key, title=title, **{name: value for name, value in fields.items() if name not in refused})


def stated_fields(stated: Mapping[str, object]) -> dict[str, Any]:
    """The fields that ``source_of`` would take from ``stated``, where another record is to be completed.

    That a source is of no known kind is no news, and left out.
    """
    source = source_of("any", "any", stated)
    title = {"title": title} if (title := _text(stated.get("title"))) else {}
    fields = {name: getattr(source, name) for name in _FORMS if name in source.model_fields_set}
    if fields.get("evidence_type") is EvidenceType.UNCLASSIFIED:
        del fields["evidence_type"]
    return fields | title


def _formed(stated: Mapping[str, object]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in stated.items():
        form = _FORMS.get(name)
        if form and (formed := form(value)):
            fields[name] = formed
    if "year" not in fields and "published" in fields:
        fields["year"] = int(fields["published"][:4])
    types = fields.get("publication_types", ())
    if "evidence_type" not in fields and types:
        fields["evidence_type"] = evidence_type_of(types, fields.get("mesh", ()))
    if any(name.casefold() == "retracted publication" for name in types):
        fields["retracted"] = True
    return fields


def doi_of(value: object) -> str | None:
    """The DOI in "doi:10.1182/…", a doi.org address or a text, as written, without what ends the sentence."""
    match = _DOI.search(unquote(value)) if isinstance(value, str) else None
    if not match:
        return None
    doi = match[0].rstrip(".,;:'")
    while doi.endswith((")", "]")) and doi.count("(") + doi.count("[") < doi.count(")") + doi.count("]"):
        doi = doi[:-1].rstrip(".,;")
    return doi


def date_of(value: object) -> str | None:
    """An ISO 8601 date as exact as ``value`` states it: "2018", "2018-11" or "2018-11-27"."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    if match := _NAMED_DATE.match(text):
        year, month, day = (next((v for k, v in match.groupdict().items() if k[0] == x and v), None) for x in "ymd")
        number = _MONTHS.get((month or "")[:3].casefold())
        return _iso(year or "", number, int(day) if day else None)
    match = _COMPACT_DATE.match(text) or _ISO_DATE.match(text)
    if not match:
        return None
    return _iso(match[1], int(match[2]) if match[2] else None, int(match[3]) if match[3] else None)


def _iso(year: str, month: int | None, day: int | None) -> str | None:
    if not 1800 <= int(year) <= 2100:
        return None
    if not month or not 1 <= month <= 12:
        return year
    return f"{year}-{month:02}-{day:02}" if day and 1 <= day <= 31 else f"{year}-{month:02}"


def language_of(value: object) -> str | None:
    """The ISO 639-1 code for "en-US", "eng" or "English"."""
    word = re.split(r"[-_;, ]", value.strip().casefold())[0] if isinstance(value, str) else ""
    return _LANGUAGES.get(word) or (word if re.fullmatch(r"[a-z]{2}", word) else None)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    return cleaned(str(value)) if isinstance(value, str | int) else None


def _texts(value: object) -> tuple[str, ...]:
    """A list of strings, or one string with semicolons between its parts."""
    parts: Iterable[object] = value.split(";") if isinstance(value, str) else value if isinstance(value, list) else ()
    return tuple(text for part in parts if (text := _text(part)))


def _year(value: object) -> int | None:
    text = _text(value) or ""
    return int(text[:4]) if re.match(r"[0-9]{4}(?![0-9])", text) else None


def _digits(value: object) -> str | None:
    match = re.fullmatch(r"(?:pmid:?\s*)?0*([1-9][0-9]*)", _text(value) or "", re.IGNORECASE)
    return match[1] if match else None


def _pmcid(value: object) -> str | None:
    match = re.fullmatch(r"(?:pmcid:?\s*)?(?:pmc)?([0-9]+)(?:\.[0-9]+)?", _text(value) or "", re.IGNORECASE)
    return f"PMC{match[1]}" if match else None


def _url(value: object) -> str | None:
    match = _URL.fullmatch(_text(value) or "")
    return match[0] if match else None


def _evidence_type(value: object) -> EvidenceType | None:
    try:
        return EvidenceType(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _flag(value: object) -> bool:
    return value is True


_FORMS: dict[str, Callable[[object], object]] = {
    **dict.fromkeys("container volume issue pages licence publisher issuing_body note".split(), _text),
    **dict.fromkeys("jurisdiction seen_at superseded_by document_set".split(), _text),
    **dict.fromkeys("authors mesh publication_types supersedes".split(), _texts),
    **dict.fromkeys("published retrieved as_of".split(), date_of),
    **dict.fromkeys("retracted et_al".split(), _flag),
    "doi": doi_of,
    "evidence_type": _evidence_type,
    "language": language_of,
    "original_id": lambda value: value if isinstance(value, str) else None,
    "pmcid": _pmcid,
    "pmid": _digits,
    "url": _url,
    "year": _year,
}
