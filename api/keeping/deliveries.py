"""Sends what the outbox of webhooks holds, in a thread of the service.

Each delivery is sent at least once, in some order: a receiver tells by its id those that it has seen. Several workers
may send at the same time: who takes up a delivery puts it off for all others.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, or_, select, update

from api.keeping import tables
from api.keeping.database import Database
from api.keeping.signing import signature
from api.keeping.targets import addresses, checked_url
from api.keeping.webhooks import DEAD, DELIVERED, WAITING
from api.keeping.words import Clock
from rag.errors import InputError, StoreError

#: With these a delivery is tried for more than six hours; then it is dead.
MAX_ATTEMPTS = 15
FIRST_DELAY_S = 10
MAX_DELAY_S = 3600
TIMEOUT_S = 10
_AT_ONCE = 10
# Longer than sending those that are taken up at once may take: until then no other worker takes them up.
_LEASE = timedelta(seconds=2 * _AT_ONCE * TIMEOUT_S)
_LOOKED_EVERY_S = 1.0
_MAX_PROBLEM_CHARS = 200


class _Due(NamedTuple):
    sequence: int
    delivery_id: str
    event: str
    body: str
    attempts: int
    url: str
    secret: str


class Deliveries:
    """Args: ``allows_private`` as ``Webhooks`` has it; ``looked_every_s`` how often the outbox is looked into."""

    def __init__(
        self, database: Database, clock: Clock, *, allows_private: bool = False, looked_every_s: float = _LOOKED_EVERY_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._allows_private = allows_private
        self._looked_every_s = looked_every_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to send, in a thread of its own."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Sends no more. What is being sent is finished, what waits is sent when the service runs again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * TIMEOUT_S)
            self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self.send_due()
            except StoreError:
                sent = 0  # the database is away: it is asked again
            if not sent:
                self._stopping.wait(self._looked_every_s)

    def send_due(self) -> int:
        """Sends what is due now. Returns how many were tried."""
        found = self._taken()
        for delivery in found:
            if self._stopping.is_set():
                break
            self._settle(delivery, self._problem(delivery))
        return len(found)

    def _taken(self) -> Sequence[_Due]:
        """Some of what is due, put off for everybody else."""
        outbox, now = tables.deliveries.c, self._clock()
        with self._database.reading() as db:
            if db.scalar(select(outbox.sequence).where(_is_due(now)).limit(1)) is None:
                return []
        columns = (outbox.sequence, outbox.delivery_id, outbox.event, outbox.body, outbox.attempts)
        hook = tables.webhooks.c
        wanted = select(*columns, hook.url, hook.secret).join(tables.webhooks).where(_is_due(now))
        wanted = wanted.order_by(outbox.sequence).limit(_AT_ONCE)
        with self._database.writing() as db:
            rows = db.execute(wanted.with_for_update(of=tables.deliveries, skip_locked=True)).all()
            mine = outbox.sequence.in_([row.sequence for row in rows])
            db.execute(update(tables.deliveries).where(mine).values(due=now + _LEASE, attempts=outbox.attempts + 1))
        return [_Due(*row)._replace(attempts=row.attempts + 1) for row in rows]

    def _problem(self, delivery: _Due) -> str | None:
        """Sends a delivery. Returns why that failed, if it did."""
        timestamp, body = int(self._clock().timestamp()), delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "osler",
            "Osler-Delivery": delivery.delivery_id,
            "Osler-Event": delivery.event,
            "Osler-Timestamp": str(timestamp),
            "Osler-Signature": signature(delivery.secret, timestamp, body),
        }
        try:
            status = post(delivery.url, body, headers, self._allows_private)
        except (OSError, http.client.HTTPException, InputError) as error:
            return f"{type(error).__name__}: {error}"[:_MAX_PROBLEM_CHARS]
        return None if 200 <= status < 300 else f"answered with {status}, expected 200 to 299"

    def _settle(self, delivery: _Due, problem: str | None) -> None:
        state = DELIVERED if problem is None else DEAD if delivery.attempts >= MAX_ATTEMPTS else WAITING
        due = self._clock() + delay(delivery.attempts)
        mine = tables.deliveries.c.sequence == delivery.sequence
        with self._database.writing() as db:
            db.execute(update(tables.deliveries).where(mine).values(state=state, problem=problem, due=due))


def delay(attempts: int) -> timedelta:
    """How long after so many attempts the next is made: doubled each time, an hour at most."""
    return timedelta(seconds=min(FIRST_DELAY_S * 2 ** max(0, attempts - 1), MAX_DELAY_S))


def post(url: str, body: bytes, headers: dict[str, str], allows_private: bool, timeout_s: float = TIMEOUT_S) -> int:
    """Sends a body and returns the status. Follows no redirection, uses no proxy, reads nothing of what comes back.

    Args:
        timeout_s: for all of it but looking up the name, however many addresses that has and however slowly what
            answers does so.

    Raises:
        InputError: the address may not be called.
        OSError, http.client.HTTPException: it could not be.
    """
    parts = urlsplit(checked_url(url, allows_private))
    host, is_encrypted = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if is_encrypted else 80)
    connection = _Pinned(host, port, addresses(host, port, allows_private), is_encrypted, timeout_s)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    cutting = threading.Timer(timeout_s, connection.cut)
    cutting.start()
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        cutting.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to one of the addresses that were checked, whatever the name leads to by now."""

    def __init__(self, host: str, port: int, checked: Sequence[str], is_encrypted: bool, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._checked = checked
        self._until = time.monotonic() + timeout_s
        self._open: socket.socket | None = None
        self._context = ssl.create_default_context() if is_encrypted else None
        if is_encrypted:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        self.sock = self._open = self._connected()
        if self._context:
            encrypted = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._open = encrypted
            encrypted.do_handshake()

    def _connected(self) -> socket.socket:
        problem = OSError(f"host {self.host!r}: no address")
        for address in self._checked:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection((address, self.port), timeout=left)
            except OSError as error:
                problem = error
        raise problem

    def cut(self) -> None:
        """Ends what is being read or written, from another thread."""
        if self._open is not None:
            with suppress(OSError):  # it has just ended by itself
                socket.socket.shutdown(self._open, socket.SHUT_RDWR)  # below the encryption


def _is_due(now: datetime) -> ColumnElement[bool]:
    """What is put off for longer than ever happens is due, too: the clock was set back."""
    columns = tables.deliveries.c
    too_long = now + timedelta(seconds=MAX_DELAY_S) + _LEASE
    return and_(columns.state == WAITING, or_(columns.due <= now, columns.due > too_long))
