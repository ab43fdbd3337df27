"""A follow-up made whole: what is asked in its place, and which words of earlier questions are in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rag.domain.base import Frozen

CarriedKind = Literal["question", "treatment", "condition", "patient", "value", "test"]
#: Who worded the question that is asked: a language model only as far as it names what the rules' reading names.
WordedBy = Literal["rules", "model"]
FollowUpKind = Literal["first", "whole", "ellipsis", "pronoun", "correction", "value", "claim", "nothing"]


class Carried(Frozen):
    """Words of an earlier question that a follow-up leaves out. ``turn``, from 1, is the first that gave them."""

    text: str = Field(min_length=1)
    what: CarriedKind
    turn: Annotated[int, Field(ge=1)]


class Replaced(Frozen):
    """Words of an earlier question, and those of the follow-up that stand in their place."""

    was: str = Field(min_length=1)
    now: str = Field(min_length=1)


class Standalone(Frozen):
    """What a conversation's next question asks, in words that need no conversation.

    ``asked`` is as typed, ``question`` what is asked in its place; without one there is nothing to ask, and ``reason``
    says why. Facts of the patient are the asker's own words, never those of an answer. ``by`` says who worded it; what
    was carried and replaced is always as the rules found it.
    """

    asked: str
    question: str | None
    kind: FollowUpKind
    carried: tuple[Carried, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    is_new_topic: bool = False
    reason: str | None = None
    by: WordedBy = "rules"

    @model_validator(mode="after")
    def _asks_or_says_why_not(self) -> Standalone:
        if bool(self.question) == bool(self.reason):
            raise ValueError("a follow-up has a question to ask, or a reason why there is none")
        if self.is_new_topic and (self.carried or self.replaced):
            raise ValueError("a new topic takes nothing from the one before")
        return self
