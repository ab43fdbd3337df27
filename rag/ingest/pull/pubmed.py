"""Records of PubMed that a query finds, a file a batch.

The PMIDs are listed first and kept in ``pull.pmids``. Every batch has to bring exactly its own, so a pull that was
interrupted goes on with what its query found when it began, even when NCBI has forgotten the search since.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rag.errors import InputError, PullError
from rag.ingest.progress import Progress, silent
from rag.ingest.pull.answers import Answer, Found, Session
from rag.ingest.pull.eutils import LIST_LIMIT, Client
from rag.ingest.pull.folder import (
    RECORD,
    PullReport,
    Record,
    Skipped,
    held,
    is_same,
    new_record,
    read_record,
    today,
    write_record,
    write_whole,
)
from rag.ingest.pull.records import pmids

BATCH_SIZE = 200

_PMIDS = "pull.pmids"
_SORT = "PubMed's default: what was added last comes first"
# Before the first record and after the last: a search is halved between these days until its parts can be listed.
_FIRST_DAY, _DAY = date(1780, 1, 1), timedelta(days=1)


class _Batch(NamedTuple):
    """``start`` is the place of the first of ``ids`` in the search ``search``."""

    name: str
    ids: tuple[str, ...]
    search: int
    start: int


def pull_pubmed(
    query: str,
    folder: Path,
    client: Client,
    *,
    max_records: int | None = None,
    batch_size: int = BATCH_SIZE,
    list_limit: int = LIST_LIMIT,
    progress: Progress = silent,
) -> PullReport:
    """Fetches what ``query`` finds into ``folder``; goes on where an earlier run of the same pull stopped.

    A search that finds more than can be listed is made again by parts, a span of days at a time in which records were
    added: a record has one such day, so that the parts share none and miss none.

    Args:
        query: as one would type it on PubMed's page.
        max_records: how many at most, those added last first; None for all.
        batch_size: records in a file.
        list_limit: how many records of a search the server lists.

    Raises:
        InputError: an empty query, a number below 1, or a folder that holds something else.
        PullError: NCBI gives no faultless answer, or the folder cannot be written; run it again to go on.
        BusyError: another pull is writing to the folder.
    """
    _check(query, max_records, batch_size)
    request: Record = {"source": "pubmed", "query": query, "max": max_records, "batch_size": batch_size}
    with held(folder):
        record = read_record(folder, request)
        resumed = record is not None
        if record is None:
            record = _begun(request, folder, client, list_limit)
        pull = _Pull(folder, record)
        batches = list(pull.batches())
        for done, batch in enumerate(batches):
            progress("batches", done, len(batches))
            pull.take(batch, client)
        pull.finish()
        progress("batches", len(batches), len(batches))
        return pull.report(resumed)


def _check(query: str, max_records: int | None, batch_size: int) -> None:
    if not query.strip():
        raise InputError("query: empty; expected a PubMed query such as 'heparin[MeSH] AND guideline[pt]'")
    if max_records is not None and max_records < 1:
        raise InputError(f"--max {max_records}: expected a number of 1 or more")
    if not 1 <= batch_size <= LIST_LIMIT:
        raise InputError(f"--batch {batch_size}: expected a number from 1 to {LIST_LIMIT:,}")


def _begun(request: Record, folder: Path, client: Client, limit: int) -> Record:
    """Searches, keeps the PMIDs, and last the record, without which there is nothing to go on with."""
    if any(folder.glob("pubmed-*.xml")):
        raise InputError(f"folder {folder}: has pubmed-*.xml files but no {RECORD}; give a folder without them")
    query, wanted = request["query"], request["max"] or sys.maxsize
    whole = client.search("pubmed", query, min(wanted, limit))
    days = (_FIRST_DAY, date.today() + _DAY)  # tomorrow, where NCBI is a day ahead of this machine
    parts = [whole] if _is_listed(whole, wanted, limit) else _parts(client, query, wanted, limit, days)
    searches = _disjoint(parts)
    listed = [pmid for search in searches for pmid in search.ids]
    record = new_record(request) | {
        "server": client.host, "sort": _SORT, "translation": whole.translation, "count": whole.total,
        "listed": len(listed), "notes": _notes(whole, len(listed), wanted),
        "searches": [{"records": len(s.ids), "web_env": s.session.web_env, "query_key": s.session.query_key}
                     for s in searches],
    }  # fmt: skip
    record["pmids_sha256"] = write_whole(folder / _PMIDS, "".join(f"{pmid}\n" for pmid in listed).encode())
    record["files"] = []
    write_record(folder, record)
    return record


def _is_listed(found: Found, wanted: int, limit: int) -> bool:
    return found.total <= limit or wanted <= limit


def _parts(client: Client, query: str, wanted: int, limit: int, days: tuple[date, date]) -> list[Found]:
    """Searches that each can be listed and together find the first ``wanted`` records of these days, newest first."""
    first, last = days
    if first == last:
        said = f"more than {limit:,} of its records were added on {first}, and PubMed lists no more"
        remedy = "narrow the query, lower --max, or take the annual files with `osler corpus pull baseline`"
        raise PullError(f"query {query!r}: {said}; expected a narrower query; {remedy}")
    middle = first + (last - first) // 2
    parts: list[Found] = []
    for half in ((middle + _DAY, last), (first, middle)):
        left = wanted - sum(len(part.ids) for part in parts)
        if left > 0:
            found = client.search("pubmed", query, min(left, limit), days=half)
            parts += [found] if _is_listed(found, left, limit) else _parts(client, query, left, limit, half)
    return parts


def _disjoint(parts: list[Found]) -> list[Found]:
    """Without the records that an earlier part has: a record can be moved to another day between two searches."""
    seen: set[str] = set()
    disjoint = []
    for part in parts:
        ids = tuple(pmid for pmid in dict.fromkeys(part.ids) if pmid not in seen)
        seen.update(ids)
        disjoint.append(part._replace(ids=ids))
    return disjoint


def _notes(whole: Found, listed: int, wanted: int) -> list[str]:
    short = min(whole.total, wanted) - listed
    missing = [f"PubMed counts {whole.total:,} records and lists {short:,} fewer of them"] if short > 0 else []
    return [*(f"PubMed says {warning}" for warning in whole.warnings), *missing]


class _Pull:
    """A pull whose PMIDs are known, as ``pull.json`` has it."""

    def __init__(self, folder: Path, record: Record) -> None:
        self._folder, self._record = folder, record
        if not is_same(folder / _PMIDS, record["pmids_sha256"]):
            raise InputError(f"{folder / _PMIDS}: not as it was written; give another folder, and it is made anew")
        self._pmids = (folder / _PMIDS).read_text("utf-8").split()
        self._sessions: list[Session | None] = [
            Session(search["web_env"], search["query_key"]) if search["web_env"] else None
            for search in record["searches"]
        ]

    def batches(self) -> Iterator[_Batch]:
        size, end, number = self._record["batch_size"], 0, 0
        for place, search in enumerate(self._record["searches"]):
            begin, end = end, end + search["records"]
            for first, past in pairwise([*range(begin, end, size), end]):
                yield _Batch(f"pubmed-{number:06d}.xml", tuple(self._pmids[first:past]), place, first - begin)
                number += 1

    def take(self, batch: _Batch, client: Client) -> None:
        """Fetches a batch unless it is there. One of which no record comes back leaves no file."""
        known = [file for file in self._record["files"] if file["name"] == batch.name]
        if known and (not known[0]["sha256"] or is_same(self._folder / batch.name, known[0]["sha256"])):
            return
        answer = self._fetched(batch, client)
        got = set(pmids(answer.root))
        sha256 = write_whole(self._folder / batch.name, answer.content) if got else None
        facts: Record = {"name": batch.name, "sha256": sha256, "records": len(got), "retrieved": today()}
        facts["missing"] = [pmid for pmid in batch.ids if pmid not in got]
        self._record["files"] = [file for file in self._record["files"] if file not in known] + [facts]
        write_record(self._folder, self._record)

    def _fetched(self, batch: _Batch, client: Client) -> Answer:
        """From the history server; where that has forgotten the search or brings others, by the PMIDs, twice at most:
        some have no record any more."""
        session = self._sessions[batch.search]
        if session:
            windowed = client.fetch_window("pubmed", session, batch.start, len(batch.ids))
            if windowed and set(pmids(windowed.root)) == set(batch.ids):
                return windowed
            if windowed is None:
                self._sessions[batch.search] = None
        answer = client.fetch("pubmed", batch.ids)
        if set(pmids(answer.root)) != set(batch.ids):
            answer = client.fetch("pubmed", batch.ids)
        others = set(pmids(answer.root)) - set(batch.ids)
        if others:
            said = f"brought {len(others)} records that were not asked for, {min(others)} among them"
            raise PullError(f"{batch.name}: {client.host} {said}; expected none; run the same command again")
        return answer

    def finish(self) -> None:
        if self._record["finished"] is None:
            self._record["finished"] = today()
            write_record(self._folder, self._record)

    def report(self, resumed: bool) -> PullReport:
        files = sorted(self._record["files"], key=lambda file: str(file["name"]))
        missing = [pmid for file in files for pmid in file["missing"]]
        count, records = self._record["count"], sum(file["records"] for file in files)
        return PullReport(
            tuple(self._folder / file["name"] for file in files if file["sha256"]),
            records,
            tuple(Skipped(pmid, "PubMed gave no record") for pmid in missing),
            resumed,
            (f"PubMed found {count:,} records", *self._record["notes"]),
        )
