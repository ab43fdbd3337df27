"""Osler over HTTP: ``POST /v1/answers`` of a running service, read as the answers of the library are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from eval.domain import Item, Response, Turn
from eval.provenance import code_digest
from eval.systems.answers import read_answer, response_of
from eval.systems.base import failed
from eval.systems.web import Caller, CallError
from rag.domain import Answer, Audience
from rag.errors import OslerError

_PATH, _CONVERSATIONS = "/v1/answers", "/v1/conversations"
#: Asked once, to learn with what the service answers: each answer's receipt says it, and there is no other place.
_PROBE = "What is heparin-induced thrombocytopenia?"


class HttpOsler:
    """A service that runs the product. An item that it cannot answer is a failed response, never an exception.

    Of an item with a history a conversation is begun, in which what the user said is asked again: the assistant's part
    is the service's own.

    Args:
        caller: its address is what stands before ``/v1/answers``.
    """

    name = "osler http"

    def __init__(self, caller: Caller, audience: Audience = Audience.CLINICIAN) -> None:
        self._caller, self._audience = caller, audience
        self._facts: dict[str, Any] | None = None

    def receipt(self) -> dict[str, Any]:
        """Snapshot, settings, models and software, as the receipt of one fixed question's answer has them.

        A service whose code changes under one version is not told apart: do not use a cache for it.

        Raises:
            CallError: the service cannot be reached or refuses the question.
            InputError: it answers with something else.
        """
        if self._facts is None:
            made = self._asked({"question": _PROBE, "audience": self._audience.value}).receipt
            self._facts = made.model_dump(mode="json", exclude={"timings_ms", "retrieved"})
        place = {"base_url": self._caller.base_url, "read_by": code_digest()}
        return {**self._facts, **place, "audience": self._audience.value}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        try:
            path = self._after(item.history) if item.history else _PATH
            answer = self._asked({"question": item.question, "audience": self._audience.value}, path)
        except OslerError as error:
            return failed(item, str(error), time.perf_counter() - started)
        return response_of(answer, item, time.perf_counter() - started)

    def close(self) -> None:
        self._caller.close()

    def _after(self, history: Sequence[Turn]) -> str:
        """Where the next question of a conversation is asked in which this was said."""
        begun = self._caller.post(_CONVERSATIONS, {})
        path = f"{_CONVERSATIONS}/{begun['conversation_id']}/messages"
        for turn in history:
            if turn.role == "user":
                with suppress(CallError):  # what asks nothing has no answer
                    self._caller.post(path, {"question": turn.text, "audience": self._audience.value})
        return path

    def _asked(self, body: dict[str, Any], path: str = _PATH) -> Answer:
        return read_answer(self._caller.post(path, body))
