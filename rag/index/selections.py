"""Which rows of a snapshot a filter leaves.

A row is left when the source of its passage passes, or that of another passage with the same words, which are stored
only once: ``Library.shown`` says as which of them it is to be shown.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.domain import Filter, Source
from rag.errors import NotFoundError
from rag.index.columns import Columns, name_code
from rag.index.library import Library
from rag.index.segment import Segment

#: So many are kept, the last used: a byte for each passage, 60 MB for 60 million.
_REMEMBERED = 4
#: A wrong key is compared with all others where there are so few; more would take longer than looking it up.
_COMPARED = 20_000
_LISTED = 20


class _Twins(NamedTuple):
    """Passages whose words are stored under another's: the rows of those, and of their own sources the columns."""

    rows: NDArray[np.int64]
    columns: Columns

    def left(self, within: Filter) -> NDArray[np.int64]:
        found = self.columns.passing(within)
        if within.sources:
            found &= np.isin(self.columns.sources, np.array([name_code(key) for key in within.sources], np.uint64))
        return self.rows[found]


class Selections:
    """Makes the selections of one snapshot. Usable from several threads."""

    def __init__(self, segments: Sequence[Segment], library: Library) -> None:
        self._segments, self._library = segments, library
        self._recent: OrderedDict[Filter, NDArray[np.bool_]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, within: Filter) -> NDArray[np.bool_]:
        """Whether ``within`` leaves each row, shape (passages,), read-only.

        Raises:
            NotFoundError: it names a source or a document set that the snapshot does not have.
        """
        with self._lock:
            if within not in self._recent:
                self._recent[within] = self._made(within)
                if len(self._recent) > _REMEMBERED:
                    self._recent.popitem(last=False)
            self._recent.move_to_end(within)
            return self._recent[within]

    def _made(self, within: Filter) -> NDArray[np.bool_]:
        self._check_sources(within.sources)
        self._check_sets(within.document_sets)
        found = np.concatenate([_own(segment, within) for segment in self._segments])
        found[self._twins.left(within)] = True
        found.flags.writeable = False
        return found

    @cached_property
    def _twins(self) -> _Twins:
        owners, sources, rows, start = list[str](), list[Source](), dict[str, int](), 0
        for segment in self._segments:
            found = list(segment.store.twin_sources())
            owners += [owner for owner, _ in found]
            sources += [source for _, source in found]
            # Most lie in the same segment; the others are looked for in all.
            here = segment.store.rows_of({owner for owner, _ in found})
            rows |= {owner: start + row for owner, row in here.items()}
            start += segment.counts.passages
        rows |= self._library.rows_of(owner for owner in owners if owner not in rows)
        return _Twins(np.array([rows[owner] for owner in owners], np.int64), Columns.of(sources))

    def _check_sources(self, keys: Iterable[str]) -> None:
        for key in keys:
            if not any(s.store.placed(key) for s in self._segments):
                raise NotFoundError(
                    f"source {key!r}: not in this snapshot; {self._nearest(key)}`osler corpus list` shows the keys"
                )

    def _nearest(self, key: str) -> str:
        if self._library.counts().sources > _COMPARED:
            return ""
        known = {known.casefold(): known for s in self._segments for known in s.store.source_order()}
        near = get_close_matches(key.casefold(), known, n=3)
        return f"did you mean {' or '.join(known[name] for name in near)}? " if near else ""

    def _check_sets(self, names: Iterable[str]) -> None:
        for name in names:
            code = np.uint64(name_code(name))
            columns = [*(segment.columns for segment in self._segments), self._twins.columns]
            if not any((c.sets == code).any() for c in columns):
                known = self._document_sets()
                has = (
                    f"it has {', '.join(known[:_LISTED])}"
                    if known
                    else "it has none; `osler index add --set` makes one"
                )
                raise NotFoundError(f"document set {name!r}: not in this snapshot; {has}")

    def _document_sets(self) -> list[str]:
        """The sets of sources that have a passage of their own, sorted."""
        found = set[str]()
        for segment in self._segments:
            _, rows = np.unique(segment.columns.sets, return_index=True)
            sources = (segment.store.source(segment.store.passage(row).source_key) for row in rows.tolist())
            found |= {source.document_set for source in sources if source and source.document_set}
        return sorted(found)


def _own(segment: Segment, within: Filter) -> NDArray[np.bool_]:
    """Of which passages of a segment their own source passes."""
    if not within.sources:
        return segment.columns.passing(within)
    found = np.zeros(segment.counts.passages, np.bool_)
    for placed in filter(None, map(segment.store.placed, within.sources)):
        found[placed.first : placed.first + placed.passages] = True
    return found & segment.columns.passing(within)
