"""What runs as long as a service does, whatever its face: models in memory, deliveries, the look for new snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.http.reviewing import note_all_stale
from api.http.service import Service
from rag import __version__
from rag.errors import OslerError

#: Seconds between looks for a new snapshot, so that it is taken up also while nobody asks.
_LOOK_EVERY_S: Final = 5.0


@asynccontextmanager
async def alive(service: Service) -> AsyncIterator[None]:
    """Has a service run for the length of a block, and closes it."""
    await run_in_threadpool(service.serving.warm)
    service.deliveries.start()
    service.log.event("started", snapshot_id=service.serving.snapshot_id, version=__version__)
    ending = asyncio.Event()
    looking = asyncio.create_task(_look_for_snapshots(service, ending))
    try:
        yield
    finally:
        ending.set()
        service.stopping.set()
        await asyncio.wait([looking])  # it works with what is closed next
        await run_in_threadpool(service.close)
        service.log.event("stopped")


async def _look_for_snapshots(service: Service, ending: asyncio.Event) -> None:
    before, problem = service.serving.snapshot_id, None
    reviewed_on = None  # at the start, too: it may have changed while nothing served
    while not await _is_set_within(ending, _LOOK_EVERY_S):
        await run_in_threadpool(service.serving.look)
        now = service.serving.snapshot_id
        if now != before:
            service.log.event("snapshot taken up", snapshot_id=now, before=before)
        if service.serving.problem != problem:
            problem = service.serving.problem
            service.log.event("snapshot refused", "warning", problem=problem)
        before = now
        if now != reviewed_on:
            reviewed_on = await _reviewed(service, now) or reviewed_on


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _reviewed(service: Service, snapshot_id: str) -> str | None:
    """Has it noted which approved articles a snapshot makes stale. Gives the snapshot, None to be tried again."""
    try:
        stale = await run_in_threadpool(note_all_stale, service)
    except OslerError as error:
        service.log.event("reviews not looked at", "warning", problem=type(error).__name__)
        return None
    if stale:
        service.log.event("reviews stale", snapshot_id=snapshot_id, count=stale)
    return snapshot_id
