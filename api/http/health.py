"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run it. The first two need no key."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from api.http.metrics import CONTENT_TYPE
from api.http.problems import UNREADY, ProblemError
from api.http.security import Admin
from api.http.service import service_of
from rag import __version__
from rag.domain import Frozen
from rag.errors import OslerError

router = APIRouter(tags=["operation"])


class Health(Frozen):
    """The process runs."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(Frozen):
    """It can answer. ``problem`` says that the newest snapshot is not the one in use, if it is not."""

    status: Literal["ready"] = "ready"
    snapshot_id: str
    problem: str | None


@router.get("/healthz", operation_id="health", summary="Whether the process runs")
async def healthz() -> Health:
    return Health()


@router.get("/readyz", operation_id="readiness", summary="Whether questions can be answered")
def readyz(request: Request) -> Readiness:
    """A problem with status 503 where the snapshot or the database cannot be used."""
    service = service_of(request)
    try:
        service.keeping.audit.anchor()
    except OslerError:
        raise ProblemError(UNREADY, "the database does not answer") from None
    return Readiness(snapshot_id=service.serving.snapshot_id, problem=service.snapshot_problem)


@router.get(
    "/metrics", operation_id="metrics", summary="Metrics for Prometheus", response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def metrics(request: Request, _: Admin) -> Response:
    service = service_of(request)
    service.metrics.state(service.work.admitted, service.serving.snapshot_id, service.snapshot_age_s())
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
