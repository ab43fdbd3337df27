"""``/v1/verify``: whether evidence says what a statement says."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.http.fields import Key, Note
from api.http.leaving import while_connected
from api.http.security import Searcher
from api.http.service import Service, service_of
from rag.domain import Frozen, Verdict
from rag.errors import InputError
from rag.language.sentences import sentences

router = APIRouter(prefix="/v1/verify", tags=["search"])


class Verify(Frozen):
    """A statement, and texts or passages that are to support it: at least one."""

    statement: Note
    texts: Annotated[tuple[Note, ...], Field(max_length=20)] = ()
    passage_ids: Annotated[tuple[Key, ...], Field(max_length=20)] = ()


class Why(Frozen):
    """What speaks against the statement: ``kind`` is the check that found it."""

    kind: str
    detail: str


class Given(Frozen):
    """``origin`` is ``text``, or the passage's id."""

    origin: str
    text: str


class Judgement(Frozen):
    """``probability`` is the chance that the evidence supports the statement; ``support`` how much of it it covers."""

    statement: str
    verdict: Verdict
    probability: float
    support: float
    reasons: tuple[Why, ...]
    judged_by: str
    evidence: tuple[Given, ...]


@router.post("", operation_id="verify", summary="Judge a statement")
async def verify(request: Request, body: Verify, _: Searcher) -> Judgement:
    return await while_connected(request, judged(service_of(request), body))


async def judged(service: Service, body: Verify) -> Judgement:
    """The judgement. Raises ``InputError`` where there is no evidence."""
    return await service.work.run(object(), lambda _: _judged(service, body))


def _judged(service: Service, body: Verify) -> Judgement:
    if not body.texts and not body.passage_ids:
        raise InputError("evidence: none was given; expected texts or passage_ids")
    with service.serving.pipeline() as pipeline:
        passages = [pipeline.passage(passage_id)[0] for passage_id in body.passage_ids]
        given = [Given(origin="text", text=text) for text in body.texts]
        given += [Given(origin=p.passage_id, text=p.text) for p in passages]
        strength = next((p.strength for p in passages if p.strength), None)
        found = pipeline.verifier.verify(body.statement, sentences([g.text for g in given]), strength=strength)
    return Judgement(
        statement=body.statement,
        verdict=found.verdict,
        probability=round(found.probability, 4),
        support=round(found.support, 4),
        reasons=tuple(Why(kind=r.kind, detail=r.detail) for r in found.reasons),
        judged_by=found.by,
        evidence=tuple(given),
    )
