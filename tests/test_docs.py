"""What the documentation says, held against the code."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import BaseModel

import rag
from api.cli import parser
from rag.domain import (
    SCHEMA_VERSION,
    Answer,
    Audience,
    EvidenceType,
    Origin,
    Outcome,
    Review,
    Role,
    Verdict,
    WithheldKind,
)
from rag.index.archive import ARCHIVE
from rag.index.build import SEGMENT_PASSAGES
from rag.index.encoder import MODEL_FILE, RECORD_FILE, TOKENIZER_FILE, read_record
from rag.index.lexical import K1, B
from rag.index.manifest import CURRENT, ENCODERS, FORMAT_VERSION, SEGMENTS, SNAPSHOTS
from rag.index.segment import COMPRESSED_VECTORS, FILES, RECORD, STORE, Segment
from rag.index.snapshot import HASHED_AT_OPENING, HASHED_IN_ALL, MOST_ABBREVIATIONS, Snapshot
from rag.index.tiers import LARGEST, MOST_ALIKE
from rag.index.vectors import COMPRESSED_FROM
from rag.ingest.files import _BY_SUFFIX, MAX_FILE_BYTES
from rag.ingest.pieces import LONGEST, MOST, TARGET
from rag.ingest.pull.eutils import LIST_LIMIT
from rag.ingest.readers.assembly import key_of
from rag.ingest.readers.bibliography import _READERS
from rag.ingest.readers.docx import MAX_RATIO, MAX_UNPACKED_BYTES
from rag.ingest.readers.jsonl import MAX_LINE_BYTES
from rag.ingest.reading import DEFAULT_LIMITS

ROOT = Path(__file__).parent.parent
ANSWER_PAGE = (ROOT / "docs" / "answer.md").read_text("utf-8")
INDEX_PAGE = (ROOT / "indexes" / "README.md").read_text("utf-8")
CORPORA_PAGE = (ROOT / "docs" / "corpora.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
README = ROOT / "README.md"


def models(root: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """``root`` and every model that its fields lead to, by name."""
    found = {root.__name__: root}
    for field in root.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner.__name__ not in found:
                found |= models(inner)
    return found


def documented(model: str) -> list[str]:
    """Fields in the table under the heading of a model, in order."""
    section = ANSWER_PAGE.split(f"\n## {model}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_models_of_an_answer_are_found() -> None:
    assert {"Statement", "Evidence", "Position", "Branch", "Reference", "Receipt"} < models(Answer).keys()


@pytest.mark.parametrize("model", models(Answer).values(), ids=lambda m: m.__name__)
def test_answer_page_names_every_field_of(model: type[BaseModel]) -> None:
    assert documented(model.__name__) == list(model.model_fields)


@pytest.mark.parametrize("values", [Outcome, Role, Verdict, Audience, EvidenceType], ids=lambda e: e.__name__)
def test_answer_page_names_every_value_of(values: type[Outcome]) -> None:
    assert [v.value for v in values if f"`{v.value}`" not in ANSWER_PAGE] == []


def test_answer_page_names_the_other_values() -> None:
    values = (*get_args(Origin), *get_args(WithheldKind), *get_args(Review.model_fields["status"].annotation))
    assert [v for v in values if f"`{v}`" not in ANSWER_PAGE] == []
    assert f"`schema_version`, now {SCHEMA_VERSION}." in ANSWER_PAGE


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """The table under a heading by its first column, which is code; the other columns as they stand."""
    section = re.split(rf"^#+ {heading}$", page, maxsplit=1, flags=re.MULTILINE)[1].split("\n#", 1)[0]
    found = re.findall(r"^\| `([^|`]+)` \| (.*) \|$", section, re.MULTILINE)
    return {name: rest.split(" | ") for name, rest in found}


@pytest.fixture(scope="module")
def snapshot(starter_index: Path) -> Iterator[Snapshot]:
    with Snapshot(starter_index) as opened:
        yield opened


def test_index_page_names_every_field(snapshot: Snapshot) -> None:
    encoder = read_record(snapshot.index_dir / ENCODERS / snapshot.manifest["encoder_id"])
    assert list(rows(INDEX_PAGE, "Manifest")) == list(snapshot.manifest)
    segment = snapshot.segments[0].record
    section = INDEX_PAGE.split("\n## Segment\n", 1)[1].split("\n### ", 1)[0]
    names = [*segment, *segment["rules"], *segment["counts"], *next(iter(segment["files"].values()))]
    assert [name for name in names if f"`{name}`" not in section] == []
    names = [*encoder, *snapshot.manifest["segments"][0]]
    assert [name for name in names if f"`{name}`" not in INDEX_PAGE] == []


def test_index_page_names_every_file(snapshot: Snapshot) -> None:
    table = rows(INDEX_PAGE, "Segment")
    assert {name for name in table if "." in name} == {*FILES, COMPRESSED_VECTORS}
    found = {p.relative_to(snapshot.index_dir).parts[0] for p in snapshot.index_dir.rglob("*")}
    names = [*found, SNAPSHOTS, SEGMENTS, ENCODERS, CURRENT, RECORD, ARCHIVE, MODEL_FILE, RECORD_FILE, TOKENIZER_FILE]
    assert [name for name in names if name not in INDEX_PAGE] == []


def test_index_page_says_the_types_and_shapes_of_arrays(snapshot: Snapshot) -> None:
    (segment,) = snapshot.segments
    arrays = {name: np.load(segment.folder / name, mmap_mode="r") for name in FILES if name.endswith(".npy")}
    sizes = segment.counts._asdict() | {
        "dimension": snapshot.encoder.dimension,
        "passages + 1": segment.counts.passages + 1,
        "terms + 1": count(segment, "term") + 1,
        "postings": len(arrays["postings.rows.npy"]),
    }
    table = rows(INDEX_PAGE, "Segment")
    for name, array in arrays.items():
        dtype, shape = table[name][:2]
        assert array.dtype.name == dtype, name
        said = [part.strip() for part in shape.strip("()").split(",") if part.strip()]
        assert array.shape == tuple(int(part) if part.isdecimal() else sizes[part] for part in said), name


def count(segment: Segment, table: str) -> int:
    with closing(sqlite3.connect(segment.folder / STORE)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_index_page_names_every_table_and_column(snapshot: Snapshot) -> None:
    table = rows(INDEX_PAGE, "The store")
    with closing(sqlite3.connect(snapshot.segments[0].folder / STORE)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")] for name in names}
    assert list(table) == names
    assert {n: [c for c in columns[n] if f"`{c}`" not in table[n][0]] for n in names} == {n: [] for n in names}


def test_index_page_is_of_this_format() -> None:
    assert f"Format version {FORMAT_VERSION}." in INDEX_PAGE
    assert f"up to {HASHED_AT_OPENING // 2**20} MiB, until {HASHED_IN_ALL // 2**20} MiB" in INDEX_PAGE
    assert f"closed at {SEGMENT_PASSAGES:,} passages" in INDEX_PAGE
    assert MOST_ALIKE == 8
    like = f"less than {SEGMENT_PASSAGES // 8:,} passages, of less than {SEGMENT_PASSAGES * 8:,}, and of more"
    assert "when more than eight are of like size, they are made one" in INDEX_PAGE
    assert like in INDEX_PAGE
    assert f"None is made larger than {LARGEST * SEGMENT_PASSAGES:,} passages" in INDEX_PAGE
    assert f"only in segments of {COMPRESSED_FROM:,} passages or more" in INDEX_PAGE
    assert f"The {MOST_ABBREVIATIONS:,} short forms" in INDEX_PAGE
    assert f"k1 {K1}, b {B}" in INDEX_PAGE


def test_corpora_page_names_every_suffix() -> None:
    table = CORPORA_PAGE.split("\n## Files\n", 1)[1].split("\n## ", 1)[0]
    assert [suffix for suffix in _BY_SUFFIX if f"`{suffix}`" not in table] == []
    assert [suffix for suffix in _READERS if f"`paper{suffix}`" not in table] == []


def test_corpora_page_says_the_limits() -> None:
    limits = CORPORA_PAGE.split("\n## Limits", 1)[1].split("\n## ", 1)[0]
    said = [f"{MAX_FILE_BYTES >> 20} MiB", f"{MAX_LINE_BYTES >> 20} MiB", f"{DEFAULT_LIMITS.seconds:g} s"]
    said += [f"{DEFAULT_LIMITS.memory_bytes >> 30} GiB", f"{MAX_UNPACKED_BYTES // 10**6} MB unpacked, {MAX_RATIO}-fold"]
    assert [value for value in said if value not in limits] == []
    sizes = f"about {TARGET} tokens, at most {MOST}, and {LONGEST} where"
    assert sizes in CORPORA_PAGE
    assert f"`{key_of('a b/c')}`" in CORPORA_PAGE
    assert f"More than {LIST_LIMIT:,} records" in CORPORA_PAGE


@pytest.mark.parametrize("page", [CORPORA_PAGE, INDEX_PAGE, CONTRIBUTING], ids=["corpora", "indexes", "contributing"])
def test_commands_in_blocks_can_be_parsed(page: str) -> None:
    commands = re.findall(r"^osler .+$", "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)), re.MULTILINE)
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[1:])
    assert commands or page is INDEX_PAGE


@pytest.mark.parametrize("page", ["docs/corpora.md", "docs/answer.md", "indexes/README.md", "corpus/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).is_file()] == []


def test_commands_that_the_pages_name_exist() -> None:
    named = set(re.findall(r"`osler ((?:index|corpus pull|corpus) [a-z]+)", CORPORA_PAGE + INDEX_PAGE + CONTRIBUTING))
    assert {"index prune", "corpus pull pubmed"} <= named
    for command in named:
        with pytest.raises(SystemExit):
            parser().parse_args([*command.split(), "--help"])


def test_changelog_has_this_version() -> None:
    assert f"## [{rag.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_makefile_has_every_target_that_the_pages_name() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [ROOT / "CONTRIBUTING.md", *([README] if README.exists() else [])]
    named = {t for p in pages for t in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", p.read_text("utf-8"), re.MULTILINE)}
    assert named
    assert named <= targets
