"""``/v1/search``: the passages nearest to a question."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.http.fields import FilterBody, Words
from api.http.leaving import while_connected
from api.http.security import Searcher
from api.http.service import Service, service_of
from rag.domain import Filter, Frozen

router = APIRouter(prefix="/v1/search", tags=["search"])


class Search(Frozen):
    question: Words
    k: Annotated[int, Field(ge=1, le=100, description="how many passages")] = 10
    filter: FilterBody = FilterBody()


class Found(Frozen):
    """A passage that was found; a higher score is better, comparable within one search."""

    rank: int
    score: float
    passage_id: str
    source_id: str
    heading: str | None
    text: str
    retracted: bool
    superseded_by: str | None


class Results(Frozen):
    question: str
    snapshot_id: str
    hits: tuple[Found, ...]


@router.post("", operation_id="search", summary="Find passages")
async def search(request: Request, body: Search, _: Searcher) -> Results:
    return await while_connected(request, searched(service_of(request), body))


async def searched(service: Service, body: Search) -> Results:
    """What is found. Raises ``InputError`` for years that are not in order."""
    within = body.filter.filter()
    return await service.work.run(object(), lambda _: _found(service, body, within))


def _found(service: Service, body: Search, within: Filter) -> Results:
    with service.serving.pipeline() as pipeline:
        found = pipeline.search(body.question, body.k, within)
        hits = (
            Found(
                rank=rank, score=hit.score, passage_id=hit.passage_id, source_id=source.key, heading=passage.heading,
                text=passage.text, retracted=source.retracted, superseded_by=source.superseded_by,
            )
            for rank, (hit, passage, source) in enumerate(found, 1)
        )  # fmt: skip
        question = " ".join(body.question.split())
        return Results(question=question, snapshot_id=pipeline.snapshot.snapshot_id, hits=tuple(hits))
