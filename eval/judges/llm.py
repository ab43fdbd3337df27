"""A language model as judge, behind any endpoint that speaks OpenAI's chat completions; used only when configured.

Its instructions are the files in ``prompts/``; their digest is part of the judge's name, since other words make another
judge. Texts go in as JSON between fences, never as instructions. A reply that is not the JSON asked for is no
judgement: the score is unscored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.domain import Item, Response, Score, Turn, unscored
from eval.judges.base import LLM, JudgeError, Judgement, nothing_said
from eval.judges.premises import Remembered
from eval.systems.web import Caller, CallError
from rag.errors import InputError

PROMPTS = Path(__file__).parent / "prompts"
BASE_URL, MODEL, KEY = "OSLER_JUDGE_BASE_URL", "OSLER_JUDGE_MODEL", "OSLER_JUDGE_KEY"
_TIMEOUT_S, _ATTEMPTS, _MAX_TOKENS, _REMEMBERED = 60.0, 4, 400, 20_000
_SHOWN = 120


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    reason: str = ""


class _Entailment(_Reply):
    label: Literal["entailed", "neutral", "contradicted"]
    support: float = Field(ge=0, le=1)


class _Grade(_Reply):
    met: bool


R = TypeVar("R", bound=_Reply)


class LlmJudge:
    """Temperature 0, and each question is asked once: the same claim and texts give the same judgement in a run.

    Safe to share between threads. Unlike that of other judges its judgement may depend on the order of the premises,
    which are given to it as they come, to be read as a text.

    Args:
        base_url: what stands before ``/chat/completions``: "http://localhost:8000/v1".
        model: its name there.
        key: sent as a bearer token; never in an error or a log.
        timeout_s: for one request.
        attempts: how often a request is sent at most, when the server is busy (429), broken (5xx) or silent.

    Raises:
        InputError: an address that is none.
    """

    def __init__(self, base_url: str, model: str, key: str | None = None, *, timeout_s: float = _TIMEOUT_S,
                 attempts: int = _ATTEMPTS) -> None:  # fmt: skip
        self._caller = Caller(base_url, key=key, timeout_s=timeout_s, attempts=attempts)
        self._model = model
        self._prompts = {name: (PROMPTS / f"{name}.md").read_text("utf-8") for name in ("entailment", "rubric")}
        self._remembered = Remembered(_REMEMBERED)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> LlmJudge:
        """By ``OSLER_JUDGE_BASE_URL``, ``OSLER_JUDGE_MODEL`` and, if needed, ``OSLER_JUDGE_KEY``.

        Raises:
            InputError: the address or the model is not set.
        """
        given = os.environ if environment is None else environment
        for name in (BASE_URL, MODEL):
            if not given.get(name):
                raise InputError(f"{name} is not set; a language model judges only where {BASE_URL} and {MODEL} say "
                                 "which")  # fmt: skip
        return cls(given[BASE_URL], given[MODEL], given.get(KEY) or None)

    @cached_property
    def name(self) -> str:
        """With the digest of the prompts."""
        prompts = "\0".join(self._prompts[name] for name in sorted(self._prompts))
        return f"{LLM}{self._model} prompts {hashlib.sha256(prompts.encode()).hexdigest()[:8]}"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """Raises ``JudgeError`` when no judgement could be had."""
        empty = nothing_said(claim, premises)
        if empty:
            return empty
        found = self._asked("entailment", {"claim": claim, "texts": list(premises)}, _Entailment)
        return Judgement(found.label, found.support, found.reason)

    def grade(self, criterion: str, conversation: Sequence[Turn], answer: str) -> bool:
        """Whether ``answer`` to a conversation meets a criterion of a rubric. Raises ``JudgeError``.

        An empty answer meets none.
        """
        if not answer.strip():
            return False
        turns = [{"role": turn.role, "text": turn.text} for turn in conversation]
        data = {"conversation": turns, "answer": answer, "criterion": criterion}
        return self._asked("rubric", data, _Grade).met

    def rubric_score(self, item: Item, response: Response) -> Score:
        """HealthBench's score of one item: points of what is met, over all points that can be won.

        It is at most 1, and negative for an answer that does mainly what it must not; HealthBench cuts the mean over
        items, not the item, at 0 and 1 (Arora et al. 2025, arXiv:2505.08775, section 3). Unscored when the judge fails
        at one criterion, or no point can be won.
        """
        possible = sum(c.points for c in item.gold.rubric if c.points > 0)
        if not possible:
            return unscored("the rubric has no points to win")
        conversation = (*item.history, Turn(role="user", text=item.question))
        answer = response.text or response.article.text()
        try:
            met = [c for c in item.gold.rubric if self.grade(c.text, conversation, answer)]
        except JudgeError as error:
            return unscored(str(error))
        details = {"met": [c.text for c in met], "missed": [c.text for c in item.gold.rubric if c not in met]}
        return Score(value=sum(c.points for c in met) / possible, details=details)

    def close(self) -> None:
        self._caller.close()

    def _asked(self, prompt: str, data: dict[str, Any], expected: type[R]) -> R:
        text = json.dumps(data, ensure_ascii=False, indent=1)
        return self._remembered.get((prompt, text), lambda key: self._answered(*key, expected))

    def _answered(self, prompt: str, text: str, expected: type[R]) -> R:
        # The fence depends on what it holds, so that nothing in there can close it.
        fence = f"===== data {hashlib.sha256(text.encode()).hexdigest()[:12]} ====="
        messages = [
            {"role": "system", "content": self._prompts[prompt]},
            {"role": "user", "content": f"{fence}\n{text}\n{fence}"},
        ]
        body = {"model": self._model, "messages": messages, "temperature": 0, "max_tokens": _MAX_TOKENS}
        try:
            return _parsed(self._caller.post("/chat/completions", body), expected)
        except CallError as error:
            raise JudgeError(f"judge {self.name}: {error}") from None
        except ValueError as error:
            raise JudgeError(f"judge {self.name}: {error}; expected the JSON of prompts/{prompt}.md") from None


def _parsed(reply: dict[str, Any], expected: type[R]) -> R:
    """Raises ``ValueError`` for anything but the object asked for."""
    try:
        content = reply["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        raise ValueError("the server's reply has no message") from None
    if not isinstance(content, str):
        raise ValueError("the message has no text")
    try:
        return expected.model_validate_json(content.strip())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "reply"
        raise ValueError(f"{where}: {first['msg']} in {content[:_SHOWN]!r}") from None
