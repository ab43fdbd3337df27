"""An answer as it is made, over as many connections as it takes, each event once."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing

from api.client.calling import Body, Calls
from api.client.errors import NotOslerError, ProblemError, UnreachableError
from api.client.events import BottomLine, Done, Event, Status, Written, event_of


class _Told:
    """What of a stream was given already.

    A stream that is asked for again, with the same idempotency key, tells of the same answer when that was made, and of
    an answer nothing is told before it is made and kept, but for what a language model writes, which is not told again
    where the answer is there by then. So its parts are the same, in the same order.
    """

    def __init__(self) -> None:
        self._steps, self._written = set[str](), set[str]()
        self._given = self._seen = 0
        self._answer_id: str | None = None

    def again(self) -> None:
        """A new connection begins at the beginning."""
        self._seen = 0

    def is_new(self, event: Event) -> bool:
        """Raises ``ValueError`` when it is of another answer than what was given."""
        if isinstance(event, Status):
            is_new = event.step not in self._steps
            self._steps.add(event.step)
            return is_new
        if isinstance(event, Written):
            is_new = event.statement.statement_id not in self._written
            self._written.add(event.statement.statement_id)
            return is_new
        if isinstance(event, BottomLine):
            self._check(event.answer_id)
        self._seen += 1
        is_new = self._seen > self._given
        self._given = max(self._given, self._seen)
        return is_new

    def _check(self, answer_id: str) -> None:
        if self._answer_id not in (None, answer_id):
            raise ValueError(
                f"after the connection was lost, answer {answer_id} in place of {self._answer_id}; ask again"
            )
        self._answer_id = answer_id


def streamed(calls: Calls, path: str, body: Body, token: str) -> Generator[Event, None, None]:
    """The events of an answer, the last of which is ``Done``. Nothing is sent before the first is asked for.

    Args:
        token: the idempotency key, with which it is asked for again when the connection is lost.

    Raises:
        ProblemError, UnreachableError, NotOslerError: there is none, in spite of all patience.
    """
    told, patience = _Told(), calls.patience(is_repeatable=True)
    while True:
        try:
            with closing(_once(calls, path, body, token)) as events:
                for event in events:
                    if _is_new(told, event, calls.base_url + path):
                        yield event
                    if isinstance(event, Done):
                        return
        except (ProblemError, UnreachableError) as error:
            patience.wait(error)
            told.again()


def _is_new(told: _Told, event: Event, about: str) -> bool:
    try:
        return told.is_new(event)
    except ValueError as error:
        raise NotOslerError(about, str(error)) from None


def _once(calls: Calls, path: str, body: Body, token: str) -> Generator[Event, None, None]:
    """The events over one connection, to ``Done``."""
    about = calls.base_url + path
    with closing(calls.events(path, body, token)) as events:
        for name, data in events:
            try:
                if name == "error":
                    raise _problem(calls, path, data)
                event = event_of(name, data)
            except ValueError as error:
                raise NotOslerError(about, f"event {name!r}: {error}") from None
            if event:
                yield event
    raise UnreachableError(about, "the stream ended before its answer", was_sent=True)


def _problem(calls: Calls, path: str, data: str) -> ProblemError:
    """Raises ``ValueError`` when it is none."""
    said = json.loads(data)
    if not isinstance(said, dict) or not isinstance(said.get("status"), int):
        raise ValueError("expected a problem with its status")
    return calls.problem(path, said, said["status"], {})
