"""Osler over HTTP: ``POST /v1/answers`` of a running service, read as the answers of the library are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from api.client import Client, ProblemError
from eval.domain import Item, Response, Turn
from eval.provenance import code_digest
from eval.systems.answers import response_of
from eval.systems.base import failed
from rag.domain import Answer, Audience
from rag.errors import OslerError

#: Asked once, to learn with what the service answers: each answer's receipt says it, and there is no other place.
_PROBE = "What is heparin-induced thrombocytopenia?"


class HttpOsler:
    """A service that runs the product. An item that it cannot answer is a failed response, never an exception.

    Of an item with a history a conversation is begun, in which what the user said is asked again: the assistant's part
    is the service's own.
    """

    name = "osler http"

    def __init__(self, client: Client, audience: Audience = Audience.CLINICIAN) -> None:
        self._client, self._audience = client, audience
        self._facts: dict[str, Any] | None = None

    def receipt(self) -> dict[str, Any]:
        """Snapshot, settings, models and software, as the receipt of one fixed question's answer has them.

        A service whose code changes under one version is not told apart: do not use a cache for it.

        Raises:
            OslerError: the service cannot be reached, refuses the question, or answers with something else.
        """
        if self._facts is None:
            made = self._client.ask(_PROBE, self._audience).receipt
            self._facts = made.model_dump(mode="json", exclude={"timings_ms", "retrieved", "wording"})
            if made.wording:
                self._facts["wording"] = made.wording.model_dump(mode="json", include={"model", "prompt"})
        place = {"base_url": self._client.base_url, "read_by": code_digest()}
        return {**self._facts, **place, "audience": self._audience.value}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        try:
            ask = self._after(item.history) if item.history else self._client.ask
            answer = ask(item.question, self._audience)
        except OslerError as error:
            return failed(item, str(error), time.perf_counter() - started)
        return response_of(answer, item, time.perf_counter() - started)

    def close(self) -> None:
        self._client.close()

    def _after(self, history: Sequence[Turn]) -> Callable[[str, Audience], Answer]:
        """What asks the next question of a conversation in which this was said."""
        conversation = self._client.conversation()
        for turn in history:
            if turn.role == "user":
                try:
                    conversation.ask(turn.text, self._audience)
                except ProblemError as problem:
                    if problem.status >= 500:  # what asks nothing, or cannot be asked, has no answer
                        raise
        return conversation.ask
