"""People whom a study left out: what it found says nothing about them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answer.condensing import Reason
from rag.answer.pool import Pool
from rag.answer.reading import Reading
from rag.language.lexicon import Mention
from rag.language.quantities import Quantity

_KINDS = frozenset({"condition", "population"})
#: What leaves out those named before it ("were excluded"), and those named after it ("excluding", "without").
_PASSIVE = re.compile(
    r"\b(?:(?:was|were|are|is|been|being)\s+(?:\w+ly\s+)?excluded|(?:was|were|are|is)\s+(?:not\s+eligible|ineligible)"
    r"|(?:was|were|has|have|had)\s+not\s+(?:been\s+)?(?:studied|included|investigated|enrolled)"
    r"|not\s+(?:been\s+)?(?:studied|investigated|evaluated)\s+in)\b",
    re.IGNORECASE,
)
_ACTIVE = re.compile(
    r"\b(?:exclud(?:es?|ing)|(?<!was )(?<!were )(?<!are )(?<!is )(?<!been )excluded|exclusion(?:\s+criteria)?|without"
    r"|free\s+of|not\s+(?:been\s+)?(?:studied|investigated|evaluated)\s+in)\b",
    re.IGNORECASE,
)
_EXCLUDING = re.compile(
    r"\b(?:exclud(?:es?|ing)|(?<!was )(?<!were )(?<!are )(?<!is )(?<!been )excluded|exclusion(?:\s+criteria)?)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:]\s|\.\s|,\s(?:but|whereas|while|although)\s")
#: Characters after a word that leaves out within which its people are named.
_REACH = 120
_NORMAL = re.compile(r"\bnormal\s+(?P<organ>liver|hepatic|renal|kidney)\s+function", re.IGNORECASE)
_ORGANS = {"liver": "hepatic impairment", "hepatic": "hepatic impairment", "renal": "renal impairment",
           "kidney": "renal impairment"}  # fmt: skip


def excluded(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """A statement about people, or a condition, of which the evidence speaks only to say that it left them out."""
    yield from _values(statement, pool)
    left_out = frozenset[str]().union(*(_left_out(r) for r in pool.readings))
    if not left_out:
        return
    studied = frozenset(m.concept for r in pool.readings for m in _studied(r))
    own = _left_out(statement)
    for mention in statement.mentions:
        concept = mention.concept
        if mention.kind not in _KINDS or concept in own or concept in studied:
            continue
        if any(pool.lexicon.is_a(concept, other) for other in left_out):
            written = statement.text[mention.start : mention.end]
            yield Reason("population", f"{written}: left out of what the evidence studied")


def _values(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Values that the evidence names only as those of people whom it left out."""
    for mine in statement.quantities:
        theirs = [_is_cut_off(q, r) for r in pool.readings for q in r.quantities if mine.same_as(q)]
        if mine.unit and theirs and all(theirs) and not _is_cut_off(mine, statement):
            written = statement.text[mine.start : mine.end]
            yield Reason("population", f"{written}: left out of what the evidence studied")


def _is_cut_off(value: Quantity, reading: Reading) -> bool:
    before = _CLAUSE.split(reading.text[max(0, value.start - _REACH) : value.start])[-1]
    after = _CLAUSE.split(reading.text[value.end : value.end + _REACH])[0]
    return bool(_EXCLUDING.search(before)) or bool(_PASSIVE.search(after))


def _left_out(reading: Reading) -> frozenset[str]:
    normal = {_ORGANS[m["organ"].lower()] for m in _NORMAL.finditer(reading.text)}
    return frozenset(normal | {m.concept for m in reading.mentions if m.kind in _KINDS and _is_left_out(m, reading)})


def _studied(reading: Reading) -> Iterator[Mention]:
    return (m for m in reading.mentions if not _is_left_out(m, reading))


def _is_left_out(mention: Mention, reading: Reading) -> bool:
    before = _CLAUSE.split(reading.text[max(0, mention.start - _REACH) : mention.start])[-1]
    after = _CLAUSE.split(reading.text[mention.end : mention.end + _REACH])[0]
    return bool(_ACTIVE.search(before)) or bool(_PASSIVE.search(after))
