"""One process that builds an index, or opens and searches it, measured step by step.

Started by ``eval.sizes``. Before each step it waits for a line, and after it reports a line of JSON, so that others can
look at its memory, and at the files, between one and the next.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from eval.abstracts import abstracts, questions
from eval.lookalikes import LookalikeEncoder
from eval.measured import Cold, K, Latency, Recall
from eval.resident import memory_of, read_from_disk, watched
from rag.domain import EvidenceType, Filter
from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.retrieve.base import Retriever
from rag.retrieve.dense import DenseRetriever
from rag.retrieve.hybrid import HybridRetriever
from rag.retrieve.lexical import LexicalRetriever
from rag.settings import Settings

#: Filters by the share of synthetic sources that they leave; see ``eval.abstracts``.
FILTERS = {
    "all": Filter(),
    "50 %": Filter(year_from=2001),
    "10 %": Filter(jurisdictions=("GB",)),
    "1 %": Filter(evidence_types=(EvidenceType.GUIDELINE,)),
    "0.1 %": Filter(jurisdictions=("GB",), evidence_types=(EvidenceType.GUIDELINE,)),
}
#: Searches of an index of which nothing is in memory; later ones find more and more of it there.
_COLD = 50
_BLOCK = 16_384
#: The name under which a build finds its runtime; another is put in its place.
_RUNTIME = "rag.index.build.OpenVinoEncoder"
_Masks = Mapping[str, NDArray[np.bool_] | None]


class Query(NamedTuple):
    text: str
    vector: NDArray[np.float32]


def main() -> int:
    parts: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
        "build": _build, "open": _open, "search": _search, "measure": _measure,
    }  # fmt: skip
    part, *given = sys.argv[1:]
    reports = parts[part](*given)
    while sys.stdin.readline():
        print(json.dumps(next(reports)), flush=True)
    return 0


def _build(index_dir: str, passages: str, parents: str) -> Iterator[dict[str, Any]]:
    """Builds an index of synthetic documents, with vectors like ``parents`` in place of the model's."""
    encoder = LookalikeEncoder(np.load(parents, mmap_mode="r"))
    with watched() as memory, patch(_RUNTIME, lambda _: encoder):
        start, busy = time.perf_counter(), time.process_time()
        built = build(abstracts(int(passages)), Path(index_dir))
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
    yield {"seconds": seconds, "busy_s": busy, "encoder_s": encoder.busy_s, "peak_mb": max(memory),
           "texts": built.embedded}  # fmt: skip


def _open(index_dir: str, vectors: str) -> Iterator[dict[str, Any]]:
    """Opens the index, and searches once."""
    vector, start = np.load(vectors, mmap_mode="r")[0], time.perf_counter()
    with Snapshot(Path(index_dir)) as snapshot:
        opened = time.perf_counter()
        _retrievers(snapshot)["hybrid"].search("Which patients need a lower dose of the drug?", vector, K)
        first = time.perf_counter()
    Snapshot(Path(index_dir)).close()
    again = time.perf_counter()
    yield {"new_ms": _ms(opened - start), "first_ms": _ms(first - opened), "again_ms": _ms(again - first)}


def _search(index_dir: str, vectors: str, count: str) -> Iterator[dict[str, Any]]:
    """Opens the index and asks every question once."""
    with Snapshot(Path(index_dir)) as snapshot:
        hybrid = _retrievers(snapshot)["hybrid"]
        for query in _queries(snapshot, vectors, int(count)):
            hybrid.search(query.text, query.vector, K)
        yield {}


def _measure(index_dir: str, vectors: str, count: str, *threads: str) -> Iterator[dict[str, Any]]:
    """Opens the index, and asks every question with every retriever, filter and number of threads."""
    started = memory_of()
    with Snapshot(Path(index_dir)) as snapshot:
        yield {"started": started.model_dump(), "opened": memory_of().model_dump()}
        queries, retrievers = _queries(snapshot, vectors, int(count)), _retrievers(snapshot)
        yield {}  # now the files can be forgotten
        yield {"cold": _cold(retrievers["hybrid"], queries[:_COLD]).model_dump()}
        _timed(retrievers["hybrid"], queries)  # what is asked first waits for the disk
        yield {}  # now the files can be looked at
        masks, selecting = _selected(snapshot)
        latencies = [
            _latency(name, retriever, queries, kept, mask, int(n))
            for name, retriever in retrievers.items()
            for kept, mask in masks.items()
            for n in threads
        ]
        wide = Settings().candidates  # as many as an answer is made of
        latencies += [_latency("hybrid", retrievers["hybrid"], queries, "all", None, int(n), wide) for n in threads]
        yield {"latencies": [found.model_dump() for found in latencies], "selecting_ms": selecting,
               "searched": memory_of().model_dump()}  # fmt: skip
        yield {"recalls": [found.model_dump() for found in recalls(snapshot, queries, masks)]}


