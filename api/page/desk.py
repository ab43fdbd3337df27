"""``/reviews`` and ``/answers/{id}/review``: what clinicians decide, article by article and statement by statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.fields import AnswerId
from api.http.problems import INTERNAL, NO_SCOPE, ProblemError, kind_of
from api.http.reviewing import standing_of, step, superseded_now, with_review
from api.http.reviews import Step
from api.http.security import Caller
from api.http.service import Service, service_of
from api.keeping.keys import Scope
from api.keeping.standing import APPROVING, REJECTING, Action, Standing, State, allowed
from api.page.forms import sent
from api.page.looks import page
from api.page.readers import Asker, Reviewer
from rag.domain import Answer, Statement
from rag.errors import OslerError

router = APIRouter(include_in_schema=False)

_WAITING: Final = (State.SUBMITTED, State.UNDER_REVIEW)
_AT_ONCE: Final = 30
#: Steps in the order in which they are offered.
_OFFERED: Final = (Action.SUBMIT, Action.START, Action.APPROVE, Action.REJECT, Action.EDIT, Action.COMMENT)


class Row(NamedTuple):
    """A statement on the desk: where it stands, the words that it was given, and the steps that may follow."""

    statement: Statement
    state: State
    edit: Any
    steps: tuple[Action, ...]


@router.get("/reviews")
def queue(
    request: Request,
    caller: Reviewer,
    status: Annotated[list[State] | None, Query(max_length=6)] = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """What waits, the longest first."""
    service, wanted = service_of(request), tuple(status or _WAITING)
    found = service.keeping.reviews.queue(wanted, after=after, limit=_AT_ONCE, superseded=superseded_now(service))
    service.keeping.audit.record(caller.actor, "queue.read", "reviews")
    return page(request, "reviews", found=found, wanted=wanted, states=[s for s in State if s != State.UNSUBMITTED])


@router.get("/answers/{answer_id}/review")
def desk(request: Request, answer_id: AnswerId, caller: Asker) -> Response:
    service = service_of(request)
    service.keeping.audit.record(caller.actor, "review.read", answer_id)
    return _desk(request, service, caller, answer_id)


@router.post("/answers/{answer_id}/review")
async def take(request: Request, answer_id: AnswerId, caller: Asker) -> Response:
    """Takes a step and leads back to what it was about; what may not be is said beside what was typed."""
    service, form = service_of(request), await sent(request)
    try:
        caller.check(Scope.REVIEW)
        body = Step.model_validate({name: form[name] for name in Step.model_fields if name in form})
        await run_in_threadpool(lambda: step(service, caller, answer_id, **body.model_dump()))
    except ValidationError as error:
        told = f"{error.errors()[0]['loc'][0]} cannot be used; please change it"
        return await run_in_threadpool(_desk, request, service, caller, answer_id, form, told, 422)
    except (OslerError, ProblemError) as error:
        kind = kind_of(error)
        if kind in (INTERNAL, NO_SCOPE):
            raise
        return await run_in_threadpool(_desk, request, service, caller, answer_id, form, str(error), kind.status)
    place = f"#{body.statement_id}" if body.statement_id else "#article"
    return RedirectResponse(f"/answers/{answer_id}/review{place}", 303)


def _desk(
    request: Request, service: Service, caller: Caller, answer_id: str, form: Mapping[str, Any] | None = None,
    told: str | None = None, status: int = 200,
) -> Response:  # fmt: skip
    answer = service.keeping.answers.get(answer_id).answer()
    now = standing_of(service, answer)
    may = caller.may(Scope.REVIEW)
    return page(
        request, "review", status, answer=with_review(service, answer), now=now, rows=_rows(answer, now, may=may),
        steps=_steps(now, None) if may else (), history=service.keeping.reviews.history(answer_id),
        form=form or {}, told=told, reviewer=(form or {}).get("reviewer", caller.name),
        approving=sorted(APPROVING), rejecting=sorted(REJECTING),
    )  # fmt: skip


def _rows(answer: Answer, now: Standing, *, may: bool) -> list[Row]:
    """Each statement once, in the order in which the article first shows it."""
    once = {s.statement_id: s for s in reversed(answer.statements())}
    ordered = dict.fromkeys(s.statement_id for s in answer.statements())
    return [Row(once[i], now.of(i), now.edits.get(i), _steps(now, i) if may else ()) for i in ordered]


def _steps(now: Standing, statement_id: str | None) -> tuple[Action, ...]:
    may = allowed(now, statement_id)
    return tuple(action for action in _OFFERED if action in may)
