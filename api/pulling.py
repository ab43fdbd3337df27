"""``osler corpus pull``: what fetches literature, its options and what it prints.

Exit codes: 0 all was fetched, 1 something was left out or failed, 2 what was given cannot be used, 130 interrupted;
the same command goes on where an interrupted one stopped.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.terminal import line, progress, write

if TYPE_CHECKING:
    from rag.ingest.pull.eutils import Client
    from rag.ingest.pull.folder import PullReport

_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns

#: How many of the identifiers that were left out are printed; all of them are in the report's count.
_SHOWN = 20


def corpus_pull_pubmed(arguments: Namespace) -> int:
    from rag.ingest.pull.pubmed import BATCH_SIZE, pull_pubmed

    limits = {"max_records": arguments.max, "batch_size": _batch(arguments, BATCH_SIZE)}
    with _client(arguments) as client, progress() as report:
        done = pull_pubmed(arguments.query, arguments.out, client, **limits, progress=report)
    return _told(done, arguments.out)


def corpus_pull_pmc(arguments: Namespace) -> int:
    from rag.ingest.pull.pmc import BATCH_SIZE, pull_pmc, read_pmcids

    pmcids = arguments.pmcids + (read_pmcids(arguments.listed) if arguments.listed else [])
    limits = {"max_records": arguments.max, "batch_size": _batch(arguments, BATCH_SIZE)}
    with _client(arguments) as client, progress() as report:
        done = pull_pmc(arguments.out, client, pmcids=pmcids, query=arguments.query, **limits, progress=report)
    return _told(done, arguments.out)


def corpus_pull_baseline(arguments: Namespace) -> int:
    from rag.ingest.pull.baseline import BATCH_SIZE, Wanted, pull_baseline

    wanted = Wanted(tuple(arguments.mesh), tuple(arguments.type), arguments.since, arguments.with_abstract)
    with progress() as report:
        done = pull_baseline(
            arguments.files, arguments.out, wanted, batch_size=_batch(arguments, BATCH_SIZE), progress=report
        )
    return _told(done, arguments.out)


def add_pull(actions: _Commands[argparse.ArgumentParser]) -> None:
    """Adds ``pull`` and what can be pulled to the actions of ``osler corpus``."""
    summary = "fetch literature from PubMed, PMC or PubMed's annual files"
    pull = actions.add_parser("pull", help=summary, description=f"{summary.capitalize()}.")
    sources = pull.add_subparsers(required=True, metavar="SOURCE", title="sources")
    _add_pubmed(sources)
    _add_pmc(sources)
    _add_baseline(sources)


def _add_pubmed(sources: _Commands[argparse.ArgumentParser]) -> None:
    pubmed = _source(sources, "pubmed", "corpus_pull_pubmed", "fetch the PubMed records that a query finds")
    query = "as on PubMed's page, such as 'heparin[MeSH] AND guideline[pt]'"
    pubmed.add_argument("--query", required=True, metavar="QUERY", help=query)
    _add_limits(pubmed, "records in a file")
    _add_account(pubmed)


def _add_pmc(sources: _Commands[argparse.ArgumentParser]) -> None:
    pmc = _source(sources, "pmc", "corpus_pull_pmc", "fetch the full text of open-access articles of PMC")
    pmc.add_argument("pmcids", metavar="PMCID", nargs="*", help="such as PMC1234567")
    pmc.add_argument("--from", dest="listed", type=Path, metavar="FILE", help="a text file with a PMCID a line")
    pmc.add_argument("--query", metavar="QUERY", help="instead of PMCIDs; of what it finds only open-access articles")
    _add_limits(pmc, "articles in a request")
    _add_account(pmc)


def _add_baseline(sources: _Commands[argparse.ArgumentParser]) -> None:
    summary = "take records out of annual files of PubMed on this machine"
    baseline = _source(sources, "baseline", "corpus_pull_baseline", summary)
    baseline.add_argument("files", metavar="FILE", nargs="+", type=Path, help="such as pubmed26n0001.xml.gz")
    baseline.add_argument("--mesh", action="append", default=[], metavar="TERM", help="with this MeSH heading")
    kind = "of this publication type, such as Guideline; --mesh and --type may be repeated, and one of each has to hold"
    baseline.add_argument("--type", action="append", default=[], metavar="TYPE", help=kind)
    baseline.add_argument("--since", type=int, metavar="YEAR", help="published in this year or later")
    baseline.add_argument("--with-abstract", action="store_true", help="with an abstract")
    _add_batch(baseline, "records in a file")


def _source(
    sources: _Commands[argparse.ArgumentParser], name: str, function: str, summary: str
) -> argparse.ArgumentParser:
    added = sources.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    added.set_defaults(command=f"pulling.{function}")
    added.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to; made when missing")
    return added


def _add_limits(source: argparse.ArgumentParser, batch: str) -> None:
    limit = "how many at most, those added last first (default: all)"
    source.add_argument("--max", type=int, metavar="N", help=limit)
    _add_batch(source, batch)


def _add_batch(source: argparse.ArgumentParser, noun: str) -> None:
    source.add_argument("--batch", type=int, metavar="N", help=noun)


def _add_account(source: argparse.ArgumentParser) -> None:
    """The key has no option: what is typed is kept in the shell's history and shown in the list of processes."""
    email = "your address, which NCBI asks for (default: OSLER_NCBI_EMAIL); a key is taken from OSLER_NCBI_API_KEY"
    source.add_argument("--email", metavar="ADDRESS", help=email)


def _batch(arguments: Namespace, default: int) -> int:
    return default if arguments.batch is None else arguments.batch


@contextmanager
def _client(arguments: Namespace) -> Iterator[Client]:
    from rag.ingest.pull.eutils import Client

    client = Client(email=arguments.email)
    try:
        yield client
    finally:
        client.close()


def _told(done: PullReport, folder: Path) -> int:
    """Prints the report. Returns the exit code."""
    went_on = ", going on where an earlier run stopped" if done.resumed else ""
    write(f"{folder}: {done.records:,} records in {len(done.files):,} files{went_on}\n")
    write("".join(f"  {line(note)}\n" for note in done.notes))
    write("".join(f"  left out {name}: {line(reason)}\n" for name, reason in done.skipped[:_SHOWN]))
    if len(done.skipped) > _SHOWN:
        write(f"  left out {len(done.skipped) - _SHOWN:,} more\n")
    return 1 if done.skipped else 0
