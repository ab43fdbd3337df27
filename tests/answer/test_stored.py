"""Stored answers and questions from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import make_abstained, make_answer

from rag.answer.stored import stored
from rag.errors import InputError


def test_answers_and_questions_of_every_form(tmp_path: Path) -> None:
    one, other = make_answer(), make_abstained()
    (tmp_path / "b.json").write_text(one.model_dump_json(), "utf-8")
    (tmp_path / "a.jsonl").write_text(f'{other.model_dump_json()}\n\n{{"question": "Why?"}}\n', "utf-8")
    (tmp_path / "notes.md").write_text("not read", "utf-8")
    (tmp_path / "more.txt").write_text("# a comment\n\n  How long? \nWhy?\n", "utf-8")
    assert stored([tmp_path]) == [other, "Why?", one]
    assert stored([tmp_path / "more.txt", tmp_path]) == ["How long?", "Why?", other, one], "each once"
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([one.model_dump(mode="json"), "And now?"]), "utf-8")
    assert stored([listed]) == [one, "And now?"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.json", b"{", "no JSON"),
        ("a.json", b"[3]", "not an answer"),
        ("a.json", b'{"question": ""}', "not an answer"),
        ("a.json", b'{"answer_id": "a1", "outcome": "sure"}', "not an answer"),
        ("a.jsonl", b'"fine"\n{]', "a.jsonl:2: no JSON"),
        ("a.txt", b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        stored([tmp_path / name])


def test_a_folder_without_answers_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.txt"):
        with pytest.raises(InputError, match="expected"):
            stored([path])
