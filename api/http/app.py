"""The application: every noun's addresses, every error a problem, all within the same surroundings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from api.http import (
    answers,
    conversations,
    description,
    feedback,
    health,
    passages,
    reviews,
    search,
    snapshots,
    sources,
    verify,
    webhooks,
)
from api.http.middleware import Surroundings
from api.http.openai import chat
from api.http.openai.faults import PATHS, as_openai
from api.http.problems import add_form, add_problems
from api.http.reviewing import note_all_stale
from api.http.service import Service
from rag import __version__
from rag.errors import OslerError

#: Seconds between looks for a new snapshot, so that it is taken up also while nobody asks.
_LOOK_EVERY_S: Final = 5.0
#: Whose bodies tell a whole conversation.
_WITH_HISTORY: Final = ("/v1/chat/completions", "/v1/responses")
_NOUNS: Final = (
    answers, conversations, search, passages, sources, verify, snapshots, reviews, feedback, webhooks, health, chat,
)  # fmt: skip


def create_app(service: Service) -> FastAPI:
    """The application over one service, which it closes when it ends."""
    app = FastAPI(
        title="Osler", version=__version__, summary=description.SUMMARY, description=description.ABOUT,
        docs_url=None, redoc_url=None, lifespan=_life, openapi_tags=description.TAGS,
        redirect_slashes=False, separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.service = service
    for noun in _NOUNS:
        app.include_router(noun.router)
    add_problems(app)
    add_form(app, PATHS, as_openai)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],  # clients of OpenAI's interface send a dozen of their own
            expose_headers=["X-Request-ID", "Server-Timing", "Retry-After"],
        )
    app.add_middleware(
        Surroundings,
        log=service.log, metrics=service.metrics, tracing=service.tracing,
        max_body_bytes=service.settings.max_body_bytes, timeout_s=service.settings.timeout_s,
        larger=dict.fromkeys(_WITH_HISTORY, service.settings.max_history_bytes),
    )  # fmt: skip
    description.describe(app, service.serving.max_question_chars)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
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
