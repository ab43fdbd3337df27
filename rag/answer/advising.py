"""Advice in other words: how firmly a text advises, and whether two texts advise the same.

"Not recommended", "recommend against", "should not" and "contraindicated" are one side, told apart by how firm they are
only. A statement may be less firm than its evidence and never firmer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rag.answer.condensing import Reason
from rag.answer.pool import Pool
from rag.answer.reading import Reading, Steer
from rag.language.polarity import Stance, stance, stances

#: How firm each sense of a word of advice is.
LEVELS = {"may": 1, "suggest": 2, "should": 3, "recommend": 4, "must": 5}
_MODALITY = frozenset({"modality"})
_SIDES = frozenset({Stance.FOR, Stance.AGAINST})
#: Terms of words that advise, of who does, and of what is done with any treatment: they are no part of the matter.
_ADVISING = frozenset(
    """
    advis adviz advic avoid contraind discourag guidelin indic panel propos recommend should suggest we must
    us use given give take taken receiv need patient peopl
    """.split()
)
#: What words of advice that also say what is so begin with.
_NO_ADVICE = ("always", "essential", "necessary", "propos", "requir", "strong", "suggest")
_LIMITING = frozenset({"exception", "hedge", "limit"})
_WHOM = frozenset({"condition", "population"})
#: Share of the other words of a statement in its evidence from which both speak of the same.
_SAME_MATTER = 0.75
#: What an order begins with; as firm as a recommendation.
_ORDERS = frozenset(
    "avoid check discontinue do give hold monitor refer reduce restrict start stop treat use withhold".split()
)


def level(reading: Reading, steer: Steer) -> int:
    """How firm a word of advice is, 1 to 5. "Not advised" is no firmer than a suggestion against."""
    before = reading.keys[max(0, steer.first - 2) : steer.first]
    is_weak = reading.keys[steer.first].startswith("advi") and "not" in before
    return LEVELS["suggest"] if is_weak else LEVELS[steer.sense]


def firmest(pool: Pool) -> int:
    """How firmly the evidence advises where it is firmest; 1 where it does not."""
    found = [level(r, s) for r, s in pool.steers(_MODALITY)]
    found += [LEVELS["recommend"] for r in pool.readings if _orders(r)]
    found += [LEVELS["must"] for r in pool.readings if _forbids(r)]
    return max(found, default=1)


def raised(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Advice firmer than all of the evidence's, or where the evidence says that there is none."""
    yield from _raised(statement, pool, [s for s in statement.steers if s.kind in _MODALITY])


def advised(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """The same in whatever words: "requires" and "strong" say other things where nothing is advised."""
    advises = firmest(pool) > LEVELS["may"]
    steers = (s for s in statement.steers if s.kind in _MODALITY)
    yield from _raised(statement, pool, [s for s in steers if advises or _is_advice(statement, s)])


def _is_advice(reading: Reading, steer: Steer) -> bool:
    return not reading.keys[steer.first].startswith(_NO_ADVICE)


def _raised(statement: Reading, pool: Pool, steers: Sequence[Steer]) -> Iterator[Reason]:
    strongest = firmest(pool)
    for steer in steers:
        if level(statement, steer) > strongest:
            yield Reason("modality", f"{statement.written(steer.first, steer.last)} is stronger than the evidence")
    if _forbids(statement) and strongest < LEVELS["must"]:
        yield Reason("modality", "contraindicated is stronger than the evidence")
    side = stance(statement.text)
    if side in _SIDES and stance(pool.nearest.text) is Stance.ABSENT and side not in stances(pool.nearest.text):
        yield Reason("modality", "the evidence says that there is no recommendation")


def agreement(statement: Reading, pool: Pool) -> Literal["same", "opposite"] | None:
    """Whether both advise for or against, on the same matter; None where one does not, or it may be another matter.

    The evidence must not be of narrower people, nor have a limit, an exception or a hedge, that the statement has not.
    """
    mine, theirs = stance(statement.text), stance(pool.nearest.text)
    matter = {t for t in statement.content if t not in _ADVISING}
    if not {mine, theirs} <= _SIDES or len(matter) < 2:
        return None
    whom = {m.concept for m in pool.nearest.mentions if m.kind in _WHOM}
    is_narrower = not whom <= statement.concepts or not _limits(pool.nearest) <= _limits(statement)
    if is_narrower or len(matter & pool.nearest.content) < _SAME_MATTER * len(matter):
        return None
    return "same" if mine is theirs else "opposite"


def _limits(reading: Reading) -> set[tuple[str, str]]:
    return {(s.kind, s.sense) for s in reading.steers if s.kind in _LIMITING}


def _forbids(reading: Reading) -> bool:
    return any(key.startswith("contraindicat") for key in reading.keys)


def _orders(reading: Reading) -> bool:
    """Whether a sentence, or what follows a comma or a colon, begins with what someone is told to do."""
    return any(
        atom.key in _ORDERS and reading.text[: atom.start].rstrip()[-1:] in {"", ".", ";", ":", ","}
        for atom in reading.atoms
    )
