"""The evidence of one statement, as guards see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rag.answer.condensing import Reason
from rag.answer.reading import Reading, Steer
from rag.language.lexicon import Lexicon
from rag.language.quantities import Quantity


class Pool(NamedTuple):
    """The evidence: one reading for each quote, the one nearest to the statement, and its stated strength.

    ``lexicon`` says which concepts are kinds of others.
    """

    readings: tuple[Reading, ...]
    nearest: Reading
    strength: str
    lexicon: Lexicon

    def quantities(self) -> list[Quantity]:
        return [q for r in self.readings for q in r.quantities]

    def keys(self) -> set[str]:
        """The words of all quotes."""
        return {k for r in self.readings for k in r.keys}

    def named(self, statement: Reading) -> set[int]:
        """Atoms of the statement that are part of a name of something that a quote names too."""
        known = frozenset[str]().union(*(r.concepts for r in self.readings))
        return {i for i, mention in statement.mention_at.items() if mention.concept in known}

    def steers(self, kinds: frozenset[str]) -> list[tuple[Reading, Steer]]:
        return [(r, s) for r in self.readings for s in r.steers if s.kind in kinds]


#: A guard gives reasons against a statement; none means that it passes.
Guard = Callable[[Reading, Pool], Iterator[Reason]]
