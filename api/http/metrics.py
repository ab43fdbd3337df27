"""What Prometheus reads: counts, outcomes, latencies by stage, the queue, the age of the snapshot.

With several workers each writes to files of a folder that ``PROMETHEUS_MULTIPROC_DIR`` names, and any of them tells the
sums of all: see the library's multiprocess mode, which ``osler serve`` sets up.
"""

from __future__ import annotations

import os
import re
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from rag.domain import Answer, Wording

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._requests = Counter("osler_requests", "Requests answered.", ["method", "route", "status"], registry=r)
        self._latency = Histogram(
            "osler_request_seconds", "Time of a request until its last byte.", ["route"], buckets=_SECONDS, registry=r
        )
        self._stages = Histogram(
            "osler_stage_seconds", "Time of a stage of making an answer.", ["stage"], buckets=_SECONDS, registry=r
        )
        self._answers = Counter("osler_answers", "Answers given.", ["outcome", "audience", "made"], registry=r)
        self._abstentions = Counter("osler_abstentions", "Answers that say that there is none.", registry=r)
        self._dropped = Counter(
            "osler_verification_drops", "Statements not shown because their evidence did not hold.", registry=r
        )
        self._worded = Counter(
            "osler_worded_answers", "Answers that a language model was asked to word.", ["words"], registry=r
        )
        self._statements = Counter(
            "osler_worded_statements", "Statements of the language model.", ["result"], registry=r
        )
        self._model_failures = Counter(
            "osler_model_failures", "Times that the language model could not be used to the end.", ["why"], registry=r
        )
        self._problems = Counter("osler_problems", "Problems told.", ["type"], registry=r)
        self._queue = Gauge(
            "osler_queue", "Questions that are worked on or wait.", registry=r, multiprocess_mode="livesum"
        )
        self._age = Gauge(
            "osler_snapshot_age_seconds", "Age of the snapshot in use.", registry=r, multiprocess_mode="livemax"
        )
        self._info = Gauge(
            "osler_snapshot_info", "The snapshot in use.", ["snapshot_id"], registry=r, multiprocess_mode="livemax"
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def made(self, answer: Answer) -> None:
        """An answer that was computed."""
        for stage, ms in answer.receipt.timings_ms.items():
            self._stages.labels(stage).observe(ms / 1000)
        self._dropped.inc(answer.receipt.dropped)
        if answer.receipt.wording:
            self._wording(answer.receipt.wording)

    def _wording(self, wording: Wording) -> None:
        """What a language model did. Its seconds are those of the stage ``write``."""
        self._worded.labels("model" if wording.written else "sources").inc()
        self._statements.labels("shown").inc(wording.written)
        self._statements.labels("refused").inc(wording.refused)
        if wording.reason:
            self._model_failures.labels(_kind(wording.reason)).inc()

    def given(self, answer: Answer, *, is_new: bool) -> None:
        """An answer that was given, computed now or before."""
        self._answers.labels(answer.outcome.value, answer.audience.value, "now" if is_new else "before").inc()
        if answer.outcome.value == "abstained":
            self._abstentions.inc()

    def problem(self, name: str) -> None:
        self._problems.labels(name).inc()

    def state(self, queued: int, snapshot_id: str, age_s: float) -> None:
        """What is so now; told before the metrics are read."""
        self._queue.set(queued)
        self._age.set(age_s)
        self._info.clear()
        self._info.labels(snapshot_id).set(1)

    def close(self) -> None:
        """Takes what this process says of itself out of what all say."""
        if MULTIPROCESS in os.environ:
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]

    def text(self) -> bytes:
        """All metrics in Prometheus's text form."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)


def _kind(reason: str) -> str:
    """A reason without what varies in it, such as seconds and a status."""
    return re.split(r" *[(;\d]", reason, maxsplit=1)[0]
