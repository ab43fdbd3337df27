"""Pulls from PubMed: what lies in the folder, and that no interruption or fault changes it."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import resource
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import eutils_server as server
import pytest
from eutils_server import Ncbi

from rag.errors import BusyError, InputError, PullError
from rag.ingest.pull.eutils import Client
from rag.ingest.pull.folder import held
from rag.ingest.pull.pubmed import pull_pubmed

QUERY = "heparin-induced thrombocytopenia[MeSH] AND guideline[pt]"
KEY = "0123456789abcdef0123456789abcdef0123"
PMIDS = [str(40_000_000 - n) for n in range(11)]


@pytest.fixture
def ncbi(ncbi: Ncbi) -> Ncbi:
    ncbi.pubmed = list(PMIDS)
    return ncbi


def pull(folder: Path, client: Client, **given: Any) -> Any:
    return pull_pubmed(given.pop("query", QUERY), folder, client, **{"batch_size": 3, **given})


def record(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "pull.json").read_text("utf-8"))
    return read


def held_pmids(folder: Path) -> list[list[str]]:
    files = sorted(folder.glob("pubmed-*.xml"))
    return [re.findall(r"<PMID[^>]*>(\d+)<", file.read_text("utf-8")) for file in files]


def all_pmids(folder: Path) -> list[str]:
    return [pmid for held in held_pmids(folder) for pmid in held]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*") if path.name != "pull.json"}


def test_a_file_a_batch_in_the_order_of_the_search(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    done = pull(tmp_path / "new" / "out", client)
    out = tmp_path / "new" / "out"
    assert held_pmids(out) == [PMIDS[0:3], PMIDS[3:6], PMIDS[6:9], PMIDS[9:11]]
    assert [path.name for path in done.files] == [f"pubmed-00000{n}.xml" for n in range(4)]
    assert (done.records, done.skipped, done.resumed) == (11, (), False)
    assert done.notes == ("PubMed found 11 records",)
    assert sorted(p.name for p in out.iterdir()) == sorted([*(p.name for p in done.files), "pull.pmids", "pull.json"])
    assert all("WebEnv" in form and "id" not in form for form in ncbi.asked("efetch")), "by the history server"
    assert len(ncbi.requests) == 5


def test_the_record_says_what_came_from_where_and_when(client: Client, tmp_path: Path) -> None:
    done = pull(tmp_path, client, max_records=5)
    said = record(tmp_path)
    assert (said["source"], said["query"], said["max"], said["batch_size"]) == ("pubmed", QUERY, 5, 3)
    assert (said["count"], said["listed"], said["translation"]) == (11, 5, "translated")
    assert said["tool"].startswith("osler ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", said["retrieved"])
    assert said["finished"] >= said["retrieved"]
    assert [file["records"] for file in said["files"]] == [3, 2]
    for path, file in zip(done.files, said["files"], strict=True):
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("most", [1, 2, 3, 4, 6, 10, 11, 12, 500])
def test_max_is_exact(most: int, client: Client, tmp_path: Path) -> None:
    assert pull(tmp_path, client, max_records=most).records == min(most, 11)
    assert all_pmids(tmp_path) == PMIDS[:most]


def test_a_batch_larger_than_all(client: Client, tmp_path: Path) -> None:
    assert pull(tmp_path, client, batch_size=200).records == 11
    assert held_pmids(tmp_path) == [PMIDS]


def test_nothing_found(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.pubmed = []
    ncbi.warnings = (
        "<ErrorList><PhraseNotFound>heparrin</PhraseNotFound></ErrorList>"
        "<WarningList><OutputMessage>No items found.</OutputMessage></WarningList>"
    )
    done = pull(tmp_path, client)
    said = ("PubMed says PhraseNotFound: heparrin", "PubMed says OutputMessage: No items found.")
    assert (done.files, done.records) == ((), 0)
    assert done.notes == ("PubMed found 0 records", *said)
    assert pull(tmp_path, client).resumed


class StopError(Exception):
    """What ends a pull in the middle."""


@pytest.mark.parametrize("forgets", [False, True], ids=["history stays", "history goes"])
@pytest.mark.parametrize("at", range(5))
def test_an_interrupted_pull_goes_on(at: int, forgets: bool, ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int) -> None:
        assert (step, total) == ("batches", 4)
        if done == at:
            raise StopError

    with pytest.raises(StopError):
        pull(tmp_path, client, progress=stop)
    assert held_pmids(tmp_path) == [PMIDS[n : n + 3] for n in range(0, 3 * at, 3)]
    ncbi.pubmed.insert(0, "41000000")  # what PubMed adds meanwhile is not for this pull
    if forgets:
        ncbi.forget()
    before = len(ncbi.requests)
    done = pull(tmp_path, client)
    assert (done.records, done.resumed) == (11, True)
    assert all_pmids(tmp_path) == PMIDS
    assert len(ncbi.requests) - before == 4 - at + (forgets and at < 4)
    assert len(ncbi.asked("esearch")) == 1
    again = pull(tmp_path, client)
    assert again == done
    assert len(ncbi.requests) - before == 4 - at + (forgets and at < 4), "a finished pull asks for nothing"


def test_every_single_fault_leaves_the_same_files(ncbi: Ncbi, connect: Callable[..., Client], tmp_path: Path) -> None:
    pull(tmp_path / "whole", connect())
    passing = [
        server.status(429, Retry_After="2"), server.rate_exceeded(KEY), server.status(500), server.page(502),
        server.truncated, server.cut, server.zipped, server.zipped_and_cut, server.reset, server.slow(0.3),
        server.error("Search Backend failed: try again"), server.error("Unable to obtain query #1"),
    ]  # fmt: skip
    client = connect(timeout_s=0.15, api_key=KEY)
    for number, fault in enumerate(passing):
        for place in (0, 1, 4):
            out = tmp_path / f"{number}-{place}"
            ncbi.faults = [server.fine] * place + [fault]
            pull(out, client)
            assert contents(out) == contents(tmp_path / "whole"), (number, place)
    assert not [path for path in tmp_path.rglob("*.*") if KEY.encode() in path.read_bytes()]


def test_a_lasting_fault_leaves_what_was_whole_and_the_same_command_goes_on(
    ncbi: Ncbi, connect: Callable[..., Client], tmp_path: Path
) -> None:
    ncbi.faults = [server.fine] * 3 + [server.status(500)] * 3
    with pytest.raises(PullError, match=r"HTTP 500, at attempt 3; .* it goes on where it stopped"):
        pull(tmp_path, connect(attempts=3))
    assert held_pmids(tmp_path) == [PMIDS[:3], PMIDS[3:6]]
    assert record(tmp_path)["finished"] is None
    assert pull(tmp_path, connect()).records == 11


def test_a_damaged_or_lost_file_is_fetched_again(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    whole = pull(tmp_path, client)
    before = contents(tmp_path)
    whole.files[1].unlink()
    whole.files[2].write_bytes(b"<PubmedArticleSet/>")
    assert pull(tmp_path, client).records == 11
    assert contents(tmp_path) == before
    assert len(ncbi.asked("efetch")) == 6


def test_a_part_left_by_a_killed_pull_does_no_harm(client: Client, tmp_path: Path) -> None:
    (tmp_path / "pubmed-000000.xml.part").write_bytes(b"<Pubmed")
    assert pull(tmp_path, client).records == 11
    assert not list(tmp_path.glob("*.part"))


def test_records_that_do_not_come_are_asked_for_again_and_then_left_out(
    ncbi: Ncbi, client: Client, tmp_path: Path
) -> None:
    ncbi.vanished = {PMIDS[4], *PMIDS[6:9]}
    done = pull(tmp_path, client)
    assert [skipped.name for skipped in done.skipped] == [PMIDS[4], *PMIDS[6:9]]
    assert {skipped.reason for skipped in done.skipped} == {"PubMed gave no record"}
    assert done.records == 7
    assert held_pmids(tmp_path) == [PMIDS[0:3], [PMIDS[3], PMIDS[5]], PMIDS[9:11]], "no file without records"
    assert len(ncbi.asked("efetch")) == 2 + 3 + 3
    assert pull(tmp_path, client) == done._replace(resumed=True)
    assert len(ncbi.asked("efetch")) == 8


def test_fewer_records_by_mistake_are_made_good(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    fewer = server.status(200, f"<PubmedArticleSet>{server.record(PMIDS[0])}</PubmedArticleSet>".encode())
    ncbi.faults = [server.fine, fewer, fewer]
    done = pull(tmp_path, client)
    assert (done.records, done.skipped) == (11, ())


def test_records_of_another_search_are_not_taken(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    others = f"<PubmedArticleSet>{''.join(server.record(str(n)) for n in (1, 2, 3))}</PubmedArticleSet>".encode()
    ncbi.faults = [server.fine, server.status(200, others)]
    assert pull(tmp_path, client).records == 11
    assert all_pmids(tmp_path) == PMIDS
    ncbi.faults = [server.fine] + [server.status(200, others)] * 3
    with pytest.raises(PullError, match=r"brought 3 records that were not asked for, 1 among them"):
        pull(tmp_path / "other", client)


# more records than can be listed


def spread(ncbi: Ncbi, number: int, days: int) -> None:
    """``number`` records, added evenly over ``days`` days until yesterday, and a list that ends too soon."""
    ncbi.pubmed = [str(40_000_000 - n) for n in range(number)]
    ncbi.added = {p: date.today() - timedelta(1 + n * days // number) for n, p in enumerate(ncbi.pubmed)}


@pytest.mark.parametrize("limit", [7, 20, 99])
def test_a_long_search_is_split_and_nothing_is_lost_or_twice(
    limit: int, ncbi: Ncbi, client: Client, tmp_path: Path
) -> None:
    spread(ncbi, 250, 400)
    ncbi.list_limit = limit
    done = pull(tmp_path, client, batch_size=5, list_limit=limit)
    assert done.records == 250
    assert all_pmids(tmp_path) == ncbi.pubmed, "in the order of the search"
    assert done.notes == ("PubMed found 250 records",)
    assert all("WebEnv" in form for form in ncbi.asked("efetch"))


@pytest.mark.parametrize("most", [20, 21, 100, 249])
def test_max_is_exact_in_a_split_search(most: int, ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    spread(ncbi, 250, 400)
    ncbi.list_limit = 20
    pull(tmp_path, client, batch_size=6, list_limit=20, max_records=most)
    assert all_pmids(tmp_path) == ncbi.pubmed[:most]


def test_a_real_limit_and_a_real_number(ncbi: Ncbi, connect: Callable[..., Client], tmp_path: Path) -> None:
    spread(ncbi, 25_000, 9_000)
    done = pull(tmp_path, connect(), batch_size=2_500)
    assert done.records == 25_000
    assert all_pmids(tmp_path) == ncbi.pubmed


def test_a_split_pull_goes_on_without_its_searches(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    spread(ncbi, 100, 50)
    ncbi.list_limit = 20

    def stop(step: str, done: int, total: int) -> None:
        if done == 5:
            raise StopError

    with pytest.raises(StopError):
        pull(tmp_path, client, list_limit=20, progress=stop)
    ncbi.forget()
    pull(tmp_path, client, list_limit=20)
    assert all_pmids(tmp_path) == ncbi.pubmed


def test_a_day_with_too_many_is_said_to_be_out_of_reach(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    spread(ncbi, 30, 1)
    ncbi.list_limit = 20
    with pytest.raises(PullError, match=r"more than 20 of its records were added on .*; narrow the query, lower --max"):
        pull(tmp_path, client, list_limit=20)
    assert pull(tmp_path, client, list_limit=20, max_records=20).records == 20


# what cannot be used


@pytest.mark.parametrize("other", [{"query": "aspirin"}, {"max_records": 4}, {"batch_size": 4}])
def test_another_pull_in_the_same_folder_is_refused(other: dict[str, Any], client: Client, tmp_path: Path) -> None:
    pull(tmp_path, client)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"holds another pull, made with .*; give another folder"):
        pull(tmp_path, client, **other)
    assert contents(tmp_path) == before


def test_files_of_others_are_not_overwritten(client: Client, tmp_path: Path) -> None:
    (tmp_path / "pubmed-000001.xml").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"has pubmed-\*\.xml files but no pull\.json"):
        pull(tmp_path, client)
    assert (tmp_path / "pubmed-000001.xml").read_bytes() == b"mine"


@pytest.mark.parametrize("damaged", ["", "{", "[]", "{}", "null"])
def test_a_damaged_record_is_refused(damaged: str, client: Client, tmp_path: Path) -> None:
    pull(tmp_path, client)
    (tmp_path / "pull.json").write_text(damaged)
    with pytest.raises(InputError, match="give another folder"):
        pull(tmp_path, client)


def test_a_changed_list_is_refused(client: Client, tmp_path: Path) -> None:
    pull(tmp_path, client)
    (tmp_path / "pull.pmids").write_text("1\n")
    with pytest.raises(InputError, match=r"pull\.pmids: not as it was written"):
        pull(tmp_path, client)


@pytest.mark.parametrize(
    "given", [{"query": " "}, {"max_records": 0}, {"max_records": -1}, {"batch_size": 0}, {"batch_size": 10_000}]
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected"):
        pull(tmp_path / "out", client, **given)
    assert not ncbi.requests
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PullError, match="cannot be written"):
        pull(tmp_path / "file" / "out", client)


def test_a_full_disk_leaves_no_broken_file(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    """A limit on the size of files fails a write in its middle, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(step: str, done: int, total: int) -> None:
        if done == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))

    try:
        with pytest.raises(PullError, match=r"cannot be written .*; expected a folder with room") as caught:
            pull(tmp_path, client, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert held_pmids(tmp_path) == [PMIDS[:3], PMIDS[3:6]]
    assert not list(tmp_path.glob("*.part"))
    assert pull(tmp_path, client).records == 11


def test_two_pulls_do_not_share_a_folder(client: Client, tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(BusyError, match="another pull is writing to it"):
        pull(tmp_path, client)
