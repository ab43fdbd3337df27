"""What the endpoints work with: the pipeline that serves, what is kept, the queue, the log, the metrics."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import cast

from fastapi import Request

from api.http.logs import Log
from api.http.making import Maker
from api.http.metrics import Metrics
from api.http.telemetry import tracing
from api.http.work import Work
from api.keeping.deliveries import Deliveries
from api.keeping.keeping import Keeping
from api.keeping.words import now
from api.settings import ServiceSettings
from rag.errors import SnapshotError
from rag.index.manifest import manifest_path
from rag.serving import Serving
from rag.settings import Settings


class Service:
    """One process's part of the service; all that endpoints share. Close it when it is no longer used."""

    def __init__(self, settings: ServiceSettings, serving: Serving, keeping: Keeping, log: Log | None = None) -> None:
        self.settings = settings
        self.serving = serving
        self.keeping = keeping
        self.log = log or Log(tells_questions=settings.log_questions)
        self.metrics = Metrics()
        self.tracing = tracing(settings.otlp_endpoint)
        self.work = Work(settings.threads, settings.queue, settings.timeout_s)
        self.maker = Maker(serving, self.work, self.metrics, settings.remembered)
        keeping.webhooks.allows_private = settings.private_webhooks
        self.deliveries = Deliveries(keeping.database, now, allows_private=settings.private_webhooks)
        #: Set when what runs beside requests is to end.
        self.stopping = threading.Event()
        #: Whether an approved answer is another on a snapshot: by its id and that of the snapshot.
        self.differing: dict[tuple[str, str], bool] = {}

    @classmethod
    def open(cls, settings: ServiceSettings, pipeline: Settings, log: Log | None = None) -> Service:
        """On the current snapshot and the database that the settings name.

        Raises:
            SnapshotError: there is no snapshot to use.
            StoreError: the database cannot be used.
        """
        serving = Serving(pipeline)
        try:
            return cls(settings, serving, Keeping.open(settings.database, index_dir=serving.index_dir), log)
        except BaseException:
            serving.close()
            raise

    def close(self) -> None:
        self.work.close()
        self.deliveries.stop()
        self.tracing.close()
        self.metrics.close()
        self.keeping.close()
        self.serving.close()

    @property
    def snapshot_problem(self) -> str | None:
        """What is told of a snapshot that cannot be used. Why is in the log: it names places of this machine."""
        return "the snapshot that was published last cannot be used" if self.serving.problem else None

    def snapshot_age_s(self) -> float:
        """Seconds since the snapshot in use was made; 0 where it cannot be told any more."""
        try:
            return max(0.0, time.time() - published_at(self.serving, self.serving.snapshot_id).timestamp())
        except SnapshotError:
            return 0.0


def published_at(serving: Serving, snapshot_id: str) -> datetime:
    """When a snapshot was made. Raises ``SnapshotError`` when it is not kept any more."""
    try:
        return datetime.fromtimestamp(manifest_path(serving.index_dir, snapshot_id).stat().st_mtime, UTC)
    except OSError:
        raise SnapshotError(f"snapshot {snapshot_id}: not kept any more") from None


def service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)