def _retrievers(snapshot: Snapshot) -> dict[str, Retriever]:
    return {
        "dense": DenseRetriever(snapshot),
        "lexical": LexicalRetriever(snapshot),
        "hybrid": HybridRetriever(snapshot),
    }


def _queries(snapshot: Snapshot, vectors: str, count: int) -> list[Query]:
    """Questions drawn from passages all over the index, with vectors that have nothing to do with them."""
    loaded = np.load(vectors)[:count]
    rows = np.linspace(0, len(snapshot.dense) - 1, len(loaded)).astype(np.int64).tolist()
    texts = questions([snapshot.store.passage(row).text for row in rows])
    return [Query(text, vector) for text, vector in zip(texts, loaded, strict=True)]


def _selected(snapshot: Snapshot) -> tuple[_Masks, dict[str, float]]:
    """The rows that each filter leaves, and the milliseconds that it took to find them."""
    masks, took = dict[str, NDArray[np.bool_] | None](), {}
    for kept, wanted in FILTERS.items():
        start = time.perf_counter()
        masks[kept] = snapshot.selection(wanted)
        took[kept] = _ms(time.perf_counter() - start)
    return masks, took


def _cold(retriever: Retriever, queries: Sequence[Query]) -> Cold:
    before = read_from_disk()
    p50, p99 = np.percentile([timed.ms for timed in _timed(retriever, queries)], (50, 99)).tolist()
    read = (read_from_disk() - before) / len(queries)
    return Cold(searches=len(queries), p50_ms=p50, p99_ms=p99, read_mb=read)


def _latency(name: str, retriever: Retriever, queries: Sequence[Query], kept: str, mask: NDArray[np.bool_] | None,
             threads: int, k: int = K) -> Latency:  # fmt: skip
    found = _timed(retriever, queries, k, mask, threads)
    p50, p99 = np.percentile([timed.ms for timed in found], (50, 99)).tolist()
    busy, fewest = float(np.median([timed.busy_ms for timed in found])), min(timed.hits for timed in found)
    return Latency(
        search=name, kept=kept, threads=threads, p50_ms=p50, p99_ms=p99, busy_ms=busy, wanted=k, fewest=fewest
    )


class _Timed(NamedTuple):
    """Of one search: milliseconds by the clock and of the processor, and how many hits there were."""

    ms: float
    busy_ms: float
    hits: int


def _timed(retriever: Retriever, queries: Sequence[Query], k: int = K, mask: NDArray[np.bool_] | None = None,
           threads: int = 1) -> list[_Timed]:  # fmt: skip
    """Each query, of which so many ``threads`` ask at once."""

    def timed(query: Query) -> _Timed:
        start, busy = time.perf_counter(), time.thread_time()
        hits = retriever.search(query.text, query.vector, k, mask)
        return _Timed(_ms(time.perf_counter() - start), _ms(time.thread_time() - busy), len(hits))

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(timed, queries))


def recalls(snapshot: Snapshot, queries: Sequence[Query], masks: _Masks) -> Iterator[Recall]:
    """Recall@10 of dense search for each filter, against the inner products with every vector as it is stored."""
    vectors = np.stack([query.vector for query in queries])
    for kept, mask in masks.items():
        left = len(snapshot.dense) if mask is None else int(mask.sum())
        near = nearest(snapshot, vectors, mask)
        found = [np.isin(near[i], snapshot.dense.search(vectors[i], K, mask)[0]).sum() for i in range(len(vectors))]
        recall = sum(found) / (len(vectors) * min(K, left)) if left else float("nan")
        yield Recall(kept=kept, passages=left, recall=recall)


def nearest(snapshot: Snapshot, vectors: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Rows of the ten nearest passages of each vector, in no order, shape (vectors, 10); -1 where there are fewer."""
    rows = np.full((len(vectors), K), -1, np.int64)
    scores = np.full((len(vectors), K), -np.inf, np.float32)
    for first, block in _blocks(snapshot):
        left = np.arange(len(block)) if mask is None else np.flatnonzero(mask[first : first + len(block)])
        new = vectors @ block[left].astype(np.float32).T
        candidates = np.concatenate([rows, np.broadcast_to(left + first, new.shape)], axis=1)
        values = np.concatenate([scores, new], axis=1)
        best = np.argpartition(values, -K, axis=1)[:, -K:]
        rows, scores = np.take_along_axis(candidates, best, axis=1), np.take_along_axis(values, best, axis=1)
    return rows


def _blocks(snapshot: Snapshot) -> Iterator[tuple[int, NDArray[np.float16]]]:
    """The first row of each block of stored vectors, and those."""
    start = 0
    for segment in snapshot.segments:
        for first in range(0, len(segment.dense), _BLOCK):
            yield start + first, segment.dense.vectors(first, min(_BLOCK, len(segment.dense) - first))
        start += len(segment.dense)


def _ms(seconds: float) -> float:
    return seconds * 1000


if __name__ == "__main__":
    sys.exit(main())
