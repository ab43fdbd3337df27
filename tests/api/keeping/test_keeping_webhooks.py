"""Webhooks: where they may lead, how deliveries are signed, and what becomes of those that fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from typing import ClassVar, NamedTuple

import pytest
from keeping_doubles import Opener, SetClock
from local_server import listening

from api.keeping import targets
from api.keeping.deliveries import MAX_ATTEMPTS, Deliveries, delay, post
from api.keeping.keeping import Keeping
from api.keeping.signing import TOLERANCE_S, is_signed, signature
from api.keeping.webhooks import DEAD, DELIVERED, EVENTS, WAITING
from rag.errors import InputError, NotFoundError

PUBLIC = "https://hospital.example/osler"


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(BaseHTTPRequestHandler):
    """Notes what it is sent, and answers with ``status``."""

    status: ClassVar[int] = 204
    received: ClassVar[list[Received]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append(Received(self.path, dict(self.headers), body))
        self.send_response(type(self).status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[type[Receiver], str]]:
    """A receiver of its own for each test, and its address."""
    mine = type("Mine", (Receiver,), {"received": [], "status": 204})
    with listening(mine) as server:
        yield mine, f"http://127.0.0.1:{server.server_port}/hook?ward=3"


def deliveries(keeping: Keeping, clock: SetClock, *, allows_private: bool = True) -> Deliveries:
    return Deliveries(keeping.database, clock, allows_private=allows_private, looked_every_s=0.01)


@pytest.fixture
def private(keeping: Keeping) -> Keeping:
    keeping.webhooks.allows_private = True
    return keeping


def test_a_delivery_is_signed(private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]) -> None:
    mine, url = receiver
    hook, secret = private.webhooks.register(url)
    assert private.webhooks.enqueue("review.approve", {"answer_id": "a-1"}) == 1
    assert deliveries(private, clock).send_due() == 1
    ((path, headers, body),) = mine.received
    assert path == "/hook?ward=3"
    assert json.loads(body)["data"] == {"answer_id": "a-1"}
    assert json.loads(body)["delivery_id"] == headers["Osler-Delivery"]
    timestamp, given = int(headers["Osler-Timestamp"]), headers["Osler-Signature"]
    now = clock().timestamp()
    assert is_signed(secret, timestamp, body, given, now)
    assert not is_signed(secret, timestamp, body + b" ", given, now)
    assert not is_signed(secret, timestamp + 1, body, given, now)
    assert not is_signed("whsec_other", timestamp, body, given, now)
    assert not is_signed(secret, timestamp, body, given, now + TOLERANCE_S + 1)
    (delivery,) = private.webhooks.deliveries(hook.webhook_id)
    assert (delivery.state, delivery.attempts, delivery.problem) == (DELIVERED, 1, None)
    assert deliveries(private, clock).send_due() == 0


def test_the_signature_is_hmac_sha256_of_time_and_body() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
    expected = "v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789"
    assert signature("whsec_test", 1_700_000_000, b'{"a":1}') == expected


def test_what_fails_is_tried_again_later_and_then_given_up(
    private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]
) -> None:
    mine, url = receiver
    mine.status = 500
    hook, _ = private.webhooks.register(url)
    private.webhooks.enqueue("review.approve", {})
    sender = deliveries(private, clock)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert sender.send_due() == 1
        (delivery,) = private.webhooks.deliveries(hook.webhook_id)
        assert (delivery.attempts, delivery.problem) == (attempt, "answered with 500, expected 200 to 299")
        assert delivery.state == (DEAD if attempt == MAX_ATTEMPTS else WAITING)
        clock.move(seconds=delay(attempt).total_seconds() - 0.001)
        assert sender.send_due() == 0
        clock.move(seconds=0.001)
    assert sender.send_due() == 0
    assert len(mine.received) == MAX_ATTEMPTS


def test_delays_are_doubled_up_to_an_hour() -> None:
    assert [delay(n).total_seconds() for n in (1, 2, 3, 9, 10)] == [10, 20, 40, 2560, 3600]
    assert timedelta(hours=6) < sum((delay(n) for n in range(1, MAX_ATTEMPTS)), timedelta()) < timedelta(hours=7)


def test_a_redirection_is_not_followed(private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]) -> None:
    mine, url = receiver
    mine.status = 307
    hook, _ = private.webhooks.register(url)
    private.webhooks.enqueue("review.approve", {})
    deliveries(private, clock).send_due()
    assert [r.path for r in mine.received] == ["/hook?ward=3"]
    assert private.webhooks.deliveries(hook.webhook_id)[0].state == WAITING


def test_nobody_listening_is_a_problem_as_any(private: Keeping, clock: SetClock) -> None:
    hook, _ = private.webhooks.register("http://127.0.0.1:9/")
    private.webhooks.enqueue("review.approve", {})
    deliveries(private, clock).send_due()
    assert "refused" in str(private.webhooks.deliveries(hook.webhook_id)[0].problem)


class Dripping(BaseHTTPRequestHandler):
    """Answers a little at a time, for a long time."""

    def do_POST(self) -> None:
        self.wfile.write(b"HTTP/1.1 2")
        for _ in range(100):
            try:
                self.wfile.write(b"0")
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


def test_who_answers_drop_by_drop_is_not_waited_for() -> None:
    with listening(Dripping) as server:
        started = time.monotonic()
        with pytest.raises((OSError, HTTPException)):
            post(f"http://127.0.0.1:{server.server_port}/", b"{}", {}, True, timeout_s=0.3)
        assert time.monotonic() - started < 2


def test_a_private_address_is_not_called_even_if_it_was_registered(
    private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]
) -> None:
    mine, url = receiver
    hook, _ = private.webhooks.register(url)
    private.webhooks.enqueue("review.approve", {})
    deliveries(private, clock, allows_private=False).send_due()
    assert mine.received == []
    assert "InputError" in str(private.webhooks.deliveries(hook.webhook_id)[0].problem)


def test_two_workers_send_each_delivery_once(
    opener: Opener, clock: SetClock, receiver: tuple[type[Receiver], str]
) -> None:
    mine, url = receiver
    one, other = opener(), opener()
    one.webhooks.allows_private = True
    one.webhooks.register(url)
    for i in range(12):
        one.webhooks.enqueue("review.approve", {"answer_id": f"a-{i}"})
    senders = [deliveries(keeping, clock) for keeping in (one, other)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(mine.received) >= 12)
    for sender in senders:
        sender.stop()
    assert sorted(json.loads(r.body)["data"]["answer_id"] for r in mine.received) == sorted(f"a-{i}" for i in range(12))


def wait_until(holds: object, seconds: float = 10) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()


def test_what_a_killed_worker_took_up_is_sent_by_another(
    private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]
) -> None:
    mine, url = receiver
    private.webhooks.register(url)
    private.webhooks.enqueue("review.approve", {})
    assert len(deliveries(private, clock)._taken()) == 1  # and is killed here
    assert deliveries(private, clock).send_due() == 0
    clock.move(minutes=4)
    assert deliveries(private, clock).send_due() == 1
    assert len(mine.received) == 1


def test_a_clock_set_back_does_not_put_deliveries_off(
    private: Keeping, clock: SetClock, receiver: tuple[type[Receiver], str]
) -> None:
    private.webhooks.register(receiver[1])
    private.webhooks.enqueue("review.approve", {})
    clock.move(days=-2)
    assert deliveries(private, clock).send_due() == 1


def test_a_webhook_is_told_of_its_events_until_it_is_deleted(keeping: Keeping) -> None:
    hook, _ = keeping.webhooks.register(PUBLIC, ["review.approve"])
    assert list(keeping.webhooks.list()) == [hook]
    assert keeping.webhooks.enqueue("review.reject", {}) == 0
    assert keeping.webhooks.enqueue("review.approve", {}) == 1
    keeping.webhooks.delete(hook.webhook_id)
    assert list(keeping.webhooks.list()) == []
    assert list(keeping.webhooks.deliveries(hook.webhook_id)) == []
    with pytest.raises(NotFoundError):
        keeping.webhooks.delete(hook.webhook_id)
    with pytest.raises(InputError, match=f"expected some of {EVENTS[0]}"):
        keeping.webhooks.register(PUBLIC, ["everything"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hospital.example/",
        "ftp://hospital.example/",
        "https://",
        "https://user:secret@hospital.example/",
        "https://hospital.example/#part",
        "https://hospital.example:99999/",
        "https://hospital example/",
        "https://hospitäl.example/",
        "https://hospital.example/\r\nX: y",
        "https://[::1",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://" + "a" * 3000,
    ],
)
def test_an_address_that_may_not_be_told(url: str) -> None:
    with pytest.raises(InputError, match=r"url .*expected"):
        targets.checked_url(url, allows_private=False)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_which_addresses_are_public(address: str, expected: bool) -> None:
    assert targets.is_public(address) is expected


def test_a_name_that_leads_to_this_machine_is_refused() -> None:
    with pytest.raises(InputError, match="host 'localhost': leads to a private address"):
        targets.addresses("localhost", 443, allows_private=False)
    assert targets.addresses("localhost", 443, allows_private=True)
    with pytest.raises(InputError, match=r"host 'nothing\.invalid': not found"):
        targets.addresses("nothing.invalid", 443, allows_private=True)
