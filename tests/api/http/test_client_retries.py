"""What the Python client tries again, what it does not, and that what it tries again is done once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from builders import QUESTION, make_answer
from proxies import cut, proxy
from running import listening, open_service
from scripted import Naps, Reply, Scripted, scripted
from sqlalchemy import func, select

from api.client import Client, NotOslerError, ProblemError, UnreachableError
from api.client.retrying import Patience
from api.http.service import Service
from api.keeping import tables
from api.keeping.keys import Scope
from rag.errors import OslerError

ANSWER = Reply(pieces=[make_answer().model_dump_json().encode()])
LOST = Reply(0)
PROBLEM = (("Content-Type", "application/problem+json"),)
Ask = Callable[[Client], object]


def problem(status: int, retry_after: str | None = None) -> Reply:
    body = {"type": "urn:osler:problem:some", "title": "A problem", "status": status, "detail": "why"}
    headers = PROBLEM + ((("Retry-After", retry_after),) if retry_after else ())
    return Reply(status, [json.dumps(body).encode()], headers)


@pytest.fixture
def naps() -> Naps:
    return Naps()


PASSING = [problem(429), problem(503), Reply(502, [b"<html>Bad gateway</html>"]), problem(504), problem(500), LOST,
           ANSWER._replace(breaks_off=True)]  # fmt: skip


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.status}{'+' * fault.breaks_off}")
def test_what_passes_costs_one_more_request(fault: Reply, naps: Naps) -> None:
    script = Scripted(fault, ANSWER)
    with scripted(script) as address, Client(address, sleep=naps) as client:
        assert client.ask(QUESTION).question == QUESTION
    first, second = script.asked
    assert first == second
    assert first.token
    assert len(naps.seconds) == 1
    assert 0.25 <= naps.seconds[0] <= 0.5


def test_each_question_has_a_key_of_its_own(naps: Naps) -> None:
    script = Scripted(ANSWER)
    with scripted(script) as address, Client(address) as client:
        client.ask(QUESTION)
        client.ask(QUESTION)
    assert len({asked.token for asked in script.asked}) == 2


def test_a_service_is_left_alone_for_as_long_as_it_asks(naps: Naps) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    script = Scripted(problem(429, "7"), problem(503, soon), problem(503, "Wed, 21 Oct 2015 07:28:00 GMT"),
                      problem(503, "later"), ANSWER)  # fmt: skip
    with scripted(script) as address, Client(address, sleep=naps) as client:
        client.ask(QUESTION)
    seven, date, past, neither = naps.seconds
    assert seven == 7
    assert 25 < date <= 30
    assert 1 <= past <= 2, "a date that has passed asks for no wait, so that the back-off counts"
    assert 2 <= neither <= 4


@pytest.mark.parametrize(
    ("reply", "requests", "error", "said"),
    [
        (problem(503), 3, ProblemError, "HTTP 503 why"),
        (LOST, 3, UnreachableError, "RemoteProtocolError"),
        (problem(429, "3600"), 1, ProblemError, "HTTP 429 why"),
        (problem(401), 1, ProblemError, "HTTP 401 why"),
        (problem(409), 1, ProblemError, "HTTP 409 why"),
        (problem(507), 1, ProblemError, "HTTP 507 why"),
        (Reply(pieces=[b'{"answer_id": "a']), 1, NotOslerError, "answered with something else"),
    ],
)
def test_what_lasts_is_told(reply: Reply, requests: int, error: type[OslerError], said: str, naps: Naps) -> None:
    script = Scripted(reply)
    with (
        scripted(script) as address,
        Client(address, retries=2, sleep=naps) as client,
        pytest.raises(error, match=said) as found,
    ):
        client.ask(QUESTION)
    assert len(script.asked) == requests
    if isinstance(found.value, ProblemError):
        assert found.value.retry_after_s == (3600 if requests == 1 and found.value.status == 429 else None)


def test_patience_ends() -> None:
    asked, begun = 0, time.monotonic()
    patience = Patience(100, 0.6, is_repeatable=True)
    with pytest.raises(UnreachableError):  # noqa: PT012
        while True:
            asked += 1
            patience.wait(UnreachableError("there", "lost", was_sent=True))
    assert 2 <= asked <= 3
    assert time.monotonic() - begun < 0.9


def test_a_server_that_hangs_is_given_up(naps: Naps) -> None:
    slowly = ANSWER._replace(pieces=[ANSWER.pieces[0][n : n + 9] for n in range(0, 900, 9)], wait_s=0.05)
    for reply in (ANSWER._replace(wait_s=2), slowly):
        with (
            scripted(Scripted(reply)) as address,
            Client(address, timeout_s=0.2, retries=1, sleep=naps) as client,
            pytest.raises(UnreachableError, match=r"ReadTimeout|no end within 0\.2 s"),
        ):
            client.ask(QUESTION)


ONCE: dict[str, Ask] = {
    "review": lambda client: client.review("a1", "comment", comment="Right."),
    "feedback": lambda client: client.feedback("a1", "helpful"),
    "erase": lambda client: client.conversation("c1").delete(),
}
OFTEN: dict[str, Ask] = {
    "read": lambda client: client.answer("a1"),
    "search": lambda client: client.search(QUESTION),
    "verify": lambda client: client.verify("It is."),
    "begin": lambda client: client.conversation(),
    "follow": lambda client: client.conversation("c1").ask(QUESTION),
}


@pytest.mark.parametrize(("name", "fault", "requests"), [
    *((name, fault, 1) for name in ONCE for fault in (LOST, problem(503, "1"), problem(504))),
    *((name, problem(429), 3) for name in ONCE),
    *((name, fault, 3) for name in OFTEN for fault in (LOST, problem(503))),
])  # fmt: skip
def test_only_what_may_be_done_twice_is_tried_again(name: str, fault: Reply, requests: int, naps: Naps) -> None:
    script = Scripted(fault)
    with (
        scripted(script) as address,
        Client(address, retries=2, sleep=naps) as client,
        pytest.raises((ProblemError, UnreachableError)),
    ):
        (ONCE | OFTEN)[name](client)
    assert len(script.asked) == requests


def test_what_nobody_has_had_is_tried_again(naps: Naps) -> None:
    for ask in ONCE.values():
        with Client("http://127.0.0.1:9", retries=2, sleep=naps) as client, pytest.raises(UnreachableError):
            ask(client)
    assert len(naps.seconds) == 2 * len(ONCE)


# a real service


def count(service: Service, table: str) -> int:
    """Rows of a table."""
    with service.keeping.answers._database.reading() as db:
        return int(db.execute(select(func.count()).select_from(getattr(tables, table))).scalar_one())


@pytest.fixture
def lossy(service: Service) -> Iterator[str]:
    """A service, each of whose first responses is lost on its way."""
    with listening(service) as address, proxy(address, cut(0, times=2)) as between:
        yield between


def test_a_question_whose_answer_was_lost_is_answered_once(service: Service, lossy: str, naps: Naps) -> None:
    with Client(lossy, sleep=naps) as client:
        answer = client.ask(QUESTION)
        assert len(naps.seconds) == 2
        assert client.answer(answer.answer_id) == answer
    assert (count(service, "answers"), count(service, "tokens"), count(service, "askings")) == (1, 1, 1)


def test_a_message_whose_answer_was_lost_is_one_turn(service: Service, naps: Naps) -> None:
    conversation_id = service.keeping.conversations.create(None).conversation_id
    with listening(service) as address:
        for number, question in enumerate(("Should IVIG be given in HIT?", "And the dose?"), 1):
            with proxy(address, cut(0)) as lossy, Client(lossy, sleep=naps) as client:
                talk = client.conversation(conversation_id)
                answer = talk.ask(question)
                assert answer.turn is not None
                assert answer.turn.number == number
                assert [turn.answer_id for turn in talk.turns().turns][-1] == answer.answer_id
    assert (count(service, "turns"), count(service, "answers")) == (2, 2)


def test_a_step_whose_answer_was_lost_is_taken_once(service: Service, naps: Naps) -> None:
    with listening(service) as address, Client(address) as client:
        answer_id = client.ask(QUESTION).answer_id
        with (
            proxy(address, cut(0)) as lossy,
            Client(lossy, sleep=naps) as other,
            pytest.raises(UnreachableError) as lost,
        ):
            other.review(answer_id, "submit")
        assert lost.value.was_sent
        assert [step.action for step in client.review_history(answer_id).steps] == ["submit"]


def test_a_full_queue_is_waited_for(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, threads=1, queue=0)
    questions = [f"How is argatroban dosed with a bilirubin of {number}?" for number in range(6)]
    with listening(service) as address, Client(address, retries=20) as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(client.ask, questions))
    assert [answer.question for answer in answers] == questions


def test_a_rate_that_is_used_up_is_waited_for(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always", rate_by_key="2/second")
    _, key = service.keeping.keys.create("Ward", [Scope.SEARCH])
    with listening(service) as address:
        with Client(address, key) as client:
            assert [client.sources(limit=1).total for _ in range(4)]
        with Client(address, key, retries=0) as hasty, pytest.raises(ProblemError) as refused:  # noqa: PT012
            for _ in range(4):
                hasty.sources(limit=1)
    assert refused.value.name == "rate-limited"
    assert refused.value.retry_after_s in (1.0, 2.0)
