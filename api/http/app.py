"""The application: every noun's addresses, every error a problem, all within the same surroundings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import Final

from fastapi import FastAPI
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
from api.http.life import alive
from api.http.middleware import Surroundings
from api.http.openai import chat, embeddings, responses
from api.http.openai.faults import PATHS, as_openai
from api.http.problems import add_form, add_problems
from api.http.service import Service
from api.page import mounted as page
from rag import __version__

#: Whose bodies tell a whole conversation, or hold many texts.
_LARGER: Final = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")
_NOUNS: Final = (
    answers, conversations, search, passages, sources, verify, snapshots, reviews, feedback, webhooks, health, chat,
    responses, embeddings,
)  # fmt: skip


def create_app(service: Service) -> FastAPI:
    """The application over one service, which it closes when it ends."""
    app = FastAPI(
        title="Osler", version=__version__, summary=description.SUMMARY, description=description.ABOUT,
        docs_url=None, redoc_url=None, lifespan=_life, openapi_tags=description.TAGS,
        redirect_slashes=False, separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.service = service
    #: What runs beside the service: the faces of libraries that need not be installed.
    app.state.faces = []
    for noun in _NOUNS:
        app.include_router(noun.router)
    add_problems(app)
    add_form(app, PATHS, as_openai)
    page.mount(app)
    if find_spec("mcp"):
        from api.mcp.mounted import mount

        app.state.faces.append(mount(app, service))
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["*"],  # clients of OpenAI's interface send a dozen of their own
            expose_headers=["X-Request-ID", "Server-Timing", "Retry-After", "Mcp-Session-Id"],
        )
    app.add_middleware(
        Surroundings,
        log=service.log, metrics=service.metrics, tracing=service.tracing,
        max_body_bytes=service.settings.max_body_bytes, timeout_s=service.settings.timeout_s,
        larger=dict.fromkeys(_LARGER, service.settings.max_history_bytes),
    )  # fmt: skip
    description.describe(app, service.serving.max_question_chars)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(alive(app.state.service))
        for run in app.state.faces:
            await stack.enter_async_context(run())
        yield
