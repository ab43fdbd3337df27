"""What a client of this face has asked, and what it is given: the text of an answer with its citations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.asking import Ask, Asking
from api.http.fields import FilterBody
from api.http.openai.usage import Usage, usage
from api.http.problems import INVALID, NOTHING_ASKED, ProblemError
from api.http.retelling import Said
from api.http.security import Caller
from api.http.service import service_of
from rag.domain import Answer, Audience
from rag.pipeline import Watch
from rag.render.chat import Chat, to_chat
from rag.render.words import page_of


class Asked(NamedTuple):
    """A question, and what was asked before it in the same talk."""

    body: Ask
    said: Said

    @classmethod
    def of(cls, questions: Sequence[str], audience: Audience, within: FilterBody | None, before: Said) -> Asked:
        """The last of ``questions``, after the others, and these after what was said ``before``.

        Raises:
            ProblemError: it holds what is no text.
        """
        *earlier, question = questions
        try:
            body = Ask(question=question, audience=audience, filter=within or FilterBody())
        except ValidationError as error:
            raise ProblemError(INVALID, "the question is empty or not well formed; expected text") from error
        return cls(body, before._replace(earlier=(*before.earlier, *earlier)))

    @property
    def texts(self) -> tuple[str, ...]:
        return (*self.said.earlier, self.body.question)


class Given(NamedTuple):
    """An answer as a client shows it. There is none where nothing is asked, and ``chat`` says so.

    ``links`` are where a reader finds the sources, by their numbers; ``earlier`` are the answers before.
    """

    chat: Chat
    usage: Usage
    answer: Answer | None = None
    links: dict[int, str] = {}  # noqa: RUF012, never changed
    earlier: tuple[Answer, ...] = ()


async def given(request: Request, caller: Caller, asked: Asked, listener: Watch | None = None) -> Given:
    """Raises ``ProblemError`` and ``OslerError`` as ``Asking.retold``, but not because nothing is asked."""
    service = service_of(request)
    try:
        answered = await Asking(service, request.state, caller).retold(asked.body, asked.said, listener)
    except ProblemError as error:
        if error.kind is not NOTHING_ASKED:
            raise
        chat = Chat((f"{error.detail}\n",), ())
        return Given(chat, await run_in_threadpool(usage, service, asked.texts, chat.text))
    chat = to_chat(answered.answer)
    counted = await run_in_threadpool(usage, service, asked.texts, chat.text)
    return Given(chat, counted, answered.answer, _links(request, answered.answer), answered.earlier)


def _links(request: Request, answer: Answer) -> dict[int, str]:
    """Sources without a page of their own have one here."""
    return {
        r.number: page_of(r) or str(request.url_for("source_page", source_id=r.source_id)) for r in answer.references
    }
