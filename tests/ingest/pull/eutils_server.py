"""A server on this machine that speaks ESearch and EFetch as NCBI does, and fails as NCBI does, by a script.

Records are made from their identifiers. Forms of answers and errors are those of the E-utilities: XML with DOCTYPE,
``<ERROR>`` in a body of status 200 or 400, JSON for a broken rate limit, HTML from the gateway.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple
from urllib.parse import parse_qs

from local_server import listening

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n'
PUBMED_DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
SEARCH_DOCTYPE = (
    '<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN" '
    '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">\n'
)
WITHHELD = "<!--The publisher of this article does not allow downloading of the full text in XML form.-->"


class Request(NamedTuple):
    """``at`` is what the server's clock said."""

    utility: str
    form: dict[str, str]
    at: float


class Reply(NamedTuple):
    """``promised`` is the Content-Length when it is not the body's; ``wait_s`` passes before the body's second half."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = None
    wait_s: float = 0.0
    is_reset: bool = False


#: Makes of a faultless reply the one that is sent.
Fault = Callable[[Reply], Reply]


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda reply: Reply(code, body, given)


def page(code: int) -> Fault:
    return status(code, b"<html><head><title>Bad Gateway<br></head><body>cannot route</body>")


def error(words: str, code: int = 200) -> Fault:
    return status(code, f"{HEAD}<eFetchResult>\n\t<ERROR>{words}</ERROR>\n</eFetchResult>\n".encode())


def rate_exceeded(api_key: str, code: int = 429) -> Fault:
    said = {"error": "API rate limit exceeded", "api-key": api_key, "count": "4", "limit": "3"}
    return status(code, json.dumps(said).encode())


def truncated(reply: Reply) -> Reply:
    """Ends before what Content-Length promised."""
    return reply._replace(body=reply.body[: len(reply.body) // 2], promised=len(reply.body))


def cut(reply: Reply) -> Reply:
    """Ends too early and says the shorter length: only the XML shows it."""
    return reply._replace(body=reply.body[: len(reply.body) // 2])


def zipped(reply: Reply) -> Reply:
    return reply._replace(body=gzip.compress(reply.body), headers=(("Content-Encoding", "gzip"),))


def zipped_and_cut(reply: Reply) -> Reply:
    whole = gzip.compress(reply.body)
    return reply._replace(body=whole[: len(whole) // 2], headers=(("Content-Encoding", "gzip"),))


def slow(wait_s: float) -> Fault:
    return lambda reply: reply._replace(wait_s=wait_s)


def reset(reply: Reply) -> Reply:
    return reply._replace(is_reset=True)


def fine(reply: Reply) -> Reply:
    return reply


class Ncbi:
    """What the server holds, and what befell it. ``faults`` are used up, one a request."""

    def __init__(self, pmids: int = 0, now: Callable[[], float] = time.monotonic) -> None:
        self.pubmed = [str(40_000_000 - n) for n in range(pmids)]  # what was added last comes first
        self.added: dict[str, date] = {}
        self.pmc: dict[str, str] = {}
        self.vanished: set[str] = set()
        self.warnings = ""
        self.list_limit = 9_999
        self.rate = 3
        self.key = ""
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.refusals = 0
        self._sessions: dict[str, list[str]] = {}
        self._now = now
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Every search, as NCBI does after some hours."""
        self._sessions.clear()

    def asked(self, utility: str) -> list[dict[str, str]]:
        return [request.form for request in self.requests if request.utility == utility]

    def answer(self, utility: str, form: dict[str, str]) -> Reply:
        with self._lock:
            at = self._now()
            self.requests.append(Request(utility, form, at))
            limit = 10 if self.key and form.get("api_key") == self.key else self.rate
            if sum(request.at > at - 1.0 for request in self.requests) > limit:
                self.refusals += 1
                return rate_exceeded(form.get("api_key", "192.0.2.1"))(Reply())
            reply = self._search(form) if utility == "esearch" else self._fetch(form)
            return self.faults.pop(0)(reply) if self.faults else reply

    def _search(self, form: dict[str, str]) -> Reply:
        ids = list(self.pmc) if form["db"] == "pmc" else [p for p in self.pubmed if self._is_within(p, form)]
        web_env = f"MCID_{len(self._sessions)}"
        if form.get("usehistory") == "y":
            self._sessions[web_env] = ids
        start, length = int(form.get("retstart", 0)), min(int(form.get("retmax", 20)), self.list_limit)
        listed = "".join(f"<Id>{one}</Id>\n" for one in ids[start : start + length])
        return Reply(
            body=f"{HEAD}{SEARCH_DOCTYPE}<eSearchResult><Count>{len(ids)}</Count><RetMax>{length}</RetMax>"
            f"<RetStart>{start}</RetStart><QueryKey>1</QueryKey><WebEnv>{web_env}</WebEnv><IdList>\n{listed}</IdList>"
            f"<TranslationSet/><QueryTranslation>translated</QueryTranslation>{self.warnings}</eSearchResult>\n".encode()
        )

    def _is_within(self, pmid: str, form: dict[str, str]) -> bool:
        if "mindate" not in form:
            return True
        assert form["datetype"] == "edat"
        first, last = (date(*map(int, form[name].split("/"))) for name in ("mindate", "maxdate"))
        return first <= self.added[pmid] <= last

    def _fetch(self, form: dict[str, str]) -> Reply:
        if "WebEnv" in form:
            if form["WebEnv"] not in self._sessions:
                return error("Unable to obtain query #1")(Reply())
            start, length = int(form["retstart"]), int(form["retmax"])
            if start >= self.list_limit:
                words = "Search backend cannot retrieve history data. Reason: 'retstart' cannot be larger than 9998."
                return error(words, 400)(Reply())
            ids = self._sessions[form["WebEnv"]][start : min(start + length, self.list_limit)]
        else:
            ids = form["id"].split(",")
        return Reply(body=self._articles(ids) if form["db"] == "pmc" else self._records(ids))

    def _records(self, ids: list[str]) -> bytes:
        records = "".join(record(pmid) for pmid in ids if pmid not in self.vanished)
        return f"{HEAD}{PUBMED_DOCTYPE}<PubmedArticleSet>{records}</PubmedArticleSet>".encode()

    def _articles(self, ids: list[str]) -> bytes:
        unknown = '<error id="{0}">The following PMCID is not available: {0}</error>'
        found = "".join(self.pmc.get(number, unknown.format(number)) for number in ids)
        return f"{HEAD}<pmc-articleset>{found}</pmc-articleset>".encode()


