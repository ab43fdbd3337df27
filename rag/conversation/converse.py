"""One turn of a conversation: the follow-up made whole, asked, and its answer numbered as the conversation is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rag.conversation.numbering import in_conversation, numbers_after
from rag.conversation.turns import Turn
from rag.conversation.understood import understood
from rag.domain import Answer, Audience, Filter, Standalone
from rag.pipeline import Pipeline
from rag.writing.understanding import noted


class Conversation(NamedTuple):
    """What was said so far: its turns in order, and the number of each source that an answer of it cites. Immutable."""

    turns: tuple[Turn, ...] = ()
    numbers: Mapping[str, int] = {}

    def ask(
        self, pipeline: Pipeline, question: str, audience: Audience = Audience.CLINICIAN, within: Filter | None = None
    ) -> tuple[Standalone, Answer | None, Conversation]:
        """What ``question`` asks here, its answer, and the conversation with both. Retrieval is done anew.

        There is no answer where there is nothing to ask.

        Raises:
            QuestionError, NotFoundError: as ``Pipeline.ask`` does, for the question made whole.
        """
        standalone, answer = converse(pipeline, self.turns, self.numbers, question, audience, within)
        turn = Turn.of(answer) if answer else Turn(question, None)
        numbers = numbers_after(self.numbers, answer) if answer else self.numbers
        return standalone, answer, Conversation((*self.turns, turn), numbers)


def converse(
    pipeline: Pipeline, turns: Sequence[Turn], numbers: Mapping[str, int], question: str,
    audience: Audience = Audience.CLINICIAN, within: Filter | None = None,
) -> tuple[Standalone, Answer | None]:  # fmt: skip
    """One turn after ``turns``, whose answers cite sources by ``numbers``: see ``Conversation.ask``."""
    standalone, read = understood(question, turns, pipeline)
    if standalone.question is None:
        return standalone, None
    answer = noted(pipeline.ask(standalone.question, audience, within), read)
    return standalone, in_conversation(answer, standalone, numbers_after(numbers, answer))
