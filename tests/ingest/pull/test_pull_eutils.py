"""The client against a server that fails in every way in which NCBI does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import eutils_server as server
import pytest
from conftest import Clock
from eutils_server import Fault, Ncbi

from rag.errors import InputError, PullError
from rag.ingest.pull.eutils import Client
from rag.ingest.pull.records import pmids

KEY = "0123456789abcdef0123456789abcdef0123"
PASSING: dict[str, Fault] = {
    "429": server.status(429),
    "429 in NCBI's words": server.rate_exceeded("192.0.2.1"),
    "rate exceeded with status 200": server.rate_exceeded("192.0.2.1", 200),
    "500": server.status(500),
    "502 with a page": server.page(502),
    "a page with status 200": server.page(200),
    "a well-formed page": server.status(200, b"<html><body>blocked</body></html>"),
    "an error in the body": server.error("Search Backend failed: Database is not supported: pubmed"),
    "an error with status 400": server.error("Error: External viewer error: Status: Timeout", 400),
    "an empty body": server.status(200),
    "truncated": server.truncated,
    "cut": server.cut,
    "compressed and cut": server.zipped_and_cut,
    "not what Content-Encoding says": server.status(200, b"no gzip", Content_Encoding="gzip"),
    "reset": server.reset,
    "slow": server.slow(0.4),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_passing_fault_is_survived(fault: Fault, ncbi: Ncbi, connect: Callable[..., Client], clock: Clock) -> None:
    ncbi.pubmed, ncbi.faults = ["1", "2"], [fault, fault]
    found = connect(timeout_s=0.2).search("pubmed", "heparin", 10)
    assert found.ids == ("1", "2")
    assert len(ncbi.requests) == 3
    assert clock.slept


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_lasting_fault_ends_in_an_error_after_all_attempts(
    fault: Fault, ncbi: Ncbi, connect: Callable[..., Client]
) -> None:
    ncbi.pubmed, ncbi.faults = ["1", "2"], [fault] * 20
    with pytest.raises(PullError, match=r"^efetch of 127\.0\.0\.1: .+, at attempt 3; expected a whole answer; wait"):
        connect(timeout_s=0.05, attempts=3).fetch("pubmed", ["1", "2"])
    assert len(ncbi.requests) == 3


@pytest.mark.parametrize("fault", [server.fine, server.zipped], ids=["plain", "compressed"])
def test_a_whole_answer_is_taken_at_once(fault: Fault, ncbi: Ncbi, client: Client) -> None:
    ncbi.faults = [fault]
    answer = client.fetch("pubmed", ["7", "8"])
    assert pmids(answer.root) == ["7", "8"]
    assert answer.content.startswith(b"<?xml")
    assert len(ncbi.requests) == 1


def test_what_is_sent_is_what_ncbi_asks_for(ncbi: Ncbi, connect: Callable[..., Client]) -> None:
    connect(email="a@example.org", api_key=KEY).search("pubmed", "heparin AND guideline[pt]", 10)
    assert ncbi.asked("esearch") == [
        {"tool": "osler", "email": "a@example.org", "api_key": KEY, "db": "pubmed", "usehistory": "y",
         "term": "heparin AND guideline[pt]", "retstart": "0", "retmax": "10"}
    ]  # fmt: skip


def test_what_is_not_given_comes_from_the_environment(
    ncbi: Ncbi, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSLER_NCBI_EMAIL", "b@example.org")
    monkeypatch.setenv("OSLER_NCBI_API_KEY", f" {KEY}\n")
    connect().search("pubmed", "heparin", 1)
    assert ncbi.asked("esearch")[0]["email"] == "b@example.org"
    assert ncbi.asked("esearch")[0]["api_key"] == KEY


@pytest.mark.parametrize(("key", "rate"), [("", 3), (KEY, 10)])
def test_the_rate_is_kept_and_not_much_undercut(
    key: str, rate: int, ncbi: Ncbi, connect: Callable[..., Client]
) -> None:
    ncbi.key = KEY
    client = connect(api_key=key)
    for _ in range(40):
        client.fetch("pubmed", ["1"])
    times = [request.at for request in ncbi.requests]
    assert ncbi.refusals == 0
    assert all(sum(start <= at < start + 1 for at in times) <= rate for start in times)
    assert times[-1] - times[0] < 40 / rate * 1.1


def test_attempts_are_further_and_further_apart(ncbi: Ncbi, client: Client, clock: Clock) -> None:
    ncbi.faults = [server.status(500)] * 7
    with pytest.raises(PullError, match="HTTP 500, at attempt 7"):
        client.fetch("pubmed", ["1"])
    assert [0.5 * 2**n <= wait_s <= 2**n for n, wait_s in enumerate(clock.slept)] == [True] * 6
    assert len(set(clock.slept)) == 6


def test_retry_after_is_obeyed(ncbi: Ncbi, client: Client, clock: Clock) -> None:
    ncbi.faults = [server.status(429, Retry_After="17")]
    client.fetch("pubmed", ["1"])
    assert clock.slept == [17]


def test_retry_after_may_be_a_date_or_nonsense(ncbi: Ncbi, client: Client, clock: Clock) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    ncbi.faults = [server.status(503, Retry_After=at), server.status(503, Retry_After="soon")]
    client.fetch("pubmed", ["1"])
    assert 30 < clock.slept[0] <= 40
    assert 1 <= clock.slept[1] <= 2


def test_a_server_that_asks_to_wait_for_an_hour_is_not_waited_for(ncbi: Ncbi, client: Client, clock: Clock) -> None:
    ncbi.faults = [server.status(503, Retry_After="3600")]
    with pytest.raises(PullError, match="asks to wait 3,600 seconds, at attempt 1"):
        client.fetch("pubmed", ["1"])
    assert clock.slept == []


def test_a_drip_of_bytes_does_not_last_for_ever(ncbi: Ncbi, connect: Callable[..., Client], clock: Clock) -> None:
    """Each byte comes in time, the whole does not: here an hour passes whenever the clock is read."""

    def now() -> float:
        clock.time_s += 3600
        return clock.time_s

    with pytest.raises(PullError, match="the answer took longer than 600 seconds"):
        connect(now=now, attempts=1).fetch("pubmed", ["1"])


@pytest.mark.parametrize("code", [400, 401, 403, 404, 414])
def test_a_refusal_is_not_asked_again(code: int, ncbi: Ncbi, client: Client) -> None:
    ncbi.faults = [server.page(code)]
    with pytest.raises(PullError, match=f"HTTP {code}"):
        client.fetch("pubmed", ["1"])
    assert len(ncbi.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_are_refused(code: int, ncbi: Ncbi, client: Client) -> None:
    ncbi.faults = [server.status(code, Location="https://elsewhere.example/efetch.fcgi")]
    with pytest.raises(PullError, match=r"redirected to elsewhere\.example, which is not followed"):
        client.fetch("pubmed", ["1"])
    assert len(ncbi.requests) == 1


def test_a_wrong_key_is_said_to_be_wrong_without_showing_it(ncbi: Ncbi, connect: Callable[..., Client]) -> None:
    ncbi.faults = [server.status(400, b'{"error":"API key invalid","api-key":"%b"}' % KEY.encode())]
    with pytest.raises(PullError, match="API key invalid; expected a key of an NCBI account") as caught:
        connect(api_key=KEY).fetch("pubmed", ["1"])
    assert KEY not in str(caught.value)
    assert len(ncbi.requests) == 1


@pytest.mark.parametrize(
    "fault", [*PASSING.values(), server.rate_exceeded(KEY), server.error(f"bad request api_key={KEY}", 400)]
)
def test_the_key_is_in_no_error_and_no_log(
    fault: Fault, ncbi: Ncbi, connect: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    ncbi.faults = [fault] * 3
    client = connect(api_key=KEY, timeout_s=0.05, attempts=2)
    with caplog.at_level(logging.DEBUG), pytest.raises(PullError) as caught:
        client.fetch("pubmed", ["1"])
    assert KEY not in str(caught.value) + repr(client) + caplog.text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_answer_without_end_is_refused(ncbi: Ncbi, connect: Callable[..., Client]) -> None:
    """Unpacked: a kilobyte on the wire can be a gigabyte in memory."""
    ncbi.faults = [lambda reply: server.zipped(reply._replace(body=reply.body + b" " * 5_000_000))]
    with pytest.raises(PullError, match="too long; expected 1,000,000 bytes at most; ask for fewer"):
        connect(max_bytes=1_000_000).fetch("pubmed", ["1"])
    assert len(ncbi.requests) == 1


def test_entities_are_not_expanded_and_files_not_read(ncbi: Ncbi, client: Client) -> None:
    bomb = (
        b'<!DOCTYPE PubmedArticleSet [<!ENTITY a "xxxxxxxxxx"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><T>&a;&f;</T>"
        b"</MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    ncbi.faults = [server.status(200, bomb)]
    assert client.fetch("pubmed", ["1"]).root.findtext(".//T") in (None, "")


@pytest.mark.parametrize("words", ["Empty result - nothing to do", "ID list is empty! In it there are neither IDs."])
@pytest.mark.parametrize("code", [200, 400])
def test_nothing_found_is_no_fault(words: str, code: int, ncbi: Ncbi, client: Client) -> None:
    ncbi.faults = [server.error(words, code)]
    answer = client.fetch("pubmed", ["1"])
    assert answer.content == b""
    assert pmids(answer.root) == []


def test_a_forgotten_search_is_not_asked_for_again(ncbi: Ncbi, client: Client) -> None:
    ncbi.pubmed = ["1"]
    found = client.search("pubmed", "heparin", 1)
    assert client.fetch_window("pubmed", found.session, 0, 1) is not None
    ncbi.forget()
    assert client.fetch_window("pubmed", found.session, 0, 1) is None
    assert len(ncbi.asked("efetch")) == 2


@pytest.mark.parametrize(
    "address",
    ["http://eutils.example/", "ftp://127.0.0.1/", "eutils.ncbi.nlm.nih.gov", "", "https://", "http://[::1", "/x"],
)
def test_an_address_that_is_not_safe_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_EUTILS_URL", address or " ")
    with pytest.raises(InputError, match="expected one with https"):
        Client()


def test_ncbi_is_asked_by_default() -> None:
    client = Client()
    assert client.host == "eutils.ncbi.nlm.nih.gov"
    client.close()
