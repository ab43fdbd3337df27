"""A follow-up made whole by the rules, in the words of the language model where there is one and it asks the same."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.triage import redirection
from rag.conversation.turns import Turn
from rag.conversation.values import values
from rag.conversation.whole import made_whole
from rag.domain import Standalone
from rag.pipeline import Pipeline
from rag.writing.understanding import Read

_VALUES = "a value in it was another"


def understood(
    asked: str, turns: Sequence[Turn], pipeline: Pipeline, *, is_last: bool = True
) -> tuple[Standalone, Read | None]:
    """The question that ``asked`` asks after ``turns``, and what the model did, if it was asked.

    It may take as long as the settings give the model; where it fails or asks anything else the rules' question stands.

    Args:
        is_last: of its conversation; of any other the model is not asked, and what it wrote lately is used.
    """
    standalone = made_whole(asked, turns, pipeline.snapshot.analyzer)
    if pipeline.understanding is None:
        return standalone, None
    earlier = [turn.question for turn in turns if turn.question and not redirection(turn.question)]
    worded, read = pipeline.understanding.worded(standalone, earlier, is_last=is_last)
    if read and _measured(worded) != _measured(standalone):
        return standalone, read.refused(_VALUES)
    return worded, read


def _measured(standalone: Standalone) -> list[tuple[str, str]]:
    """Which value has which figure."""
    text = standalone.question or ""
    return sorted((v.key, text[v.figure : v.end].strip(" ().")) for v in values(text))
