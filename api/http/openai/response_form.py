"""A response: an answer in the form of OpenAI's Responses, whole and as a stream of typed events.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Literal, NamedTuple

from fastapi.sse import format_sse_event
from pydantic import Field
from pydantic_core import to_json

from api.http.openai.asked import Given
from api.http.openai.completions import Ours, UrlCitation, citations
from api.http.openai.faults import error_of
from api.http.openai.usage import Usage
from api.http.problems import Problem
from rag.domain import Frozen


class TextCitation(UrlCitation):
    type: Literal["url_citation"] = "url_citation"


class OutputText(Frozen):
    type: Literal["output_text"] = "output_text"
    text: str = Field(description="the article in Markdown, with its citations as `[n]` and its list of references")
    annotations: tuple[TextCitation, ...] = ()
    logprobs: tuple[()] = ()


class OutputMessage(Frozen):
    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed"]
    content: tuple[OutputText, ...] = ()


class InputDetails(Frozen):
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputDetails(Frozen):
    reasoning_tokens: int = 0


class ResponseUsage(Frozen):
    """Tokens of the encoder that reads questions: none are generated."""

    input_tokens: int
    input_tokens_details: InputDetails = InputDetails()
    output_tokens: int
    output_tokens_details: OutputDetails = OutputDetails()
    total_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> ResponseUsage:
        return cls(
            input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total_tokens
        )


class ConversationId(Frozen):
    id: str


class PlainText(Frozen):
    type: Literal["text"] = "text"


class TextForm(Frozen):
    format: PlainText = PlainText()


class Response(Frozen):
    """``created_at`` is in seconds since 1970."""

    id: str = Field(description="names the kept answer, so that `previous_response_id` can")
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed"]
    error: None = None
    incomplete_details: None = None
    instructions: str | None = None
    max_output_tokens: None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    model: str
    output: tuple[OutputMessage, ...] = ()
    parallel_tool_calls: bool = False
    previous_response_id: str | None = None
    conversation: ConversationId | None = None
    store: bool = True
    temperature: None = None
    text: TextForm = TextForm()
    tool_choice: Literal["none"] = "none"
    tools: tuple[()] = ()
    top_p: None = None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None
    osler: Ours = Ours()


class Responded(NamedTuple):
    """What is given for one request; ``response`` is all of it but what was made, as it begins."""

    response: Response
    message_id: str
    given: Given

    def whole(self) -> Response:
        return self.response.model_copy(update={
            "status": "completed", "output": (self._message(),), "usage": ResponseUsage.of(self.given.usage),
            "osler": Ours.of(self.given.answer),
        })  # fmt: skip

    def events(self) -> Iterator[bytes]:
        """All events of its stream, each with its number."""
        numbers = count()
        return (_event(name, next(numbers), told) for name, told in self._told())

    def _told(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "response.created", {"response": self.response}
        yield "response.in_progress", {"response": self.response}
        begun = OutputMessage(id=self.message_id, status="in_progress")
        yield "response.output_item.added", {"output_index": 0, "item": begun}
        yield from ((name, self._place() | told) for name, told in self._content())
        yield "response.output_item.done", {"output_index": 0, "item": self._message()}
        yield "response.completed", {"response": self.whole()}

    def _content(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Its one part, piece by piece."""
        part = self._text()
        yield "response.content_part.added", {"part": OutputText(text="")}
        for piece in self.given.chat.pieces:
            yield "response.output_text.delta", {"delta": piece, "logprobs": []}
        for at, annotation in enumerate(part.annotations):
            yield "response.output_text.annotation.added", {"annotation_index": at, "annotation": annotation}
        yield "response.output_text.done", {"text": part.text, "logprobs": []}
        yield "response.content_part.done", {"part": part}

    def _place(self) -> dict[str, Any]:
        return {"item_id": self.message_id, "output_index": 0, "content_index": 0}

    def _message(self) -> OutputMessage:
        return OutputMessage(id=self.message_id, status="completed", content=(self._text(),))

    def _text(self) -> OutputText:
        found = tuple(TextCitation(**c.model_dump()) for c in citations(self.given))
        return OutputText(text=self.given.chat.text, annotations=found)


def failed(problem: Problem) -> bytes:
    """A problem in place of all events: flat as it is documented, and as ``error``, which makes clients raise it."""
    error = error_of(problem).error
    return _event("error", 0, error.model_dump(exclude={"type"}) | {"error": error})


def _event(name: str, number: int, told: dict[str, Any]) -> bytes:
    data = to_json({"type": name, "sequence_number": number, **told}).decode()
    return format_sse_event(event=name, data_str=data)
