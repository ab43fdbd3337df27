"""``/v1/answers``: a question answered, and an answer shown again, in its forms, checked, and made again."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response

from api.http.asking import Ask, Asking
from api.http.fields import AnswerId
from api.http.forms import preferred
from api.http.leaving import while_connected
from api.http.reading import (
    REFERENCE_MEDIA,
    OnSnapshot,
    ReferenceForm,
    Replayed,
    Verified,
    cited,
    read,
    replayed,
    verified,
)
from api.http.security import Asker, Caller
from api.http.service import service_of
from api.http.stream import VOICE
from api.http.streaming import DESCRIBED, EVENT_STREAM, streamed
from rag.domain import Answer, Receipt
from rag.render.html import to_html
from rag.render.markdown import to_markdown

router = APIRouter(prefix="/v1/answers", tags=["answers"])

JSON: Final = "application/json"
Token = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[!-~]+$",
           description="a request that is sent again with the same key is answered as before, and done once"),
]  # fmt: skip


class Form(StrEnum):
    """Forms of an answer. ``printable`` is the page with all quotes unfolded."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    PRINTABLE = "printable"


_LIST: Final = {"type": "array", "items": {"type": "object"}}
_REFERENCES: Final = {
    media: {"schema": _LIST if form is ReferenceForm.JSON else {"type": "string"}}
    for form, media in REFERENCE_MEDIA.items()
}
_MEDIA: Final = {JSON: Form.JSON, "text/markdown": Form.MARKDOWN, "text/html": Form.HTML}


@router.post(
    "", operation_id="ask", summary="Answer a question", response_model=Answer,
    responses={200: {"content": DESCRIBED}},
)  # fmt: skip
async def ask(request: Request, body: Ask, caller: Asker, token: Token = None) -> Response:
    """Streamed as server-sent events where `Accept` is `text/event-stream`."""
    return await given(request, body, caller, token)


async def given(request: Request, body: Ask, caller: Caller, token: str | None) -> Response:
    """An answer, as JSON or as a stream, whichever the client prefers."""
    service = service_of(request)
    asking = Asking(service, request.state, caller)
    form = preferred(request.headers.get("accept"), (JSON, EVENT_STREAM))
    if form == JSON:
        answer = await while_connected(request, asking.answer(body, token))
        return Response(answer.model_dump_json(), media_type=JSON)
    return await streamed(partial(asking.streamed, body, token), VOICE, request)


@router.get(
    "/{answer_id}", operation_id="read_answer", summary="Read an answer", response_model=Answer,
    responses={200: {"content": {m: {"schema": {"type": "string"}} for m in _MEDIA if m != JSON}}},
)  # fmt: skip
def shown(
    request: Request,
    answer_id: AnswerId,
    caller: Asker,
    form: Annotated[Form | None, Query(alias="format", description="by default what `Accept` asks for")] = None,
) -> Response:
    wanted = form or _MEDIA[preferred(request.headers.get("accept"), tuple(_MEDIA))]
    answer = read(service_of(request), caller, answer_id)
    if wanted is Form.JSON:
        return Response(answer.model_dump_json(), media_type=JSON)
    if wanted is Form.MARKDOWN:
        return Response(to_markdown(answer), media_type="text/markdown; charset=utf-8")
    return Response(to_html(answer, quotes=wanted is Form.PRINTABLE), media_type="text/html; charset=utf-8")


@router.get(
    "/{answer_id}/references.{form}", operation_id="export_references", summary="Export the references",
    response_class=Response,
    responses={200: {"content": _REFERENCES}},
)  # fmt: skip
def references(request: Request, answer_id: AnswerId, form: ReferenceForm, caller: Asker) -> Response:
    text, media_type = cited(service_of(request), caller, answer_id, form)
    return Response(text, media_type=media_type)


@router.get("/{answer_id}/receipt", operation_id="read_receipt", summary="Read what an answer was made with")
def receipt(request: Request, answer_id: AnswerId, caller: Asker) -> Receipt:
    return read(service_of(request), caller, answer_id).receipt


@router.post("/{answer_id}/verify", operation_id="verify_answer", summary="Check an answer again")
async def verify(request: Request, answer_id: AnswerId, caller: Asker) -> Verified:
    service = service_of(request)
    return await while_connected(request, service.work.run(object(), lambda _: verified(service, caller, answer_id)))


@router.post("/{answer_id}/replay", operation_id="replay_answer", summary="Make an answer again and compare")
async def replay(
    request: Request,
    answer_id: AnswerId,
    caller: Asker,
    on: Annotated[OnSnapshot, Query(description="the answer's own snapshot, or the current one")] = "same",
) -> Replayed:
    service = service_of(request)
    job = service.work.run(object(), lambda watch: replayed(service, caller, answer_id, on, watch))
    return await while_connected(request, job)
