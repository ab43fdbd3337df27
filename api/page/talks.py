"""``/``, ``/conversations`` and ``/answers/{id}``: the box to ask in, and what was answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.http.fields import AnswerId, Before, ConversationId, Sought
from api.http.reading import REFERENCE_MEDIA, ReferenceForm, cited, read
from api.http.reviewing import with_review
from api.http.security import Caller
from api.http.service import service_of
from api.http.talking import erased, listed, owned, renamed
from api.keeping.listing import Place
from api.page.article import shown
from api.page.forms import Refused, filled, sent, tells_of_patient
from api.page.looks import page
from api.page.readers import Asker
from rag.domain import EvidenceType

router = APIRouter(include_in_schema=False)


class Box(NamedTuple):
    """What the box is called, and what stands in it while it is empty."""

    label: str
    placeholder: str


_ASK: Final = Box("Question", "As you would ask a colleague")
ASK_ON: Final = Box("Ask on", "A follow-up; it may lean on what was asked before")
EXAMPLES: Final = (
    "Should IVIG be given to a patient with heparin-induced thrombocytopenia, cirrhosis and impaired renal function "
    "who is on argatroban?",
    "How is argatroban dosed in Child-Pugh C?",
    "Can fondaparinux be used for HIT when the creatinine clearance is 24?",
)


@router.get("/")
def home(request: Request, caller: Asker) -> Response:
    """A box to ask in; a link may fill it in."""
    return talk(request, caller, None, filled(list(request.query_params.multi_items())))


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
    return talk(request, caller, conversation_id, {})


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


def talk(
    request: Request, caller: Caller, conversation_id: str | None, form: Mapping[str, Any],
    refused: Refused | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """A conversation or a new one, and the others beside it.

    Args:
        form: what is in the box.
        refused: why what was asked is not answered.

    Raises:
        NotFoundError: there is no such conversation of the caller's.
    """
    service = service_of(request)
    found = owned(service, caller, conversation_id) if conversation_id else None
    turns = found.turns if found else ()
    answers = [with_review(service, service.keeping.answers.get(t.answer_id).answer()) for t in turns]
    if conversation_id:
        service.keeping.audit.record(caller.actor, "conversation.read", conversation_id)
    articles = [shown(a, f"t{a.turn.number}" if a.turn else "t") for a in answers]
    return page(
        request, "talk", status, turns=list(zip(answers, articles, strict=True)), conversation_id=conversation_id,
        called=found.title if found else None, talks=service.keeping.conversations.listed(caller.key_id).items,
        form=defaultdict(str, form), examples=EXAMPLES, evidence_types=tuple(EvidenceType), refused=refused,
        box=ASK_ON if answers else _ASK, tells_of_patient=tells_of_patient(form),
    )  # fmt: skip
