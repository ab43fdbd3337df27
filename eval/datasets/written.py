"""What is written by hand for this project: YAML files, with the place of a mistake, and statements by anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from eval.datasets.files import text_of
from rag.domain import Frozen
from rag.errors import InputError
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file

F = TypeVar("F", bound=Frozen)
_SHOWN = 60


class _Loader(yaml.SafeLoader):
    """Plain YAML in which a key that stands twice is an error, as by plain YAML the first would be lost in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.MarkedYAMLError(problem=f"key {twice!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def parsed(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        InputError: not there, not UTF-8, or no YAML; the message has file and line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; a folder needs all files of the kind that ships with the project")
    try:
        return yaml.load(text_of(path), _Loader)  # noqa: S506  a SafeLoader
    except yaml.YAMLError as error:
        problem = " ".join(str(error).replace('in "<unicode string>", ', "").split())[:200]
        raise InputError(f"{path}: not YAML: {problem}; repair the line") from error


def checked(model: type[F], value: object, place: str) -> F:
    """``value`` as a ``model``; ``place`` is put before what is wrong with it.

    Raises:
        InputError: fields that are missing, unknown or of another form.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        problem = first["msg"].removeprefix("Value error, ")
        where = ".".join(map(str, first["loc"]))
        if where and first["type"] != "value_error":
            got = repr(first["input"])
            problem += f" (got {got if len(got) <= _SHOWN else got[:_SHOWN] + '…'})"
        raise InputError(f"{place}: {f'{where}: ' if where else ''}{problem}") from error


def statements(corpus_dir: Path) -> dict[str, str]:
    """Texts of the statements of a corpus in the starter format by their anchor, without the ``#``.

    Raises:
        CorpusError: no such folder, or a file that cannot be read.
    """
    documents = map(read_file, corpus_files([corpus_dir]))
    return {b.attributes["anchor"]: d.text[b.start : b.end] for d in documents for b in d.blocks
            if "anchor" in b.attributes}  # fmt: skip


def known(facts: Iterable[str], corpus: Mapping[str, str], place: str) -> None:
    """Refuses anchors that are in no statement.

    Raises:
        InputError: names the first of them.
    """
    for fact in facts:
        if fact not in corpus:
            raise InputError(f"{place}: statement {fact!r} is not in the corpus; name an anchor of its files")
