"""Records out of the annual files of PubMed, which are fetched by other means: a file a batch of what is wanted.

A record that is in several files, since it was revised, counts as the last of these files has it, by the files' names
as NLM numbers them: what an earlier file says of it is passed over, also when the last version is not wanted. A
record that a file deletes is passed over in all earlier files, and in that file itself.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from rag.errors import CorpusError, InputError
from rag.ingest.progress import Progress, silent
from rag.ingest.pull.folder import (
    RECORD,
    PullReport,
    Record,
    held,
    new_record,
    read_record,
    today,
    write_record,
    write_whole,
)
from rag.ingest.pull.records import RECORD_TAGS, Element, pmid, serialise
from rag.ingest.readers.xml import elements

BATCH_SIZE = 1000

_DELETION = "DeleteCitation"
_MD5 = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)
_PMID = re.compile(r"[1-9][0-9]{0,8}")
_YEAR = re.compile(r"\b(?:1[789]|20)\d\d\b", re.ASCII)
_YEAR_PATHS = (".//PubDate/Year", ".//PubDate/MedlineDate", ".//ArticleDate/Year")
_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n'
_FOOT = b"</PubmedArticleSet>\n"


class Wanted(NamedTuple):
    """Which records to take: those that meet every condition that is given.

    ``mesh`` and ``types``: one of these MeSH headings and one of these publication types, whole, in any case of
    letters; narrower headings are not included. ``since``: published in this year or later; a record without a year
    is not.
    """

    mesh: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    since: int | None = None
    with_abstract: bool = False

    def includes(self, record: Element) -> bool:
        return (
            (not self.mesh or _has(record, ".//DescriptorName", self.mesh))
            and (not self.types or _has(record, ".//PublicationType", self.types))
            and (self.since is None or _year(record) >= self.since)
            and (not self.with_abstract or _has_abstract(record))
        )


EVERYTHING = Wanted()


class _Tally:
    """The PMIDs met so far, a byte each: forty million fit in as many bytes, where a set would need gigabytes."""

    def __init__(self) -> None:
        self._met = bytearray()

    def add(self, number: int) -> bool:
        """Whether it was new."""
        if number >= len(self._met):
            self._met.extend(bytes(number + 1 - len(self._met)))
        was_new = not self._met[number]
        self._met[number] = 1
        return was_new


def pull_baseline(
    files: Sequence[Path],
    folder: Path,
    wanted: Wanted = EVERYTHING,
    *,
    batch_size: int = BATCH_SIZE,
    progress: Progress = silent,
) -> PullReport:
    """Copies the records that are ``wanted`` from ``files`` into files of ``batch_size`` records in ``folder``.

    A file's checksum is verified where its ``.md5`` lies beside it. One file's wanted records are held in memory, which
    is some hundred megabytes when all are wanted. An interrupted run begins anew.

    Args:
        files: ``pubmed26n0001.xml.gz`` and its like, annual and update files, in any order.

    Raises:
        InputError: no files, two of the same name, or a folder that holds something else.
        CorpusError: a file that is missing, damaged or of another format.
        PullError: the folder cannot be written.
        BusyError: another pull is writing to the folder.
    """
    ordered = _checked(files)
    if batch_size < 1:
        raise InputError(f"--batch {batch_size}: expected a number of 1 or more")
    request: Record = {"source": "baseline", "inputs": [path.name for path in ordered], "batch_size": batch_size}
    request["wanted"] = {**wanted._asdict(), "mesh": list(wanted.mesh), "types": list(wanted.types)}
    with held(folder):
        record = _begun(folder, request)
        unverified = [path.name for path in ordered if not _is_verified(path)]
        counts: Counter[str] = Counter()
        found = _found(ordered, wanted, counts, progress)
        while batch := list(islice(found, batch_size)):
            _keep(folder, record, batch)
        record["finished"] = today()
        write_record(folder, record)
    notes = [f"{counts['read']:,} records read, {counts['old']:,} of them older versions or deleted"]
    notes += [f"{len(unverified):,} files without an .md5 beside them: not verified"] if unverified else []
    paths = tuple(folder / file["name"] for file in record["files"])
    return PullReport(paths, sum(file["records"] for file in record["files"]), (), False, tuple(notes))


def _checked(files: Sequence[Path]) -> list[Path]:
    """By name."""
    if not files:
        raise InputError("pull baseline: no files; expected annual files such as pubmed26n0001.xml.gz")
    ordered = sorted(files, key=lambda path: path.name)
    for path, following in pairwise(ordered):
        if path.name == following.name:
            raise InputError(f"{following}: a second file called {path.name}; expected each once")
    for path in ordered:
        if not path.is_file():
            raise CorpusError(f"{path}: no such file; expected an annual file such as pubmed26n0001.xml.gz")
    return ordered


def _begun(folder: Path, request: Record) -> Record:
    """An empty record in the place of an earlier run's, whose files are removed."""
    earlier = read_record(folder, request)
    if earlier is None and any(folder.glob("baseline-*.xml")):
        raise InputError(f"folder {folder}: has baseline-*.xml files but no {RECORD}; give a folder without them")
    for path in folder.glob("baseline-*.xml"):
        path.unlink()
    record = new_record(request) | {"files": list[Record]()}
    write_record(folder, record)
    return record


