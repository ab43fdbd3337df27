"""What a sentence says of itself set apart: its topic, its source and how firm it is become sentences of their own.

"In a review of trials (Doe 2020), pain was less (low certainty)." is read as "Source: a review of trials (Doe 2020).
Pain was less. Strength: low certainty." Words are moved and labels are put before them; none is exchanged, and nothing
but "in" or "for" at the head is left out. Such sentences are shown together only, so that a topic stands for all.
"""

from __future__ import annotations

import re

from rag.language.polarity import cues

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
#: "X (Doe 2020)." at the end of a clause.
_CLOSING = re.compile(r"\s*\(([^()]*)\)[.\s]*$")
_REMARK = re.compile(r"our (?:inference|reading|synthesis)\b", re.IGNORECASE)
_NAME = r"(?:[A-Z][\w.'’/-]*|and|et|al\.?|of|the|for|de|van)"
_YEARED = re.compile(rf"{_NAME}(?:\s+{_NAME})*,? (?:19|20)\d\d(?:/\d\d)?(?:, [a-z][a-z -]+)?")
_DOCUMENT = re.compile(r"(?:[A-Z]+ )?(?:product information|label|case reports?|narrative review)")
_GRADE = re.compile(
    r"(?:strong|conditional|weak)(?: recommendation)?|(?:all )?(?:grade|class|level) [\w+-]+"
    r"|(?:very low|low|moderate|high)(?: to (?:very low|low|moderate|high))?[ -](?:certainty|quality)(?: evidence)?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
#: "In a cohort (Doe 2020) bleeding was rare" and "In a cohort, bleeding was rare".
_PLACED = re.compile(
    r"(?:In|At|For) (?P<what>[^,;:()]*(?:\([^()]*\b(?:19|20)\d\d\b[^()]*\),? |(?: \([^()]*\))?, ))(?=\w)"
)
_ATTRIBUTED = re.compile(r"(?P<what>[A-Z](?:(?!\. | [-–] )[^:;]){12,140}?): (?=[A-Za-z])")
_STUDY = re.compile(r"\b(?:analysis|meta-analysis|cohort|trial|study|studies|registry|series|review|survey)\b")
#: "In most patients", "in contrast", "in 2019": how many, how often or how, and no topic.
_NO_TOPIC = frozenset(
    "addition all any contrast each either every few general many most no none only order other others particular rare "
    "several some spite such that the these this those which whom example instance now up".split()
)
_LEAST = 4
#: What a title of a guideline or a label never begins with.
_NO_TITLE = frozenset("after as at before by during for if in no on since to until when while with".split())


def apart(clause: str) -> str:
    """A clause without its full stop as sentences: what closes it in parentheses follows it, if it is no part of it."""
    labelled: list[str] = []
    while (match := _CLOSING.search(clause)) and match.start() and (label := _label(match[1])):
        clause, labelled = clause[: match.start()], [label, *labelled]
    return " ".join([f"{clause.rstrip('.')}.", *labelled]) if labelled else clause


def topic(sentence: str) -> tuple[str, str]:
    """A sentence as (what it is on, the rest); ("", all of it) where its head is no topic.

    Whether the rest can stand alone is for the caller to say.
    """
    for pattern in (_ATTRIBUTED, _PLACED):
        match = pattern.match(sentence)
        if match and (label := _kind(what := match["what"].rstrip(" ,"), sentence[match.end() :], pattern is _PLACED)):
            return f"{label}: {what}.", sentence[match.end() :]
    return "", sentence


def _kind(what: str, rest: str, is_placed: bool) -> str | None:
    """Whom or what a sentence is on stays beside what it denies or advises against."""
    words = [word.lower() for word in _WORD.findall(what)]
    if not is_placed:
        return "Topic" if len(words) >= _LEAST and words[0] not in _NO_TITLE else None
    if _YEAR.search(what) or (len(words) >= _LEAST and _STUDY.search(what)):
        return "Source"
    is_steered = any(c.kind == "hedge" for c in cues(what)) or any(c.kind == "negation" for c in cues(rest))
    return None if len(words) < _LEAST or words[0] in _NO_TOPIC or is_steered else "Topic"


def _label(aside: str) -> str | None:
    """A sentence made of what stands in parentheses; None for what must stay where it stands."""
    if _REMARK.match(aside):
        return f"This is {aside}."
    if all(_GRADE.fullmatch(part) for part in re.split(r"[,;] ", aside)):
        return f"Strength: {aside}."
    if _YEARED.fullmatch(aside) or _DOCUMENT.fullmatch(aside):
        return f"Source: {aside.rstrip('.')}."
    return None
