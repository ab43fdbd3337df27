"""Records out of annual files: what is wanted, in its last version, and no damaged file passes."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from eutils_server import HEAD, PUBMED_DOCTYPE, record

from rag.errors import CorpusError, InputError
from rag.ingest.pull.baseline import Wanted, pull_baseline

GUIDELINE = '<PublicationTypeList><PublicationType UI="D016431">Guideline</PublicationType></PublicationTypeList>'
ABSTRACT = "<Abstract><AbstractText>Words.</AbstractText></Abstract>"


def mesh(term: str) -> str:
    return f"<MeshHeadingList><MeshHeading><DescriptorName>{term}</DescriptorName></MeshHeading></MeshHeadingList>"


def annual(folder: Path, number: int, *records: str, deleted: tuple[str, ...] = (), md5: bool = True) -> Path:
    path = folder / f"pubmed26n{number:04d}.xml.gz"
    gone = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in deleted)
    inside = "".join(records) + (f"<DeleteCitation>{gone}</DeleteCitation>" if gone else "")
    path.write_bytes(gzip.compress(f"{HEAD}{PUBMED_DOCTYPE}<PubmedArticleSet>{inside}</PubmedArticleSet>".encode()))
    if md5:
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        path.with_name(f"{path.name}.md5").write_text(f"MD5({path.name})= {digest}\n")
    return path


def held(folder: Path) -> list[str]:
    """ "PMID, version" of each record, file after file."""
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("baseline-*.xml")))
    return re.findall(r"Record (\d+, version \d+)", text)


def test_all_records_in_files_of_a_batch(tmp_path: Path) -> None:
    files = [annual(tmp_path, 1, *(record(str(n)) for n in range(1, 6))), annual(tmp_path, 2, record("9"))]
    done = pull_baseline(files, tmp_path / "out", batch_size=4)
    assert [path.name for path in done.files] == ["baseline-000000.xml", "baseline-000001.xml"]
    assert held(tmp_path / "out") == [f"{n}, version 1" for n in (9, 1, 2, 3, 4, 5)]
    assert (done.records, done.skipped, done.notes) == (6, (), ("6 records read, 0 of them older versions or deleted",))
    said = json.loads((tmp_path / "out" / "pull.json").read_text())
    assert said["inputs"] == ["pubmed26n0001.xml.gz", "pubmed26n0002.xml.gz"]
    assert [file["records"] for file in said["files"]] == [4, 2]
    assert said["finished"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_version_counts_and_the_deleted_are_gone(order: int, tmp_path: Path) -> None:
    files = [
        annual(tmp_path, 1, *(record(str(n)) for n in range(1, 6))),
        annual(tmp_path, 2, record("2", version=2), record("6"), deleted=("3",)),
        annual(tmp_path, 3, record("2", version=3), record("3", version=2), record("2", version=4), deleted=("4", "6")),
    ]
    done = pull_baseline(files[::order], tmp_path / "out")
    assert sorted(held(tmp_path / "out")) == ["1, version 1", "2, version 4", "3, version 2", "5, version 1"]
    assert done.notes[0] == "10 records read, 6 of them older versions or deleted"


def test_an_old_version_is_not_taken_when_the_last_is_not_wanted(tmp_path: Path) -> None:
    files = [annual(tmp_path, 1, record("1", GUIDELINE)), annual(tmp_path, 2, record("1", version=2))]
    assert pull_baseline(files, tmp_path / "out", Wanted(types=("guideline",))).records == 0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), "123456"),
        (Wanted(types=("guideline",)), "12"),
        (Wanted(types=("guid",)), ""),
        (Wanted(mesh=("HEPARIN",)), "1"),
        (Wanted(mesh=("heparin", "Warfarin")), "13"),
        (Wanted(mesh=("warfarin",), types=("Guideline",)), ""),
        (Wanted(since=2024), "1234"),
        (Wanted(since=1998), "12345"),
        (Wanted(with_abstract=True), "2"),
    ],
)
def test_only_what_is_wanted(wanted: Wanted, expected: str, tmp_path: Path) -> None:
    file = annual(
        tmp_path, 1,
        record("1", GUIDELINE + mesh("Heparin")),
        record("2", GUIDELINE + ABSTRACT),
        record("3", mesh("Warfarin") + "<Abstract><AbstractText> </AbstractText></Abstract>"),
        record("4"),
        record("5", year="<MedlineDate>1998 Dec-1999 Jan</MedlineDate>"),
        record("6", year=""),
    )  # fmt: skip
    pull_baseline([file], tmp_path / "out", wanted)
    assert [line[0] for line in held(tmp_path / "out")] == list(expected)


def test_a_missing_checksum_is_said(tmp_path: Path) -> None:
    done = pull_baseline([annual(tmp_path, 1, record("1"), md5=False)], tmp_path / "out")
    assert done.notes[1] == "1 files without an .md5 beside them: not verified"


def test_a_plain_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "pubmed26n0001.xml"
    path.write_text(f"<PubmedArticleSet>{record('1')}</PubmedArticleSet>")
    assert pull_baseline([path], tmp_path / "out").records == 1


def test_the_same_again_and_after_an_interruption(tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    files = [annual(tmp_path, n, *(record(str(10 * n + i)) for i in range(3))) for n in (1, 2)]
    done = pull_baseline(files, tmp_path / "whole", batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        pull_baseline(files, tmp_path / "out", batch_size=2, progress=stop)
    assert json.loads((tmp_path / "out" / "pull.json").read_text())["finished"] is None
    for _ in range(2):
        again = pull_baseline(files, tmp_path / "out", batch_size=2)
        assert (again.records, again.notes) == (done.records, done.notes)
        assert held(tmp_path / "out") == held(tmp_path / "whole")


@pytest.mark.parametrize("said", ["MD5(x)= " + "0" * 32, "no checksum", ""])
def test_a_wrong_checksum_stops_before_anything_is_written(said: str, tmp_path: Path) -> None:
    files = [annual(tmp_path, 1, record("1")), annual(tmp_path, 2, record("2"))]
    files[0].with_name(f"{files[0].name}.md5").write_text(said)
    with pytest.raises(CorpusError, match=r"pubmed26n0001\.xml\.gz: its md5 is [0-9a-f]{32}, .*; fetch both again"):
        pull_baseline(files, tmp_path / "out")
    assert held(tmp_path / "out") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-4],
        lambda content: gzip.compress(gzip.decompress(content)[:-25]),
        lambda content: gzip.compress(b"<html>not found</html>"),
        lambda content: gzip.compress(b"<PubmedArticleSet></PubmedArticleSet>"),
        lambda content: gzip.compress(gzip.decompress(content).replace(b">1<", b">one<", 1)),
        lambda content: b"",
    ],
    ids=["half", "without end", "XML cut", "page", "empty set", "PMID", "empty"],
)
def test_a_damaged_file_is_refused(damage: Any, tmp_path: Path) -> None:
    file = annual(tmp_path, 1, record("1"), record("2"), md5=False)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CorpusError, match="pubmed26n0001"):
        pull_baseline([file], tmp_path / "out")


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    file = annual(tmp_path, 1, record("1"))
    (tmp_path / "again").mkdir()
    same_name = annual(tmp_path / "again", 1, record("1"))
    with pytest.raises(InputError, match="no files"):
        pull_baseline([], tmp_path / "out")
    with pytest.raises(InputError, match="a second file called pubmed26n0001"):
        pull_baseline([file, same_name], tmp_path / "out")
    with pytest.raises(CorpusError, match="no such file"):
        pull_baseline([tmp_path / "none.xml.gz"], tmp_path / "out")
    with pytest.raises(InputError, match="--batch 0"):
        pull_baseline([file], tmp_path / "out", batch_size=0)


def test_another_pull_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    file = annual(tmp_path, 1, record("1"))
    pull_baseline([file], tmp_path / "out")
    with pytest.raises(InputError, match="holds another pull, made with wanted"):
        pull_baseline([file], tmp_path / "out", Wanted(since=2020))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "baseline-000000.xml").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"no pull\.json"):
        pull_baseline([file], tmp_path / "mine")
