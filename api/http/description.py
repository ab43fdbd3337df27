"""The description of the interface (OpenAPI 3.1): what each operation may answer with, and an example for each.

The examples in ``examples.json`` are what the service gave to the requests beside them, on the starter corpus;
``python -m api.http.examples`` makes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from api.http import problems
from api.http.openai.faults import PATHS as OPENAI_PATHS
from api.http.openai.faults import OpenAIError, status_of
from api.http.problems import Kind, Problem

SUMMARY: Final = "Medical answers in which every sentence cites its source."
ABOUT: Final = """\
A question is answered with a short article of verified quotes, or with the reason why it is not. The fields of an
answer are described in `docs/answer.md`, running the service in `docs/service.md`. Every error is a problem as of
RFC 9457, but for those of the addresses that OpenAI's clients call. It is not a medical device.
"""
TAGS: Final = [
    {"name": "answers", "description": "Questions answered; answers read, checked, made again."},
    {"name": "conversations", "description": "Questions that go on with one another."},
    {"name": "search", "description": "Passages, sources and snapshots; statements judged."},
    {"name": "reviews", "description": "What clinicians decide on answers."},
    {"name": "openai", "description": "The same answers for clients of OpenAI's interface; errors are in its form."},
    {"name": "operation", "description": "For those who run it."},
]
EXAMPLES: Final = Path(__file__).with_name("examples.json")

#: What any operation may answer with, by what it has.
_ALWAYS: Final = (problems.MALFORMED, problems.INTERNAL, problems.UNREADY)
_SECURED: Final = (problems.NO_KEY, problems.NO_SCOPE, problems.RATE)
_WITH_BODY: Final = (problems.UNUSABLE, problems.TOO_LARGE, problems.TOO_SLOW, problems.INVALID)
_WRITING: Final = (problems.NO_ROOM,)
_WORKING: Final = (problems.BUSY, problems.LATE)
#: What only some do, by the operation's id.
_OWN: Final[Mapping[str, tuple[Kind, ...]]] = {
    "ask": (*_WORKING, problems.NO_FORM, problems.NOT_FOUND, problems.CONFLICT),
    "ask_in_conversation": (*_WORKING, problems.NO_FORM, problems.CONFLICT),
    "read_answer": (problems.NO_FORM,),
    "verify_answer": _WORKING,
    "replay_answer": (*_WORKING, problems.GONE),
    "search": (*_WORKING, problems.NOT_FOUND),
    "chat": (*_WORKING, problems.NOT_FOUND, problems.CONFLICT),
    "respond": (*_WORKING, problems.NOT_FOUND, problems.CONFLICT),
    "embed": (*_WORKING, problems.NOT_FOUND),
    "verify": (*_WORKING, problems.NOT_FOUND),
    "open_passage": (problems.UNUSABLE,),
    "take_review_step": (problems.CONFLICT,),
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def describe(app: FastAPI, max_question_chars: int) -> None:
    """Has the application give its description with problems, limits and examples."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            _add_problems(document)
            _add_limits(document, max_question_chars)
            _add_examples(document)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All operations of a description."""
    for path in document["paths"].values():
        yield from (path[method] for method in _METHODS if method in path)


def _add_problems(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for model in (Problem, OpenAIError):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**schema.pop("$defs"), model.__name__: schema}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, item in document["paths"].items():
        is_openai = f"{path}/".startswith(OPENAI_PATHS)
        for operation in (item[method] for method in _METHODS if method in item):
            _add_problems_of(operation, is_openai)


def _add_problems_of(operation: dict[str, Any], is_openai: bool) -> None:
    operation["responses"].pop("422", None)
    name, media_type = ("OpenAIError", "application/json") if is_openai else ("Problem", problems.MEDIA_TYPE)
    kinds: dict[int, list[str]] = {}
    for kind in _kinds(operation):
        kinds.setdefault(status_of(kind) if is_openai else kind.status, []).append(kind.title)
    for status, titles in sorted(kinds.items()):
        content = {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        described = {"description": "; ".join(dict.fromkeys(titles)), "content": content}
        if status in (429, 503):
            described["headers"] = {
                "Retry-After": {"description": "seconds until it may be tried again", "schema": {"type": "integer"}}
            }
        operation["responses"][str(status)] = described


def _kinds(operation: Mapping[str, Any]) -> Iterable[Kind]:
    yield from _ALWAYS
    if "security" in operation:
        yield from _SECURED
    if "requestBody" in operation:
        yield from _WITH_BODY
    if operation.get("parameters"):
        yield problems.INVALID
    if any(p["in"] == "path" for p in operation.get("parameters", ())):
        yield problems.NOT_FOUND
    if "security" in operation and operation["operationId"] not in ("metrics",):
        yield from _WRITING
    yield from _OWN.get(operation["operationId"], ())


def _add_limits(document: dict[str, Any], max_question_chars: int) -> None:
    for name in ("Ask", "Message", "Search"):
        document["components"]["schemas"][name]["properties"]["question"]["maxLength"] = max_question_chars


def _add_examples(document: dict[str, Any]) -> None:
    if not EXAMPLES.is_file():
        return
    examples = json.loads(EXAMPLES.read_text("utf-8"))
    for operation in operations(document):
        example = examples.get(operation["operationId"], {})
        if "request" in example:
            operation["requestBody"]["content"]["application/json"]["example"] = example["request"]
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in example.get("parameters", {}):
                parameter["example"] = example["parameters"][parameter["name"]]
        if "response" in example:
            given = operation["responses"][str(example["status"])]["content"][example["media_type"]]
            given["example"] = example["response"]
