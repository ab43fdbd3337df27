"""What in a question is no part of what is asked: courtesy, and instructions to whoever answers.

"Answer briefly", "please cite sources" and "ignore the guidelines" name nothing that a corpus speaks of, so that their
words would stand between the question and its evidence. None of them changes an answer; of one that asks for less than
the evidence the reader is told.
"""

from __future__ import annotations

import re

from rag.domain import ReadAs

_POLITE = r"(?:(?:please|kindly|just|and|but|also|so|then|now)[ ,]+)*"
#: What an instruction may ask to be left out of account.
_RULE = (
    r"(?:guidelines?|guidance|instructions?|sources?|corpus|documents?|label(?:ling|s)?|warnings?|rules?|safety"
    r"(?: (?:rules|warnings|checks))?|disclaimers?|evidence|literature|prompts?|protocols?|recommendations?)"
)
_RULES = (
    r"(?:(?:all|any|the|your|our|what|every|previous|prior|above|usual|these|official|medical|ASH|NICE|local)[ -]+)*"
    rf"{_RULE}(?:(?:,? (?:and|or) |, )(?:the |your )?{_RULE})?(?: say| says| above| you (?:have|were given))?"
)
_SIZE = r"(?:\d+|one|two|three|four|five|a few|a couple of|ten|fifty|(?:a )?hundred)"
_AMOUNT = rf"{_SIZE}(?:[- ](?:short|brief|simple))?[- ]?(?:words?|sentences?|lines?|bullets?(?: points?)?|paragraphs?)"
_MANNER = (
    rf"(?:(?:very |as )?(?:briefly|concisely|shortly|succinctly|quickly|simply|directly|honestly|"
    rf"in (?:brief|short|detail|full)|"
    rf"(?:in|with|using) (?:at most |under |max(?:imum)? |no more than |only |just )?{_AMOUNT}|"
    rf"in (?:plain|simple|lay) (?:English|language|terms|words)|"
    rf"(?:as|in) (?:a )?(?:table|bullets?(?: points?)?|markdown|JSON|list)|step by step|"
    rf"(?:only |just )?(?:with )?(?:a )?(?:simple )?yes or no(?: only)?|"
    rf"(?:max(?:imum)?|at most|under|no more than) {_AMOUNT}|without (?:hedging|waffle|disclaimers?|caveats?))[ ,]*)"
)
_REFERENCES = (
    r"(?:(?:me|us|your|the|all|any|some|relevant|full|proper|primary|supporting)[ ]+)*"
    r"(?:sources?|references?|citations?|PMIDs?|DOIs?|links?|guideline references|levels? of evidence|evidence levels?)"
    r"(?:(?: and| or|,) (?:the |your )?(?:sources?|references?|citations?|guidelines?|PMIDs?|DOIs?|links?|evidence))*"
    r"(?: (?:for|to|with) (?:this|that|it|your (?:answer|reply|response)|everything|each (?:statement|claim)))?"
)
#: Asks for less than the evidence, or for another voice; the reader is told that it is not followed.
_OVERRIDES = re.compile(
    rf"{_POLITE}(?:(?:ignore|disregard|forget(?: about)?|override|bypass|skip|omit|never mind|leave out|"
    rf"(?:do not|don't|without) (?:use|us(?:ing)|follow(?:ing)?|rely(?:ing)? on|cit(?:e|ing)|mention(?:ing)?|"
    rf"quot(?:e|ing)|look(?:ing)? at))\s+{_RULES}|"
    r"(?:^|(?<=[.?!,;:] )|(?<=\band ))(?:you are(?: now)?|you're|act(?:ing)? as|"
    r"pretend(?: that| to be)?(?: you are| you're)?|imagine (?:that )?you are|"
    r"speaking as|answer as|respond as)\s+(?:an?|the|my|if)\s+[^.,:;?!]*)(?:\s+and\b)?",
    re.IGNORECASE,
)
_ASIDES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_POLITE}(?:answer|respond|reply|explain|summari[sz]e)(?: (?:me|this|it|the question|to me))?[ ,]+"
        rf"{_MANNER}+",
        rf"{_POLITE}(?:be|keep (?:it|this|your answer))\s+(?:very )?"
        r"(?:brief|concise|short|specific|quick|simple|succinct)",
        rf"{_POLITE}(?:cite|quote|give|include|provide|show|add|name|list|with)\s+{_REFERENCES}",
        rf"{_POLITE}(?:no|without) (?:hedging|waffle|disclaimers?|caveats?|fluff|preamble)",
        rf"(?:^|(?<=[.?!,;:]))\s*{_POLITE}{_MANNER}+(?=\s*(?:[.:,;!]|$))",
        r"(?:^|(?<=[.?!]))\s*(?:hi|hello|hey|dear (?:colleagues?|osler|all|doctor)|good (?:morning|afternoon|evening))"
        r"(?: (?:there|osler|all|everyone))?\b[,!. ]*",
        rf"{_POLITE}(?:can|could|would|will) you (?:please |kindly |just )*(?:tell (?:me|us)|explain(?: to me)?|"
        r"advise(?: me)?(?: on)?|let me know|clarify|help me (?:(?:to )?(?:understand|decide)|with))\b",
        r"\b(?:i(?:'d| would) like to know|i (?:want|need) to know|i(?:'m| am| was) wondering|please advise(?: on)?|"
        r"(?:and |please |just )*tell me)\b",
        r"(?:many thanks|thank you(?: (?:very|so) much)?|thanks(?: in advance| a lot)?|cheers|regards)[ ,!.]*$",
        r"(?:^|(?<=[.?!]))\s*(?:tl;?dr|urgent(?:ly)?|quick question|asap)\s*[:!,.-]+",
    )
)  # fmt: skip
#: What is left hanging where something was taken out.
_LEFT = re.compile(r"^[\s,;:.!-]+(?:and\s+)?|[\s,;:-]+(?=[.?!]|$)|(?<=[.?!])[\s,;:.]+(?=[.?!])")
_JOINED = re.compile(r"([.?!])\s*[.,;:]+")
_LEAST_WORDS = 2


def without_asides(text: str) -> tuple[str, list[ReadAs]]:
    """``text`` without courtesy and instructions, and those of them of which a reader must know; as it is where nothing
    else is said.
    """
    told = [m[0].strip(" ,.;:").removesuffix(" and") for m in _OVERRIDES.finditer(text)]
    left = _OVERRIDES.sub(" ", text)
    for pattern in _ASIDES:
        left = pattern.sub(" ", left)
    if left == text:
        return text, []
    left = " ".join(_JOINED.sub(r"\1", _LEFT.sub("", " ".join(left.split()))).split())
    if len(re.findall(r"\w+", left)) < _LEAST_WORDS:
        return text, []
    return left, [ReadAs(typed=typed, read="an instruction, which is not followed") for typed in told]
