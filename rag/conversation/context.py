"""What a follow-up leans on: the question before, and which question of the conversation gave which words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rag.conversation.background import Background, Said
from rag.conversation.phrasing import listed
from rag.conversation.turns import Turn
from rag.conversation.values import values
from rag.domain import Carried, FollowUpKind, Replaced, Standalone
from rag.language.lexicon import Lexicon
from rag.language.terms import Analyzer


@dataclass(frozen=True)
class Context:
    """A follow-up as ``asked`` and the conversation before it. It leans on the turn at ``index``, whose question is
    ``text``, perhaps with facts that the follow-up told already.
    """

    asked: str
    turns: tuple[Turn, ...]
    analyzer: Analyzer
    index: int
    text: str

    @classmethod
    def of(cls, asked: str, turns: Sequence[Turn], analyzer: Analyzer) -> Context:
        """Leaning on the last turn that asked something, of which there must be one."""
        index = max(n for n, turn in enumerate(turns) if turn.question)
        return cls(asked, tuple(turns), analyzer, index, turns[index].question or "")

    @property
    def lexicon(self) -> Lexicon:
        return self.analyzer.lexicon

    @property
    def turn(self) -> Turn:
        return self.turns[self.index]

    @cached_property
    def base(self) -> Background:
        return self.read(self.text)

    def read(self, text: str) -> Background:
        return Background.of(text, self.analyzer)

    def told(self, text: str) -> Context:
        """With facts in the question before."""
        return replace(self, text=text)

    def back_to(self, what: str) -> Context:
        """Leaning on the latest question that speaks of ``what``; as it is where none does."""
        sought = {m.concept for m in self.lexicon.mentions(what)}
        for index in range(len(self.turns) - 1, -1, -1):
            question = self.turns[index].question
            if question and sought & {m.concept for m in self.lexicon.mentions(question)}:
                return replace(self, index=index, text=question)
        return self

    @cached_property
    def subject(self) -> str | None:
        """What the question before asks about: treatments, else one that the patient has, else tests."""
        asked = [s.text for s in self.base.treatments]
        had = [s.name for s in self.base.current]
        tests = [] if self.condition else [s.text for s in self.base.tests]
        word = "or" if len(asked) == 2 and f"{asked[0]} or " in self.text else "and"
        return (
            self.base.defined
            or listed(asked, word)
            or self.base.unnamed
            or (had[0] if len(had) == 1 else None)
            or listed(tests)
            or None
        )

    @cached_property
    def condition(self) -> str | None:
        """The condition that the question before names first."""
        return next((c.name for c in self.base.conditions if c.what == "condition"), None)

    @cached_property
    def compared(self) -> list[Said]:
        """Treatments between which a question may choose: those of the question before, else all of a class of which
        the conversation asked.
        """
        now = self.base.treatments
        if len(now) != 1:
            return now
        above = self.lexicon.ancestors(now[0].concept)
        asked = [s for turn in self.turns if turn.question for s in self.read(turn.question).treatments]
        return list({s.concept: s for s in asked if above & self.lexicon.ancestors(s.concept)}.values())

    def carried(self, parts: Iterable[Said]) -> list[Carried]:
        """What was carried, and from which question; not what the follow-up says itself."""
        found: dict[str, Carried] = {}
        for part in parts:
            if part.text and part.text.casefold() not in self.asked.casefold():
                found.setdefault(part.text, Carried(text=part.text, what=part.what, turn=self._turn_of(part)))
        return list(found.values())

    def _turn_of(self, part: Said) -> int:
        """The first question that gave these words, else the one that is leant on."""
        words = part.text.removeprefix("the ").casefold()
        for number, turn in enumerate(self.turns, 1):
            if words in turn.asked.casefold() or (part.concept and self._names(turn.asked, part)):
                return number
        return self.index + 1

    def _names(self, text: str, part: Said) -> bool:
        if part.what == "value":
            return any(v.key == part.concept and v.said(text) == part.text for v in values(text))
        return any(m.concept == part.concept for m in self.lexicon.mentions(text))

    def standing(
        self, text: str, kind: FollowUpKind, replaced: Iterable[Replaced] = (), carried: Iterable[Carried] | None = None
    ) -> Standalone:  # fmt: skip
        """``text`` as what is asked; without ``carried``, the question before as a whole is what was carried."""
        if carried is None:
            carried = [Carried(text=self.turn.question or "", what="question", turn=self.index + 1)]
        distinct = dict.fromkeys(r for r in replaced if r.was.casefold() != r.now.casefold())
        question = " ".join(text.split())
        return Standalone(
            asked=self.asked, question=question, kind=kind, carried=tuple(carried), replaced=tuple(distinct)
        )
