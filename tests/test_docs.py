"""What the documentation says, held against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

import rag
from rag.domain import SCHEMA_VERSION, Answer, Audience, EvidenceType, Origin, Outcome, Review, Role, Verdict
from rag.index.encoder import MODEL_FILE, RECORD_FILE, TOKENIZER_FILE
from rag.index.snapshot import CURRENT, FORMAT_VERSION, HASHED_AT_OPENING, MANIFEST

ROOT = Path(__file__).parent.parent
ANSWER_PAGE = (ROOT / "docs" / "answer.md").read_text("utf-8")
INDEX_PAGE = (ROOT / "indexes" / "README.md").read_text("utf-8")
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
    values = (*get_args(Origin), *get_args(Review.model_fields["status"].annotation))
    assert [v for v in values if f"`{v}`" not in ANSWER_PAGE] == []
    assert f"`schema_version`, now {SCHEMA_VERSION}." in ANSWER_PAGE


def test_index_page_names_every_file(starter_index: Path) -> None:
    snapshot = (starter_index / CURRENT).read_text("ascii").strip()
    manifest = json.loads((starter_index / "snapshots" / snapshot / MANIFEST).read_text("utf-8"))
    record = json.loads((starter_index / "encoders" / manifest["encoder_id"] / RECORD_FILE).read_text("utf-8"))
    names = [*manifest, *manifest["files"], *next(iter(manifest["files"].values())), *record, CURRENT, MANIFEST]
    names += [MODEL_FILE, RECORD_FILE, TOKENIZER_FILE]
    assert [name for name in names if name not in INDEX_PAGE] == []


def test_index_page_is_of_this_format() -> None:
    assert f"Format version {FORMAT_VERSION}." in INDEX_PAGE
    assert f"up to {HASHED_AT_OPENING // 2**20} MiB" in INDEX_PAGE


def test_changelog_has_this_version() -> None:
    assert f"## [{rag.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_makefile_has_every_target_that_the_pages_name() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [ROOT / "CONTRIBUTING.md", *([README] if README.exists() else [])]
    named = {t for p in pages for t in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", p.read_text("utf-8"), re.MULTILINE)}
    assert named
    assert named <= targets
