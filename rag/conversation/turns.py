"""What a conversation is made of."""

from __future__ import annotations

from typing import NamedTuple

from rag.domain import Answer


class Turn(NamedTuple):
    """One question of a conversation, as asked and as it was made whole.

    ``question`` is None where there was nothing to ask. ``needed`` are the variables that the answer wanted to know.
    ``said`` is what the answer says: it tells whether the next question goes on with it, and no word of it is ever
    carried into a question.
    """

    asked: str
    question: str | None
    needed: tuple[str, ...] = ()
    said: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Turn:
        """The turn that ``answer`` ended."""
        return cls(
            answer.follow_up.asked if answer.follow_up else answer.question,
            answer.question,
            tuple(n.variable for n in answer.needed),
            " ".join(s.text for s in answer.statements()),
        )
