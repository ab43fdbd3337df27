"""A file of answers, made by whatever means, as a system under test.

JSON lines, one answer each, or one plain article (``.txt``, ``.md``, ``.html``) for a suite of a single item. Rankings
in the form of TREC are read elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eval.article_blocks import Form
from eval.domain import Item, Listed, Outcome, Ranked, Response, Usage
from eval.provenance import code_digest
from eval.systems.answers import is_answer_json, read_answer, response_of
from eval.systems.base import failed
from eval.systems.prose import response_of_prose
from rag.errors import InputError

_FORMS: dict[str, Form] = {".txt": "text", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html"}


class Line(BaseModel):
    """A line of the file. It says for which item it is by ``item_id``, or else by the ``question``'s exact words.

    ``answer`` is prose, whose ``format`` is guessed unless it is said, or the JSON of an Osler answer; there may be
    none where a label, entities or a ranking is all that was asked for. ``exact`` are entities, best first, each a
    string or a list of synonyms; ``ranking`` documents, best first, as ids or as [id, score]. Fields that are not known
    are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    item_id: str | None = None
    question: str | None = None
    answer: str | dict[str, Any] = ""
    format: Form | None = None
    outcome: Outcome | None = None
    label: str | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    exact: tuple[str | tuple[str, ...], ...] = ()
    ranking: tuple[str | tuple[str, float], ...] = ()
    citations: tuple[Listed, ...] = ()
    usage: Usage | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _is_of_an_item(self) -> Self:
        if not (self.item_id or self.question):
            raise ValueError("neither item_id nor question")
        return self

    def says_something(self) -> bool:
        return bool(self.answer or self.label or self.exact or self.ranking or self.outcome)


class FileSystem:
    """The answers of a file. An item that it does not answer is a failed response."""

    def __init__(self, path: Path, lines: Mapping[str, Line], sha256: str) -> None:
        self.name = f"file {path.name}"
        self._path, self._lines, self._sha256 = path, lines, sha256

    @classmethod
    def open(cls, path: Path, items: Sequence[Item]) -> FileSystem:
        """Reads the file whole.

        Args:
            items: what will be asked; used to tell that a file belongs to another suite.

        Raises:
            InputError: a file that cannot be read, a line that is no answer, two answers to one item, an answer to
                none of ``items``, or one article for several.
        """
        try:
            content = path.read_bytes()
            text = content.decode("utf-8-sig")
        except OSError as error:
            raise InputError(f"answers {path}: cannot be read ({error.strerror}); name another file") from None
        except UnicodeDecodeError:
            raise InputError(f"answers {path}: not UTF-8; save it as that") from None
        form = _FORMS.get(path.suffix.lower())
        lines = _single(path, text, form, items) if form else _by_item(path, text, items)
        return cls(path, lines, hashlib.sha256(content).hexdigest())

    def receipt(self) -> dict[str, Any]:
        return {"file": self._path.name, "sha256": self._sha256, "read_by": code_digest()}

    def respond(self, item: Item) -> Response:
        line = self._lines.get(item.item_id)
        if line is None or not line.says_something():
            return failed(item, f"no answer in {self._path.name}")
        if line.outcome is Outcome.FAILED:
            return failed(item, f"{self._path.name} says that it failed", line.seconds)
        return _response(line, item)

    def close(self) -> None:
        pass


def _single(path: Path, text: str, form: Form, items: Sequence[Item]) -> dict[str, Line]:
    if len(items) != 1:
        raise InputError(
            f"answers {path}: one article for {len(items)} items; expected JSON lines with an answer to each, or a "
            "suite of one item"
        )
    return {items[0].item_id: Line(item_id=items[0].item_id, answer=text, format=form)}


def _by_item(path: Path, text: str, items: Sequence[Item]) -> dict[str, Line]:
    """The lines by the id of the item that each answers."""
    ids = {item.item_id for item in items}
    by_question: dict[str, list[str]] = {}
    for item in items:
        by_question.setdefault(item.question, []).append(item.item_id)
    found: dict[str, Line] = {}
    for number, line in _lines(path, text):
        own = [line.item_id] if line.item_id else by_question.get(line.question or "", [])
        for item_id in ids.intersection(own):
            if item_id in found:
                raise InputError(f"answers {path}: line {number}: a second answer to {item_id}; remove one")
            found[item_id] = line
    if not found:
        example = json.dumps({"item_id": items[0].item_id if items else "…", "answer": "…"}, ensure_ascii=False)
        raise InputError(f"answers {path}: none is to an item of this suite; expected lines like {example}")
    return found


def _lines(path: Path, text: str) -> Iterator[tuple[int, Line]]:
    for number, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            line = Line.model_validate(json.loads(written))
            if isinstance(line.answer, dict) and line.answer:
                _checked(line.answer)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"answers {path}: line {number}: {where}: {first['msg']}; correct it") from None
        except (ValueError, InputError) as error:
            raise InputError(f"answers {path}: line {number}: {error}; expected an object in JSON") from None
        yield number, line


def _checked(raw: dict[str, Any]) -> None:
    if not is_answer_json(raw):
        raise InputError("answer: an object that is no Osler answer; give prose as a string")
    read_answer(raw)


def _response(line: Line, item: Item) -> Response:
    """What is read of the answer, under what the line says beside it."""
    if isinstance(line.answer, dict):
        made = response_of(read_answer(line.answer), item)
    elif line.answer.strip():
        made = response_of_prose(item, line.answer, line.format)
    else:
        made = Response(item_id=item.item_id, outcome=Outcome.ANSWERED)
    given: dict[str, Any] = {
        "outcome": line.outcome,
        "label": line.label,
        "confidence": line.confidence,
        "exact": tuple((entity,) if isinstance(entity, str) else entity for entity in line.exact),
        "ranking": _ranking(line),
        "usage": line.usage,
        "seconds": line.seconds,
    }
    if line.citations:  # the reference list, in place of what the prose lists itself
        given["article"] = made.article.model_copy(update={"references": line.citations})
    return made.model_copy(update={name: value for name, value in given.items() if value not in (None, ())})


def _ranking(line: Line) -> tuple[Ranked, ...]:
    """Where no scores are given they fall from the number of documents to 1."""
    total = len(line.ranking)
    return tuple(
        Ranked(entry, float(total - place)) if isinstance(entry, str) else Ranked(*entry)
        for place, entry in enumerate(line.ranking)
    )
