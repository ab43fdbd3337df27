"""A language model behind a server that speaks OpenAI's chat completions, as pieces of text that come one by one.

vLLM, llama.cpp, Ollama, ``transformers serve`` or a hosted model, through the ``openai`` client. Whatever happens there
ends in pieces or in a ``ModelError``, and within the time that was given: the stream is read by a thread of its own,
so that a server that hangs keeps nobody waiting. Protocol: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
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
#: Characters of a token at most, by which a stream without an end is told from a long one.
_MAX_CHARS_OF_TOKEN = 20
_TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_MEANINGS = {401: "its key is refused", 403: "its key may not use it", 404: "the server knows no such model or address",
             429: "it has too much to do"}  # fmt: skip


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
        self.prompt_tokens = _sum(self.prompt_tokens, prompt)
        self.completion_tokens = _sum(self.completion_tokens, completion)


class LanguageModel:
    """Safe to share between threads. Loads and connects to nothing before it is first used.

    Raises:
        InputError: the ``openai`` package is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        if find_spec("openai") is None:
            raise InputError("llm_url: the package openai is not installed; install it with `pip install 'osler[llm]'`")
        assert settings.llm_url
        assert settings.llm_model
        self.name = settings.llm_model
        self._settings = settings

    def budget(self) -> Budget:
        return Budget(self._settings.llm_budget_s, self._settings.llm_max_tokens)

    def reply(self, messages: Sequence[Message], budget: Budget, usage: Usage) -> Generator[str]:
        """Pieces of the reply, as they come; close the iterator to leave early.

        Args:
            usage: is told of the call and its tokens.

        Raises:
            ModelError: it cannot be had, broke off, was cut off at its longest, or took too long. What came before
                it has been given.
        """
        usage.calls += 1
        reading = _Reading(self._client, self._request(messages, budget), budget)
        try:
            chars = 0
            for chunk in reading:
                if chunk.usage:
                    usage.add(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    budget.tokens -= chunk.usage.completion_tokens or 0
                for choice in chunk.choices or ():
                    if choice.delta and choice.delta.content:
                        chars += len(choice.delta.content)
                        yield choice.delta.content
                    if choice.finish_reason == "length" or chars > _MAX_CHARS_OF_TOKEN * self._settings.llm_max_tokens:
                        raise ModelError("language model: what it writes was cut off at its longest")
        finally:
            reading.leave()

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> openai.OpenAI:
        import openai

        given, silence = self._settings, self._settings.llm_timeout_s
        key = given.llm_key.get_secret_value() if given.llm_key else "none"
        return openai.OpenAI(base_url=given.llm_url, api_key=key, timeout=silence, max_retries=0)

    def _request(self, messages: Sequence[Message], budget: Budget) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": [message._asdict() for message in messages],
            "temperature": self._settings.llm_temperature,
            "max_tokens": max(1, budget.tokens),
            "stream": True,
            "stream_options": {"include_usage": True},
        }


class _Reading:
    """A stream read by a thread. Iterating it ends with the stream, its error, or the budget's."""

    def __init__(self, client: openai.OpenAI, request: dict[str, Any], budget: Budget) -> None:
        self._client, self._request, self._budget = client, request, budget
        self._came: SimpleQueue[ChatCompletionChunk | ModelError | None] = SimpleQueue()
        self._stream: openai.Stream[ChatCompletionChunk] | None = None
        self._is_left = threading.Event()
        threading.Thread(target=self._read, name="language model", daemon=True).start()

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        while True:
            try:
                came = self._came.get(timeout=self._budget.seconds or 0.001)
            except Empty:
                raise self._budget.too_late() from None
            if came is None:
                return
            if isinstance(came, ModelError):
                raise came
            yield came

    def leave(self) -> None:
        """Ends the stream, if it goes on; the server then stops, too."""
        self._is_left.set()
        if self._stream is not None:
            with suppress(Exception):
                self._stream.close()

    def _read(self) -> None:
        try:
            for attempt in range(1, _TRIES + 1):
                try:
                    self._pass_on()
                    break
                except Exception as error:
                    self._wait_after(error, attempt)
        except ModelError as error:
            self._came.put(error)
        self._came.put(None)

    def _pass_on(self) -> None:
        self._stream = None
        self._stream = self._client.chat.completions.create(**self._request)
        ended = False
        for chunk in self._stream:
            ended = ended or any(c.finish_reason for c in chunk.choices or ())
            self._came.put(chunk)
            if self._is_left.is_set():
                break
        if not ended:
            raise _BrokenOffError

    def _wait_after(self, error: Exception, attempt: int) -> None:
        """Waits before the next attempt, if there may be one. Raises ``ModelError`` where there may not."""
        waits = _retry_after(error, attempt)
        is_over = self._stream is not None or attempt == _TRIES or self._is_left.is_set()
        if is_over or waits is None or waits >= self._budget.seconds:
            raise ModelError(f"language model: {_meaning(error, waits)}") from error
        self._is_left.wait(waits)


class _BrokenOffError(Exception):
    """The stream ended before the model did."""


def _retry_after(error: Exception, attempt: int) -> float | None:
    """Seconds after which the request may be sent again; None where that would not help."""
    import openai

    if isinstance(error, openai.APIStatusError):
        if error.status_code not in _TRANSIENT:
            return None
        try:
            return max(0.0, float(error.response.headers.get("retry-after", "")))
        except ValueError:  # none, or a date
            return _WAIT_S * attempt
    is_lost = isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)
    return _WAIT_S * attempt if is_lost else None


def _meaning(error: Exception, waits: float | None) -> str:
    """What went wrong, without a word of what the server wrote: that is not ours to show."""
    import openai

    if isinstance(error, openai.APIStatusError):
        said = _MEANINGS.get(error.status_code, "the server failed")
        later = f"; try again in {waits:g} s" if waits and error.status_code == 429 else ""
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


def _sum(known: int | None, more: object) -> int | None:
    return (known or 0) + more if isinstance(more, int) and more >= 0 else known
