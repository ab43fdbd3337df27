"""The same number for the same source in a whole conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.answer.article import id_of
from rag.domain import Answer, Standalone


def numbers_after(numbers: Mapping[str, int], answer: Answer) -> dict[str, int]:
    """``numbers`` of a conversation's sources with those that ``answer`` adds, which get the next ones in its order."""
    found, free = dict(numbers), max(numbers.values(), default=0) + 1
    for reference in answer.references:
        if reference.source_id not in found:
            found[reference.source_id], free = free, free + 1
    return found


def in_conversation(answer: Answer, follow_up: Standalone, numbers: Mapping[str, int]) -> Answer:
    """``answer`` as one of a conversation: says how its question came about, and numbers its references as ``numbers``
    do, in which each source of it must be.

    It gets an ``answer_id`` of its own, for the same question in another conversation has other numbers. The first
    answer of a conversation stays as it is.
    """
    if follow_up.kind == "first" and all(numbers[r.source_id] == r.number for r in answer.references):
        return answer
    new = {r.number: numbers[r.source_id] for r in answer.references}
    record = _renumbered(answer.model_dump(exclude={"answer_id", "follow_up"}), new)
    record["references"] = sorted(record["references"], key=lambda r: int(r["number"]))
    listed = ",".join(f"{r['source_id']}={r['number']}" for r in record["references"])
    own_id = id_of((answer.answer_id, follow_up.model_dump_json(), listed))
    return Answer.model_validate({**record, "answer_id": own_id, "follow_up": follow_up})


def _renumbered(value: Any, new: Mapping[int, int]) -> Any:
    """A dumped answer with each of its citations and numbers of references exchanged."""
    if isinstance(value, dict):
        return {name: _exchanged(name, inner, new) for name, inner in value.items()}
    return [_renumbered(inner, new) for inner in value] if isinstance(value, list | tuple) else value


def _exchanged(name: str, value: Any, new: Mapping[int, int]) -> Any:
    if name == "citations":
        return [new[number] for number in value]
    return new[value] if name == "number" else _renumbered(value, new)
