"""What a chat client sends: messages, of which those of the user are questions.

What a system message or a parameter of sampling asks for changes nothing: an answer follows from the question alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from api.http.problems import INVALID, ProblemError

_USER: Final = "user"
#: Types of parts that are text: of chat completions, and of what goes into and comes out of responses.
_TEXT: Final = ("text", "input_text", "output_text")
_MOST: Final = 1000


class Open(BaseModel):
    """Clients send more than is known here, which is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(Open):
    type: str
    text: str | None = None


class ChatMessage(Open):
    """``content`` is a text or its parts; that of others than the user is not read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[Part, ...] | None = None


class StreamOptions(Open):
    include_usage: StrictBool | None = None


Messages = Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=_MOST)]


def questions(messages: Sequence[ChatMessage], where: str = "body.messages") -> list[str]:
    """What the user has asked, in order; the last is to be answered.

    Args:
        where: the part of the body that the messages are.

    Raises:
        ProblemError: the last message is not the user's, or one of the user's is no text.
    """
    if messages[-1].role != _USER:
        what = "expected a question: the last message must be the user's"
        raise ProblemError(INVALID, what, where=f"{where}.{len(messages) - 1}")
    found = [_text(message, f"{where}.{at}.content") for at, message in enumerate(messages) if message.role == _USER]
    if not found[-1].strip():
        raise ProblemError(INVALID, "empty; expected a question", where=f"{where}.{len(messages) - 1}.content")
    return [text for text in found if text.strip()]


def text_of(message: ChatMessage) -> str:
    """The text of a message, without what is none."""
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return "\n".join(part.text or "" for part in message.content)


def _text(message: ChatMessage, where: str) -> str:
    """Raises ``ProblemError`` for a message that holds anything else."""
    for part in () if isinstance(message.content, str) else message.content or ():
        if part.type not in _TEXT:
            what = f"a part of type {part.type[:40]!r} cannot be read; expected text alone"
            raise ProblemError(INVALID, what, where=where)
    return text_of(message)


def refuse(asked: dict[str, Any], wanted: dict[str, tuple[object, ...]]) -> None:
    """Refuses a parameter with a value other than those that can be done: ignored, it would change what is given.

    Args:
        wanted: the values that may stand for each parameter, beside none at all.

    Raises:
        ProblemError: names the first such parameter.
    """
    for name, allowed in wanted.items():
        value = asked.get(name)
        if value is None or value in allowed or value in ((), [], {}):
            continue
        expected = f"expected {allowed[0]!r} or none" if allowed else "expected none"
        raise ProblemError(INVALID, f"not supported here; {expected}", where=f"body.{name}")
