"""``/v1/sources``: what the corpus holds."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.http.fields import SourceId
from api.http.security import Searcher
from api.http.service import Service, service_of
from rag.answer.references import vancouver
from rag.domain import Frozen, Source

router = APIRouter(prefix="/v1/sources", tags=["search"])


class Sources(Frozen):
    """A page of sources, in an order that is the same on the same snapshot; ``total`` counts all."""

    snapshot_id: str
    total: int
    offset: int
    sources: tuple[Source, ...]


class OneSource(Frozen):
    """A source with its passages in their order."""

    source: Source
    vancouver: str
    passage_ids: tuple[str, ...]


@router.get("", operation_id="list_sources", summary="List the sources")
def sources(
    request: Request,
    _: Searcher,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Sources:
    return page(service_of(request), offset, limit)


def page(service: Service, offset: int, limit: int) -> Sources:
    with service.serving.pipeline() as pipeline:
        snapshot = pipeline.snapshot
        shown = tuple(islice(snapshot.store.sources(), offset, offset + limit))
        total = snapshot.store.counts().sources
        return Sources(snapshot_id=snapshot.snapshot_id, total=total, offset=offset, sources=shown)


@router.get("/{source_id}", operation_id="open_source", summary="Open a source")
def source(request: Request, source_id: SourceId, _: Searcher) -> OneSource:
    return opened(service_of(request), source_id)


def opened(service: Service, source_id: str) -> OneSource:
    """A source. Raises ``NotFoundError``."""
    with service.serving.pipeline() as pipeline:
        store = pipeline.snapshot.store
        found = store.source(source_id)
        passage_ids = tuple(p.passage_id for p in store.passages_of(source_id))
        return OneSource(source=found, vancouver=vancouver(found), passage_ids=passage_ids)