def _keep(folder: Path, record: Record, batch: list[bytes]) -> None:
    name = f"baseline-{len(record['files']):06d}.xml"
    sha256 = write_whole(folder / name, b"".join([_HEAD, *(one + b"\n" for one in batch), _FOOT]))
    record["files"].append({"name": name, "sha256": sha256, "records": len(batch)})
    write_record(folder, record)


def _is_verified(path: Path) -> bool:
    """Whether it has the checksum in the ``.md5`` beside it; False when there is none."""
    beside = path.with_name(f"{path.name}.md5")
    if not beside.is_file():
        return False
    said = _MD5.search(beside.read_text("ascii", "replace"))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if not said or said[0].lower() != digest:
        expected = f"expected {said[0].lower()}" if said else "no checksum there"
        raise CorpusError(f"{path}: its md5 is {digest}, {expected} as {beside.name} has it; fetch both again")
    return True


def _found(ordered: Sequence[Path], wanted: Wanted, counts: Counter[str], progress: Progress) -> Iterator[bytes]:
    """Records of all files, serialised, those of the last file first: it decides on the records that it has."""
    met = _Tally()
    for done, path in enumerate(reversed(ordered)):
        progress("files", done, len(ordered))
        yield from _kept(path, met, wanted, counts)
    progress("files", len(ordered), len(ordered))


def _kept(path: Path, met: _Tally, wanted: Wanted, counts: Counter[str]) -> list[bytes]:
    """What is wanted of one file, of each PMID the last version, unless ``met`` has it from a later file."""
    kept: dict[int, bytes] = {}
    own: set[int] = set()
    is_empty = True
    for element in _elements(path):
        is_empty = False
        if element.tag == _DELETION:
            for number in (_number(path, gone.text) for gone in element.iterchildren("PMID")):
                met.add(number)
                kept.pop(number, None)
            continue
        number = _number(path, pmid(element))
        is_first, is_again = met.add(number), number in own
        counts.update(read=1, old=not is_first)
        if is_first or is_again:
            own.add(number)
            kept.pop(number, None)
            if wanted.includes(element):
                kept[number] = serialise(element)
    if is_empty:
        raise CorpusError(f"{path}: no records in it; expected PubMed's XML; fetch it again")
    return list(kept.values())


def _elements(path: Path) -> Iterator[Element]:
    try:
        with path.open("rb") as file:
            yield from elements(file, str(path), *RECORD_TAGS, _DELETION)
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); expected a file that can be; fetch it again"
        ) from error


def _number(path: Path, text: str | None) -> int:
    found = _PMID.fullmatch((text or "").strip())
    if not found:
        raise CorpusError(f"{path}: PMID {text!r}; expected a number of at most nine digits; fetch it again")
    return int(found[0])


def _has(record: Element, path: str, names: Sequence[str]) -> bool:
    given = {(item.text or "").strip().casefold() for item in record.iterfind(path)}
    return any(name.strip().casefold() in given for name in names)


def _year(record: Element) -> int:
    """Of publication; 0 when the record does not say it."""
    texts = (record.findtext(path) or "" for path in _YEAR_PATHS)
    return next((int(found[0]) for text in texts if (found := _YEAR.search(text))), 0)


def _has_abstract(record: Element) -> bool:
    return any("".join(part.itertext()).strip() for part in record.iterfind(".//Abstract/AbstractText"))
