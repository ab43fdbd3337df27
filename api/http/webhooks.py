"""``/v1/webhooks``: who is told, signed, of what happens in reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, StringConstraints

from api.http.security import Admin
from api.http.service import service_of
from api.keeping.webhooks import EVENTS, Delivery, Webhook
from rag.domain import Frozen

router = APIRouter(prefix="/v1/webhooks", tags=["reviews"])

WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9]+$", max_length=64, description="a webhook's id")]
EventName = Literal[
    "review.submit", "review.start", "review.comment", "review.edit", "review.approve", "review.reject", "review.stale"
]


class Registration(Frozen):
    """Each event is told once it is so, with a signature and again until it is taken; see ``docs/keeping.md``."""

    url: Annotated[
        str, StringConstraints(max_length=2000), Field(description="where to tell it: https, and a public address")
    ]
    events: Annotated[tuple[EventName, ...], Field(min_length=1, max_length=7)] = EVENTS  # type: ignore[assignment]


class Registered(Frozen):
    webhook_id: str
    url: str
    events: tuple[str, ...]
    created: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> Registered:
        return cls(**{name: getattr(webhook, name) for name in Registered.model_fields})


class New(Registered):
    secret: str = Field(description="what deliveries are signed with; it is not shown again")


class All(Frozen):
    webhooks: tuple[Registered, ...]


class Told(Frozen):
    """One event for a webhook. ``state`` is ``waiting``, ``delivered``, or ``dead`` when it was tried for too long."""

    delivery_id: str
    event: str
    state: str
    attempts: int
    due: datetime
    problem: str | None
    created: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> Told:
        return cls(**{name: getattr(delivery, name) for name in cls.model_fields})


class Deliveries(Frozen):
    deliveries: tuple[Told, ...]


@router.post("", operation_id="register_webhook", summary="Register a webhook", status_code=201)
def register(request: Request, body: Registration, caller: Admin) -> New:
    keeping = service_of(request).keeping
    with keeping.at_once(lasting=True):
        webhook, secret = keeping.webhooks.register(body.url, body.events)
        keeping.audit.record(caller.actor, "webhook.registered", webhook.webhook_id)
    return New(**Registered.of(webhook).model_dump(), secret=secret)


@router.get("", operation_id="list_webhooks", summary="List the webhooks")
def listed(request: Request, _: Admin) -> All:
    return All(webhooks=tuple(Registered.of(w) for w in service_of(request).keeping.webhooks.list()))


@router.get("/{webhook_id}/deliveries", operation_id="list_deliveries", summary="List what a webhook was told")
def deliveries(request: Request, webhook_id: WebhookId, _: Admin) -> Deliveries:
    found = service_of(request).keeping.webhooks.deliveries(webhook_id)
    return Deliveries(deliveries=tuple(Told.of(d) for d in found))


@router.delete("/{webhook_id}", operation_id="delete_webhook", summary="End a webhook", status_code=204)
def delete(request: Request, webhook_id: WebhookId, caller: Admin) -> Response:
    keeping = service_of(request).keeping
    with keeping.at_once(lasting=True):
        keeping.webhooks.delete(webhook_id)
        keeping.audit.record(caller.actor, "webhook.deleted", webhook_id)
    return Response(status_code=204)
