"""``/``, ``/ask`` and ``/conversations/{id}``: asking, reading what was answered, asking on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.http.asking import Ask, Asking
from api.http.fields import AnswerId, Before, ConversationId, Sought
from api.http.forms import preferred
from api.http.leaving import while_connected
from api.http.problems import Problem
from api.http.reading import REFERENCE_MEDIA, ReferenceForm, cited, read
from api.http.retelling import Said
from api.http.reviewing import with_review
from api.http.security import Caller
from api.http.service import service_of
from api.http.stream import Event
from api.http.streaming import EVENT_STREAM, Voice, streamed
from api.http.talking import erased, listed, owned, renamed
from api.keeping.listing import Place
from api.keeping.words import new_id
from api.page.article import PageArticle, shown
from api.page.forms import asked, filled, sent
from api.page.looks import page, rendered
from api.page.readers import Asker
from rag.domain import Answer, EvidenceType
from rag.pipeline import Watch
from rag.render import words

router = APIRouter(include_in_schema=False)

HTML: Final = "text/html"
EXAMPLES: Final = (
    "Should IVIG be given to a patient with heparin-induced thrombocytopenia, cirrhosis and impaired renal function "
    "who is on argatroban?",
    "How is argatroban dosed in Child-Pugh C?",
    "Can fondaparinux be used for HIT when the creatinine clearance is 24?",
)


@router.get("/")
def home(request: Request, caller: Asker) -> Response:
    """A box to ask in; a link may fill it in."""
    return _talk(request, caller, form=filled(list(request.query_params.multi_items())))


@router.get("/conversations")
def conversations(
    request: Request, caller: Asker, words: Sought = None, before: Before = None, part: bool = False
) -> Response:
    """The reader's conversations, those that went on last first; those with some words.

    Args:
        part: the list alone, for a page that brings its own up to date.
    """
    found = listed(service_of(request), caller, words, Place.parsed(before) if before else None)
    name = "talks" if part else "conversations"
    return page(
        request, name, talks=found.items, conversation_id=None, sought=words or "", place=before,
        next_place=found.before,
    )  # fmt: skip


@router.post("/conversations/{conversation_id}/title")
async def name(request: Request, conversation_id: ConversationId, caller: Asker) -> Response:
    """An empty title is none."""
    title = (await sent(request)).get("title")
    await run_in_threadpool(renamed, service_of(request), caller, conversation_id, title)
    return RedirectResponse(f"/conversations/{conversation_id}", 303)


@router.post("/conversations/{conversation_id}/delete")
async def delete(request: Request, conversation_id: ConversationId, caller: Asker) -> Response:
    """Asks first, and erases when that is confirmed."""
    service, form = service_of(request), await sent(request)
    found = await run_in_threadpool(owned, service, caller, conversation_id)
    if form.get("sure") != "yes":
        return page(request, "delete", conversation=found)
    await run_in_threadpool(erased, service, caller, conversation_id)
    return RedirectResponse("/conversations", 303)


@router.get("/conversations/{conversation_id}")
def conversation(request: Request, conversation_id: ConversationId, caller: Asker) -> Response:
    service = service_of(request)
    found = owned(service, caller, conversation_id)
    answers = [with_review(service, service.keeping.answers.get(t.answer_id).answer()) for t in found.turns]
    service.keeping.audit.record(caller.actor, "conversation.read", conversation_id)
    return _talk(request, caller, conversation_id=conversation_id, title=found.title, answers=answers)


@router.get("/answers/{answer_id}")
def answer(request: Request, answer_id: AnswerId, caller: Asker) -> Response:
    """An article by itself, to be shared and printed."""
    found = read(service_of(request), caller, answer_id)
    return page(request, "answer", answer=found, article=shown(found, may_ask=False))


@router.get("/answers/{answer_id}/references.{form}")
def references(request: Request, answer_id: AnswerId, form: ReferenceForm, caller: Asker) -> Response:
    text, media_type = cited(service_of(request), caller, answer_id, form)
    named = {"Content-Disposition": f'attachment; filename="{answer_id}.{form.value}"'}
    return Response(text, media_type=media_type or REFERENCE_MEDIA[form], headers=named)


@router.post("/ask")
async def ask(request: Request, caller: Asker) -> Response:
    """Leads to the answer; a page with scripts has it streamed instead."""
    body = asked(await sent(request))
    making = partial(_answered, request, caller, body)
    if preferred(request.headers.get("accept"), (HTML, EVENT_STREAM)) == HTML:
        made = await while_connected(request, making())
        return RedirectResponse(_address(made), 303)
    return await streamed(making, _VOICE, request)


async def _answered(request: Request, caller: Caller, body: Ask, listener: Watch | None = None) -> Answer:
    """The first question begins a conversation, which is there only when it is answered."""
    asking = Asking(service_of(request), request.state, caller)
    if body.conversation_id:
        return await asking.answer(body, None, listener)
    return (await asking.retold(body, Said(conversation_id=new_id("c")), listener)).answer


def _address(made: Answer) -> str:
    assert made.turn
    return f"/conversations/{made.turn.conversation_id}#turn-{made.turn.number}"


def _made(made: Answer) -> Iterator[bytes]:
    """The article part by part, for a page that puts each behind the one before."""
    assert made.turn
    place = f"t{made.turn.number}"
    yield Event("begin", {"html": rendered("turn", answer=made, article="", number=made.turn.number)}).encoded()
    for part in PageArticle(made, place).parts():
        yield Event("part", {"html": part}).encoded()
    yield Event("done", {
        "address": _address(made), "conversation_id": made.turn.conversation_id, "title": made.title,
    }).encoded()  # fmt: skip


def _failed(problem: Problem) -> bytes:
    return Event("error", {"detail": problem.detail}).encoded()


def _step(name: str) -> bytes:
    return Event("status", {"text": words.STEPS[name]}).encoded() if name in words.STEPS else b""


_VOICE: Final = Voice[Answer](_step, _made, _failed)


def _talk(
    request: Request, caller: Caller, *, conversation_id: str | None = None, title: str | None = None,
    answers: list[Answer] | None = None, form: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    """A conversation or a new one, and the others beside it."""
    found = answers or []
    beside = service_of(request).keeping.conversations.listed(caller.key_id).items
    articles = [shown(a, f"t{a.turn.number}" if a.turn else "t") for a in found]
    return page(
        request, "talk", turns=list(zip(found, articles, strict=True)), conversation_id=conversation_id,
        called=title, talks=beside, form=defaultdict(str, form or {}), examples=EXAMPLES,
        evidence_types=tuple(EvidenceType),
    )  # fmt: skip
