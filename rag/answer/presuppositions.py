"""Claims that a question takes for granted, found by the ways in which people put them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.language.sentences import sentence_spans

_ASKING = (
    r"(?:what|how|which|should|can|could|is|are|do|does|did|when|why|who|whom|where|would|may|must|has|have|will|shall)"
)
_QUESTION = re.compile(rf"^(?:(?:and|but|so|then|in that case|ok|well),?\s+)*{_ASKING}\b", re.IGNORECASE)
#: "Since ..., what", "... because ...?", "I know that ..., so"; not "be given to ..."
_BECAUSE = re.compile(
    r"\b(?:since|given(?! (?:to|by|as|for|in|into|with|at|after|before|during|when|if|every|over)\b)(?: that)?|as|"
    r"because|now that|seeing(?: that| as)?|knowing that|considering that|"
    r"assuming(?: that)?|i (?:know|read|heard|understand|believe|gather|was told|am told|was taught)(?: that)?|"
    r"we (?:know|were told)(?: that)?|it is (?:well )?(?:known|established)(?: that)?|everyone knows(?: that)?|"
    r"the fact that)\s+(?P<claim>[^?]{12,}?)"
    rf"(?:,\s*(?:so|then|and)?\s*(?={_ASKING}\b|i\b|we\b)|\s+(?:so|then)\s+(?={_ASKING}\b)|\s*[?;]|\.\s|$)",
    re.IGNORECASE,
)
#: "..., so how": what stands before the asking part of a sentence.
_BEFORE_ASKING = re.compile(
    rf"^(?P<claim>[^?]+?)(?:,\s*|;\s*|:\s*|\s-\s|\s+(?=so\b))"
    rf"(?:(?:so|then|and so|hence|therefore),?\s+)?(?={_ASKING}\b)",
    re.IGNORECASE,
)
#: "the genotyping that has to be done", "24 mg, which the label sets as a maximum"
_RELATIVE = re.compile(
    r",?\s+(?:which|that|who)\s+(?P<claim>(?:of course )?(?:is|are|was|has|have|does|do|must|should|can|cannot|needs?|"
    r"rules?|sets?|means?|the \w+ (?:sets?|says?|gives?|calls?))\b[^,?.]{4,})",
    re.IGNORECASE,
)
_HEAD = re.compile(r"(?:[\w/-]+\s+){0,3}[\w/-]+$")
_ANTIBODY = re.compile(r"(?P<head>(?:[\w/-]+\s+)?antibod(?:y|ies))\s*\((?P<claim>anti-[^()]+)\)", re.IGNORECASE)
_SPLIT = re.compile(r",?\s+(?:so|therefore|hence|which means(?: that)?)\s+|;\s+")
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|can't|could|should|must|may|might|will|won't|"
    r"needs?|doesn't|don't|isn't|aren't|never|works?|means?|replaces?|suits?|requires?|recommends?|\w{3,}(?:s|ed))\b",
    re.IGNORECASE,
)
_LEAST_WORDS = 3


def premises(text: str) -> list[str]:
    """Claims that ``text`` states rather than asks, in order, without repeats.

    Too many rather than too few: a claim only matters if evidence contradicts it.
    """
    found = [m["head"].strip() + " are " + m["claim"].strip() for m in _ANTIBODY.finditer(text)]
    for start, end in sentence_spans(text):
        sentence = text[start:end].strip()
        found += _asked(sentence) if sentence.endswith("?") else [sentence]
        found += [f"{_head(sentence[: m.start()])} {m['claim']}" for m in _RELATIVE.finditer(sentence)]
    parts = [part.strip(" ,.:;?") for claim in found for part in (claim, *_SPLIT.split(claim))]
    return list(dict.fromkeys(p for p in parts if _is_claim(p)))


def _asked(sentence: str) -> Iterator[str]:
    for match in _BECAUSE.finditer(sentence):
        yield match["claim"]
    before = _BEFORE_ASKING.match(sentence)
    if before and not _QUESTION.match(sentence):
        yield re.sub(r"^(?:since|as|because|given that|now that)\s+", "", before["claim"], flags=re.IGNORECASE)


def _head(before: str) -> str:
    """The last words before a relative clause: what it is about."""
    match = _HEAD.search(before)
    return match[0] if match else before


def _is_claim(part: str) -> bool:
    return len(part.split()) >= _LEAST_WORDS and not _QUESTION.match(part) and bool(_VERB.search(part))
