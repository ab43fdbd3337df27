"""The sources of a snapshot as somebody looks them over: some at a time, those of a kind, those with some words."""

from __future__ import annotations

import threading
from array import array
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from rag.domain import EvidenceType, Filter, Source
from rag.index.catalogue import Catalogue
from rag.index.segment import STORE, Segment

#: So many are kept, the last asked for, so that turning a page looks at nothing anew: 4 bytes for each source found.
_REMEMBERED: Final = 8


class Shelved(NamedTuple):
    """A source, and how many passages it has."""

    source: Source
    passages: int


class _Sought(NamedTuple):
    words: frozenset[str]
    within: Filter


class Shelf:
    """Usable from several threads: each read is one statement."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._catalogues = [Catalogue(s.folder / STORE) for s in segments]
        self._counts = [s.counts.sources for s in segments]
        self._recent: OrderedDict[_Sought, list[array[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        for catalogue in self._catalogues:
            catalogue.close()

    @cached_property
    def kinds(self) -> dict[EvidenceType, int]:
        """How many sources there are of each kind that there is, the strongest kind first. Looks at all once."""
        found = Counter[str]()
        for catalogue in self._catalogues:
            found.update(catalogue.kinds())
        return {kind: found[kind] for kind in EvidenceType if found[kind]}

    def page(
        self, offset: int, limit: int, words: Collection[str] = (), within: Filter | None = None
    ) -> tuple[int, list[Shelved]]:
        """How many sources match, and those of them from ``offset`` on, at most ``limit``, segment by segment.

        Args:
            words: each of which stands somewhere in a source's title, authors, container, issuing body, publisher,
                year or key, as a part of a word too; case and accents play no role.
            within: what a source must be. With words or this all records are looked at, some µs each.
        """
        sought = _Sought(frozenset(words), within or Filter())
        if sought == _Sought(frozenset(), Filter()):
            return self._all(offset, limit)
        found = self._matching(sought)
        places = ((one, place) for one, own in zip(self._catalogues, found, strict=True) for place in own)
        return sum(map(len, found)), list(_shelved(islice(places, offset, offset + limit)))

    def _all(self, offset: int, limit: int) -> tuple[int, list[Shelved]]:
        places = list[tuple[Catalogue, int]]()
        for catalogue, count in zip(self._catalogues, self._counts, strict=True):
            if len(places) < limit:
                places += ((catalogue, place) for place in catalogue.places(offset, limit - len(places)))
            offset = max(0, offset - count)
        return sum(self._counts), list(_shelved(places))

    def _matching(self, sought: _Sought) -> list[array[int]]:
        with self._lock:
            if sought in self._recent:
                self._recent.move_to_end(sought)
                return self._recent[sought]
        found = [array("I", one.matching(*sought)) for one in self._catalogues]
        with self._lock:
            self._recent[sought] = found
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return found


def _shelved(places: Iterable[tuple[Catalogue, int]]) -> Iterator[Shelved]:
    return (Shelved(*catalogue.shelved(place)) for catalogue, place in places)
