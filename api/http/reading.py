"""A kept answer read again: shown, checked against its passages, made anew and compared."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from api.http.making import Asked, ask
from api.http.problems import GONE, ProblemError
from api.http.reviewing import with_review
from api.http.security import Caller
from api.http.service import Service
from api.http.talking import as_kept
from rag.answer.recheck import Recheck, all_hold, recheck
from rag.answer.replay import Difference, content, difference
from rag.domain import Answer, Frozen
from rag.errors import SnapshotError
from rag.pipeline import Pipeline, Watch
from rag.render.citing import references

OnSnapshot = Literal["same", "current"]


class ReferenceForm(StrEnum):
    """RIS, BibTeX, CSL-JSON, and a list in Vancouver style."""

    RIS = "ris"
    BIB = "bib"
    JSON = "json"
    TXT = "txt"


REFERENCE_MEDIA: Final = {
    ReferenceForm.RIS: "application/x-research-info-systems",
    ReferenceForm.BIB: "application/x-bibtex",
    ReferenceForm.JSON: "application/vnd.citationstyles.csl+json",
    ReferenceForm.TXT: "text/plain",
}


class Verified(Frozen):
    """A stored answer checked again, statement by statement."""

    answer_id: str
    holds: bool = Field(description="whether every quote still stands and every verdict is as it was stored")
    snapshot_id: str = Field(description="the snapshot whose passages it was held against")
    statements: tuple[Recheck, ...]


class Replayed(Frozen):
    """The same question asked again."""

    answer_id: str
    snapshot_id: str = Field(description="the snapshot on which it was asked again")
    is_same: bool = Field(description="whether the same bytes came of it, but for timings, review and receipt")
    difference: Difference = Field(description="what it says otherwise; nothing where it is the same")
    answer: Answer = Field(description="the answer as it is made now; it is not kept")


def read(service: Service, caller: Caller, answer_id: str) -> Answer:
    """A kept answer as it is shown now. Raises ``NotFoundError``."""
    kept = service.keeping.answers.get(answer_id)
    service.keeping.audit.record(caller.actor, "answer.read", answer_id)
    return with_review(service, kept.answer())


def cited(service: Service, caller: Caller, answer_id: str, form: ReferenceForm) -> tuple[str, str]:
    """The references of a kept answer in a form, and its media type."""
    answer = read(service, caller, answer_id)
    with service.serving.pipeline() as pipeline:
        text = references(answer, form.value, pipeline.snapshot.store.source)
    return text, REFERENCE_MEDIA[form]


def verified(service: Service, caller: Caller, answer_id: str) -> Verified:
    """What checking a kept answer against the passages of today gives."""
    service.keeping.audit.record(caller.actor, "answer.verified", answer_id)
    answer = service.keeping.answers.get(answer_id).answer()
    with service.serving.pipeline() as pipeline:
        checks = recheck(answer, lambda passage_id: pipeline.passage(passage_id)[0], pipeline.verifier)
        snapshot_id = pipeline.snapshot.snapshot_id
    holds = all_hold(checks)
    return Verified(answer_id=answer_id, holds=holds, snapshot_id=snapshot_id, statements=tuple(checks))


def replayed(service: Service, caller: Caller, answer_id: str, on: OnSnapshot, watch: Watch | None = None) -> Replayed:
    """A kept answer's question asked again, on its own snapshot or the current one.

    Raises:
        NotFoundError: no such answer is kept.
        ProblemError: its own snapshot is kept no more.
    """
    answer = service.keeping.answers.get(answer_id).answer()
    service.keeping.audit.record(caller.actor, "answer.replayed", answer_id, {"on": on})
    if on == "current":
        with service.serving.pipeline() as pipeline:
            return _replayed(pipeline, answer, watch)
    try:
        with service.serving.on(answer.receipt.snapshot_id) as pipeline:
            return _replayed(pipeline, answer, watch)
    except SnapshotError as error:
        snapshot_id = answer.receipt.snapshot_id
        raise ProblemError(GONE, f"snapshot {snapshot_id} is kept no more; replay on the current one") from error


def _replayed(pipeline: Pipeline, before: Answer, watch: Watch | None) -> Replayed:
    receipt = before.receipt
    after = ask(pipeline, Asked(before.question, before.audience, receipt.filter, receipt.reading), watch)
    numbers = {r.source_id: r.number for r in before.references}
    after = as_kept(after, before.follow_up, numbers, before.turn, before.masked)
    return Replayed(
        answer_id=before.answer_id,
        snapshot_id=pipeline.snapshot.snapshot_id,
        is_same=content(before) == content(after),
        difference=difference(before, after),
        answer=after,
    )
