"""``/v1/sources``: what the corpus holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field

from api.http.fields import FilterBody, SourceId
from api.http.security import Searcher
from api.http.service import Service, published_at, service_of
from rag.answer.references import vancouver
from rag.domain import EvidenceType, Filter, Frozen, Passage, Source
from rag.errors import SnapshotError
from rag.index.segment import Counts
from rag.index.shelf import Shelved

router = APIRouter(prefix="/v1/sources", tags=["search"])

#: Characters of the words to find sources by.
MAX_WORDS: Final = 200


class Sources(Frozen):
    """A page of sources, in an order that is the same on the same snapshot; ``total`` counts all that match."""

    snapshot_id: str
    total: int
    offset: int
    sources: tuple[Source, ...]


class OneSource(Frozen):
    """A source with its passages in their order."""

    source: Source
    vancouver: str
    passage_ids: tuple[str, ...]


class Listing(FilterBody):
    """Which sources are listed, and which of them are shown."""

    model_config = ConfigDict(extra="ignore")

    words: Annotated[
        str, Field(max_length=MAX_WORDS, description="all stand in title, authors, body, year or key; in any case")
    ] = ""
    offset: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get("", operation_id="list_sources", summary="List the sources")
def sources(request: Request, _: Searcher, asked: Annotated[Listing, Query()]) -> Sources:
    return page(service_of(request), asked.offset, asked.limit, asked.words, asked.filter())


class Shelf(NamedTuple):
    """Some of the sources that match, ``total`` of them; and what the corpus holds as a whole.

    ``published`` is nothing for a snapshot that is not kept any more.
    """

    snapshot_id: str
    published: datetime | None
    counts: Counts
    kinds: dict[EvidenceType, int]
    total: int
    sources: list[Shelved]


def page(service: Service, offset: int, limit: int, words: str = "", within: Filter | None = None) -> Sources:
    with service.serving.pipeline() as pipeline:
        snapshot = pipeline.snapshot
        total, found = snapshot.shelf.page(offset, limit, words.split(), within)
        shown = tuple(one.source for one in found)
        return Sources(snapshot_id=snapshot.snapshot_id, total=total, offset=offset, sources=shown)


def shelf(service: Service, offset: int, limit: int, words: str, within: Filter) -> Shelf:
    """As ``page``, with what stands beside it."""
    with service.serving.pipeline() as pipeline:
        snapshot = pipeline.snapshot
        total, found = snapshot.shelf.page(offset, limit, words.split(), within)
        published = _published(service, snapshot.snapshot_id)
        return Shelf(snapshot.snapshot_id, published, snapshot.store.counts(), snapshot.shelf.kinds, total, found)


def _published(service: Service, snapshot_id: str) -> datetime | None:
    try:
        return published_at(service.serving, snapshot_id)
    except SnapshotError:
        return None


@router.get("/{source_id}", operation_id="open_source", summary="Open a source")
def source(request: Request, source_id: SourceId, _: Searcher) -> OneSource:
    return opened(service_of(request), source_id)


def opened(service: Service, source_id: str) -> OneSource:
    """A source. Raises ``NotFoundError``."""
    found, passages = read(service, source_id)
    return OneSource(source=found, vancouver=vancouver(found), passage_ids=tuple(p.passage_id for p in passages))


def read(service: Service, source_id: str) -> tuple[Source, list[Passage]]:
    """A source with its passages in their order. Raises ``NotFoundError``."""
    with service.serving.pipeline() as pipeline:
        store = pipeline.snapshot.store
        return store.source(source_id), store.passages_of(source_id)
