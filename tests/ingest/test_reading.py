"""From files to documents: which reader, what bad input says, and that the rest goes on."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest
from small_corpus import markdown

from rag.domain import Document
from rag.errors import CorpusError
from rag.ingest.files import DOCX, HTML, JATS, JSONL, MARKDOWN, MEDLINE, PDF, PLAIN, Format, format_of, source_files
from rag.ingest.reading import Limits, documents

GOOD = markdown("good", "- A good statement on argatroban. {#g}\n")
MEDLINE_HEAD = b'<?xml version="1.0"?><!DOCTYPE PubmedArticleSet PUBLIC "x" "y"><PubmedArticleSet>'


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(*paths: Path, **given: object) -> tuple[list[str], list[str]]:
    """Keys of the documents, and the problems."""
    found = list(documents(paths, **given))  # type: ignore[arg-type]
    return (
        [d.source.key for d in found if isinstance(d, Document)],
        [str(e) for e in found if isinstance(e, CorpusError)],
    )


# which files


def test_folders_are_searched_and_what_is_no_document_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.md", "deep/b.pdf", "deep/er/c.XML", "d.jsonl.gz", "README.md", "x.png", ".hidden/e.md", ".f.md",
                 "deep/b.ris", "pull.json", "half.part"):  # fmt: skip
        put(tmp_path, name, b"x")
    found = [p.relative_to(tmp_path).as_posix() for p in source_files([tmp_path]) if isinstance(p, Path)]
    assert found == ["a.md", "d.jsonl.gz", "deep/b.pdf", "deep/er/c.XML"]


def test_each_file_is_read_once_in_the_order_given(tmp_path: Path) -> None:
    a, b = put(tmp_path, "a.md", b"x"), put(tmp_path, "b.md", b"x")
    assert list(source_files([b, tmp_path, a])) == [b, a]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("gone.md", "gone.md: does not exist; expected a file or a folder"),
        ("empty", "no documents in it; expected files such as .md, .pdf, .xml"),
        ("x.png", "x.png: no reader for '.png'; see docs/corpora.md"),
        ("x.ris", "x.ris: no reader for '.ris'; it belongs beside a document of the same name"),
        ("noend", "noend: no reader for 'a file without suffix'"),
    ],
)
def test_what_is_named_must_be_there_and_of_a_known_kind(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "empty").mkdir()
    for file in ("x.png", "x.ris", "noend"):
        put(tmp_path, file, b"x")
    (found,) = source_files([tmp_path / name])
    assert problem in str(found)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"%PDF-1.7\n...", PDF),
        ("a.pdf", b"\n\n%PDF-1.4 after some bytes", PDF),
        ("a.md", b"---\nkey: a\n---\n", MARKDOWN),
        ("a.md", b"# A heading\n\nProse.\n", PLAIN),
        ("a.txt", b"{ a text that begins with a brace", PLAIN),
        ("a.txt", b"Prose.", PLAIN),
        ("a.xml", MEDLINE_HEAD, MEDLINE),
        ("a.xml", b"<PubmedArticleSet><PubmedArticle>", MEDLINE),
        ("a.xml.gz", gzip.compress(MEDLINE_HEAD, mtime=0), MEDLINE),
        ("a.nxml", b'<?xml version="1.0"?>\n<article article-type="x">', JATS),
        ("a.xml", b"<pmc-articleset><article>", JATS),
        ("a.xml", "<article><front>".encode("utf-16"), JATS),
        ("a.html", b"<!DOCTYPE html><html>", HTML),
        ("a.htm", b"<p>A fragment.", HTML),
        ("a.docx", b"PK\x03\x04...", DOCX),
        ("a.jsonl", b'{"_id": "1", "text": "x"}', JSONL),
    ],
)
def test_the_format_is_told_by_name_and_content(tmp_path: Path, name: str, content: bytes, expected: Format) -> None:
    assert format_of(put(tmp_path, name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.pdf", b"<!doctype html><html>", "a.pdf: HTML by its content; expected PDF by its name; give it the right"),
        ("a.pdf", b"plain words", "a.pdf: no PDF; expected PDF by its name"),
        ("a.docx", b"\xd0\xcf\x11\xe0...", "a.docx: old Word by its content; expected DOCX by its name"),
        ("a.html", b"%PDF-1.7", "a.html: PDF by its content; expected HTML"),
        ("a.xml", b"<html><body>", "a.xml: HTML by its content; expected JATS XML"),
        ("a.md", b"PK\x03\x04", "a.md: DOCX by its content"),
        ("a.txt", b"%PDF-1.7", "a.txt: PDF by its content; expected plain text"),
        ("a.md", b"", "a.md: empty; expected a document"),
        ("a.pdf", bytes(9000), "a.pdf: begins with 4096 bytes of nothing; expected a document"),
        ("a.xml.gz", b"not gzip", "a.xml.gz: not readable as gzip"),
        ("a.xml.gz", gzip.compress(MEDLINE_HEAD, mtime=0)[:20], "a.xml.gz: not readable as gzip"),
    ],
)
def test_name_and_content_must_agree(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(CorpusError) as found:
        format_of(put(tmp_path, name, content))
    assert str(found.value).startswith(problem)


def test_a_file_too_large_for_one_document_is_refused_unread(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"Words.")
    os.truncate(path, 300 * 2**20)  # sparse: 300 MB of nothing
    with pytest.raises(CorpusError, match=r"a\.txt: 300 MB; expected at most 100 MB for one document; split it"):
        format_of(path)


# what bad input says


def test_one_clear_line_for_each_bad_file_and_the_rest_goes_on(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE article [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><article>&b;'
    bad = {
        "bomb.nxml": bomb + b"</article>",
        "broken.jsonl": b'{"_id": "one", "text": "A sentence."}\n{"_id": \n{"_id": "two", "text": "Another."}\n',
        "cut.pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog",
        "latin.md": b"---\nkey: latin\ntitle: caf\xe9\n---\n",
        "nothing.pdf": bytes(5000),
        "nul.txt": b"Some words\0\0\0 and more.",
        "wrong.docx": b"Just words.",
        "zip.docx": b"PK\x03\x04" + bytes(100),
    }
    for name, content in {**bad, "a_good.md": GOOD, "z_good.md": GOOD.replace(b"good", b"last")}.items():
        put(tmp_path, name, content)
    keys, problems = read(tmp_path)
    assert keys == ["good", "one", "two", "last"]
    assert [p.split(":")[0].split(",")[0].split(" ")[0] for p in problems] == sorted(bad)
    assert all("\n" not in p and len(p) < 400 for p in problems)


def test_a_million_characters_in_one_line_are_read(tmp_path: Path) -> None:
    start = time.monotonic()
    keys, problems = read(put(tmp_path, "long.txt", b"word " * 200_000 + b"end."))
    assert (keys, problems) == (["long"], [])
    assert time.monotonic() - start < 20


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    endless = put(tmp_path, "endless.md", markdown("endless", "![" * 500_000))  # each may begin an image
    good = put(tmp_path, "good.md", GOOD)
    keys, problems = read(endless, good, limits=Limits(seconds=2))
    assert keys == ["good"]
    assert problems == ["endless.md: took longer than 2 s to read; split it"]


def test_what_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    large = put(tmp_path, "large.txt", b"word " * 12_000_000)
    good = put(tmp_path, "zgood.md", GOOD)
    keys, problems = read(large, good, limits=Limits(memory_bytes=220 * 2**20))
    assert keys[-1:] == ["good"]
    assert len(problems) == 1
    assert problems[0].startswith("large.txt")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", GOOD)
    path.unlink()
    path.symlink_to(tmp_path / "a.md")
    _, problems = read(path)
    assert problems == [f"{path}: does not exist; expected a file or a folder of them"]


# records beside a document, and progress


def test_pipes_and_names_that_no_file_can_have_are_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")  # opening it waits for a writer that never comes
    keys, problems = read(tmp_path / "pipe.md", tmp_path / ("x" * 300 + ".md"), Path("/dev/zero"))
    assert keys == []
    assert ["a pipe or device" in p or "does not exist" in p for p in problems] == [True] * 3
    put(tmp_path, "good.md", GOOD)
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "self").symlink_to(".")
    assert read(tmp_path) == (["good"], [])


def test_a_problem_is_one_line_that_can_be_printed(tmp_path: Path) -> None:
    bad = tmp_path / os.fsdecode(b"a\n\xff\x1b[31m.pdf")
    bad.write_bytes(b"%PDF-1.4 no more")
    ((keys, problems),) = [read(bad)]
    assert keys == []
    assert problems[0].startswith("a \\udcff\\x1b[31m.pdf: a damaged PDF")


def test_a_file_that_goes_away_while_others_are_read_is_named(tmp_path: Path) -> None:
    for key in ("a", "b", "c"):
        put(tmp_path, f"{key}.md", markdown(key, f"- A statement of {key}.\n"))
    found = documents([tmp_path])
    first = next(found)
    (tmp_path / "b.md").unlink()
    rest = [str(f) if isinstance(f, CorpusError) else f.source.key for f in found]
    assert isinstance(first, Document)
    assert rest == ["b.md: cannot be read (No such file or directory); expected a file that can be opened", "c"]


def test_a_record_beside_a_document_completes_it(tmp_path: Path) -> None:
    put(tmp_path, "paper.txt", b"Argatroban in practice\n\nArgatroban is started at 2 mcg/kg/min.\n")
    put(tmp_path, "paper.ris", b"TY  - JOUR\nTI  - A better title\nAU  - Doe, J\nPY  - 2019\nER  - \n")
    (found,) = documents([tmp_path])
    assert isinstance(found, Document)
    assert (found.source.key, found.source.title, found.source.year) == ("paper", "A better title", 2019)


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    lines = [json.dumps({"_id": str(i), "text": f"Sentence {i}."}) for i in range(2000)]
    put(tmp_path, "a.jsonl", "\n".join(lines).encode())
    put(tmp_path, "b.md", GOOD)
    told: list[tuple[str, int, int]] = []
    assert len(list(documents([tmp_path], told=lambda *step: told.append(step)))) == 2001
    total = sum(p.stat().st_size for p in tmp_path.iterdir())
    assert told[-1] == ("read", total, total)
    assert {step for step, _, _ in told} == {"read"}
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
