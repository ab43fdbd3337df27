"""A chat completion: an answer in OpenAI's form, whole and in pieces.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from fastapi.sse import format_sse_event
from pydantic import Field
from pydantic_core import to_json

from api.http.openai.asked import Given
from api.http.openai.faults import error_of
from api.http.openai.usage import Usage
from api.http.problems import Problem
from rag.domain import Answer, Frozen, Outcome

_DONE: Final = format_sse_event(data_str="[DONE]")


class UrlCitation(Frozen):
    """A mark "[n]" of the content, at ``[start_index, end_index)`` in code points, and its source."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(Frozen):
    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class Reply(Frozen):
    role: Literal["assistant"] = "assistant"
    content: str = Field(description="the article in Markdown, with its citations as `[n]` and its list of references")
    refusal: None = None
    annotations: tuple[Annotation, ...] = ()


class Choice(Frozen):
    index: int = 0
    message: Reply
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Ours(Frozen):
    """What clients of this service may want beside; all of them are none where nothing was asked."""

    answer_id: str | None = Field(default=None, description="of the whole answer, at `/v1/answers/{answer_id}`")
    outcome: Outcome | None = None
    reason: str | None = None
    conversation_id: str | None = Field(default=None, description="where it is kept, if the client named its chat")

    @classmethod
    def of(cls, answer: Answer | None) -> Ours:
        if answer is None:
            return cls()
        turn = answer.turn.conversation_id if answer.turn else None
        return cls(answer_id=answer.answer_id, outcome=answer.outcome, reason=answer.reason, conversation_id=turn)


class ChatCompletion(Frozen):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="seconds since 1970")
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    osler: Ours


class Head(NamedTuple):
    """What every piece of a completion begins with. ``created`` is in seconds since 1970."""

    id: str
    created: int
    model: str

    def first(self) -> bytes:
        """The piece that says whose the others are."""
        return self.chunk({"role": "assistant", "content": ""})

    def chunk(self, delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
        """One piece as an event; without ``delta`` it is none of the text, as that of the usage."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        choices = [] if delta is None else [choice]
        return event({**self._asdict(), "object": "chat.completion.chunk", "choices": choices, **more})


class Completion(NamedTuple):
    """What is given for one request."""

    head: Head
    given: Given

    def whole(self) -> ChatCompletion:
        choice = Choice(message=Reply(content=self.given.chat.text, annotations=self.annotations()))
        ours = Ours.of(self.given.answer)
        return ChatCompletion(**self.head._asdict(), choices=(choice,), usage=self.given.usage, osler=ours)

    def chunks(self, *, with_usage: bool, with_annotations: bool = True) -> Iterator[bytes]:
        """All pieces but the first, which tells whose they are, to the end of the stream."""
        for piece in self.given.chat.pieces:
            yield self.head.chunk({"content": piece})
        if with_annotations and self.given.chat.citations:
            yield self.head.chunk({"annotations": [a.model_dump() for a in self.annotations()]})
        yield self.head.chunk({}, "stop", osler=Ours.of(self.given.answer))
        if with_usage:
            yield self.head.chunk(usage=self.given.usage)
        yield _DONE

    def annotations(self) -> tuple[Annotation, ...]:
        return tuple(Annotation(url_citation=cited) for cited in citations(self.given))


def citations(given: Given) -> list[UrlCitation]:
    """The marks of a text, in order, with their sources."""
    titles = {r.number: r.title for r in given.answer.references} if given.answer else {}
    return [
        UrlCitation(start_index=c.start, end_index=c.end, url=given.links[c.number], title=titles[c.number])
        for c in given.chat.citations
    ]


def event(data: object) -> bytes:
    return format_sse_event(data_str=to_json(data).decode())


def failed(problem: Problem) -> bytes:
    """A problem in place of all that would follow: clients raise it."""
    return event(error_of(problem)) + _DONE
