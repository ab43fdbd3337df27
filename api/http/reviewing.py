"""Where an answer's review stands, and the answer as it is shown by it: computed anew whenever it is shown.

An approved answer is stale when a source of it no longer stands, and when the same question gives another answer now:
on the current snapshot, with the settings and the software of today. The second is looked up once for an answer and a
snapshot. Whenever the service starts or takes up a snapshot, all that is approved is looked at, and what is stale noted
in its history, so that webhooks tell of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from api.http.security import Caller
from api.http.service import Service
from api.keeping.reviews import SERVICE
from api.keeping.standing import Action, Edit, Reason, Standing, State
from rag.answer.article import UNREVIEWED
from rag.answer.replay import difference, rests_on_the_same
from rag.domain import Answer, Review, Statement, Verdict
from rag.errors import ConflictError, InputError, NotFoundError
from rag.pipeline import Pipeline

#: Articles that are looked at between two looks at whether the service ends.
_AT_ONCE: Final = 20


def standing_of(service: Service, answer: Answer) -> Standing:
    """Where the review of an answer, which is kept, stands now; notes that another is given now, if so."""
    found = _standing(service, answer.answer_id)
    if found.state is State.APPROVED and _answers_differ(service, answer):
        _note_stale(service, answer.answer_id, Reason.REPLAY_DIFFERS)
        return _standing(service, answer.answer_id)
    return found


def note_all_stale(service: Service) -> int:
    """Notes of each approved article that is so no longer on the snapshot in use why. Returns how many that are."""
    service.differing.clear()
    count, after = 0, 0
    while not service.stopping.is_set():
        page = service.keeping.reviews.queue([State.APPROVED], articles_only=True, after=after, limit=_AT_ONCE)
        for item in page.items:
            with suppress(NotFoundError):  # erased just now
                count += _noted_if_stale(service, service.keeping.answers.get(item.answer_id).answer())
        if page.after is None:
            break
        after = page.after
    return count


def _noted_if_stale(service: Service, answer: Answer) -> bool:
    found = standing_of(service, answer)
    if found.stale:
        _note_stale(service, answer.answer_id, Reason(found.stale[0][0]))  # unless it was just noted
    return found.state is State.STALE


def _note_stale(service: Service, answer_id: str, why: Reason) -> None:
    keeping = service.keeping
    with suppress(ConflictError), keeping.at_once(lasting=True):  # unless another has noted it, or decided anew
        keeping.reviews.stale(answer_id, reason=why)
        keeping.audit.record(SERVICE, f"review.{Action.STALE}", answer_id, {"reason": why.value})


def with_review(service: Service, answer: Answer) -> Answer:
    """``answer``, which is kept, as it is shown: with its status, and the words that were approved."""
    found = standing_of(service, answer)
    return answer if found.state is State.UNSUBMITTED else shown(answer, found)


def shown(answer: Answer, found: Standing) -> Answer:
    """``answer`` with its review's status; of an approved one with the words that reviewers gave its statements."""
    review: Review = found.review()
    if found.state is not State.APPROVED:
        return answer.model_copy(update={"review": review})
    edited = {i: edit for i, edit in found.edits.items() if edit.is_supported}
    return _edited(answer, edited).model_copy(
        update={"review": review, "disclaimer": answer.disclaimer.replace(UNREVIEWED, "").strip()}
    )


