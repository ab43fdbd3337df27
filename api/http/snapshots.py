"""``/v1/snapshots``: which states of the corpus are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import Field

from api.http.security import Searcher
from api.http.service import Service, published_at, service_of
from rag.domain import Frozen
from rag.errors import SnapshotError
from rag.index.manifest import current_id, read_manifest, snapshot_ids

router = APIRouter(prefix="/v1/snapshots", tags=["search"])


class KeptSnapshot(Frozen):
    snapshot_id: str
    corpus_digest: str
    published: datetime
    is_in_use: bool = Field(description="whether questions are answered from it")
    is_cited: bool = Field(description="whether a kept answer was made from it: then it is not pruned")


class Snapshots(Frozen):
    """``problem`` says that the snapshot that was published last is not the one in use, if it is not."""

    current: str
    problem: str | None
    snapshots: tuple[KeptSnapshot, ...]


@router.get("", operation_id="list_snapshots", summary="List the snapshots")
def snapshots(request: Request, _: Searcher) -> Snapshots:
    service = service_of(request)
    listed = tuple(_kept(service))
    return Snapshots(current=current_id(service.serving.index_dir), problem=service.snapshot_problem, snapshots=listed)


def _kept(service: Service) -> Iterator[KeptSnapshot]:
    """All that can be read, the newest first."""
    cited, in_use = service.keeping.answers.pinned(), service.serving.snapshot_id
    for snapshot_id in snapshot_ids(service.serving.index_dir):
        try:
            digest = str(read_manifest(service.serving.index_dir, snapshot_id)["corpus_digest"])
            made = published_at(service.serving, snapshot_id)
        except SnapshotError:
            continue  # of another format, or pruned just now
        yield KeptSnapshot(
            snapshot_id=snapshot_id, corpus_digest=digest, published=made, is_in_use=snapshot_id == in_use,
            is_cited=snapshot_id in cited,
        )  # fmt: skip
