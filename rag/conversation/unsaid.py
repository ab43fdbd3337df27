"""What stands for something that only an answer named, "the first of these", and for a study: "what did it find?"."""

from __future__ import annotations

import re

from rag.conversation.context import Context
from rag.conversation.phrasing import listed, small

#: "Which drugs does ASH list for stable HIT?"
_WHICH = re.compile(
    r"^(?:which|what) (?P<things>(?!is\b|are\b)[\w-]+(?: [\w-]+){0,2}?) "
    r"(?P<verb>does|do|did|would|should|can|could|is|are) (?P<rest>[^?]+?)\s*\?$",
    re.IGNORECASE,
)
_NTH = re.compile(
    r"\bthe (?P<nth>(?:first|second|third|fourth|last)(?= (?:of (?:these|those|them|the (?:two|three))|one|option|drug|"
    r"agent|choice)\b)|former|latter)(?: (?:of (?:these|those|them|the \w+)|one|option|drug|agent|choice)\b)?(?! of\b)",
    re.IGNORECASE,
)
_PLACE = {"first": 0, "former": 0, "second": 1, "third": 2, "fourth": 3, "last": -1, "latter": -1}
_WHY = re.compile(
    r"^(?:and )?why (?:just |only )?(?:that|this|those|these)(?: ones?| drugs?| agents?)?\s*\??$", re.IGNORECASE
)
_LISTS = re.compile(r"^(?P<who>\S+(?: \d{4})?) (?P<does>[a-z]+)\b")
_STUDY = re.compile(
    r"\b(?:an?|any|the) (?P<study>(?:(?:randomi[sz]ed|controlled|clinical|open-label|observational|prospective|"
    r"retrospective|systematic|large|small|phase \w+) )*(?:trial|study|meta-analysis|review|registry|cohort|survey))\b",
    re.IGNORECASE,
)
_FINDS = (
    r"(?:find|found|show|showed|report|reported|conclude|concluded|include|included|enrol|enrolled|last|lasted|"
    r"randomi[sz]ed?|compared?|measured?)"
)
_IT_FOUND = re.compile(
    rf"\b(?P<does>(?:did|does|has|have) )?(?:it|they|that|this)(?= (?:also |really |actually )?{_FINDS}\b)",
    re.IGNORECASE,
)


def without_ordinals(text: str) -> str:
    return _NTH.sub(" ", text)


def with_reason(context: Context, text: str) -> str | None:
    """Of "why that one?" after "which drug ...?" that question and why; None for any other."""
    which = _WHICH.match(context.text) if _WHY.match(text) else None
    return f"{context.text.rstrip(' ?')}, and why?" if which else None


def in_order(context: Context, text: str) -> str | None:
    """``text`` with what an ordinal stands for: of what the question before names, else of what it asks which they are.

    None where only the answer could tell: no word of an answer is carried. ``text`` itself where it has no ordinal, or
    one treatment was asked about.
    """
    nth = _NTH.search(text)
    if not nth:
        return text
    options, place = [s.text for s in context.compared], _PLACE[nth["nth"].lower()]
    which = _WHICH.match(context.base.question)
    if len(options) > 1:
        named = options[place] if place < len(options) else ""
    elif which:
        named = f"the {nth['nth'].lower()} of {_things(which)}"
    else:
        return text if options else None
    return text[: nth.start()] + named + text[nth.end() :] if named else None


def _things(which: re.Match[str]) -> str:
    """ "The drugs that ASH lists for stable HIT"."""
    verb, rest = which["verb"].lower(), which["rest"]
    if verb in ("is", "are") or rest.startswith("be "):
        return f"the {small(which['things'])} that {verb} {rest}"
    if verb not in ("do", "does"):
        rest = " ".join((*rest.split(" ")[:1], verb, *rest.split(" ")[1:]))  # "that you would give"
    if verb == "does":
        rest = _LISTS.sub(lambda m: f"{m['who']} {m['does']}s", rest)
    return f"the {small(which['things'])} that {rest}"


def of_the_study(context: Context, text: str) -> str:
    """``text`` with the study of the question before for "it", where "it" found or showed something."""
    study = _STUDY.search(context.text)
    if not study:
        return text
    about = listed([s.text for s in context.base.treatments])
    named = f"the {study['study']}" + (f" of {about}" if about else "")
    return _IT_FOUND.sub(lambda m: f"{m['does'] or ''}{named}", text)