def step(
    service: Service, caller: Caller, answer_id: str, *, action: Action, statement_id: str | None,
    reviewer: str | None, reason: Reason | None, comment: str | None, text: str | None,
) -> None:  # fmt: skip
    """Takes a reviewer's step, and notes it in the audit log.

    Raises:
        InputError: what the step needs was not given, or it is the service's own.
        NotFoundError: there is no such answer, or no such statement in it.
        ConflictError: the step may not follow what was done before.
    """
    if action is Action.STALE:
        raise InputError(f"action {action.value}: noted by the service alone; expected a reviewer's")
    if text is not None and action is not Action.EDIT:
        raise InputError(f"text: given to {action.value}; expected it only to edit")
    if reason is not None and action not in (Action.APPROVE, Action.REJECT):
        raise InputError(f"reason: given to {action.value}; expected it only to approve or to reject")
    keeping, who = service.keeping, reviewer or caller.name
    reviews, more = keeping.reviews, {"statement_id": statement_id, "comment": comment}
    take: Callable[[], object]
    if action is Action.EDIT:
        take = _editing(service, answer_id, who, statement_id, text, comment)
    elif action is Action.COMMENT:
        take = partial(reviews.comment, answer_id, who, comment or "", statement_id=statement_id)
    elif action is Action.APPROVE:
        take = partial(reviews.approve, answer_id, who, reason=reason or Reason.ACCURATE, **more)
    elif action is Action.REJECT:
        take = partial(reviews.reject, answer_id, who, reason=reason or "", **more)
    else:
        take = partial(reviews.submit if action is Action.SUBMIT else reviews.start, answer_id, who, **more)
    with keeping.at_once(lasting=True):
        take()
        detail = {"statement": statement_id} if statement_id else {}
        keeping.audit.record(caller.actor, f"review.{action.value}", answer_id, detail)


def _editing(
    service: Service, answer_id: str, who: str, statement_id: str | None, text: str | None, comment: str | None
) -> Callable[[], object]:
    """What gives a statement new words, which have been held against the evidence that it has."""
    if statement_id is None or text is None:
        raise InputError("edit: expected statement_id and text; only a statement has words to edit")
    answer = service.keeping.answers.get(answer_id).answer()
    statement = next((s for s in answer.statements() if s.statement_id == statement_id), None)
    if statement is None:
        raise NotFoundError(f"statement {statement_id!r}: not one of answer {answer_id}")
    with service.serving.pipeline() as pipeline:
        quotes = [e.quote for e in statement.evidence]
        found = pipeline.verifier.verify(text, quotes, strength=statement.strength)
    verification = {
        "verdict": found.verdict.value, "support": round(found.support, 4),
        "probability": round(found.probability, 4), "judged_by": found.by,
        "reasons": [reason._asdict() for reason in found.reasons],
    }  # fmt: skip
    return partial(service.keeping.reviews.edit, answer_id, statement_id, who, text, verification, comment=comment)


def _standing(service: Service, answer_id: str) -> Standing:
    return service.keeping.reviews.standing(answer_id, superseded_now(service))


def superseded_now(service: Service) -> Callable[[str], str | None]:
    """Says of a source why it supports nothing any more in the snapshot in use; None where it does."""

    def why(source_id: str) -> str | None:
        with service.serving.pipeline() as pipeline:
            try:
                source = pipeline.snapshot.store.source(source_id)
            except NotFoundError:
                return Reason.SOURCE_REMOVED.value
        if source.retracted:
            return Reason.RETRACTED.value
        return Reason.SUPERSEDED.value if source.superseded_by else None

    return why


def _answers_differ(service: Service, before: Answer) -> bool:
    """Whether the question is answered otherwise now."""
    with service.serving.pipeline() as pipeline:
        if pipeline.is_as_receipted(before.receipt):
            return False
        place = (before.answer_id, pipeline.snapshot.snapshot_id)
        if place not in service.differing:
            service.differing[place] = _differs(pipeline, before)
        return service.differing[place]


def _differs(pipeline: Pipeline, before: Answer) -> bool:
    """What a language model has worded is compared by what it rests on: it says all that its quotes say."""
    receipt = before.receipt
    after = pipeline.ask(before.question, before.audience, receipt.filter, is_worded=False, reading=receipt.reading)
    if before.receipt.wording and before.receipt.wording.written:
        return not rests_on_the_same(before, after)
    return not difference(before, after).is_none


def _edited(answer: Answer, edits: dict[str, Edit]) -> Answer:
    """``answer`` with other words in the statements of these ids, wherever they stand."""
    if not edits:
        return answer

    def words(statement: Statement) -> Statement:
        edit = edits.get(statement.statement_id)
        if edit is None:
            return statement
        new = {"text": edit.text, "plain": None, "origin": "edited", "verdict": Verdict(edit.verification["verdict"])}
        return statement.model_copy(update={**new, "support": edit.verification.get("support", statement.support)})

    return answer.with_statements(words)
