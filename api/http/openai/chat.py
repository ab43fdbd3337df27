"""``/v1/chat/completions`` and ``/v1/models``: Osler as a model of chat front ends.

The whole history that a client sends is used, so that its conversation needs no id of ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import Field, StrictBool, StrictInt
from starlette.concurrency import run_in_threadpool

from api.http.fields import FilterBody
from api.http.leaving import while_connected
from api.http.openai import webui_events
from api.http.openai.asked import Asked, Given, given
from api.http.openai.completions import ChatCompletion, Completion, Head, failed
from api.http.openai.messages import Messages, Open, StreamOptions, questions, refuse, text_of
from api.http.openai.names import MODELS, audience_of
from api.http.openai.usage import usage
from api.http.openai.webui_tasks import Task, task_of
from api.http.retelling import Said, id_of_chat
from api.http.security import Asker
from api.http.service import Service, published_at, service_of
from api.http.streaming import DESCRIBED, Voice, streamed
from api.http.work import ACCEPTED
from rag.domain import Frozen
from rag.errors import NotFoundError
from rag.pipeline import Watch
from rag.render.chat import Chat

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
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    filter: FilterBody | None = Field(default=None, description="which sources may take part, as for `/v1/answers`")
    n: StrictInt | None = None
    tools: tuple[Any, ...] | None = None
    tool_choice: Any = None
    functions: tuple[Any, ...] | None = None
    function_call: Any = None
    response_format: Any = None
    logprobs: StrictBool | None = None
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


TaskHeader = Annotated[
    str | None,
    Header(alias="X-OpenWebUI-Task", max_length=100, description="what the front end asks for its own use, if it does"),
]


@router.post(
    "/chat/completions", operation_id="chat", summary="Answer the last question of a chat",
    response_model=ChatCompletion,
    responses={200: {"content": DESCRIBED}},
)  # fmt: skip
async def chat(
    request: Request, body: ChatRequest, caller: Asker, chat_id: ChatId = None, task: TaskHeader = None
) -> Response:
    """Streamed where `stream` is true. What is asked of tools, of several choices or of images is refused."""
    audience, is_webui = audience_of(body.model), webui_events.is_webui(request.headers)
    refuse(body.model_dump(exclude={"tools"} if is_webui else None), _DONE_ONLY)  # which it always sends
    head = Head(f"chatcmpl-{request.state.request_id}", int(time.time()), body.model)
    own = task_of([(m.role, text_of(m)) for m in body.messages], task)

    async def answer(listener: Watch | None = None) -> Completion:
        if own:
            return Completion(head, await run_in_threadpool(_of_task, service_of(request), own))
        asked = Asked.of(questions(body.messages), audience, body.filter, Said(conversation_id=conversation_id))
        return Completion(head, await given(request, caller, asked, listener))

    is_kept = chat_id is not None and webui_events.is_saved(chat_id)
    conversation_id = id_of_chat(caller.key_id, _FACE, chat_id or "") if is_kept else None
    if not body.stream:
        completion = await while_connected(request, answer())
        return Response(completion.whole().model_dump_json(), media_type="application/json")
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    voice = _webui_voice(head, with_usage) if is_webui and not own else _voice(head, with_usage)
    return await streamed(answer, voice, request)


def _of_task(service: Service, task: Task) -> Given:
    """What a front end asks for its own use, from what is known: nothing is retrieved, and nothing kept."""
    answer = None
    if task.answer_id:
        with suppress(NotFoundError):
            answer = service.keeping.answers.get(task.answer_id).answer()
    with service.serving.pipeline() as pipeline:
        text = task.reply(answer, pipeline.snapshot.analyzer)
    return Given(Chat((text,), ()), usage(service, [task.chat], text))


def _voice(head: Head, with_usage: bool) -> Voice[Completion]:
    def step(name: str) -> bytes:
        return head.first() if name == ACCEPTED else b""

    return Voice(step, lambda made: made.chunks(with_usage=with_usage), failed)


def _webui_voice(head: Head, with_usage: bool) -> Voice[Completion]:
    """Also tells of the steps and of the sources, from which Open WebUI makes its own marks instead of annotations."""

    def step(name: str) -> bytes:
        event = webui_events.status_event(name)
        return (head.first() if name == ACCEPTED else b"") + (head.chunk(event=event) if event else b"")

    def made(completion: Completion) -> Iterator[bytes]:
        answer, earlier = completion.given.answer, completion.given.earlier
        for source in webui_events.source_events(answer, earlier) if answer else ():
            yield head.chunk(event=source)
        yield head.chunk(event=webui_events.closing_status(answer))
        yield from completion.chunks(with_usage=with_usage, with_annotations=False)

    return Voice(step, made, failed)
