"""Pulls from PMC: a file an article, and what there is none of is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import eutils_server as server
import pytest
from eutils_server import Ncbi, article

from rag.errors import CorpusError, InputError, PullError
from rag.ingest.pull.eutils import LIST_LIMIT, Client
from rag.ingest.pull.pmc import pull_pmc, read_pmcids
from rag.ingest.pull.records import parse

KEY = "0123456789abcdef0123456789abcdef0123"
WHOLE = [str(7_000_000 + n) for n in range(7)]


@pytest.fixture
def ncbi(ncbi: Ncbi) -> Ncbi:
    ncbi.pmc = {number: article(number) for number in WHOLE}
    return ncbi


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "pull.json")


def test_a_file_an_article_in_jats(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    done = pull_pmc(tmp_path, client, pmcids=[f"PMC{number}" for number in WHOLE], batch_size=3)
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE]
    assert (len(done.files), done.records, done.skipped, done.resumed) == (7, 7, (), False)
    for number, path in zip(WHOLE, done.files, strict=True):
        root = parse(path.read_bytes())
        assert root.tag == "article"
        assert root.findtext(".//article-id[@pub-id-type='pmcid']") == f"PMC{number}"
    assert [form["id"] for form in ncbi.asked("efetch")] == [",".join(WHOLE[n : n + 3]) for n in (0, 3, 6)]
    files = json.loads((tmp_path / "pull.json").read_text())["files"]
    assert sorted(files) == names(tmp_path)


def test_pmcids_may_be_written_in_several_ways(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    done = pull_pmc(tmp_path, client, pmcids=["pmc7000000", "7000001", " PMC07000002 ", "PMC7000001"])
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE[:3]]
    assert done.records == 3


def test_an_article_may_say_its_pmcid_as_before_or_not_at_all(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.pmc = {"1": article("1", kind="pmc"), "2": article("2", kind="other"), "3": article("3")}
    assert pull_pmc(tmp_path, client, pmcids=["1", "2", "3"]).skipped == ()
    assert names(tmp_path) == ["PMC1.nxml", "PMC2.nxml", "PMC3.nxml"]
    assert b">2<" in (tmp_path / "PMC2.nxml").read_bytes()


def test_what_is_withheld_or_unknown_is_left_out_and_said(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.pmc |= {"11": article("11", body="", remark=server.WITHHELD), "12": article("12", body="")}
    done = pull_pmc(tmp_path, client, pmcids=["11", "12", "13", WHOLE[0]])
    assert names(tmp_path) == [f"PMC{WHOLE[0]}.nxml"]
    assert dict(done.skipped) == {
        "PMC11": "the publisher does not allow its full text to be downloaded",
        "PMC12": "PMC has no full text of it, only its front matter",
        "PMC13": "not in PMC (The following PMCID is not available: 13)",
    }


def test_what_was_not_asked_for_is_not_written(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.faults = [server.status(200, f"<pmc-articleset>{article('99')}</pmc-articleset>".encode())]
    assert pull_pmc(tmp_path, client, pmcids=WHOLE[:2]).records == 2
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE[:2]]


def test_what_no_answer_speaks_of_is_left_out(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.faults = [server.error("Empty result - nothing to do")] * 2
    done = pull_pmc(tmp_path, client, pmcids=["5"])
    assert dict(done.skipped) == {"PMC5": "PMC gave no article"}


def test_a_query_finds_open_access_only(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    done = pull_pmc(tmp_path, client, query="heparin OR warfarin", max_records=4)
    assert ncbi.asked("esearch")[0]["term"] == "(heparin OR warfarin) AND open access[filter]"
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE[:4]]
    assert done.notes == ("PMC found 7 articles",)


@pytest.mark.parametrize("at", [0, 2, 4, 6, 7])
def test_an_interrupted_pull_goes_on(at: int, ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_pmc(tmp_path, client, pmcids=WHOLE, batch_size=2, progress=stop)
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE[:at]]
    done = pull_pmc(tmp_path, client, pmcids=WHOLE, batch_size=2)
    assert (done.records, done.resumed) == (7, at > 0)
    asked = [number for form in ncbi.asked("efetch") for number in form["id"].split(",")]
    assert asked == WHOLE, "each once"


def test_every_single_fault_leaves_the_same_files(ncbi: Ncbi, connect: Callable[..., Client], tmp_path: Path) -> None:
    client = connect(timeout_s=0.15, api_key=KEY)
    pull_pmc(tmp_path / "whole", client, pmcids=WHOLE)
    whole = [(tmp_path / "whole" / name).read_bytes() for name in names(tmp_path / "whole")]
    faults = [
        server.status(429), server.rate_exceeded(KEY), server.status(500), server.page(502), server.truncated,
        server.cut, server.zipped, server.reset, server.slow(0.3), server.error("Search Backend failed"),
    ]  # fmt: skip
    for number, fault in enumerate(faults):
        out = tmp_path / str(number)
        ncbi.faults = [server.fine, fault]
        pull_pmc(out, client, pmcids=WHOLE, batch_size=4)
        assert [(out / name).read_bytes() for name in names(out)] == whole
    assert not [path for path in tmp_path.rglob("*.*") if KEY.encode() in path.read_bytes()]


def test_a_lasting_fault_leaves_what_was_whole(ncbi: Ncbi, connect: Callable[..., Client], tmp_path: Path) -> None:
    ncbi.faults = [server.fine] + [server.truncated] * 3
    with pytest.raises(PullError, match="at attempt 3"):
        pull_pmc(tmp_path, connect(attempts=3), pmcids=WHOLE, batch_size=2)
    assert names(tmp_path) == [f"PMC{number}.nxml" for number in WHOLE[:2]]


@pytest.mark.parametrize("pmcid", ["10.1000/x", "PMC", "PMCx", "0", "PMC1.1", "../1", "", "PMC12345678901", "１２"])
def test_what_is_no_pmcid_is_refused(pmcid: str, ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected PMC and a number"):
        pull_pmc(tmp_path, client, pmcids=["PMC1", pmcid])
    assert not ncbi.requests


def test_pmcids_or_a_query_are_needed_and_not_both(client: Client, tmp_path: Path) -> None:
    for pmcids, query in (((), None), ((), " "), (("1",), "heparin")):
        with pytest.raises(InputError, match="expected PMCIDs or a query, and not both"):
            pull_pmc(tmp_path, client, pmcids=pmcids, query=query)


def test_more_than_pmc_lists_is_refused_with_a_remedy(ncbi: Ncbi, client: Client, tmp_path: Path) -> None:
    ncbi.pmc = {str(n): "" for n in range(1, LIST_LIMIT + 2)}
    with pytest.raises(InputError, match=r"PMC finds 10,000 articles; expected 9,999 at most; narrow it"):
        pull_pmc(tmp_path, client, query="heparin")
    with pytest.raises(InputError, match=r"--max 10000: expected a number from 1 to 9,999"):
        pull_pmc(tmp_path, client, query="heparin", max_records=10_000)


def test_a_folder_of_another_pull_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "pull.json").write_text('{"source": "pubmed"}')
    with pytest.raises(InputError, match="made with source 'pubmed', not 'pmc'"):
        pull_pmc(tmp_path, client, pmcids=["1"])


def test_pmcids_from_a_file(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\ufeffPMC1\r\n\n# a remark\n  2 \n", "utf-8")
    assert read_pmcids(listed) == ["PMC1", "2"]
    with pytest.raises(CorpusError, match="expected a text file with a PMCID a line"):
        read_pmcids(tmp_path / "none.txt")
