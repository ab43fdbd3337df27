"""One question asked: masked, made whole from its conversation, answered, kept."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any, Final, NamedTuple

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.http.fields import FilterBody, ShortId, Words
from api.http.making import Asked
from api.http.retelling import Retold, Said, earlier_of, keep_told, retold
from api.http.reviewing import with_review
from api.http.security import Caller
from api.http.service import Service
from api.http.stream import Streamed, sources_of
from api.http.talking import Following, as_kept, followed, keep_turn
from api.keeping.standing import State
from rag.domain import Answer, Audience, Filter, Frozen
from rag.errors import ConflictError
from rag.language.identifiers import masked
from rag.pipeline import Watch

#: Up to so many characters it takes less to look for identifiers than to hand the question to another thread.
_SHORT_CHARS: Final = 300
#: Times that a turn is added, when others of its chat are added at the same time.
_TRIES: Final = 5


class Message(Frozen):
    """A question within a conversation."""

    question: Words = Field(description="the question, in words; it may lean on earlier ones of the conversation")
    audience: Audience = Audience.CLINICIAN
    filter: FilterBody = FilterBody()


class Ask(Message):
    """A question, and who asks it of which sources."""

    conversation_id: ShortId | None = Field(default=None, description="the conversation that the question goes on with")


class Answered(NamedTuple):
    """An answer, and those before it in what its client says was asked."""

    answer: Answer
    earlier: tuple[Answer, ...]


class Asking:
    """Answers for one request.

    Args:
        state: of the request: is told what the log and the headers say of the answer.
    """

    def __init__(self, service: Service, state: Any, caller: Caller) -> None:
        self._service = service
        self._state = state
        self._caller = caller

    async def answer(self, body: Ask, token: str | None, listener: Watch | None = None) -> Answer:
        """The answer, when it is kept.

        Args:
            token: the client's own for this request, so that it is done once however often it is sent.
            listener: is told of each step.

        Raises:
            ProblemError: the queue is full, it took too long, the conversation is, or the token was used otherwise.
            OslerError: what was asked cannot be.
        """
        is_short = len(body.question) <= _SHORT_CHARS
        request = self._read(body, token) if is_short else await run_in_threadpool(self._read, body, token)
        known = await run_in_threadpool(self._before, request) if token else None
        answer, is_new = (known, False) if known else await self._made(request, listener)
        self._tell(answer, is_new)
        return answer

    async def retold(self, body: Ask, said: Said, listener: Watch | None = None) -> Answered:
        """The answer to the next question of a client that says what was asked before, when it is kept.

        Raises:
            ProblemError, OslerError: as ``answer`` does; also when nothing is asked.
        """
        request = await run_in_threadpool(self._read, body, None)
        said = await run_in_threadpool(said.masked) if self._service.settings.mask_identifiers else said
        within = request.within
        told = await retold(self._service, request.body.question, said, body.audience, within)
        asked = Asked(told.standalone.question or "", body.audience, within)
        made = await self._service.maker.make(asked, listener)
        kept = await run_in_threadpool(self._kept_told, made.answer, told, request)
        self._tell(kept.answer, made.is_new)
        return kept

    async def streamed(self, body: Ask, token: str | None, listener: Watch) -> Streamed:
        answer = await self.answer(body, token, listener)
        return Streamed(answer, await run_in_threadpool(self._sources, answer))

    def _read(self, body: Ask, token: str | None) -> _Request:
        """The request with what may be asked and stored of it."""
        kinds: tuple[str, ...] = ()
        if self._service.settings.mask_identifiers:
            text, kinds = masked(body.question)
            body = body.model_copy(update={"question": text})
        return _Request(body, kinds, token, _digest(body))

    async def _made(self, request: _Request, listener: Watch | None) -> tuple[Answer, bool]:
        body, following = request.body, None
        question = body.question
        if body.conversation_id:
            whole = partial(followed, self._service, self._caller, body.conversation_id)
            following = await run_in_threadpool(whole, question)
            question = following.question
        asked = Asked(question, body.audience, request.within)
        made = await self._service.maker.make(asked, listener)
        return await run_in_threadpool(self._kept, made.answer, following, request), made.is_new

    def _before(self, request: _Request) -> Answer | None:
        """The answer to this very request, if it was sent before."""
        if request.token is None:
            return None
        kept = self._service.keeping.answers.idempotent(self._caller.key_id, request.token, request.digest)
        return with_review(self._service, kept.answer()) if kept else None

    def _kept(self, answer: Answer, following: Following | None, request: _Request) -> Answer:
        """Keeps all that comes of the request, or nothing."""
        keeping, key_id = self._service.keeping, self._caller.key_id
        with keeping.at_once():
            earlier = self._before(request)
            if earlier:
                return earlier
            if following:
                answer = keep_turn(self._service, answer, following, request.masked)
            else:
                answer = as_kept(answer, None, {}, None, request.masked)
                keeping.answers.add(answer, key_id=key_id, masked=request.masked)
            if request.token:
                keeping.answers.remember(key_id, request.token, request.digest, answer.answer_id)
            return self._reviewed(answer)

    def _kept_told(self, answer: Answer, told: Retold, request: _Request) -> Answered:
        """As ``_kept``. Several questions of one chat may be answered at once: each becomes a turn after another."""
        tries = _TRIES if told.said.conversation_id else 1
        for left in range(tries - 1, -1, -1):
            try:
                with self._service.keeping.at_once():
                    kept = keep_told(self._service, answer, told, self._caller.key_id, request.masked)
                    return Answered(self._reviewed(kept), earlier_of(self._service, kept, told))
            except ConflictError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _reviewed(self, answer: Answer) -> Answer:
        """An answer that was just kept, noted as made, with its review where there is one."""
        keeping = self._service.keeping
        was_submitted = keeping.reviews.standing(answer.answer_id).state is not State.UNSUBMITTED
        keeping.audit.record(self._caller.actor, "answer.made", answer.answer_id)
        return with_review(self._service, answer) if was_submitted else answer

    def _sources(self, answer: Answer) -> list[Any]:
        with self._service.serving.pipeline() as pipeline:
            return sources_of(answer, pipeline.passage)

    def _tell(self, answer: Answer, is_new: bool) -> None:
        self._service.metrics.given(answer, is_new=is_new)
        facts: dict[str, Any] = {
            "answer_id": answer.answer_id, "outcome": answer.outcome.value, "audience": answer.audience.value,
            "made": "now" if is_new else "before", "snapshot_id": answer.receipt.snapshot_id,
        }  # fmt: skip
        if is_new and (wording := answer.receipt.wording):
            facts |= {"words": "model" if wording.written else "sources", "model_failure": wording.reason}
        if self._service.log.tells_questions:
            facts |= {"question": answer.question, "answer": answer.model_dump(mode="json")}
        self._state.facts.update(facts)
        if is_new:
            self._state.timings_ms.update(answer.receipt.timings_ms)


class _Request(NamedTuple):
    """What was sent, with its identifiers masked; ``masked`` are their kinds."""

    body: Ask
    masked: tuple[str, ...]
    token: str | None
    digest: str

    @property
    def within(self) -> Filter | None:
        """Raises ``InputError`` for years that are not in order."""
        within = self.body.filter.filter()
        return within if within.restricts else None


def _digest(body: Ask) -> str:
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()