def record(pmid: str, inside: str = "", year: str = "<Year>2024</Year>", version: int = 1) -> str:
    """A PubMed record; ``inside`` stands at the end of its ``Article``."""
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="{version}">{pmid}</PMID><Article>'
        f"<Journal><JournalIssue><PubDate>{year}</PubDate></JournalIssue></Journal>"
        f"<ArticleTitle>Record {pmid}, version {version}</ArticleTitle>{inside}</Article></MedlineCitation>"
        "<PubmedData><ReferenceList><Reference><ArticleIdList><ArticleId>1</ArticleId></ArticleIdList></Reference>"
        "</ReferenceList></PubmedData></PubmedArticle>\n"
    )


def article(number: str, body: str = "<body><p>Text.</p></body>", kind: str = "pmcid", remark: str = "") -> str:
    """A JATS article, which says its PMCID in an ``article-id`` of ``kind``."""
    return (
        f'<article article-type="research-article">{remark}<front><article-meta>'
        f'<article-id pub-id-type="pmid">1{number}</article-id>'
        f'<article-id pub-id-type="{kind}">{"PMC" if kind == "pmcid" else ""}{number}</article-id>'
        f"</article-meta></front>{body}</article>\n"
    )


@contextmanager
def serving(ncbi: Ncbi) -> Iterator[str]:
    """The address at which ``ncbi`` answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body that waits for the head's receipt costs 40 ms a request

        def do_POST(self) -> None:
            assert "?" not in self.path, "nothing of a request stands in its address"
            given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            utility = self.path.rpartition("/")[2].removesuffix(".fcgi")
            self._send(ncbi.answer(utility, {name: values[0] for name, values in given.items()}))

        def _send(self, reply: Reply) -> None:
            if reply.is_reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.promised is None else reply.promised))
            self.end_headers()
            half = len(reply.body) // 2 if reply.wait_s else 0
            try:
                self.wfile.write(reply.body[:half])
                self.wfile.flush()
                time.sleep(reply.wait_s)
                self.wfile.write(reply.body[half:])
            except ConnectionError:
                self.close_connection = True
            if reply.promised is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with listening(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/entrez/eutils/"
