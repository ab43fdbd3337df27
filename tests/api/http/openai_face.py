"""Osler at a real address for OpenAI's clients, with a key, and what its answers are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam
from running import listening, open_service

from api.http.service import Service
from rag.domain import Answer

CLINICIAN = "osler-clinician"
FIRST, NEXT, WHOLE = (
    "How is argatroban monitored?",
    "And in Child-Pugh C?",
    "How is argatroban monitored in Child-Pugh C?",
)
ELSEWHERE = "What is the capital of France?"
EMERGENCY = "I have crushing chest pain and can't breathe"
#: A filter of which nobody can be told before the stream has begun.
NO_SOURCE = {"filter": {"sources": ["no-such-source"]}}


class Face(NamedTuple):
    """A service at an address, and a client of it, with a key that opens asking and searching."""

    service: Service
    address: str
    key: str
    client: OpenAI

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def at(self, address: str, **more: Any) -> OpenAI:
        """A client of the service at another address, as of a proxy; close it."""
        return OpenAI(**{"base_url": f"{address}/v1", "api_key": self.key, "max_retries": 0} | more)

    def async_client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.base_url, api_key=self.key, max_retries=0)

    def answer(self, question: str) -> Answer:
        """What ``POST /v1/answers`` answers."""
        given = httpx2.post(f"{self.base_url}/answers", json={"question": question}, headers=self.headers)
        return Answer.model_validate_json(given.content)

    def kept(self, answer_id: str) -> Answer:
        given = httpx2.get(f"{self.base_url}/answers/{answer_id}", headers=self.headers)
        return Answer.model_validate_json(given.content)


@contextmanager
def faced(index_dir: Path, folder: Path, send_bytes: int | None = None, **settings: Any) -> Iterator[Face]:
    """``send_bytes`` is what the system takes of a response that its client does not read; much by default."""
    service = open_service(index_dir, folder, **settings)
    _, key = service.keeping.keys.create("a client", ["ask", "search"])
    with (
        listening(service, send_bytes) as address,
        OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client,
    ):
        yield Face(service, address, key, client)


def asked(*questions: str) -> list[ChatCompletionMessageParam]:
    """A history in which each question but the last was answered somehow."""
    messages: list[ChatCompletionMessageParam] = []
    for question in questions:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": "…"}]
    return messages[:-1]
