"""To which document set a document belongs: what it says itself, else what the command says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.domain import Document
from rag.errors import CorpusError, InputError
from rag.ingest.reading import documents, in_set

HEADER = '---\nkey: {key}\ntitle: "T"\n{more}---\n\nA sentence on heparin.\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.md").write_text(HEADER.format(key="own", more="document_set: guidelines-2024\n"), "utf-8")
    (tmp_path / "plain.md").write_text(HEADER.format(key="plain", more=""), "utf-8")
    (tmp_path / "wrong.md").write_text(HEADER.format(key="wrong", more="document_set: a b\n"), "utf-8")
    lines = [
        {"_id": "l1", "text": "A sentence on warfarin.", "metadata": {"document_set": "reviews"}},
        {"_id": "l2", "text": "A sentence on danaparoid."},
        {"_id": "l3", "text": "A sentence on argatroban.", "metadata": {"document_set": "no name"}},
    ]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return tmp_path


@pytest.mark.parametrize("given", [None, "hospital"])
def test_a_document_s_own_word_counts_first(folder: Path, given: str | None) -> None:
    found = list(in_set(documents([folder]), given))
    sets = {d.source.key: d.source.document_set for d in found if isinstance(d, Document)}
    assert sets == {"l1": "reviews", "l2": given, "l3": given, "own": "guidelines-2024", "plain": given}
    (problem,) = [item for item in found if isinstance(item, CorpusError)]
    assert str(problem).startswith("wrong.md: document_set: ")


def test_a_name_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"document_set 'my set' is not well formed: .*; a name such as"):
        in_set(documents([tmp_path / "not there"]), "my set")
