"""A segment without some of its sources: what is left is copied, with its vectors and terms, not made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.index.lexical import write_filtered
from rag.index.segment import BAND_KEYS, PASSAGE_VECTORS, SENTENCE_VECTORS, STORE, Counts, Segment, write_record
from rag.index.store import Kept, Store, copy_store
from rag.index.vectors import DenseWriter, HalvesFile
from rag.language.abbreviations import definitions

_CHUNK = 8192
_Rows = NDArray[np.int64]


def compact(segment: Segment, dropped: Collection[str], folder: Path) -> str:
    """Writes what is left of ``segment`` without the sources ``dropped`` into an empty folder; returns its id.

    At least one source must be left.
    """
    store = segment.store
    keys = [key for key in store.source_order() if key not in dropped]
    kept = _kept(store, keys)
    dense = DenseWriter(folder / PASSAGE_VECTORS)
    for first in range(0, segment.counts.passages, _CHUNK):
        count = min(_CHUNK, segment.counts.passages - first)
        dense.add(segment.dense.vectors(first, count)[_within(kept.passages, first, count)])
    dense.finish()
    sentences = HalvesFile(folder / SENTENCE_VECTORS)
    for first in range(0, len(kept.sentences), _CHUNK):
        sentences.add(segment.sentence_vectors[kept.sentences[first : first + _CHUNK]])
    sentences.finish()
    np.save(folder / BAND_KEYS, segment.band_keys[kept.passages])
    frequencies, terms = write_filtered(segment.folder, folder, kept.passages)
    copy_store(segment.folder / STORE, folder / STORE, dropped, kept, frequencies, _abbreviations(store, dropped))
    counts = Counts(len(keys), len(kept.passages), len(kept.sentences), terms)
    digests = (placed.digest for key in keys if (placed := store.placed(key)))
    return write_record(folder, digests, segment.rules, counts)


def _kept(store: Store, keys: list[str]) -> Kept:
    spans = [p for key in keys if (p := store.placed(key)) and p.passages]
    passages = [np.arange(p.first, p.first + p.passages) for p in spans]
    sentences = [np.arange(*store.sentence_span(p.first, p.passages)) for p in spans]
    empty = np.empty(0, np.int64)
    return Kept(np.concatenate([empty, *passages]), np.concatenate([empty, *sentences]))


def _within(rows: _Rows, first: int, count: int) -> _Rows:
    low, high = np.searchsorted(rows, [first, first + count])
    return rows[low:high] - first


def _abbreviations(store: Store, dropped: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """What the sources that are left define."""
    gone: Counter[tuple[str, str]] = Counter()
    for key in dropped:
        if store.placed(key):
            gone.update(set(definitions(store.document(key).text)))
    for short, long, sources in store.abbreviations():
        left = sources - gone[short, long]
        if left > 0:
            yield short, long, left
