"""``/v1/chat/completions`` and ``/v1/models``: Osler as a model of chat front ends.

The whole history that a client sends is used, so that its conversation needs no id of ours.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import Field

from api.http.fields import FilterBody
from api.http.leaving import while_connected
from api.http.openai.asked import Asked, given
from api.http.openai.completions import ChatCompletion, Completion, Head, failed
from api.http.openai.messages import Messages, Open, StreamOptions, questions, refuse
from api.http.openai.names import MODELS, audience_of
from api.http.retelling import id_of_chat
from api.http.security import Asker
from api.http.service import published_at, service_of
from api.http.streaming import EVENT_STREAM, Voice, streamed
from api.http.work import ACCEPTED
from rag.domain import Frozen
from rag.pipeline import Watch

router = APIRouter(prefix="/v1", tags=["openai"])

#: Whose chats have ids.
_FACE: Final = "open-webui"
#: What would change what is given, and the values that can be done.
_DONE_ONLY: Final[dict[str, tuple[object, ...]]] = {
    "n": (1,), "tools": (), "tool_choice": ("none", "auto"), "functions": (), "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},), "logprobs": (False,), "modalities": (["text"],), "audio": (),
}  # fmt: skip


class ChatRequest(Open):
    """Of the parameters that are not here, those of sampling and length have no effect: an answer is as it is."""

    model: str = Field(description=f"one of {', '.join(f'`{name}`' for name in MODELS)}")
    messages: Messages
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    filter: FilterBody | None = Field(default=None, description="which sources may take part, as for `/v1/answers`")
    n: int | None = None
    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    functions: tuple[Any, ...] | None = None
    function_call: Any = None
    response_format: Any = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: Any = None


class Model(Frozen):
    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="when the snapshot that it answers from was made, in seconds since 1970")
    owned_by: Literal["osler"] = "osler"
    name: str


class Models(Frozen):
    object: Literal["list"] = "list"
    data: tuple[Model, ...]


@router.get("/models", operation_id="list_models", summary="List the models: one for each audience")
def models(request: Request, _: Asker) -> Models:
    return Models(data=tuple(_model(request, name) for name in MODELS))


@router.get("/models/{model}", operation_id="read_model", summary="Read a model")
def model(request: Request, model: Annotated[str, Path(max_length=100)], _: Asker) -> Model:
    audience_of(model)
    return _model(request, model)


def _model(request: Request, name: str) -> Model:
    serving = service_of(request).serving
    return Model(id=name, created=int(published_at(serving, serving.snapshot_id).timestamp()), name=MODELS[name][1])


ChatId = Annotated[
    str | None,
    Header(alias="X-OpenWebUI-Chat-Id", max_length=200,
           description="a chat of the front end: its answers are kept as one conversation"),
]  # fmt: skip


@router.post(
    "/chat/completions", operation_id="chat", summary="Answer the last question of a chat",
    response_model=ChatCompletion,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def chat(request: Request, body: ChatRequest, caller: Asker, chat_id: ChatId = None) -> Response:
    """Streamed where `stream` is true. What is asked of tools, of several choices or of images is refused."""
    audience = audience_of(body.model)
    refuse(body.model_dump(), _DONE_ONLY)
    conversation_id = id_of_chat(caller.key_id, _FACE, chat_id) if chat_id else None
    asked = Asked.of(questions(body.messages), audience, body.filter, conversation_id)
    head = Head(f"chatcmpl-{request.state.request_id}", int(time.time()), body.model)

    async def answer(listener: Watch | None = None) -> Completion:
        return Completion(head, await given(request, caller, asked, listener))

    if not body.stream:
        completion = await while_connected(request, answer())
        return Response(completion.whole().model_dump_json(), media_type="application/json")
    return await streamed(answer, _voice(head, body.stream_options), request)


def _voice(head: Head, options: StreamOptions | None) -> Voice[Completion]:
    with_usage = bool(options and options.include_usage)

    def step(name: str) -> bytes:
        return head.chunk({"role": "assistant", "content": ""}) if name == ACCEPTED else b""

    return Voice(step, lambda made: made.chunks(with_usage=with_usage), failed)
