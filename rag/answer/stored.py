"""Answers that were stored, and questions to be asked, read from files: what ``osler consistency`` compares.

A ``.json`` file holds one answer, as ``osler ask --format json`` prints it, or a list of them; a line of a ``.jsonl``
file an answer, or an object with a ``question``; any other file a question a line, where blank lines and those that
begin with # are passed over. Of a folder its ``.json`` and ``.jsonl`` files are read, in the order of their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rag.domain import Answer
from rag.errors import InputError

_ANSWERS = (".json", ".jsonl")


def stored(paths: Iterable[Path]) -> list[Answer | str]:
    """The answers and questions of files and folders, in their order, each answer and each question once.

    Raises:
        InputError: a path that cannot be read, or a record that is neither an answer nor a question.
    """
    found: dict[str, Answer | str] = {}
    for path in (file for given in paths for file in _files(given)):
        for item in _items(path):
            found.setdefault(item if isinstance(item, str) else item.answer_id, item)
    return list(found.values())


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in _ANSWERS)
    if not found:
        raise InputError(f"folder {path}: no answers in it; expected files such as those of `osler ask --format json`")
    return found


def _items(path: Path) -> Iterator[Answer | str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"{path}: cannot be read ({reason}); expected questions or answers in a file") from None
    suffix = path.suffix.lower()
    if suffix == ".json":
        record = _parsed(text, f"{path}")
        yield from (_item(one, f"{path}") for one in (record if isinstance(record, list) else [record]))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if suffix == ".jsonl" and line.strip():
            yield _item(_parsed(line, f"{path}:{number}"), f"{path}:{number}")
        elif suffix != ".jsonl" and line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{where}: no JSON ({error}); expected what `osler ask --format json` prints") from None


def _item(record: Any, where: str) -> Answer | str:
    """An answer; else the question of an object that is none, or of a plain string."""
    if isinstance(record, dict) and "answer_id" not in record:
        record = record.get("question")
    if isinstance(record, str) and record.strip():
        return record.strip()
    try:
        return Answer.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "record"
        raise InputError(
            f"{where}: not an answer ({place}: {first['msg']}); expected JSON as in docs/answer.md"
        ) from None
