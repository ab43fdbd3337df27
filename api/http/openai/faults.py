"""Problems in the form that OpenAI's clients raise as their own exceptions.

https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Response
from pydantic import Field
from starlette.types import Scope

from api.http import problems
from api.http.problems import Kind, Problem
from rag.domain import Frozen

#: Addresses whose problems are told so.
PATHS: Final = ("/v1/models", "/v1/chat/", "/v1/responses", "/v1/embeddings")


class Told(Frozen):
    message: str
    type: str
    param: str | None = Field(description="the part of the body that is wrong, if it is one")
    code: str


class OpenAIError(Frozen):
    error: Told


#: The codes that clients know; of other kinds their own name is the code.
_CODES: Final[Mapping[Kind, str]] = {
    problems.NO_KEY: "invalid_api_key",
    problems.RATE: "rate_limit_exceeded",
    problems.NO_SCOPE: "insufficient_permissions",
}
_BY_NAME: Final = {kind.name: kind for kind in problems.KINDS}


def as_openai(found: Problem, headers: Mapping[str, str], _: Scope) -> Response:
    kind = _kind(found)
    # Their clients try 409 again, which is of no use to a conversation that is full.
    more = {"x-should-retry": "false"} if kind is problems.FULL else {}
    body = error_of(found).model_dump_json()
    return Response(body, status_of(kind), headers={**headers, **more}, media_type="application/json")


def status_of(kind: Kind) -> int:
    """What cannot be understood or done is 400 there, where it would be 422."""
    return problems.MALFORMED.status if kind is problems.INVALID else kind.status


def error_of(found: Problem) -> OpenAIError:
    kind = _kind(found)
    param = found.errors[0].where.removeprefix("body.") if found.errors else None
    return OpenAIError(error=Told(message=found.detail, type=_type(kind), param=param, code=_code(kind, param)))


def _kind(found: Problem) -> Kind:
    return _BY_NAME[found.type.rpartition(":")[2]]


def _type(kind: Kind) -> str:
    if kind is problems.RATE:
        return "requests"
    return "invalid_request_error" if kind.status < 500 else "server_error"


def _code(kind: Kind, param: str | None) -> str:
    if kind is problems.NOT_FOUND and param == "model":
        return "model_not_found"
    return _CODES.get(kind, kind.name.replace("-", "_"))
