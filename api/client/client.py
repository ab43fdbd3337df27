"""``Client``: what can be asked of a service, and ``Conversation``: questions that go on with one another."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from api.client.calling import Calls, path_of
from api.client.errors import NotOslerError
from api.client.events import Event, read
from api.client.models import (
    Action,
    Begun,
    Conversations,
    Deleted,
    Exported,
    History,
    Judgement,
    OpenedPassage,
    OpenedSource,
    Rating,
    Reason,
    ReferenceForm,
    Results,
    Said,
    Sources,
)
from api.client.streaming import streamed
from rag.domain import Answer, Audience, Filter

T = TypeVar("T", bound=BaseModel)

_ANSWERS, _CONVERSATIONS = "/v1/answers", "/v1/conversations"


class Client:
    """One service. Safe to share between threads; close it, or use it in a ``with`` block.

    What failed on its way, or what the service is too busy for, is tried again, but for what must not be done twice: a
    step of a review, feedback, erasing. An answer is asked for with an idempotency key, so that it is made and kept
    once however often the question is sent.

    Args:
        base_url: such as ``http://127.0.0.1:8000``.
        key: API key; none is needed on the machine of the service.
        timeout_s: seconds that a request may take; within a stream, seconds in which nothing comes.
        retries: how often something is tried again at most; 0 is never.
        patience_s: after so many seconds nothing is tried again.

    Raises:
        InputError: the address or the key cannot be one. By the methods: an id cannot be one.
        ProblemError, UnreachableError, NotOslerError: by the methods, when there is no answer in spite of all patience.
    """

    def __init__(
        self, base_url: str, key: str | None = None, *, timeout_s: float = 60.0, retries: int = 4,
        patience_s: float = 120.0, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._calls = Calls(base_url, key, timeout_s=timeout_s, retries=retries, patience_s=patience_s, sleep=sleep)

    @property
    def base_url(self) -> str:
        return self._calls.base_url

    def ask(self, question: str, audience: Audience | str = Audience.CLINICIAN, filter: Filter | None = None) -> Answer:
        """The answer. That it abstains, or redirects, is no error: see its ``outcome``."""
        return self._answer(_ANSWERS, question, audience, filter)

    def stream(
        self, question: str, audience: Audience | str = Audience.CLINICIAN, filter: Filter | None = None
    ) -> Generator[Event, None, None]:
        """The answer as it is made: events, the last of which is ``Done`` with the whole answer.

        A connection that is lost is made again, and no event comes twice. Closing the generator ends the work of the
        service; leaving a loop over it closes it, unless a variable holds it too.
        """
        return streamed(self._calls, _ANSWERS, _body(question, audience, filter), _token())

    def conversation(self, conversation_id: str | None = None) -> Conversation:
        """A conversation: that of the id, which is not looked up here, or a new one, which is begun at once."""
        if conversation_id is None:
            # Tried again when it is not known whether it was done: at worst an empty one is left.
            conversation_id = self._sent(Begun, "POST", _CONVERSATIONS, {}).conversation_id
        return Conversation(self, conversation_id)

    def conversations(self, words: str | None = None, before: str | None = None, limit: int = 30) -> Conversations:
        """A page of the key's conversations, 1 to 100, those that went on last first; those with some words."""
        parameters = {"words": words, "before": before, "limit": limit}
        return self._sent(Conversations, "GET", _CONVERSATIONS, parameters=parameters)

    def answer(self, answer_id: str) -> Answer:
        """An answer that was given before, with its review as it stands now."""
        return self._sent(Answer, "GET", path_of("answers", answer_id))

    def references(self, answer_id: str, form: ReferenceForm = "txt") -> str:
        """The references of an answer, as RIS, BibTeX ("bib"), CSL-JSON ("json") or a list in Vancouver style."""
        return self._calls.send("GET", path_of("answers", answer_id, f"references.{form}")).decode("utf-8")

    def review(
        self, answer_id: str, action: Action, *, statement_id: str | None = None, reviewer: str | None = None,
        reason: Reason | None = None, comment: str | None = None, text: str | None = None,
    ) -> History:  # fmt: skip
        """Takes a step of the review of an answer or, with ``statement_id``, of a statement. Not tried again.

        Args:
            reviewer: as the history names them; the key's name where none is given.
            reason: why it was decided; needed to reject.
            text: new words of a statement, for "edit".
        """
        given = {"action": action, "statement_id": statement_id, "reviewer": reviewer, "reason": reason,
                 "comment": comment, "text": text}  # fmt: skip
        body = {name: value for name, value in given.items() if value is not None}
        return self._sent(History, "POST", path_of("answers", answer_id, "review"), body, is_repeatable=False)

    def review_history(self, answer_id: str) -> History:
        return self._sent(History, "GET", path_of("answers", answer_id, "review"))

    def feedback(self, answer_id: str, rating: Rating, comment: str | None = None) -> Said:
        """Says what a reader thinks of an answer. Not tried again."""
        body = {"rating": rating} | ({"comment": comment} if comment else {})
        return self._sent(Said, "POST", path_of("answers", answer_id, "feedback"), body, is_repeatable=False)

    def search(self, question: str, k: int = 10, filter: Filter | None = None) -> Results:
        """The ``k`` passages nearest to a question, 1 to 100."""
        return self._sent(Results, "POST", "/v1/search", {"question": question, "k": k, "filter": _within(filter)})

    def passage(self, passage_id: str, start: int | None = None, end: int | None = None) -> OpenedPassage:
        """A passage, with the span of a piece of evidence to highlight."""
        path = path_of("passages", passage_id)
        return self._sent(OpenedPassage, "GET", path, parameters={"start": start, "end": end})

    def sources(
        self, offset: int = 0, limit: int = 100, words: str | None = None, filter: Filter | None = None
    ) -> Sources:
        """A page of the sources of the corpus, 1 to 1000; those with all of some words, and that a filter passes."""
        given = {"offset": offset, "limit": limit, "words": words, **_within(filter)}
        return self._sent(Sources, "GET", "/v1/sources", parameters=given)

    def source(self, source_id: str) -> OpenedSource:
        return self._sent(OpenedSource, "GET", path_of("sources", source_id))

    def verify(self, statement: str, texts: Sequence[str] = (), passage_ids: Sequence[str] = ()) -> Judgement:
        """Whether texts, or passages, say what a statement says."""
        body = {"statement": statement, "texts": list(texts), "passage_ids": list(passage_ids)}
        return self._sent(Judgement, "POST", "/v1/verify", body)

    def close(self) -> None:
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, path: str, question: str, audience: Audience | str, filter: Filter | None) -> Answer:
        return self._sent(Answer, "POST", path, _body(question, audience, filter), token=_token())

    def _sent(self, model: type[T], method: str, path: str, body: dict[str, Any] | None = None, **how: Any) -> T:
        content = self._calls.send(method, path, body, **how)
        try:
            return read(model, content)
        except ValueError as error:
            raise NotOslerError(self.base_url + path, f"answered with something else: {error}") from None


