"""Reviews: ``/v1/answers/{id}/review`` is the history of one, ``/v1/reviews/queue`` what waits for a clinician."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from api.http.fields import AnswerId, Note, ShortId
from api.http.reviewing import standing_of, step, superseded_now
from api.http.security import Asker, Reviewer
from api.http.service import Service, service_of
from api.keeping.reviews import MAX_PAGE
from api.keeping.standing import Action, Event, Reason, State
from rag.domain import Frozen

router = APIRouter(tags=["reviews"])

#: A line with a letter or a figure, without characters that nobody sees or that turn others round.
_SEEN = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*"
_NAME = rf"^{_SEEN}\w{_SEEN}$"


class Step(Frozen):
    """What a reviewer does with an article or, with ``statement_id``, with one statement of it."""

    action: Annotated[
        Action,
        Field(description="`submit`, `start`, `comment`, `edit` (a statement; needs `text`), `approve` or `reject`"),
    ]
    statement_id: ShortId | None = None
    reviewer: Annotated[str, StringConstraints(max_length=200, pattern=_NAME)] | None = Field(
        default=None, description="who reviews, as the history names them; the key's name where none is given"
    )
    reason: Reason | None = Field(default=None, description="why it was decided; needed to reject")
    comment: Note | None = None
    text: Note | None = Field(default=None, description="a statement's new words, which are verified again")


class Taken(Frozen):
    """One step of a history, as it was taken."""

    number: int
    action: Action
    statement_id: str | None
    reviewer: str
    reason: Reason | None
    comment: str | None
    text: str | None
    verification: dict[str, Any] | None
    at: datetime

    @classmethod
    def of(cls, event: Event) -> Taken:
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


class Stale(Frozen):
    """Why an approved article is so no longer, and the source that it is about, if it is about one."""

    reason: str
    source_id: str | None


class History(Frozen):
    """``statements`` are those with a state of their own; any other stands where the article does."""

    answer_id: str
    status: State
    updated: datetime | None
    statements: dict[str, State]
    stale: tuple[Stale, ...]
    steps: tuple[Taken, ...]


class Queued(Frozen):
    """An article, or a statement, that stands at a status since some time. ``question`` may hold health data."""

    answer_id: str
    statement_id: str | None
    status: State
    reviewer: str
    since: datetime
    question: str


class Queue(Frozen):
    """What has waited longest first. ``after`` is to be given for the next page; null for the last one."""

    items: tuple[Queued, ...]
    after: int | None


@router.post("/v1/answers/{answer_id}/review", operation_id="take_review_step", summary="Take a step of a review")
def take(request: Request, answer_id: AnswerId, body: Step, caller: Reviewer) -> History:
    service = service_of(request)
    step(service, caller, answer_id, **body.model_dump())
    return _history(service, answer_id)


@router.get("/v1/answers/{answer_id}/review", operation_id="read_review", summary="Read the history of a review")
def history(request: Request, answer_id: AnswerId, caller: Asker) -> History:
    service = service_of(request)
    found = _history(service, answer_id)
    service.keeping.audit.record(caller.actor, "review.read", answer_id)
    return found


@router.get("/v1/reviews/queue", operation_id="list_reviews", summary="List what waits for review")
def queue(
    request: Request,
    caller: Reviewer,
    status: Annotated[list[State] | None, Query(max_length=6, description="by default what is not decided")] = None,
    after: Annotated[int, Query(ge=0, le=2**53, description="where the page before ended")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> Queue:
    service = service_of(request)
    wanted = status or [State.SUBMITTED, State.UNDER_REVIEW]
    page = service.keeping.reviews.queue(wanted, after=after, limit=limit, superseded=superseded_now(service))
    service.keeping.audit.record(caller.actor, "queue.read", "reviews")
    items = (Queued(**{name: getattr(item, name) for name in Queued.model_fields}) for item in page.items)
    return Queue(items=tuple(items), after=page.after)


def _history(service: Service, answer_id: str) -> History:
    found = standing_of(service, service.keeping.answers.get(answer_id).answer())
    return History(
        answer_id=answer_id,
        status=found.state,
        updated=found.updated,
        statements=dict(found.statements),
        stale=tuple(Stale(reason=why, source_id=source_id) for why, source_id in found.stale),
        steps=tuple(Taken.of(event) for event in service.keeping.reviews.history(answer_id)),
    )
