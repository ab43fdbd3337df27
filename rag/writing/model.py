"""A language model behind a server that speaks OpenAI's chat completions, as pieces of text that come one by one.

vLLM, llama.cpp, Ollama, ``transformers serve`` or a hosted model, through the ``openai`` client. Whatever happens there
ends in pieces or in a ``ModelError``, and within the time that was given: the stream is read by a thread of its own,
so that a server that hangs keeps nobody waiting. Protocol: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import math
import re
import socket
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cached_property
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rag.errors import InputError, ModelError
from rag.settings import Settings

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionChunk

#: Times that a request is sent, where the server says that it may be, or says nothing before the connection ends.
_TRIES = 3
_WAIT_S = 0.5
#: Characters of a token, and those at most, by which a stream without an end is told from a long one.
_CHARS_OF_TOKEN, _MAX_CHARS_OF_TOKEN = 4, 20
#: Seconds after its budget in which a thread that is waiting ends.
_LATER_S = 0.5
#: What a request can do without: some servers and models know other parameters.
_OPTIONAL = ("max_tokens", "temperature", "stream_options")
_TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_MEANINGS = {
    400: "it refuses the request",
    401: "its key is refused",
    403: "its key may not use it",
    404: "the server knows no such model or address",
    413: "the request is too long for it",
    422: "it refuses the request",
    429: "it has too much to do",
}


def meaning_of(error: ModelError) -> str:
    """What went wrong, without its subject."""
    return str(error).removeprefix("language model: ")


class Message(NamedTuple):
    role: Literal["system", "user", "assistant"]
    content: str


class Budget:
    """What a model may take for one answer in all: seconds from now on, and tokens."""

    def __init__(self, seconds: float, tokens: int) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self.tokens = tokens

    @property
    def seconds(self) -> float:
        """What is left, 0 at least."""
        return max(0.0, self._ends - time.monotonic())

    def too_late(self) -> ModelError:
        return ModelError(f"language model: not done within {self._seconds:g} s")


class Usage:
    """Calls that were made and, as far as the server says, tokens."""

    def __init__(self) -> None:
        self.calls = 0
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None

    def add(self, prompt: object, completion: object) -> None:
        self.prompt_tokens = total(self.prompt_tokens, prompt)
        self.completion_tokens = total(self.completion_tokens, completion)


class LanguageModel:
    """Safe to share between threads. Loads and connects to nothing before it is first used.

    Raises:
        InputError: the ``openai`` package is not installed, or the key can be no key.
    """

    def __init__(self, settings: Settings) -> None:
        if find_spec("openai") is None:
            raise InputError("llm_url: the package openai is not installed; install it with `pip install 'osler[llm]'`")
        assert settings.llm_url
        assert settings.llm_model
        self._key = settings.llm_key.get_secret_value().strip() if settings.llm_key else "none"
        if not (self._key.isascii() and self._key.isprintable()):
            raise InputError("llm_key: holds characters that no HTTP header may; expected printable ASCII")
        self.name = settings.llm_model
        self._settings = settings
        self._refused: set[str] = set()

    def budget(self, spent_s: float = 0) -> Budget:
        """What is left for one answer after ``spent_s`` seconds, in which its question was read."""
        return Budget(self._settings.llm_budget_s - spent_s, self._settings.llm_max_tokens)

    def reply(self, messages: Sequence[Message], budget: Budget, usage: Usage) -> Generator[str]:
        """Pieces of the reply, as they come; close the iterator to leave early.

        Args:
            usage: is told of the call and its tokens.

        Raises:
            ModelError: it cannot be had, broke off, was cut off at its longest, or took too long. What came before
                it has been given.
        """
        usage.calls += 1
        reading = _Reading(self, messages, budget)
        try:
            yield from reading
        finally:
            reading.leave()
            usage.add(*reading.counted)
            budget.tokens -= reading.tokens

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def opened(self, messages: Sequence[Message], budget: Budget) -> openai.Stream[ChatCompletionChunk]:
        """The stream of a reply, asked for again without what its server turns out to refuse."""
        import openai

        while True:
            request = self._request(messages, budget)
            try:
                stream: openai.Stream[ChatCompletionChunk] = self._client.chat.completions.create(**request)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = next((name for name in _OPTIONAL if name in request and _names(error, name)), None)
                if not refused:
                    raise
                self._refused.add(refused)
            else:
                return stream

    @cached_property
    def _client(self) -> openai.OpenAI:
        import openai

        return openai.OpenAI(base_url=self._settings.llm_url, api_key=self._key, max_retries=0)

    def _request(self, messages: Sequence[Message], budget: Budget) -> dict[str, Any]:
        longest = max(1, budget.tokens)
        request: dict[str, Any] = {
            "max_tokens": longest,
            "temperature": self._settings.llm_temperature,
            "stream_options": {"include_usage": True},
        }
        request = {name: value for name, value in request.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            request["max_completion_tokens"] = longest
        return request | {
            "model": self.name,
            "messages": [message._asdict() for message in messages],
            "stream": True,
            # Its thread ends soon after nobody waits for it.
            "timeout": min(self._settings.llm_timeout_s, budget.seconds + _LATER_S),
        }


class _Reading:
    """A stream read by a thread. Iterating it ends with the stream, its error, or the budget's.

    ``counted`` are the tokens of prompt and reply, as far as the server says.
    """

    def __init__(self, model: LanguageModel, messages: Sequence[Message], budget: Budget) -> None:
        self._model, self._messages, self._budget = model, messages, budget
        self._most = _MAX_CHARS_OF_TOKEN * max(1, budget.tokens)
        self._came: SimpleQueue[str | ModelError | None] = SimpleQueue()
        self._stream: openai.Stream[ChatCompletionChunk] | None = None
        self._is_left = threading.Event()
        self._chars = 0
        self.counted: tuple[object, object] = (None, None)
        threading.Thread(target=self._read, name="language model", daemon=True).start()

    @property
    def tokens(self) -> int:
        """Of the reply, by its length where the server does not count them."""
        told = self.counted[1]
        return told if isinstance(told, int) and told > 0 else -(-self._chars // _CHARS_OF_TOKEN)

    def __iter__(self) -> Iterator[str]:
        while seconds := self._budget.seconds:
            try:
                came = self._came.get(timeout=seconds)
            except Empty:
                break
            if came is None:
                return
            if isinstance(came, ModelError):
                raise came
            yield came
        raise self._budget.too_late()

    def leave(self) -> None:
        """Hangs up, if the stream goes on; the server then stops, too.

        The thread may be waiting for the socket. One that another closes may be somebody else's before it wakes up, so
        that it is only shut down.
        """
        self._is_left.set()
        response = self._stream.response if self._stream is not None else None
        if response is not None and not response.is_closed:
            with suppress(OSError, AttributeError, KeyError):
                shut: socket.socket = response.extensions["network_stream"].get_extra_info("socket")
                socket.socket.shutdown(shut, socket.SHUT_RDWR)

    def _read(self) -> None:
        try:
            for attempt in range(1, _TRIES + 1):
                try:
                    self._pass_on()
                    break
                except Exception as error:
                    waits = self._wait(error, attempt)
                    if self._is_left.wait(waits):
                        return
            self._came.put(None)
        except ModelError as error:
            self._came.put(error)

    def _pass_on(self) -> None:
        self._stream = self._model.opened(self._messages, self._budget)
        ended: str | None = None
        try:
            with self._stream as stream:
                for chunk in () if self._is_left.is_set() else stream:
                    ended = self._taken(chunk) or ended
                    if self._is_left.is_set():
                        return
        except ModelError:
            raise
        except Exception:
            if not ended:  # what came after the end can be missed
                raise
        if not ended:
            raise _BrokenOffError

    def _taken(self, chunk: ChatCompletionChunk) -> str | None:
        """Passes on what a chunk holds of the first choice, of which servers leave out this and that; how it ends."""
        usage = getattr(chunk, "usage", None)
        if usage:
            self.counted = (getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None))
        ended: str | None = None
        for choice in (c for c in getattr(chunk, "choices", None) or () if not getattr(c, "index", 0)):
            content = getattr(getattr(choice, "delta", None), "content", None)
            if isinstance(content, str) and content:
                self._chars += len(content)
                self._came.put(content)
            ended = getattr(choice, "finish_reason", None) or ended
        if ended == "length" or self._chars > self._most:
            raise ModelError("language model: what it writes was cut off at its longest")
        return ended

    def _wait(self, error: Exception, attempt: int) -> float:
        """Seconds before the next attempt, if there may be one.

        Raises:
            ModelError: there may not. It does not bear the server's words, not even as its cause: those may hold the
                key, and a log would show them.
        """
        if isinstance(error, ModelError):
            raise error
        waits = _retry_after(error, attempt)
        is_over = self._stream is not None or attempt == _TRIES or self._is_left.is_set()
        if is_over or waits is None or waits >= self._budget.seconds:
            meaning = "its stream broke off" if self._stream is not None and _is_lost(error) else _meaning(error, waits)
            raise ModelError(f"language model: {meaning}") from None
        return waits


class _BrokenOffError(Exception):
    """The stream ended before the model did."""


def _retry_after(error: Exception, attempt: int) -> float | None:
    """Seconds after which the request may be sent again; None where that would not help."""
    import openai

    if isinstance(error, openai.APIStatusError):
        if error.status_code not in _TRANSIENT:
            return None
        told = _seconds(error.response.headers.get("retry-after", ""))
        return _WAIT_S * attempt if told is None else told
    return _WAIT_S * attempt if _is_lost(error) else None


def _is_lost(error: Exception) -> bool:
    """Whether the connection is, or was never had."""
    import openai

    return isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)


def _seconds(retry_after: str) -> float | None:
    """What the header says, in seconds or as a date; None if neither can be read."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _names(error: openai.APIStatusError, parameter: str) -> bool:
    """Whether a refusal is of that parameter, as the server's words or its field ``param`` say."""
    body = error.body if isinstance(error.body, dict) else {}
    said = body.get("param") or body.get("message") or error.message
    return re.search(rf"\b{parameter}\b", str(said)) is not None


def _meaning(error: Exception, waits: float | None) -> str:
    """What went wrong, without a word of what the server wrote: that is not ours to show."""
    import openai

    if isinstance(error, openai.APIStatusError):
        said = _MEANINGS.get(error.status_code, "the server failed")
        later = f"; try again in {waits:.0f} s" if waits and error.status_code == 429 else ""
        return f"{said} (HTTP {error.status_code}){later}"
    if isinstance(error, openai.APITimeoutError) or "timeout" in type(error).__name__.lower():
        return "it was silent for too long"
    if isinstance(error, _BrokenOffError):
        return "its stream broke off"
    if isinstance(error, openai.APIConnectionError):
        return "its server cannot be reached"
    if isinstance(error, openai.APIError):
        return "its server failed in mid-stream"
    return "its stream broke off or cannot be read"


def total(known: int | None, more: object) -> int | None:
    """Tokens so far and more of them, as far as either is known."""
    return (known or 0) + more if isinstance(more, int) and more >= 0 else known
