"""The events of a stream, in the order in which they come: what is made now, then the answer piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from rag.domain import Answer, Decision, Evidence, EvidenceType, Frozen, Outcome, Reference, Statement

T = TypeVar("T", bound=BaseModel)


class Status(Frozen):
    """What begins now: "accepted", "start", then the steps of the pipeline."""

    step: str


class StatementSoFar(Frozen):
    """A statement that is verified, before it has its numbers."""

    statement_id: str
    text: str
    plain: str | None = None
    evidence: tuple[Evidence, ...]


class Written(Frozen):
    """Where a language model words the answer: a statement of it, as soon as it is verified.

    ``section`` counts from the bottom line, 0. In the answer it may stand elsewhere, or not at all: only that is whole.
    """

    section: int
    heading: str
    statement: StatementSoFar


class SourceRead(Frozen):
    """A source that was read, and how many of its passages. ``stands``: neither retracted nor superseded."""

    source_id: str
    title: str
    year: int | None
    evidence_type: EvidenceType
    stands: bool
    passages: int


class SourcesRead(Frozen):
    sources: tuple[SourceRead, ...]


class BottomLine(Frozen):
    """The head of the answer. ``reason`` says why there is no article, where there is none."""

    answer_id: str
    title: str
    outcome: Outcome
    reason: str | None
    decision: Decision | None
    statements: tuple[Statement, ...]


class Shown(Frozen):
    """A statement, and where it stands: ``heading`` is that of its section, a topic, or a variable."""

    place: Literal["section", "disagreement", "needed"]
    heading: str
    statement: Statement


class References(Frozen):
    references: tuple[Reference, ...]


class Related(Frozen):
    """Questions that may be asked next."""

    questions: tuple[str, ...]


class Done(Frozen):
    """The whole answer, the same as without streaming. The last event."""

    answer: Answer


Event = Status | Written | SourcesRead | BottomLine | Shown | References | Related | Done

#: The model of each event and, where its data are not the model itself, the field that they are.
_MODELS: Final[Mapping[str, tuple[type[Event], str | None]]] = {
    "status": (Status, None), "written": (Written, None), "sources": (SourcesRead, "sources"),
    "bottom_line": (BottomLine, None), "statement": (Shown, None), "references": (References, "references"),
    "related": (Related, "questions"), "done": (Done, "answer"),
}  # fmt: skip


def read(model: type[T], content: bytes | str) -> T:
    """A model from JSON. Fields of a newer version are ignored, as ``docs/answer.md`` asks of a reader.

    Raises:
        ValueError: it is none; says where, without what was given.
    """
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or model.__name__
        raise ValueError(f"{where}: {first['msg']}") from None


def event_of(name: str, data: str) -> Event | None:
    """An event of a stream; None for one of a kind that a newer service may have.

    Raises:
        ValueError: its data are not as described.
    """
    if name not in _MODELS:
        return None
    model, field = _MODELS[name]
    return read(model, f'{{"{field}": {data}}}' if field else data)
