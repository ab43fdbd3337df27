"""Every error of the service in one form: problem details for HTTP APIs (RFC 9457).

``KINDS`` is the one table from what went wrong to a status. A problem says nothing that was sent: questions are health
data, and what is refused may hold one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException as FrameworkError
from starlette.types import Scope

from rag import errors
from rag.domain import Frozen

MEDIA_TYPE: Final = "application/problem+json"
_URN: Final = "urn:osler:problem:"


class Fault(Frozen):
    """One thing that is wrong with a request."""

    where: str = Field(description='part of the request: "body.question", "query.k", "header.idempotency-key"')
    what: str


class Problem(Frozen):
    """Problem details: ``type`` is stable, to be told apart by programs; ``detail`` is for people."""

    type: str = Field(description="kind of the problem: `urn:osler:problem:` and a name")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str | None = Field(default=None, description="the request, by its `X-Request-ID`")
    errors: tuple[Fault, ...] = ()


class Kind(NamedTuple):
    name: str
    status: int
    title: str


INVALID: Final = Kind("invalid-request", 422, "The request is not as described")
MALFORMED: Final = Kind("malformed-request", 400, "The request cannot be read")
UNUSABLE: Final = Kind("unusable-request", 400, "The request is well formed, and asks for what cannot be")
NO_KEY: Final = Kind("key-needed", 401, "A valid API key is needed")
NO_SCOPE: Final = Kind("scope-needed", 403, "The API key lacks the scope")
NOT_FOUND: Final = Kind("not-found", 404, "There is no such thing here")
NO_METHOD: Final = Kind("method-not-allowed", 405, "The method is not allowed here")
NO_FORM: Final = Kind("not-acceptable", 406, "None of the accepted forms can be given")
TOO_SLOW: Final = Kind("body-too-slow", 408, "The body was not there in time")
CONFLICT: Final = Kind("conflict", 409, "The request conflicts with what is there")
FULL: Final = Kind("conversation-full", 409, "The conversation may hold no more questions")
NOTHING_ASKED: Final = Kind("nothing-asked", 409, "Nothing is asked")
GONE: Final = Kind("snapshot-gone", 410, "The snapshot is no longer kept")
TOO_LARGE: Final = Kind("body-too-large", 413, "The body is too large")
RATE: Final = Kind("rate-limited", 429, "Too many requests")
INTERNAL: Final = Kind("internal-error", 500, "The service failed")
BUSY: Final = Kind("busy", 503, "The service is busy")
NO_ROOM: Final = Kind("no-room", 507, "There is no room to keep anything more")
UNREADY: Final = Kind("not-ready", 503, "The service cannot answer now")
LATE: Final = Kind("timed-out", 504, "The answer took too long")

KINDS: Final = (INVALID, MALFORMED, UNUSABLE, NO_KEY, NO_SCOPE, NOT_FOUND, NO_METHOD, NO_FORM, TOO_SLOW, CONFLICT,
                FULL, NOTHING_ASKED, GONE, TOO_LARGE, RATE, INTERNAL, BUSY, UNREADY, LATE, NO_ROOM)  # fmt: skip
#: From an error of ours to its kind: that of the nearest class that stands here.
_BY_ERROR: Final[Mapping[type[Exception], Kind]] = {
    errors.QuestionError: INVALID,
    errors.InputError: UNUSABLE,
    errors.NotFoundError: NOT_FOUND,
    errors.ConflictError: CONFLICT,
    errors.SnapshotError: UNREADY,
    errors.StoreUnavailableError: UNREADY,
    errors.StoreFullError: NO_ROOM,
    errors.FailureError: INTERNAL,
}
_BY_STATUS: Final = {400: MALFORMED, 404: NOT_FOUND, 405: NO_METHOD, 406: NO_FORM, 413: TOO_LARGE}
#: Seconds after which the database, or the snapshot, may be back.
_AGAIN_S: Final = "5"
#: What an internal error says: its message may hold what was asked.
_UNSAID: Final = "an unexpected error; the log has it under the request's id"
#: What is said of the database and the index, whose places are for those who run them: the log has them.
_BRIEFLY: Final[Mapping[type[Exception], str]] = {
    errors.StoreUnavailableError: "the database cannot be used now; what it has acknowledged is kept; try again",
    errors.SnapshotError: "no snapshot can be used now; try again",
    errors.StoreFullError: "the database has no room for anything more; what it has acknowledged is kept; try later",
}


class ProblemError(HTTPException):
    """A problem that the face itself finds, with headers that go with it. The framework lets its own kind pass.

    Args:
        where: the part of the request that is wrong, as in ``Fault``, if it is one.
    """

    def __init__(
        self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None, *, where: str | None = None
    ) -> None:
        super().__init__(kind.status, detail, dict(headers or {}))
        self.kind = kind
        self.faults = (Fault(where=where, what=detail),) if where else ()

    def __str__(self) -> str:
        return self.detail


#: A problem as the response to a request, with its headers, in a face's own form.
ProblemForm = Callable[[Problem, Mapping[str, str], Scope], Response]


def response(
    scope: Scope, kind: Kind, detail: str, *,
    faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """A problem as the response to a request, in the form that clients of its address know."""
    found = problem(kind, detail, scope["state"]["request_id"], faults)
    return _form_of(scope)(found, headers or {}, scope)


def add_form(app: FastAPI, paths: Iterable[str], form: ProblemForm, *, exactly: bool = False) -> None:
    """Has problems of addresses that begin with one of ``paths``, or are one ``exactly``, told in another form."""
    before = getattr(app.state, "problem_forms", ())
    app.state.problem_forms = (*before, *((path, exactly, form) for path in paths))


def _form_of(scope: Scope) -> ProblemForm:
    forms = getattr(scope["app"].state, "problem_forms", ()) if "app" in scope else ()
    asked = scope["path"]
    found = (form for path, exactly, form in forms if asked == path or (not exactly and asked.startswith(path)))
    return next(found, as_problem)


def as_problem(found: Problem, headers: Mapping[str, str], _: Scope) -> Response:
    return Response(found.model_dump_json(), found.status, headers=dict(headers), media_type=MEDIA_TYPE)


def problem(kind: Kind, detail: str, request_id: str | None, faults: Sequence[Fault] = ()) -> Problem:
    instance = f"urn:osler:request:{request_id}" if request_id else None
    return Problem(
        type=_URN + kind.name, title=kind.title, status=kind.status, detail=detail, instance=instance,
        errors=tuple(faults),
    )  # fmt: skip


def kind_of(error: BaseException) -> Kind:
    """The kind of problem that an error is."""
    if isinstance(error, ProblemError):
        return error.kind
    return next((_BY_ERROR[c] for c in type(error).__mro__ if c in _BY_ERROR), INTERNAL)


def told(error: BaseException, request_id: str | None) -> Problem:
    """What a client is told of an error."""
    kind = kind_of(error)
    faults = error.faults if isinstance(error, ProblemError) else ()
    return problem(kind, _UNSAID if kind is INTERNAL else _detail(error), request_id, faults)


def unsaid(error: BaseException) -> str | None:
    """What the log is told of an error of which clients are told less."""
    return str(error) if isinstance(error, tuple(_BRIEFLY)) else None


def _detail(error: BaseException) -> str:
    return next((said for kind, said in _BRIEFLY.items() if isinstance(error, kind)), str(error))


def failure(scope: Scope) -> Response:
    """For what nobody foresaw: says nothing of it."""
    return response(scope, INTERNAL, _UNSAID)


def add_problems(app: FastAPI) -> None:
    """Makes the application answer every error with a problem."""
    app.add_exception_handler(ProblemError, _of_ours)
    app.add_exception_handler(errors.OslerError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(FrameworkError, _of_framework)


async def _of_ours(request: Request, error: Exception) -> Response:
    kind = kind_of(error)
    if kind is INTERNAL:
        raise error  # to be logged and told where every unforeseen error is
    again = {"Retry-After": _AGAIN_S} if kind is UNREADY else {}
    headers = again | (dict(error.headers or {}) if isinstance(error, ProblemError) else {})
    if why := unsaid(error):
        request.state.facts["why"] = why
    faults = error.faults if isinstance(error, ProblemError) else ()
    return _told(request, kind, _detail(error), faults=faults, headers=headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return _told(request, MALFORMED, "the body is no JSON")
    faults = faults_of(found)
    return _told(request, INVALID, f"{faults[0].where}: {faults[0].what}", faults=faults)


def faults_of(found: Iterable[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """What a validation found wrong."""
    return tuple(Fault(where=_place(e["loc"]), what=_said(e)) for e in found)


def _place(location: Sequence[Any]) -> str:
    return ".".join(str(part).casefold() if location[0] == "header" else str(part) for part in location)


def _said(error: Mapping[str, Any]) -> str:
    """What is wrong, without what was given, which our own validators' messages repeat."""
    is_of_form = error["type"] in ("value_error", "string_pattern_mismatch")
    return "empty or not well formed" if is_of_form else str(error["msg"])


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, FrameworkError)
    kind = _BY_STATUS.get(error.status_code, MALFORMED if error.status_code < 500 else INTERNAL)
    details = {
        NOT_FOUND: f"no such address: {request.scope['path']}",
        NO_METHOD: f"{request.method} is not allowed here",
    }
    detail = details.get(kind) or str(error.detail)
    headers = {"Allow": _allowed(request)} if kind is NO_METHOD else error.headers
    return _told(request, kind, detail, headers=headers)


def _allowed(request: Request) -> str:
    """The methods that an address has: the framework knows those of one of its routes only."""
    route = request.scope.get("route")
    described = request.app.openapi()["paths"].get(getattr(route, "path", ""))
    return ", ".join(sorted(m.upper() for m in described or getattr(route, "methods", None) or {"get"}))


def _told(
    request: Request, kind: Kind, detail: str, *,
    faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """A problem as the response to a request, and as a fact for the log and the metrics."""
    request.state.facts["problem"] = kind.name
    return response(request.scope, kind, detail, faults=faults, headers=headers)
