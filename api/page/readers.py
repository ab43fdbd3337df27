"""Who reads a page: somebody on this machine, or who has signed in with a key, which a cookie holds.

Browsers send the cookie with links that are followed and with what pages of this service send (``SameSite=Lax``), and
a form counts only when it comes from one of these: nobody else's page can act for a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response

from api.http.problems import NO_KEY, ProblemError
from api.http.security import Caller, caller_with, is_another_pages
from api.http.service import service_of
from api.keeping.keys import Scope

COOKIE: Final = "osler-key"
_READING: Final = frozenset({"GET", "HEAD"})


def reads(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Caller]]:
    """A dependency that gives the reader, who has the scope, or raises a problem."""

    async def reader(request: Request) -> Caller:
        service = service_of(request)
        if request.method not in _READING and is_another_pages(request, service.settings.cors_origins):
            raise ProblemError(NO_KEY, "the form is another page's; expected one of this service")
        found = await caller_with(request, request.cookies.get(COOKIE))
        request.state.reader = found
        found.check(scope)
        return found

    return reader


Asker = Annotated[Caller, Depends(reads(Scope.ASK))]
Searcher = Annotated[Caller, Depends(reads(Scope.SEARCH))]
Reviewer = Annotated[Caller, Depends(reads(Scope.REVIEW))]


def keep_key(response: Response, request: Request, key: str) -> None:
    is_secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, key, httponly=True, samesite="lax", secure=is_secure, path="/")


def forget_key(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
