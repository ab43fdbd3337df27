"""Webhooks: who is told of what happens in reviews, and the outbox of what they are still to be told.

An event is put into the outbox in the transaction that it tells of, so that none is lost and none is told that did not
happen; ``deliveries`` sends it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from api.keeping import tables
from api.keeping.database import Database
from api.keeping.standing import Action
from api.keeping.targets import checked_url
from api.keeping.words import Clock, new_id
from rag.errors import InputError, NotFoundError

#: What can be told of.
EVENTS = tuple(f"review.{action}" for action in Action)
_SECRET_BYTES = 32
WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"


class Webhook(NamedTuple):
    """``events`` are those of ``EVENTS`` that it is told of."""

    webhook_id: str
    url: str
    events: tuple[str, ...]
    created: datetime


class Delivery(NamedTuple):
    """One event for one webhook. ``state``: ``waiting``, ``delivered``, or ``dead`` when it was tried for too long."""

    delivery_id: str
    webhook_id: str
    event: str
    state: str
    attempts: int
    due: datetime
    problem: str | None
    created: datetime


class Webhooks:
    """``allows_private`` lets addresses of this machine and its network be told, and without encryption."""

    def __init__(self, database: Database, clock: Clock, *, allows_private: bool = False) -> None:
        self._database = database
        self._clock = clock
        self.allows_private = allows_private

    def register(self, url: str, events: Iterable[str] = EVENTS) -> tuple[Webhook, str]:
        """A new webhook and the secret that its deliveries are signed with, which is not shown again.

        The secret is kept as it is: a signature can only be made with it.

        Raises:
            InputError: the address may not be told, or an event does not exist.
        """
        wanted = tuple(dict.fromkeys(events))
        if not wanted or not set(wanted) <= set(EVENTS):
            raise InputError(f"events {', '.join(wanted)[:80] or 'none'}: expected some of {', '.join(EVENTS)}")
        webhook = Webhook(new_id("w"), checked_url(url, self.allows_private), wanted, self._clock())
        secret = f"whsec_{secrets.token_urlsafe(_SECRET_BYTES)}"
        row = webhook._asdict() | {"events": list(wanted), "secret": secret}
        with self._database.writing(lasting=True) as db:
            db.execute(tables.webhooks.insert().values(row))
        return webhook, secret

    def list(self) -> Sequence[Webhook]:
        """All webhooks, the oldest first."""
        with self._database.reading() as db:
            rows = db.execute(select(tables.webhooks).order_by(tables.webhooks.c.created, tables.webhooks.c.webhook_id))
            return [Webhook(r.webhook_id, r.url, tuple(r.events), r.created) for r in rows]

    def delete(self, webhook_id: str) -> None:
        """Ends it, with what it was still to be told. Raises ``NotFoundError``."""
        with self._database.writing(lasting=True) as db:
            gone = db.execute(delete(tables.webhooks).where(tables.webhooks.c.webhook_id == webhook_id))
            if not gone.rowcount:
                raise NotFoundError(f"webhook {webhook_id[:40]!r}: there is none of this id")

    def enqueue(self, event: str, data: Mapping[str, Any]) -> int:
        """Puts an event into the outbox, for each webhook that is told of it. Returns how many are."""
        now = self._clock()
        with self._database.writing() as db:
            hooks = db.execute(select(tables.webhooks.c.webhook_id, tables.webhooks.c.events)).all()
            rows = [self._row(hook.webhook_id, event, data, now) for hook in hooks if event in hook.events]
            if rows:
                db.execute(tables.deliveries.insert(), rows)
        return len(rows)

    def _row(self, webhook_id: str, event: str, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        delivery_id = new_id("v")
        body = {"delivery_id": delivery_id, "event": event, "created": now.isoformat(), "data": dict(data)}
        row = {"delivery_id": delivery_id, "webhook_id": webhook_id, "event": event, "body": json.dumps(body)}
        return row | {"state": WAITING, "attempts": 0, "due": now, "created": now}

    def deliveries(self, webhook_id: str, limit: int = 100) -> Sequence[Delivery]:
        """The last deliveries to a webhook, the newest first."""
        columns = tables.deliveries.c
        wanted = select(tables.deliveries).where(columns.webhook_id == webhook_id)
        with self._database.reading() as db:
            rows = db.execute(wanted.order_by(columns.sequence.desc()).limit(limit)).all()
        return [Delivery(*(getattr(r, name) for name in Delivery._fields)) for r in rows]
