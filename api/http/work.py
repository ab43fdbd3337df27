"""Where questions are worked on: few at once, few that wait, each one once however many ask it, none for nobody.

A question that many ask at the same time is computed once. When the last of those who wait for it has left or has
waited too long, it is dropped from the queue, or ended at its next step.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from api.http.problems import BUSY, LATE, ProblemError
from rag.errors import AbandonedError
from rag.pipeline import Watch
from rag.writing.wording import Told

T = TypeVar("T")
Job = Callable[[Watch], T]
#: What a listener is told of first, as if it were a step.
ACCEPTED: Final = "accepted"
#: Weight of the newest duration in their mean, from which it is told when to try again.
_NEWEST: Final = 0.1


class _Flight(Generic[T]):
    """One piece of work with all who wait for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_abandoned = threading.Event()
        self.done: asyncio.Future[T] = loop.create_future()
        self.running: Future[T] | None = None
        self.waiting = 0
        self.listeners: list[Watch] = []

    def watch(self, step: str | Told) -> None:
        """Called by the working thread before each step, and for what is told before all is made."""
        if self._is_abandoned.is_set():
            raise AbandonedError(
                f"{step if isinstance(step, str) else 'write'}: not gone on with; nobody waits for it any more"
            )
        if self.listeners:
            self._loop.call_soon_threadsafe(self._tell, step)

    def _tell(self, step: str | Told) -> None:
        for listener in self.listeners:
            listener(step)

    def abandon(self) -> None:
        """Drops it from the queue or, if it runs, ends it at its next step."""
        self._is_abandoned.set()
        if self.running:
            self.running.cancel()


class Work:
    """A pool of threads with a bounded queue. Everything but the jobs themselves happens on the event loop.

    Args:
        threads: jobs at once.
        queue: jobs that may wait.
        timeout_s: seconds that anybody waits, the queue included.
    """

    def __init__(self, threads: int, queue: int, timeout_s: float) -> None:
        self._pool = ThreadPoolExecutor(threads, "answering")
        self._threads = threads
        self._most = threads + queue
        self._timeout_s = timeout_s
        self._flights: dict[Hashable, _Flight[Any]] = {}
        self._mean_s = 0.1
        #: Jobs that are run or wait.
        self.admitted = 0

    @property
    def waiting(self) -> int:
        return max(0, self.admitted - self._threads)

    async def run(self, key: Hashable, job: Job[T], listener: Watch | None = None) -> T:
        """What ``job`` gives; where one of the same ``key`` is under way, what that one gives.

        Args:
            listener: is told on the event loop that it is accepted, and of each step that begins.

        Raises:
            ProblemError: the queue is full, or it took too long.
        """
        under_way: _Flight[T] | None = self._flights.get(key)
        flight = under_way or self._admitted(key)
        flight.waiting += 1
        if listener:
            listener(ACCEPTED)
            flight.listeners.append(listener)
        if not under_way:
            self._start(key, flight, job)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(flight.done)
        except TimeoutError:
            raise ProblemError(LATE, f"no answer within {self._timeout_s:g} s; try again later") from None
        finally:
            flight.waiting -= 1
            if listener:
                flight.listeners.remove(listener)
            if not flight.waiting and not flight.done.done():
                flight.abandon()
                self._flights.pop(key, None)

    def _admitted(self, key: Hashable) -> _Flight[Any]:
        """Raises ``ProblemError`` when nothing more is taken."""
        if self.admitted >= self._most:
            seconds = self._mean_s * self.admitted / self._threads
            after = str(max(1, math.ceil(seconds)))
            raise ProblemError(BUSY, f"{self.waiting} questions wait already; try again", {"Retry-After": after})
        self.admitted += 1
        self._flights[key] = flight = _Flight[Any](asyncio.get_running_loop())
        return flight

    def _start(self, key: Hashable, flight: _Flight[T], job: Job[T]) -> None:
        loop = asyncio.get_running_loop()
        flight.running = self._pool.submit(self._timed, job, flight.watch)
        flight.running.add_done_callback(lambda ended: _on(loop, self._land, key, flight, ended))

    def _timed(self, job: Job[T], watch: Watch) -> T:
        watch("start")
        started = time.perf_counter()
        made = job(watch)
        self._mean_s += _NEWEST * (time.perf_counter() - started - self._mean_s)
        return made

    def _land(self, key: Hashable, flight: _Flight[T], ended: Future[T]) -> None:
        self.admitted -= 1
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.done.done() or ended.cancelled():
            return
        error = ended.exception()
        if error is None:
            flight.done.set_result(ended.result())
        else:
            flight.done.set_exception(error)
            flight.done.exception()  # so that none is missed when nobody waits any more

    def close(self) -> None:
        """Drops what waits, and waits for what runs."""
        for flight in self._flights.values():
            flight.abandon()
        self._pool.shutdown(cancel_futures=False)


def _on(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    """Calls on the loop; when that has ended, nobody is left to be told."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)
