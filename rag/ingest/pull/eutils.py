"""A client of NCBI's E-utilities: ESearch and EFetch, at the rate that NCBI allows, again when an answer is faulty.

NCBI's rules and parameters: "A General Introduction to the E-utilities" and "The E-utilities In-Depth",
https://www.ncbi.nlm.nih.gov/books/NBK25501/.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from secrets import SystemRandom
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag import __version__
from rag.errors import InputError, PullError
from rag.ingest.pull.answers import Answer, FaultyError, Found, GoneError, RefusedError, Session, found, judged

if TYPE_CHECKING:
    import httpx2

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
#: PubMed lists, and fetches from its history, no record after this one; a longer search has to be split.
LIST_LIMIT = 9_999

_SETS = {"pubmed": "PubmedArticleSet", "pmc": "pmc-articleset"}
# Five per cent below NCBI's 3 and 10 requests a second, since requests do not all take the same time to arrive.
_INTERVAL_S, _INTERVAL_WITH_KEY_S = 1.05 / 3, 1.05 / 10
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, _LONGEST_RETRY_AFTER_S = 1.0, 60.0, 300.0
_SLOWEST = 10  # times the timeout, for a server that sends a byte now and then
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AGAIN_LATER = "wait and run the same command again, it goes on where it stopped"


class Client:
    """One for a program: the rate is kept over all requests of a client, not between clients.

    Everything is sent as POST, so that neither the query nor the key stands in an address that something may log.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        email: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        attempts: int = 7,
        max_bytes: int = 256 * 2**20,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """What is not given is taken from ``OSLER_EUTILS_URL``, ``OSLER_NCBI_EMAIL`` and ``OSLER_NCBI_API_KEY``.

        Args:
            timeout_s: how long to wait for the next byte; an answer may take ten times as long.
            attempts: how often a request is sent at most.
            max_bytes: the longest answer accepted, unpacked.

        Raises:
            InputError: an address that is neither https nor on this machine.
        """
        import httpx2

        self._base_url, self._host = _checked(base_url or os.environ.get("OSLER_EUTILS_URL") or BASE_URL)
        self._key = (api_key or os.environ.get("OSLER_NCBI_API_KEY") or "").strip()
        email = (email or os.environ.get("OSLER_NCBI_EMAIL") or "").strip()
        self._common = {"tool": "osler"} | ({"email": email} if email else {})
        self._interval_s = _INTERVAL_WITH_KEY_S if self._key else _INTERVAL_S
        self._timeout_s, self._attempts, self._max_bytes = timeout_s, attempts, max_bytes
        self._now, self._sleep = now, sleep
        self._next_at = 0.0
        # Redirects are not followed: they would carry the key to wherever the answer points.
        headers = {"User-Agent": f"osler/{__version__}"}
        self._http = httpx2.Client(timeout=timeout_s, follow_redirects=False, headers=headers)

    @property
    def host(self) -> str:
        return self._host

    def close(self) -> None:
        self._http.close()

    def search(self, database: str, term: str, limit: int, days: tuple[date, date] | None = None) -> Found:
        """Keeps the result on the history server and lists the first ``limit`` ids, at most ``LIST_LIMIT``.

        Args:
            days: only records that entered the database from the first to the last of these days, both included.

        Raises:
            PullError: no faultless answer came.
        """
        parameters = {"db": database, "term": term, "usehistory": "y", "retstart": "0", "retmax": str(limit)}
        if days:
            first, last = (f"{day:%Y/%m/%d}" for day in days)
            parameters |= {"datetype": "edat", "mindate": first, "maxdate": last}
        return found(self._ask("esearch", parameters, "eSearchResult").root, limit)

    def fetch(self, database: str, ids: Sequence[str]) -> Answer:
        """The records with these ids; some may not come back. Raises ``PullError`` when no faultless answer came."""
        return self._fetch(database, {"id": ",".join(ids)})

    def fetch_window(self, database: str, session: Session, start: int, length: int) -> Answer | None:
        """``length`` records of a search from ``start``, which counts from 0; None when the search is forgotten.

        Raises:
            PullError: no faultless answer came.
        """
        place = {"WebEnv": session.web_env, "query_key": session.query_key}
        try:
            return self._fetch(database, {**place, "retstart": str(start), "retmax": str(length)})
        except GoneError:
            return None

    def _fetch(self, database: str, which: Mapping[str, str]) -> Answer:
        form = {"rettype": "abstract"} if database == "pubmed" else {}
        return self._ask("efetch", {"db": database, "retmode": "xml", **form, **which}, _SETS[database])

    def _ask(self, utility: str, parameters: Mapping[str, str], expected: str) -> Answer:
        """The answer whose root is called ``expected``; asks again, later each time, while the answers are faulty."""
        said = ""
        for attempt in range(self._attempts):
            try:
                return judged(*self._sent(utility, parameters), expected)
            except FaultyError as fault:
                if isinstance(fault, GoneError) and "WebEnv" in parameters:
                    raise
                said = self._harmless(str(fault))
                if fault.wait_s > _LONGEST_RETRY_AFTER_S:
                    said += f", and asks to wait {fault.wait_s:,.0f} seconds"
                    break
                if attempt + 1 < self._attempts:
                    self._sleep(max(_backoff_s(attempt), fault.wait_s))
            except RefusedError as refusal:
                raise PullError(f"{utility} of {self._host}: {self._harmless(str(refusal))}") from None
        raise PullError(
            f"{utility} of {self._host}: {said}, at attempt {attempt + 1}; expected a whole answer; {_AGAIN_LATER}"
        )

    def _sent(self, utility: str, parameters: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of one request."""
        import httpx2

        self._keep_rate()
        form = {**self._common, **parameters} | ({"api_key": self._key} if self._key else {})
        try:
            with self._http.stream("POST", f"{self._base_url}{utility}.fcgi", data=form) as response:
                _check_head(response)
                return response.status_code, self._body(response)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            # Not as the cause: the error holds the request, and the request the key.
            raise FaultyError(f"{type(error).__name__} ({error})" if str(error) else type(error).__name__) from None

    def _body(self, response: httpx2.Response) -> bytes:
        content, until = bytearray(), self._now() + _SLOWEST * self._timeout_s
        for piece in response.iter_bytes():
            content += piece
            if len(content) > self._max_bytes:
                expected = f"expected {self._max_bytes:,} bytes at most; ask for fewer records at once"
                raise RefusedError(f"the answer is too long; {expected} with --batch")
            if self._now() > until:
                raise FaultyError(f"the answer took longer than {_SLOWEST * self._timeout_s:g} seconds")
        return bytes(content)

    def _keep_rate(self) -> None:
        wait_s = self._next_at - self._now()
        if wait_s > 0:
            self._sleep(wait_s)
        self._next_at = self._now() + self._interval_s

    def _harmless(self, said: str) -> str:
        """What a server said, in one line of bearable length and without the key, which NCBI's errors repeat."""
        shown = " ".join(said.split())
        return (shown.replace(self._key, "(key)") if self._key else shown)[:300]


def _checked(address: str) -> tuple[str, str]:
    """The address with a slash at its end, and its host."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port  # the port is only checked when it is read
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK)):
        raise InputError(f"address {address!r}: expected one with https, such as {BASE_URL}; correct OSLER_EUTILS_URL")
    return address.rstrip("/") + "/", host


def _backoff_s(attempt: int) -> float:
    """Twice as long after each attempt, of which a random half, so that clients that failed together part."""
    return min(_FIRST_BACKOFF_S * 2.0**attempt, _LONGEST_BACKOFF_S) * SystemRandom().uniform(0.5, 1.0)


def _check_head(response: httpx2.Response) -> None:
    status = response.status_code
    if status in (408, 429) or status >= 500:
        raise FaultyError(f"HTTP {status}", _retry_after_s(response.headers.get("Retry-After", "")))
    if 300 <= status < 400:
        target = urlsplit(response.headers.get("Location", "")).hostname or "another page"
        raise RefusedError(
            f"redirected to {target}, which is not followed; expected an answer; correct OSLER_EUTILS_URL"
        )


def _retry_after_s(given: str) -> float:
    """The header is a number of seconds or a date; 0 when it is absent or neither."""
    try:
        if given.isdecimal():
            return float(given)
        wait: timedelta = parsedate_to_datetime(given) - datetime.now(UTC)
        return wait.total_seconds()
    except (TypeError, ValueError):
        return 0.0
