"""A run: every item is put to a system, several at a time, and every response scored.

A run that was interrupted goes on from its journal; what was answered in another run comes from the cache. Scores are
always made anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import groupby
from pathlib import Path

from eval.cache import AnswerCache, Journal, Kept
from eval.domain import Item, Record, Response, Scores
from eval.systems.base import Rereads, System, described, failed, receipt_digest
from rag.errors import InputError

Scorer = Callable[[Item, Response], Scores]
Progress = Callable[[int, int], None]


def run(
    items: Sequence[Item],
    system: System,
    *,
    score: Scorer,
    workers: int = 1,
    journal: Path | None = None,
    cache: AnswerCache | None = None,
    progress: Progress | None = None,
) -> list[Record]:
    """Records of all items, in their order.

    An exception of the system becomes a failed response. One of the scorer is a bug of ours and ends the run, as an
    interruption does: nothing more is asked, what is being answered is waited for and kept, and the exception goes on.
    A process that is killed outright loses the answers that it was waiting for and no more.

    Args:
        score: called from several threads.
        workers: items that are asked at a time. With several, ``seconds`` include the wait for one another.
        journal: where responses of this run are kept as they come; those in it are not asked for again, but for
            failed ones.
        cache: likewise, across runs.
        progress: told from this thread how many of how many items are done, at first 0.

    Raises:
        InputError: two items of one id, no worker, or a journal that cannot be used.
        OslerError: the system cannot be used at all.
    """
    _check(items, workers)
    told = progress or (lambda done, total: None)
    told(0, len(items))
    digest = receipt_digest(system.name, system.receipt())
    kept: list[Kept] = [] if cache is None else [cache]
    if journal is None:
        return _records(items, _Worker(system, digest, kept, score), workers, told)
    with closing(Journal(journal)) as opened:
        return _records(items, _Worker(system, digest, [opened, *kept], score), workers, told)


class _Worker:
    """What is done with one item. Shared between threads."""

    def __init__(self, system: System, digest: str, kept: Sequence[Kept], score: Scorer) -> None:
        self._system, self._digest, self._kept, self._score = system, digest, kept, score
        self.is_stopped = False

    def record(self, item: Item) -> Record:
        response = self._known(item) or self._answered(item)
        scores = {} if self.is_stopped else self._score(item, response)
        return Record(item=item, response=response, scores=scores)

    def _known(self, item: Item) -> Response | None:
        known = next((found for kept in self._kept if (found := kept.get(self._digest, item))), None)
        return self._system.reread(item, known) if known and isinstance(self._system, Rereads) else known

    def _answered(self, item: Item) -> Response:
        response = respond(self._system, item)
        for kept in self._kept:
            kept.put(self._digest, item, response)
        return response


def respond(system: System, item: Item) -> Response:
    """The system's response, a failed one if it raises an exception or answers to another item.

    A system times itself, or not: what is read from a file was not made in the time of reading it.
    """
    started = time.perf_counter()
    try:
        response = system.respond(item)
    except Exception as error:
        return failed(item, described(error), time.perf_counter() - started)
    if response.item_id != item.item_id:
        return failed(item, f"answered to {response.item_id!r}", time.perf_counter() - started)
    return response


def _records(items: Sequence[Item], worker: _Worker, workers: int, told: Progress) -> list[Record]:
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="eval")
    try:
        futures = [pool.submit(worker.record, item) for item in items]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            told(done, len(items))
        return [future.result() for future in futures]
    finally:
        worker.is_stopped = True
        pool.shutdown(wait=True, cancel_futures=True)


def _check(items: Sequence[Item], workers: int) -> None:
    if workers < 1:
        raise InputError(f"workers {workers}: expected at least 1")
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise InputError(f"item {item.item_id!r}: there are two of this id; expected each once")
        seen.add(item.item_id)


def select(items: Sequence[Item], limit: int | None = None, sample_seed: int | None = None) -> list[Item]:
    """Some of the items, in their order: all without a limit, the first ``limit``, or a sample of at most so many.

    A sample is of whole clusters, which would otherwise lose what makes them one. Clusters are taken in the order of
    a hash of the seed and their name, an item without one being its own, and those that do not fit any more are passed
    over. The order does not depend on the other items: a suite that grows keeps most of its sample.

    Raises:
        InputError: a limit below 1, or no cluster that is small enough.
    """
    if limit is None:
        return list(items)
    if limit < 1:
        raise InputError(f"limit {limit}: expected at least 1")
    if sample_seed is None:
        return list(items[:limit])
    drawn: set[str] = set()
    ordered = sorted(items, key=lambda item: (_drawn_as(item, sample_seed), _cluster(item)))
    for _, members in groupby(ordered, key=_cluster):
        ids = [item.item_id for item in members]
        if len(drawn) + len(ids) <= limit:
            drawn.update(ids)
    if items and not drawn:
        raise InputError(f"limit {limit}: every cluster has more items; expected room for one; raise the limit")
    return [item for item in items if item.item_id in drawn]


def _cluster(item: Item) -> tuple[bool, str]:
    """Whether it has a cluster, and the cluster or else the item itself."""
    return bool(item.cluster), item.cluster or item.item_id


def _drawn_as(item: Item, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{_cluster(item)}".encode("utf-8", "surrogatepass")).hexdigest()
