"""``/reviews`` and ``/answers/{id}/review``: what clinicians decide, article by article and statement by statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.fields import AnswerId
from api.http.problems import INTERNAL, NO_SCOPE, ProblemError, kind_of
from api.http.reviewing import shown, standing_of, step, superseded_now
from api.http.reviews import Step
from api.http.security import Caller
from api.http.service import Service, service_of
from api.keeping.feedback import Feedback
from api.keeping.keys import Scope
from api.keeping.standing import APPROVING, REJECTING, Action, Edit, Event, Standing, State, allowed, check
from api.page.changes import Change, changes
from api.page.forms import sent
from api.page.looks import page
from api.page.readers import Asker, Reviewer
from rag.domain import Answer, Statement
from rag.errors import ConflictError, OslerError
from rag.render import words

router = APIRouter(include_in_schema=False)

_WAITING: Final = (State.SUBMITTED, State.UNDER_REVIEW)
_AT_ONCE: Final = 30
#: Steps in the order in which they are offered, as buttons call them.
_OFFERED: Final = {
    Action.SUBMIT: "Submit for review", Action.START: "Start the review", Action.APPROVE: "Approve",
    Action.REJECT: "Reject", Action.EDIT: "Edit", Action.COMMENT: "Comment",
}  # fmt: skip


class Subject(NamedTuple):
    """An article, or one statement of it, on the desk.

    Args:
        number: of the statement on the desk, from 1; 0 for the article.
        steps: that may follow now.
        is_held: it cannot be approved for what a reviewer did to it, or to a statement of it.
        edit: the words that it was given last.
    """

    statement: Statement | None
    number: int
    state: State
    steps: tuple[Action, ...]
    is_held: bool
    edit: Edit | None

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the last edit leaves of the statement."""
        return tuple(changes(self.statement.text, self.edit.text)) if self.statement and self.edit else ()

    @property
    def statement_id(self) -> str | None:
        return self.statement.statement_id if self.statement else None


class Past(NamedTuple):
    """A step that was taken: about which statement of the article as it is now, and what an edit changed."""

    event: Event
    subject: Subject | None
    changes: tuple[Change, ...]


class Refused(NamedTuple):
    """A step that was not taken: why, about which statement or None, and all that was typed."""

    why: str
    statement_id: str | None
    form: Mapping[str, str]
    status: int


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
def desk(
    request: Request, answer_id: AnswerId, caller: Asker, reviewer: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    service = service_of(request)
    answer = service.keeping.answers.get(answer_id).answer()
    service.keeping.audit.record(caller.actor, "review.read", answer_id)
    return _desk(request, service, caller, answer, reviewer)


@router.post("/answers/{answer_id}/review")
async def take(request: Request, answer_id: AnswerId, caller: Asker) -> Response:
    """Takes a step and leads back to what it was about; what may not be is said beside what was typed."""
    service, form = service_of(request), await sent(request)
    try:
        caller.check(Scope.REVIEW)
        body = Step.model_validate({name: form[name] for name in Step.model_fields if name in form})
        await run_in_threadpool(lambda: step(service, caller, answer_id, **body.model_dump()))
    except (OslerError, ProblemError, ValidationError) as error:
        return await run_in_threadpool(_refused, request, service, caller, answer_id, form, error)
    as_another = body.reviewer and body.reviewer != caller.name
    named = f"?{urlencode({'reviewer': body.reviewer})}" if as_another else ""
    return RedirectResponse(f"/answers/{answer_id}/review{named}#{body.statement_id or 'article'}", 303)


def _refused(
    request: Request, service: Service, caller: Caller, answer_id: str, form: Mapping[str, str],
    error: OslerError | ProblemError | ValidationError,
) -> Response:  # fmt: skip
    if isinstance(error, ValidationError):
        why, status = f"{error.errors()[0]['loc'][0]} cannot be used; please change it", 422
    elif (kind := kind_of(error)) in (INTERNAL, NO_SCOPE):
        raise error
    else:
        why, status = str(error), kind.status
    answer = service.keeping.answers.get(answer_id).answer()
    about = form.get("statement_id")
    known = about if about in {s.statement_id for s in answer.statements()} else None
    refused = Refused(why, known, defaultdict(str, form), status)
    return _desk(request, service, caller, answer, form.get("reviewer"), refused)


def _desk(
    request: Request, service: Service, caller: Caller, answer: Answer, reviewer: str | None,
    refused: Refused | None = None,
) -> Response:  # fmt: skip
    now, may = standing_of(service, answer), caller.may(Scope.REVIEW)
    parts = list(_parts(answer, now, may=may))
    return page(
        request, "review", refused.status if refused else 200, answer=shown(answer, now), now=now,
        article=_subject(answer, now, None, may=may), parts=parts,
        history=list(_history(service.keeping.reviews.history(answer.answer_id), answer, parts)),
        feedback=_feedback(service, caller, answer) if may else (), may=may, reviewer=reviewer or caller.name,
        refused=refused, labels=_OFFERED,
        approving=sorted(APPROVING), rejecting=sorted(REJECTING),
    )  # fmt: skip


def _parts(answer: Answer, now: Standing, *, may: bool) -> Iterator[tuple[str, list[Subject]]]:
    """Each statement once, under the heading under which the article first shows it."""
    seen = dict[str, int]()
    parts = [(words.BOTTOM_LINE, answer.bottom_line), *((s.heading, s.statements) for s in answer.sections)]
    parts.append((words.DISAGREEMENTS, tuple(p.statement for d in answer.disagreements for p in d.positions)))
    parts.append((words.needed_heading(answer), tuple(b.statement for n in answer.needed for b in n.branches)))
    for heading, statements in parts:
        new = {s.statement_id: s for s in statements if s.statement_id not in seen}
        seen |= {statement_id: number for number, statement_id in enumerate(new, len(seen) + 1)}
        if new:
            yield heading, [_subject(answer, now, s, seen[s.statement_id], may=may) for s in new.values()]


def _history(events: Iterable[Event], answer: Answer, parts: Iterable[tuple[str, list[Subject]]]) -> Iterator[Past]:
    subjects = {subject.statement_id: subject for _, found in parts for subject in found}
    texts = {s.statement_id: s.text for s in answer.statements()}
    for event in events:
        changed = tuple[Change, ...]()
        if event.statement_id and event.text:
            changed = tuple(changes(texts.get(event.statement_id, ""), event.text))
            texts[event.statement_id] = event.text
        yield Past(event, subjects.get(event.statement_id) if event.statement_id else None, changed)


def _subject(answer: Answer, now: Standing, statement: Statement | None, number: int = 0, *, may: bool) -> Subject:
    statement_id = statement.statement_id if statement else None
    steps = tuple(a for a in _OFFERED if may and a in allowed(now, statement_id))
    is_held = Action.APPROVE in steps and not _may_be_approved(answer, now, statement_id)
    if is_held:
        steps = tuple(a for a in steps if a is not Action.APPROVE)
    return Subject(statement, number, now.of(statement_id), steps, is_held, now.edits.get(statement_id or ""))


def _may_be_approved(answer: Answer, now: Standing, statement_id: str | None) -> bool:
    try:
        check(now, Action.APPROVE, answer.answer_id, statement_id)
    except ConflictError:
        return False
    return True


def _feedback(service: Service, caller: Caller, answer: Answer) -> tuple[Feedback, ...]:
    found = tuple(service.keeping.feedback.list(answer.answer_id))
    if found:
        service.keeping.audit.record(caller.actor, "feedback.read", answer.answer_id)
    return found
