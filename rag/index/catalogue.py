"""The sources of one segment as a card catalogue: what people know them by, held against words and a filter.

It reads the segment's store through a connection of its own: what looks at all cards takes long, and no answer waits
for it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from rag.domain import EvidenceType, Filter, Source

#: What people know a source by, beside its key.
_NAMES: Final = ("title", "authors", "container", "issuing_body", "publisher", "year")
#: ``Filter.passes`` in SQL, and all words in the names.
_MATCHING: Final = """SELECT place FROM source WHERE
    (:year_from IS NULL OR json_extract(record, '$.year') >= :year_from) AND
    (:year_to IS NULL OR json_extract(record, '$.year') <= :year_to) AND
    (:kinds = '[]' OR coalesce(json_extract(record, '$.evidence_type'), :unclassified)
        IN (SELECT value FROM json_each(:kinds))) AND
    (:places = '[]' OR json_extract(record, '$.jurisdiction') IN (SELECT value FROM json_each(:places))) AND
    (:sets = '[]' OR json_extract(record, '$.document_set') IN (SELECT value FROM json_each(:sets))) AND
    (:keys = '[]' OR key IN (SELECT value FROM json_each(:keys))) AND
    (:words = '[]' OR is_named(key, record, :words))
    ORDER BY key"""
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")


class _Word(NamedTuple):
    plain: str
    in_json: str


class Catalogue:
    """Of a written store, read-only and usable from several threads: each read is one statement."""

    def __init__(self, store: Path) -> None:
        address = f"{store.resolve().as_uri()}?mode=ro&immutable=1"
        self._db = sqlite3.connect(address, uri=True, check_same_thread=False)
        self._db.create_function("is_named", 3, _is_named, deterministic=True)

    def close(self) -> None:
        self._db.close()

    def matching(self, words: Collection[str], within: Filter) -> list[int]:
        """Places, by their keys, of the sources that ``within`` passes and whose names have all of ``words``.

        A word may stand in another, and neither case nor accents count. Looks at all sources.
        """
        found = self._db.execute(_MATCHING, {
            "words": json.dumps([folded(word) for word in words]), "unclassified": EvidenceType.UNCLASSIFIED,
            "year_from": within.year_from, "year_to": within.year_to, "kinds": json.dumps(within.evidence_types),
            "places": json.dumps(within.jurisdictions), "sets": json.dumps(within.document_sets),
            "keys": json.dumps(within.sources),
        })  # fmt: skip
        return [place for (place,) in found]

    def places(self, offset: int, limit: int) -> list[int]:
        """Places of ``limit`` sources from ``offset`` on, in the order of their keys."""
        found = self._db.execute("SELECT place FROM source INDEXED BY source_key ORDER BY key LIMIT ? OFFSET ?",
                                 (limit, offset))  # fmt: skip
        return [place for (place,) in found]

    def shelved(self, place: int) -> tuple[Source, int]:
        """The source at a place, and how many passages it has, those included that are stored under another's."""
        record, passages = self._db.execute(
            "SELECT record, passages + (SELECT count(*) FROM twin WHERE source_key = key) FROM source WHERE place = ?",
            (place,),
        ).fetchone()
        return Source.model_validate_json(record), int(passages)

    def kinds(self) -> dict[str, int]:
        """How many sources there are of each kind that there is. Looks at all sources."""
        return dict(self._db.execute("SELECT coalesce(json_extract(record, '$.evidence_type'), ?), count(*) "
                                     "FROM source GROUP BY 1", (EvidenceType.UNCLASSIFIED,)))  # fmt: skip


def _is_named(key: str, record: str, words: str) -> bool:
    """Whether all words of a list in JSON stand in a source's key and names."""
    wanted = _wanted(words)
    if record.isascii():  # most are, and most of those lack a word already in the record as a whole
        whole = key.lower() + record.lower()
        if not all(word.in_json in whole for word in wanted):
            return False
    names = folded(f"{key} {_names(json.loads(record))}")
    return all(word.plain in names for word in wanted)


def _names(record: dict[str, Any]) -> str:
    found = (record.get(name, "") for name in _NAMES)
    return " ".join(" ".join(part) if isinstance(part, list) else str(part) for part in found)


@lru_cache
def _wanted(words: str) -> tuple[_Word, ...]:
    return tuple(_Word(word, json.dumps(word, ensure_ascii=False)[1:-1]) for word in json.loads(words))


def folded(text: str) -> str:
    """A text without case and accents: "Müller" and "MULLER" are one."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", normalize("NFKD", text).casefold())
