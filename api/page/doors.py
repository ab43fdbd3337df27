"""Signing in and out, and the files that pages load."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.http.problems import NO_KEY, NOT_FOUND, Problem, ProblemError
from api.http.security import is_another_pages
from api.http.service import service_of
from api.page.forms import sent
from api.page.looks import digest, file, page
from api.page.readers import forget_key, keep_key

router = APIRouter(include_in_schema=False)

_FOR_EVER: Final = "public, max-age=31536000, immutable"


@router.get("/static/{version}/{name}")
def static(version: str, name: str) -> Response:
    """Kept by browsers under its version, which changes with it."""
    found = file(name)
    if found is None:
        raise ProblemError(NOT_FOUND, f"no such file: {name}")
    kept = {"Cache-Control": _FOR_EVER} if version == digest() else {}
    return Response(found[0], media_type=found[1], headers=kept)


@router.get("/sign-in")
def sign_in(request: Request, then: str = "/") -> Response:
    return _door(request, then)


@router.post("/sign-in")
async def signed_in(request: Request) -> Response:
    """Keeps the key in the browser. Its scopes are looked at by each page."""
    service, form = service_of(request), await sent(request)
    if is_another_pages(request, service.settings.cors_origins):
        raise ProblemError(NO_KEY, "the form is another page's; expected one of this service")
    key, then = str(form.get("key", "")), str(form.get("then", "/"))
    if await run_in_threadpool(service.keeping.keys.find, key) is None:
        return _door(request, then, "The key is unknown, expired or revoked.", status=401)
    response = RedirectResponse(_within(then), 303)
    keep_key(response, request, key)
    return response


@router.post("/sign-out")
def signed_out(request: Request) -> Response:
    response = RedirectResponse("/sign-in", 303)
    forget_key(response)
    return response


def _door(request: Request, then: str, problem: str | None = None, status: int = 200) -> Response:
    return page(request, "sign_in", status, then=_within(then), problem=problem)


def _within(address: str) -> str:
    """An address of this service; its beginning for any other."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and address.isprintable() else "/"


def as_page(request: Request, found: Problem) -> Response:
    """A problem as a page; where a key is needed, the form that takes one."""
    if found.type.endswith(f":{NO_KEY.name}"):
        return _door(request, request.url.path if request.method == "GET" else "/", status=found.status)
    return page(request, "problem", found.status, problem=found)
