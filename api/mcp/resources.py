"""The resources: kept answers, and the sources and passages of the corpus, by addresses of the scheme ``osler``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import mcp_types as types
from mcp.shared.uri_template import UriTemplate
from pydantic import TypeAdapter, ValidationError

from api.http import passages, sources
from api.http.fields import Key
from api.http.reading import read
from api.keeping.keys import Scope
from api.mcp.calling import Call
from rag.answer.references import vancouver
from rag.errors import InputError, NotFoundError
from rag.render.chat import to_chat
from rag.render.words import one_line

#: Sources in one page of the list.
PAGE: Final = 100
_SOURCE: Final = "osler://sources/{source_id}"
_MARKDOWN, _JSON = "text/markdown", "application/json"
_ID: Final = TypeAdapter[str](Key)


class Template(NamedTuple):
    """Resources by the id in their address, the one variable that a template has."""

    pattern: str
    title: str
    about: str
    media_type: str
    scope: Scope
    read: Callable[[Call, str], str]

    def described(self) -> types.ResourceTemplate:
        name = self.title.lower().replace(" ", "-")
        return types.ResourceTemplate(
            uri_template=self.pattern, name=name, title=self.title, description=self.about, mime_type=self.media_type
        )


def _answer(call: Call, answer_id: str) -> str:
    return to_chat(read(call.service, call.caller, answer_id)).text


def _answer_json(call: Call, answer_id: str) -> str:
    return read(call.service, call.caller, answer_id).model_dump_json()


def _source(call: Call, source_id: str) -> str:
    return sources.opened(call.service, source_id).model_dump_json()


def _passage(call: Call, passage_id: str) -> str:
    return passages.opened(call.service, passage_id).model_dump_json()


TEMPLATES: Final = (
    Template("osler://answers/{answer_id}", "Answer", "a kept answer as it is shown now, with its review, as Markdown",
             _MARKDOWN, Scope.ASK, _answer),
    Template("osler://answers/{answer_id}/json", "Answer as JSON", "the same, as the tool `ask` gives it",
             _JSON, Scope.ASK, _answer_json),
    Template(_SOURCE, "Source", "a source with its citation and the ids of its passages",
             _JSON, Scope.SEARCH, _source),
    Template("osler://passages/{passage_id}", "Passage", "a passage, as the tool `get_passage` gives it",
             _JSON, Scope.SEARCH, _passage),
)  # fmt: skip
_PARSED: Final = tuple((UriTemplate.parse(template.pattern), template) for template in TEMPLATES)


def found(call: Call, uri: str) -> types.TextResourceContents:
    """A resource by its address.

    Raises:
        NotFoundError: there is none.
        ProblemError: the caller lacks the scope.
    """
    for parsed, template in _PARSED:
        variables = parsed.match(uri)
        if variables and _is_id(*variables.values()):
            call.caller.check(template.scope)
            text = template.read(call, *map(str, variables.values()))
            return types.TextResourceContents(uri=uri, mime_type=template.media_type, text=text)
    raise NotFoundError(f"resource: no such address; expected one of {', '.join(t.pattern for t in TEMPLATES)}")


def _is_id(value: object) -> bool:
    try:
        _ID.validate_python(value)
    except ValidationError:
        return False
    return True


def listed(call: Call, cursor: str | None) -> types.ListResourcesResult:
    """A page of the corpus's sources; answers are known by their ids alone.

    Raises:
        InputError: the cursor is none that was given.
    """
    if not call.caller.may(Scope.SEARCH):
        return types.ListResourcesResult(resources=[])
    offset = _offset(cursor)
    page = sources.page(call.service, offset, PAGE)
    after = offset + len(page.sources)
    described = [
        types.Resource(
            uri=UriTemplate.parse(_SOURCE).expand({"source_id": source.key}), name=source.key,
            title=one_line(source.title), description=one_line(vancouver(source)), mime_type=_JSON,
        )
        for source in page.sources
    ]  # fmt: skip
    return types.ListResourcesResult(resources=described, next_cursor=str(after) if after < page.total else None)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
        raise InputError("cursor: expected the next_cursor of a page before, or none")
    return int(cursor)
