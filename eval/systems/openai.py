"""Any model behind an endpoint that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, a hosted one.

It is asked for an article by the prompt in ``prompts/article.md``, alone or with passages that a retriever found, and
what it writes is taken apart by the same reader as any other article. Protocol:
https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eval.domain import Article, Item, Listed, Response, Usage
from eval.systems.base import Context, digest, failed
from eval.systems.prose import response_of_prose
from eval.systems.web import Caller, CallError
from rag.domain import Frozen

#: What the model is told. Change its name with its words: scores under different prompts are of different systems.
PROMPT = Path(__file__).parent / "prompts" / "article.md"
_FENCE = "-----"
_FENCES = re.compile(r"-{5,}")
_PATH = "/chat/completions"

Retrieve = Callable[[str], Sequence[Context]]
"""Passages for a question, best first; must be safe to call from several threads."""


class OpenAISystem:
    """A model by its name at an endpoint whose address ends before ``/chat/completions`` (``…/v1``).

    Args:
        retrieve: gives the passages to answer from; without it the model answers from memory.
        retrieved_by: names ``retrieve`` with its settings in the receipt.
        close_retriever: gives back what ``retrieve`` holds when the system is closed.
        max_tokens: longest completion; null leaves it to the server.
        seed: passed on; servers that know none ignore it.
    """

    def __init__(
        self,
        caller: Caller,
        model: str,
        *,
        retrieve: Retrieve | None = None,
        retrieved_by: str | None = None,
        close_retriever: Callable[[], None] = lambda: None,
        temperature: float = 0.0,
        seed: int = 0,
        max_tokens: int | None = 2048,
    ) -> None:
        self.name = f"openai {model}"
        self._caller, self._retrieve, self._retrieved_by = caller, retrieve, retrieved_by
        self._close_retriever = close_retriever
        self._parameters: dict[str, Any] = {"model": model, "temperature": temperature, "seed": seed}
        if max_tokens is not None:
            self._parameters["max_tokens"] = max_tokens
        self._prompt = PROMPT.read_text("utf-8").strip()

    def receipt(self) -> dict[str, Any]:
        prompt = {"name": PROMPT.name, "digest": digest(self._prompt)}
        passages = (self._retrieved_by or "unnamed") if self._retrieve else None
        return {**self._parameters, "base_url": self._caller.base_url, "prompt": prompt, "passages": passages}

    def respond(self, item: Item) -> Response:
        """Failed when the endpoint is, or writes nothing; abstained when it says that it does not answer.

        See ``reading.refuses`` for how that is read. A completion that was cut off at its longest is kept, with
        ``finish_reason`` "length" in the receipt.
        """
        started = time.perf_counter()
        passages = self._retrieve(item.question) if self._retrieve else ()
        body = {**self._parameters, "messages": self._messages(item, passages)}
        try:
            completion = _read(self._caller.post(_PATH, body))
        except CallError as error:
            return failed(item, str(error), time.perf_counter() - started)
        seconds = time.perf_counter() - started
        return _response(item, completion, passages).model_copy(update={"seconds": seconds})

    def reread(self, item: Item, response: Response) -> Response:
        """What was given as passages stays the reference list."""
        completion = Completion(text=response.text, usage=response.usage, facts=response.receipt)
        read = _response(item, completion, ())
        update: dict[str, Any] = {"seconds": response.seconds}
        if self._retrieve:
            update["article"] = read.article.model_copy(update={"references": response.article.references})
        return read.model_copy(update=update)

    def close(self) -> None:
        self._caller.close()
        self._close_retriever()

    def _messages(self, item: Item, passages: Sequence[Context]) -> list[dict[str, str]]:
        history = [{"role": turn.role, "content": turn.text} for turn in item.history]
        return [
            {"role": "system", "content": self._prompt},
            *history,
            {"role": "user", "content": asked(item, passages)},
        ]


class Completion(Frozen):
    """What came back: its words, tokens, and what the server says of itself."""

    text: str
    usage: Usage | None
    facts: dict[str, Any]


def asked(item: Item, passages: Sequence[Context] = ()) -> str:
    """The user's message: passages between fences, the question, its options where it does not name them itself."""
    blocks = [_fenced(passages)] if passages else []
    blocks.append(item.question)
    options = item.gold.options
    if not all(words in item.question for words in options.values()):
        blocks.append("\n".join(f"{letter}. {words}" for letter, words in options.items()))
    return "\n\n".join(blocks)


def _response(item: Item, completion: Completion, passages: Sequence[Context]) -> Response:
    """Passages that were given are the reference list, in place of what the model lists itself."""
    response = response_of_prose(item, completion.text, "markdown")
    update: dict[str, Any] = {"usage": completion.usage, "receipt": completion.facts}
    if passages:
        references = _cited(response.article, passages)
        update["article"] = response.article.model_copy(update={"references": references})
    return response.model_copy(update=update)


def _cited(article: Article, passages: Sequence[Context]) -> tuple[Listed, ...]:
    """The passages that are cited, under the numbers by which they were given."""
    numbers = {number for said in article.said() for number in said.citations}
    return tuple(
        Listed(number=number, text=passage.title, quotes=(passage.text,))
        for number, passage in enumerate(passages, start=1)
        if number in numbers
    )


def _fenced(passages: Sequence[Context]) -> str:
    """Passages as data. Fences within them are broken, so that none can end its own."""
    blocks = [
        f"{_FENCE} passage {number}: {_unfenced(passage.title)}\n{_unfenced(passage.text)}"
        for number, passage in enumerate(passages, start=1)
    ]
    return "\n".join([*blocks, f"{_FENCE} end of passages"])


def _unfenced(text: str) -> str:
    return _FENCES.sub("----", text)


def _read(raw: dict[str, Any]) -> Completion:
    """Raises ``CallError`` when it is no chat completion."""
    try:
        chosen = raw["choices"][0]
        text = chosen["message"].get("content") or ""
        usage = raw.get("usage")
        known = ("model", "system_fingerprint")
        facts = {name: raw[name] for name in known if raw.get(name)} | {"finish_reason": chosen.get("finish_reason")}
        return Completion(text=text, usage=_usage(usage) if usage else None, facts=facts)
    except (KeyError, IndexError, TypeError, AttributeError, ValidationError):
        raise CallError("answered with something that is no chat completion", is_final=True) from None


def _usage(raw: dict[str, Any]) -> Usage:
    return Usage(prompt=raw.get("prompt_tokens") or 0, completion=raw.get("completion_tokens") or 0)
