"""What a system under test is: something that is asked an item and returns a response."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from eval.domain import Item, Outcome, Response

_LONGEST_ERROR = 300


@runtime_checkable
class System(Protocol):
    """Safe to call from several threads. Nothing of an item's gold is given to what answers, its options excepted."""

    #: As it stands in logs: "osler", "openai MODEL".
    name: str

    def receipt(self) -> dict[str, Any]:
        """Who answers, as JSON: models, settings, snapshot. The same as long as the answers are made in the same way.

        Raises:
            OslerError: the system cannot be used at all, so that a run need not begin.
        """

    def respond(self, item: Item) -> Response:
        """What it says to ``item``. An exception counts as a failed response: a run goes on after it.

        ``seconds`` are set by a system that answers now, and are None of answers that were made elsewhere.
        """

    def close(self) -> None:
        """Gives back what it holds. May be called twice."""


@runtime_checkable
class Rereads(Protocol):
    """A system whose kept responses are taken apart anew, since the reader of prose changes and asking again costs."""

    def reread(self, item: Item, response: Response) -> Response:
        """The response as it would be read today, from its text."""


class Context(NamedTuple):
    """A passage that is given to a system to answer from, with the title of its source."""

    title: str
    text: str


def failed(item: Item, reason: str, seconds: float | None = None) -> Response:
    """The response of a system that had an error; ``reason`` is put in one line of bearable length."""
    return Response(item_id=item.item_id, outcome=Outcome.FAILED, error=one_line(reason), seconds=seconds)


def one_line(text: str) -> str:
    """``text`` without line ends, at most 300 characters long; never empty."""
    return " ".join(text.split())[:_LONGEST_ERROR] or "no reason given"


def described(error: BaseException) -> str:
    """An exception in one line, its type first."""
    return one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def receipt_digest(name: str, receipt: Mapping[str, Any]) -> str:
    """Digest of who answers: 16 hexadecimal digits."""
    return digest([name, receipt])


def item_digest(item: Item) -> str:
    """Digest of an item as it is put to a system: 16 hexadecimal digits.

    Its id, question, history, evidence and options, which are part of a multiple-choice question; nothing else of its
    gold, so that a corrected reference asks nothing anew. The id counts since a file of answers goes by it.
    """
    turns = [[turn.role, turn.text] for turn in item.history]
    return digest([item.item_id, item.question, turns, item.evidence, item.gold.options])


def as_put(item: Item) -> dict[str, Any]:
    """An item as it is put to a system, as JSON: what ``item_digest`` is of, without what is empty."""
    fields = item.model_dump(mode="json", include={"item_id", "question", "history", "evidence"})
    return {name: value for name, value in (fields | {"options": item.gold.options}).items() if value}


def digest(value: object) -> str:
    """16 hexadecimal digits of the SHA-256 of ``value`` as JSON with sorted keys."""
    written = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:16]
