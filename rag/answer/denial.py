"""The opposite of a statement, in words: which of the two is nearer to the evidence tells what the evidence says."""

from __future__ import annotations

import re

#: Each becomes the other, where a statement has it; of two rows with one word the first counts.
_OPPOSITES = (
    "increase decrease", "increases decreases", "increased decreased", "increasing decreasing", "higher lower",
    "more less", "greater smaller", "raises lowers", "raise lower", "raised lowered", "improves worsens",
    "improve worsen", "improved worsened", "promotes inhibits", "promote inhibit", "activates inhibits",
    "induces prevents", "enhances impairs", "effective ineffective", "safe unsafe", "positive negative",
    "causes prevents", "cause prevent", "beneficial harmful", "upregulates downregulates", "high low",
    "elevated reduced", "activation inhibition", "reduces increases", "reduce increase", "reduction increase",
    "blocks promotes", "suppresses promotes", "protects endangers", "stimulates inhibits", "risk protection",
)  # fmt: skip
_VERB = r"is|are|was|were|do|does|did|has|have|had|can|could|should|must|would|will|may"
_NEGATED = re.compile(rf"\b(?:{_VERB})(?P<apart> not)\b|\bcan(?P<joined>not)\b")
_ASSERTED = re.compile(rf"\b(?:{_VERB})\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+")


def _both() -> dict[str, str]:
    pairs = [tuple(row.split()) for row in _OPPOSITES]
    found: dict[str, str] = {}
    for one, other in pairs:
        found.setdefault(one, other)
        found.setdefault(other, one)
    return found


_OTHER = _both()


def denied(statement: str) -> str:
    """A statement with one change that makes it say the opposite.

    The first negation is taken out; without one, the first word of the table becomes its opposite; without that, the
    first verb that takes a negation gets one; and what has none is called untrue.
    """
    if match := _NEGATED.search(statement):
        start, end = match.span("apart" if match["apart"] else "joined")
        return statement[:start] + statement[end:]
    for match in _WORD.finditer(statement):
        if other := _OTHER.get(match[0].lower()):
            return statement[: match.start()] + other + statement[match.end() :]
    if match := _ASSERTED.search(statement):
        return f"{statement[: match.end()]} not{statement[match.end() :]}"
    return f"It is not true that {statement[:1].lower()}{statement[1:]}"
