"""Full text of PMC's open-access articles, in JATS, a file an article: ``PMC1234567.nxml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rag.errors import CorpusError, InputError
from rag.ingest.progress import Progress, silent
from rag.ingest.pull.eutils import LIST_LIMIT, Client
from rag.ingest.pull.folder import (
    PullReport,
    Record,
    Skipped,
    held,
    new_record,
    read_record,
    today,
    write_record,
    write_whole,
)
from rag.ingest.pull.records import Element, comments, serialise

BATCH_SIZE = 20

_PMCID = re.compile(r"(?:PMC)?0*([1-9][0-9]{0,9})", re.ASCII | re.IGNORECASE)
_ID_PATH = "front/article-meta/article-id[@pub-id-type='{}']"
_IS_WITHHELD = "does not allow downloading"  # NCBI says so in a comment, and nowhere else
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


class _Taken(NamedTuple):
    """What came of some PMCIDs: whole articles, and reasons why there is none. A PMCID may be in neither."""

    articles: dict[str, bytes]
    reasons: dict[str, str]


def pull_pmc(
    folder: Path,
    client: Client,
    *,
    pmcids: Sequence[str] = (),
    query: str | None = None,
    max_records: int | None = None,
    batch_size: int = BATCH_SIZE,
    progress: Progress = silent,
) -> PullReport:
    """Fetches articles into ``folder``; those whose file is there already are not fetched again.

    An article without its body, which the publisher withholds, is skipped; so is one that PMC does not know.

    Args:
        pmcids: with or without "PMC" before the number.
        query: instead of ``pmcids``; only open-access articles that it finds.
        max_records: how many of those that ``query`` finds, those added last first; None for all.
        batch_size: articles in a request.

    Raises:
        InputError: a PMCID that is none, both or none of ``pmcids`` and ``query``, more articles than PMC lists, or a
            folder that holds another pull.
        PullError: NCBI gives no faultless answer, or the folder cannot be written; run it again to go on.
        BusyError: another pull is writing to the folder.
    """
    given = [_pmcid(text) for text in pmcids]
    if bool(given) == bool(query and query.strip()):
        raise InputError("pull pmc: expected PMCIDs or a query, and not both; give PMC1234567 or --query")
    if not 1 <= batch_size <= LIST_LIMIT:
        raise InputError(f"--batch {batch_size}: expected a number from 1 to {LIST_LIMIT:,}")
    with held(folder):
        request: Record = {"source": "pmc"}
        record = read_record(folder, request) or new_record(request) | {"server": client.host, "files": {}}
        notes: tuple[str, ...] = ()
        if query:
            given, notes = _search(client, query, max_records)
        wanted = list(dict.fromkeys(given))
        left = [pmcid for pmcid in wanted if not _path(folder, pmcid).exists()]
        skipped = _pull(folder, record, left, client, batch_size, progress)
    files = tuple(path for pmcid in wanted if (path := _path(folder, pmcid)).exists())
    return PullReport(files, len(files), tuple(skipped), len(left) < len(wanted), notes)


def read_pmcids(path: Path) -> list[str]:
    """PMCIDs from a file, one a line; empty lines and those that begin with # are passed over.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); expected a text file with a PMCID a line") from error
    return [line for line in lines if line and not line.startswith("#")]


def _pmcid(text: str) -> str:
    found = _PMCID.fullmatch(text.strip())
    if not found:
        raise InputError(f"PMCID {text!r}: expected PMC and a number, such as PMC1234567; a PMID or DOI is none")
    return f"PMC{found[1]}"


def _path(folder: Path, pmcid: str) -> Path:
    return folder / f"{pmcid}.nxml"


def _search(client: Client, query: str, max_records: int | None) -> tuple[list[str], tuple[str, ...]]:
    """PMCIDs, and notes for the report."""
    if max_records is not None and not 1 <= max_records <= LIST_LIMIT:
        raise InputError(f"--max {max_records}: expected a number from 1 to {LIST_LIMIT:,}, which PMC lists at once")
    found = client.search("pmc", f"({query}) AND open access[filter]", max_records or LIST_LIMIT)
    if max_records is None and found.total > LIST_LIMIT:
        expected = f"expected {LIST_LIMIT:,} at most; narrow it, by years for example, or give --max"
        raise InputError(f"query {query!r}: PMC finds {found.total:,} articles; {expected}")
    warnings = (f"PMC says {warning}" for warning in found.warnings)
    return [f"PMC{number}" for number in found.ids], (f"PMC found {found.total:,} articles", *warnings)


def _pull(
    folder: Path, record: Record, pmcids: list[str], client: Client, batch_size: int, progress: Progress
) -> list[Skipped]:
    skipped = []
    for start in range(0, len(pmcids), batch_size):
        progress("articles", start, len(pmcids))
        batch = pmcids[start : start + batch_size]
        taken = _taken(client, batch)
        for pmcid, content in taken.articles.items():
            path = _path(folder, pmcid)
            record["files"][path.name] = {"sha256": write_whole(path, content), "retrieved": today()}
        record["finished"] = today()
        write_record(folder, record)
        skipped += [Skipped(p, taken.reasons.get(p, "PMC gave no article")) for p in batch if p not in taken.articles]
    progress("articles", len(pmcids), len(pmcids))
    return skipped


def _taken(client: Client, pmcids: list[str]) -> _Taken:
    """What comes of a batch; of what it brings nothing for, one by one."""
    taken = _answered(client, pmcids)
    for pmcid in pmcids:
        if pmcid not in taken.articles and pmcid not in taken.reasons:
            alone = _answered(client, [pmcid])
            taken.articles.update(alone.articles)
            taken.reasons.update(alone.reasons)
    return taken


def _answered(client: Client, pmcids: list[str]) -> _Taken:
    root = client.fetch("pmc", [pmcid.removeprefix("PMC") for pmcid in pmcids]).root
    taken = _Taken({}, {})
    for article in root.iterchildren("article"):
        # Some old articles do not say their PMCID; alone, they can only be the one that was asked for.
        pmcid = _said(article) or (pmcids[0] if len(pmcids) == 1 else "")
        if pmcid in pmcids and article.find("body") is not None:
            taken.articles[pmcid] = _DECLARATION + serialise(article) + b"\n"
        elif pmcid in pmcids:
            taken.reasons[pmcid] = _why_without_body(article)
    for reply in root.iterchildren("error", "Reply"):
        if number := _PMCID.fullmatch(reply.get("id") or reply.get("Id") or ""):
            words = " ".join((reply.get("error") or "".join(reply.itertext())).split())
            taken.reasons[f"PMC{number[1]}"] = f"not in PMC ({words})"
    return taken


def _said(article: Element) -> str:
    """The PMCID that an article gives for itself, "" without one."""
    texts: Iterable[str | None] = (article.findtext(_ID_PATH.format(kind)) for kind in ("pmcid", "pmc"))
    number = next((found for text in texts if (found := _PMCID.fullmatch((text or "").strip()))), None)
    return f"PMC{number[1]}" if number else ""


def _why_without_body(article: Element) -> str:
    if any(_IS_WITHHELD in comment for comment in comments(article)):
        return "the publisher does not allow its full text to be downloaded"
    return "PMC has no full text of it, only its front matter"
