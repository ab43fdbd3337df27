"""OpenTelemetry traces, where an endpoint is set; nothing of it is imported otherwise. No trace has a question."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from rag import __version__
from rag.errors import InputError


class Tracing(Protocol):
    """Is told of each request when it is over."""

    def request(
        self, method: str, route: str, status: int, seconds: float, request_id: str, state: Mapping[str, Any]
    ) -> None:
        """``state`` may have ``timings_ms``: the stages of an answer, in their order, with their ``total``."""

    def close(self) -> None:
        """Sends what is left."""


class NoTracing:
    """Where no endpoint is set."""

    def request(
        self, method: str, route: str, status: int, seconds: float, request_id: str, state: Mapping[str, Any]
    ) -> None:
        pass

    def close(self) -> None:
        pass


class OpenTelemetry:
    """Sends spans over HTTP: one a request, and one within it for each stage of an answer.

    Args:
        endpoint: address of the collector, such as ``http://127.0.0.1:4318``.

    Raises:
        InputError: OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise InputError(
                f"otlp_endpoint {endpoint}: OpenTelemetry is not installed; install osler[telemetry]"
            ) from error
        resource = Resource.create({"service.name": "osler", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("osler", __version__)

    def request(
        self, method: str, route: str, status: int, seconds: float, request_id: str, state: Mapping[str, Any]
    ) -> None:
        from opentelemetry import trace

        end = time.time_ns()
        start = end - int(seconds * 1e9)
        facts: dict[str, str | int] = {
            "http.request.method": method, "http.route": route, "http.response.status_code": status,
            "osler.request_id": request_id,
        }  # fmt: skip
        span = self._tracer.start_span(f"{method} {route}", attributes=facts, start_time=start)
        within = trace.set_span_in_context(span)
        at = start
        for stage, ms in state.get("timings_ms", {}).items():
            if stage == "total":
                continue
            child = self._tracer.start_span(stage, context=within, start_time=at)
            at += int(ms * 1e6)
            child.end(at)
        span.end(end)

    def close(self) -> None:
        self._provider.shutdown()


def tracing(endpoint: str | None) -> Tracing:
    return OpenTelemetry(endpoint) if endpoint else NoTracing()
