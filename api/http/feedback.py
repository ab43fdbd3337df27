"""``/v1/answers/{id}/feedback``: what readers say of an answer."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import Field

from api.http.fields import AnswerId, Note
from api.http.security import Asker, Reviewer
from api.http.service import service_of
from api.keeping.feedback import Feedback, Rating
from rag.domain import Frozen

router = APIRouter(prefix="/v1/answers/{answer_id}/feedback", tags=["answers"])


class Opinion(Frozen):
    rating: Rating = Field(description="`unsafe`: acting on the answer could harm; `wrong`: it is not so, or not asked")
    comment: Note | None = None


class Said(Frozen):
    feedback_id: str
    answer_id: str
    rating: Rating
    comment: str | None
    created: datetime

    @classmethod
    def of(cls, feedback: Feedback) -> Said:
        return cls(**{name: getattr(feedback, name) for name in cls.model_fields})


class AllSaid(Frozen):
    feedback: tuple[Said, ...]


@router.post("", operation_id="give_feedback", summary="Say what you think of an answer", status_code=201)
def give(request: Request, answer_id: AnswerId, body: Opinion, caller: Asker) -> Said:
    keeping = service_of(request).keeping
    with keeping.at_once(lasting=True):
        said = keeping.feedback.add(answer_id, body.rating, body.comment, caller.key_id)
        keeping.audit.record(caller.actor, "feedback.given", answer_id, {"rating": said.rating.value})
    return Said.of(said)


@router.get("", operation_id="read_feedback", summary="Read what was said of an answer")
def listed(request: Request, answer_id: AnswerId, caller: Reviewer) -> AllSaid:
    keeping = service_of(request).keeping
    keeping.answers.get(answer_id)
    keeping.audit.record(caller.actor, "feedback.read", answer_id)
    return AllSaid(feedback=tuple(Said.of(f) for f in keeping.feedback.list(answer_id)))
