"""The page as part of the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.types import Scope

from api.http.forms import preferred
from api.http.problems import Problem, ProblemError, add_form, as_problem
from api.page import asking, desk, doors, feedback, finding, shelves, talks

_NOUNS: Final = (talks, asking, shelves, finding, desk, feedback, doors)
#: Where pages are: what goes wrong there is told as one.
PATHS: Final = ("/answers", "/ask", "/conversations", "/passages", "/reviews", "/search", "/sign-", "/sources")


def mount(app: FastAPI) -> None:
    for noun in _NOUNS:
        app.include_router(noun.router)
    add_form(app, PATHS, _told)
    add_form(app, ("/",), _told, exactly=True)


def _told(found: Problem, headers: Mapping[str, str], scope: Scope) -> Response:
    """As a page where one is wanted: its scripts want the problem itself."""
    request = Request(scope)
    try:
        wants_page = preferred(request.headers.get("accept"), ("text/html", "application/problem+json")) == "text/html"
    except ProblemError:
        wants_page = False
    if not wants_page:
        return as_problem(found, headers, scope)
    response = doors.as_page(request, found)
    response.headers.update(headers)
    return response