class Conversation:
    """Questions that go on with one another; each source keeps its number. One question at a time."""

    def __init__(self, client: Client, conversation_id: str) -> None:
        self._client, self.conversation_id = client, conversation_id
        self._path = path_of("conversations", conversation_id)

    def ask(self, question: str, audience: Audience | str = Audience.CLINICIAN, filter: Filter | None = None) -> Answer:
        """The answer to the next question; its ``follow_up`` says how the question was read.

        Raises:
            ProblemError: also when nothing is asked ("thanks"): its ``name`` is "nothing-asked".
        """
        return self._client._answer(f"{self._path}/messages", question, audience, filter)

    def stream(
        self, question: str, audience: Audience | str = Audience.CLINICIAN, filter: Filter | None = None
    ) -> Generator[Event, None, None]:
        """As ``Client.stream``."""
        body = _body(question, audience, filter)
        return streamed(self._client._calls, f"{self._path}/messages", body, _token())

    def turns(self) -> Begun:
        """What was asked so far."""
        return self._client._sent(Begun, "GET", self._path)

    def export(self) -> Exported:
        """All of it, with the answers."""
        return self._client._sent(Exported, "GET", f"{self._path}/export")

    def markdown(self) -> str:
        """The answers as one text."""
        path, parameters = f"{self._path}/export", {"format": "markdown"}
        return self._client._calls.send("GET", path, parameters=parameters).decode("utf-8")

    def rename(self, title: str | None) -> Begun:
        """Gives it a title, or takes it away."""
        return self._client._sent(Begun, "PATCH", self._path, {"title": title})

    def delete(self) -> Deleted:
        """Erases it. Not tried again."""
        return self._client._sent(Deleted, "DELETE", self._path, is_repeatable=False)


def _body(question: str, audience: Audience | str, filter: Filter | None) -> dict[str, Any]:
    return {"question": question, "audience": str(audience)} | ({"filter": _within(filter)} if filter else {})


def _within(filter: Filter | None) -> dict[str, Any]:
    return filter.model_dump(mode="json", exclude_defaults=True) if filter else {}


def _token() -> str:
    """An idempotency key, which no other request has."""
    return secrets.token_urlsafe(18)
