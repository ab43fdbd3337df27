"""``/v1/conversations``: questions that go on with one another."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.http.answers import Token, given
from api.http.asking import Ask, Message
from api.http.fields import Before, ConversationId, Sought, Title
from api.http.reviewing import with_review
from api.http.security import Asker, Caller
from api.http.service import Service, service_of
from api.http.talking import erased, listed, owned, renamed
from api.keeping.conversations import Conversation
from api.keeping.listing import MAX_LISTED, Listing, Place
from rag.domain import Answer, Frozen
from rag.render.markdown import to_markdown

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


class TurnShown(Frozen):
    """``asked`` is as it was typed, but for what was masked; ``question`` is what was answered."""

    number: int
    asked: str
    question: str
    answer_id: str
    created: datetime


class ConversationShown(Frozen):
    """``title`` is what its reader calls it, if they do."""

    conversation_id: str
    title: str | None
    created: datetime
    changed: datetime
    turns: tuple[TurnShown, ...]

    @classmethod
    def of(cls, found: Conversation) -> ConversationShown:
        turns = (
            TurnShown(
                number=t.number, asked=t.question, question=t.standalone, answer_id=t.answer_id,
                created=t.created or found.created,
            )
            for t in found.turns
        )  # fmt: skip
        times = {"created": found.created, "changed": found.changed}
        return cls(conversation_id=found.conversation_id, title=found.title, turns=tuple(turns), **times)


class ConversationListed(Frozen):
    """``question`` is its first, ``turns`` the number of them."""

    conversation_id: str
    title: str | None
    question: str
    turns: int
    changed: datetime


class ConversationList(Frozen):
    """``before`` is where the next page goes on; null for the last."""

    conversations: tuple[ConversationListed, ...]
    before: str | None

    @classmethod
    def of(cls, found: Listing) -> ConversationList:
        items = tuple(ConversationListed(**item._asdict()) for item in found.items)
        return cls(conversations=items, before=str(found.before) if found.before else None)


class Named(Frozen):
    """A title, as one line; null takes it away."""

    title: Title | None


class Exported(ConversationShown):
    """A conversation with its answers, in the order of its turns."""

    answers: tuple[Answer, ...]


class ExportForm(StrEnum):
    JSON = "json"
    MARKDOWN = "markdown"


class Deleted(Frozen):
    """What was erased. ``kept`` are answers that stay, since a review holds them."""

    turns: int
    answers: int
    kept: tuple[str, ...]


@router.post("", operation_id="begin_conversation", summary="Begin a conversation", status_code=201)
def begin(request: Request, caller: Asker) -> ConversationShown:
    return ConversationShown.of(service_of(request).keeping.conversations.create(caller.key_id))


@router.get("", operation_id="list_conversations", summary="List and find conversations")
def list_(
    request: Request,
    caller: Asker,
    words: Sought = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 30,
) -> ConversationList:
    """The caller's own, those that went on last first, with ``words`` each of which stands in the title or a question.

    ``before`` is that of the page before.
    """
    place = Place.parsed(before) if before else None
    return ConversationList.of(listed(service_of(request), caller, words, place, limit))


@router.get("/{conversation_id}", operation_id="read_conversation", summary="Read a conversation")
def shown(request: Request, conversation_id: ConversationId, caller: Asker) -> ConversationShown:
    service = service_of(request)
    found = ConversationShown.of(owned(service, caller, conversation_id))
    service.keeping.audit.record(caller.actor, "conversation.read", conversation_id)
    return found


@router.post(
    "/{conversation_id}/messages", operation_id="ask_in_conversation", summary="Ask the next question",
    response_model=Answer,
)  # fmt: skip
async def message(
    request: Request, conversation_id: ConversationId, body: Message, caller: Asker, token: Token = None
) -> Response:
    """As ``POST /v1/answers`` with ``conversation_id``: the answer's ``follow_up`` says how the question was read."""
    asked = Ask(question=body.question, audience=body.audience, filter=body.filter, conversation_id=conversation_id)
    return await given(request, asked, caller, token)


@router.get(
    "/{conversation_id}/export", operation_id="export_conversation", summary="Export a conversation",
    response_model=Exported,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def export(
    request: Request,
    conversation_id: ConversationId,
    caller: Asker,
    form: Annotated[ExportForm, Query(alias="format")] = ExportForm.JSON,
) -> Response:
    whole = _exported(service_of(request), caller, conversation_id)
    if form is ExportForm.MARKDOWN:
        text = "\n\n---\n\n".join(to_markdown(answer, marks="linked") for answer in whole.answers)
        return Response(text or "\n", media_type="text/markdown; charset=utf-8")
    return Response(whole.model_dump_json(), media_type="application/json")


@router.patch("/{conversation_id}", operation_id="name_conversation", summary="Give a conversation a title")
def name(request: Request, conversation_id: ConversationId, body: Named, caller: Asker) -> ConversationShown:
    """Identifiers in it are masked as in questions."""
    return ConversationShown.of(renamed(service_of(request), caller, conversation_id, body.title))


@router.delete("/{conversation_id}", operation_id="delete_conversation", summary="Erase a conversation")
def delete(request: Request, conversation_id: ConversationId, caller: Asker) -> Deleted:
    """Its turns, and their answers unless somebody else holds them."""
    gone = erased(service_of(request), caller, conversation_id)
    return Deleted(turns=gone.turns, answers=gone.answers, kept=gone.reviewed)


def _exported(service: Service, caller: Caller, conversation_id: str) -> Exported:
    found = owned(service, caller, conversation_id)
    answers = (service.keeping.answers.get(turn.answer_id).answer() for turn in found.turns)
    shown = tuple(with_review(service, answer) for answer in answers)
    service.keeping.audit.record(caller.actor, "conversation.exported", conversation_id)
    return Exported(**ConversationShown.of(found).model_dump(), answers=shown)
