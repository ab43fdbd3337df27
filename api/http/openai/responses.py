"""``/v1/responses``: Osler behind OpenAI's newer interface, without tools.

A response is a kept answer, which a later one may go on from by its id.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi import Response as HttpResponse
from pydantic import BeforeValidator, Field, StrictBool
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool

from api.http.fields import FilterBody
from api.http.leaving import while_connected
from api.http.openai.asked import Asked, given
from api.http.openai.messages import Messages, Open, questions, refuse
from api.http.openai.names import MODELS, audience_of
from api.http.openai.response_form import ConversationId, Responded, Response, failed
from api.http.problems import INVALID, NOT_FOUND, ProblemError
from api.http.retelling import Said
from api.http.security import Asker, Caller
from api.http.service import Service, service_of
from api.http.streaming import DESCRIBED, Voice, streamed
from api.http.talking import owned
from api.keeping.words import new_id
from rag.errors import NotFoundError
from rag.pipeline import Watch

router = APIRouter(prefix="/v1", tags=["openai"])

_PREFIX: Final = "resp_"
#: Stands for an answer in the id of a response to which there is none.
_NONE: Final = "none"
#: What would change what is given, and the values that can be done.
_DONE_ONLY: Final[dict[str, tuple[object, ...]]] = {
    "tools": (), "tool_choice": ("none", "auto"), "background": (False,), "prompt": (),
    "include": (["reasoning.encrypted_content"],),  # of which there is none, and which is asked for out of habit
    "text.format": ({"type": "text"},),
}  # fmt: skip


def _messages(given: Any) -> Any:
    """One question as a message. Raises ``PydanticCustomError`` for items of other kinds, such as calls of tools."""
    if isinstance(given, str):
        return ({"role": "user", "content": given},)
    kinds = [item.get("type", "message") for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    if any(kind != "message" for kind in kinds):
        raise PydanticCustomError("items", "holds items that are no messages; expected messages alone")
    return given


class ResponseRequest(Open):
    """Of the parameters that are not here, those of sampling and length have no effect: an answer is as it is."""

    model: str = Field(description=f"one of {', '.join(f'`{name}`' for name in MODELS)}")
    input: Annotated[Messages, BeforeValidator(_messages, str | Messages)] = Field(
        description="a question, or messages of which the last asks it"
    )
    instructions: str | None = Field(default=None, description="has no effect")
    previous_response_id: str | None = Field(default=None, max_length=200)
    conversation: str | ConversationId | None = Field(default=None, description="a conversation of `/v1/conversations`")
    store: StrictBool | None = Field(
        default=None, description="by default it is kept, so that a later one may go on from it"
    )
    stream: StrictBool | None = None
    metadata: dict[str, str] | None = None
    filter: FilterBody | None = Field(default=None, description="which sources may take part, as for `/v1/answers`")
    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    background: StrictBool | None = None
    include: list[str] | None = None
    prompt: Any = None
    text: dict[str, Any] | None = None


@router.post(
    "/responses", operation_id="respond", summary="Answer a question as a response", response_model=Response,
    responses={200: {"content": DESCRIBED}},
)  # fmt: skip
async def respond(request: Request, body: ResponseRequest, caller: Asker) -> HttpResponse:
    """Streamed where `stream` is true. What is asked of tools, in the background or of images is refused."""
    audience = audience_of(body.model)
    refuse(body.model_dump() | {"text.format": (body.text or {}).get("format")}, _DONE_ONLY)
    texts = questions(body.input, "body.input")
    before = await run_in_threadpool(_before, service_of(request), caller, body)
    asked = Asked.of(texts, audience, body.filter, before)
    respond_to = partial(_responded, request, caller, body, asked)
    if not body.stream:
        made = await while_connected(request, respond_to())
        return HttpResponse(made.whole().model_dump_json(), media_type="application/json")
    # Its id is that of the answer: nothing can be told before there is one.
    return await streamed(respond_to, Voice(lambda _: b"", Responded.events, failed), request)


async def _responded(
    request: Request, caller: Caller, body: ResponseRequest, asked: Asked, listener: Watch | None = None
) -> Responded:
    found, request_id = await given(request, caller, asked, listener), request.state.request_id
    previous = _answer_in(body.previous_response_id) if body.previous_response_id else None
    answer_id = found.answer.answer_id if found.answer else previous or _NONE
    turn = found.answer.turn if found.answer else None
    response = Response(
        id=f"{_PREFIX}{answer_id}_{request_id}", created_at=int(time.time()), status="in_progress", model=body.model,
        instructions=body.instructions, metadata=body.metadata or {}, store=body.store is not False,
        previous_response_id=body.previous_response_id,
        conversation=ConversationId(id=turn.conversation_id) if turn else None,
    )  # fmt: skip
    return Responded(response, f"msg_{request_id}", found)


def _before(service: Service, caller: Caller, body: ResponseRequest) -> Said:
    """What was asked before, and where the answer is kept.

    Raises:
        ProblemError: the response or the conversation that is named is not there.
    """
    if body.previous_response_id and body.conversation:
        what = "expected either this or previous_response_id"
        raise ProblemError(INVALID, what, where="body.conversation")
    if body.conversation:
        named = body.conversation if isinstance(body.conversation, str) else body.conversation.id
        found = _of_conversation(service, caller, named)
    else:
        found = _after(service, caller, body.previous_response_id) if body.previous_response_id else Said()
    if body.store is False:
        return found._replace(conversation_id=None)
    return found if found.conversation_id else found._replace(conversation_id=new_id("c"))


def _of_conversation(service: Service, caller: Caller, conversation_id: str) -> Said:
    try:
        turns = owned(service, caller, conversation_id).turns
    except NotFoundError as error:
        raise ProblemError(NOT_FOUND, str(error), where="body.conversation") from error
    return Said(tuple(t.question for t in turns), conversation_id)


def _after(service: Service, caller: Caller, response_id: str) -> Said:
    """What led to a response, also where its conversation has gone on since."""
    answer_id = _answer_in(response_id)
    if answer_id is None:
        return Said()
    try:
        answer = service.keeping.answers.get(answer_id).answer()
        if answer.turn is None:
            return Said((answer.question,))
        last, found = answer.turn.number, owned(service, caller, answer.turn.conversation_id)
    except NotFoundError as error:
        what = "no such response is kept; it was never made, not stored, or has been erased"
        raise ProblemError(NOT_FOUND, what, where="body.previous_response_id") from error
    return Said(tuple(t.question for t in found.turns if t.number <= last), found.conversation_id, last)


def _answer_in(response_id: str) -> str | None:
    """The answer that a response's id names; none where nothing was asked. Raises ``ProblemError`` for another's id."""
    prefix, _, rest = response_id.partition("_")
    answer_id = rest.partition("_")[0]
    if f"{prefix}_" != _PREFIX or not answer_id.isalnum():
        raise ProblemError(NOT_FOUND, "no id of a response here", where="body.previous_response_id")
    return None if answer_id == _NONE else answer_id
