"""Tables of follow-ups: rows, and how one is held against what comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rag.answer.question import interpret
from rag.conversation.converse import Conversation
from rag.domain import Answer, Standalone
from rag.pipeline import Pipeline

HERE = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text("utf-8"))
    return found


class Asking:
    """A pipeline that remembers the conversations of a table, which often begin alike."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._after = cache(self._asked)
        self._turn = cache(self._turned)

    def _asked(self, before: tuple[str, ...]) -> Conversation:
        if not before:
            return Conversation()
        return self._after(before[:-1]).ask(self.pipeline, before[-1])[2]

    def turn(self, row: dict[str, Any]) -> tuple[Standalone, Answer | None]:
        return self._turn(tuple(row["before"]), row["asked"])

    def _turned(self, before: tuple[str, ...], asked: str) -> tuple[Standalone, Answer | None]:
        standalone, answer, _ = self._after(before).ask(self.pipeline, asked)
        return standalone, answer


def problems(row: dict[str, Any], standalone: Standalone, answer: Answer | None, pipeline: Pipeline) -> Iterator[str]:
    """What of a row is not so."""
    if row["kind"] == "nothing":
        if standalone.question is not None or answer is not None or not standalone.reason:
            yield f"asks {standalone.question!r}"
        return
    question = standalone.question
    if question is None or answer is None:
        yield f"asks nothing: {standalone.reason}"
        return
    if standalone.is_new_topic != bool(row.get("new")):
        yield f"is_new_topic is {standalone.is_new_topic}"
    analyzer = pipeline.snapshot.analyzer
    named = {*interpret(question, analyzer).concepts, *(m.concept for m in analyzer.lexicon.mentions(question))}
    spoken = {c for name in named for c in (name, *analyzer.lexicon.ancestors(name))}
    yield from (f"lacks the concept {c}" for c in row.get("concepts", ()) if c not in spoken)
    yield from (f"lacks {w!r}" for w in row.get("has", ()) if w.casefold() not in question.casefold())
    yield from (f"has {w!r}" for w in row.get("lacks", ()) if w.casefold() in question.casefold())
    if "outcome" in row and answer.outcome.value != row["outcome"]:
        yield f"is {answer.outcome.value}"
    if "says" in row and not any(re.search(row["says"], s.text, re.IGNORECASE) for s in answer.bottom_line):
        yield f"does not say {row['says']!r}: {[s.text[:120] for s in answer.bottom_line]}"
