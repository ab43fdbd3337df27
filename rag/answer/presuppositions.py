"""Claims that a question takes for granted, found by the ways in which people put them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag.language.lexicon import Mention
from rag.language.sentences import sentence_spans

_ASKING = (
    r"(?:(?:(?:on|at|by|in|for|to|from|with|within|of|under|after|up to)\s+)?(?:what|which|whom|how)|should|can|could|"
    r"is|are|am|do|does|did|when|why|who|where|would|may|must|has|have|will|shall|any|whether|if)"
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
#: "..., correct?": a statement that waits for a yes; and "..., isn't it?".
_TAG = re.compile(
    r"[,;.]?\s+(?:right|correct|yes|no|ok|okay|true|agreed|(?:is|are|does|do|has|have|can|was|were|should|would)(?:n't)?\s+"
    r"(?:it|they|he|she|that|this|there)(?: (?:right|so|correct|true))?)\s*\?$",
    re.IGNORECASE,
)
#: Where what is said ends and what is concluded from it, and asked, begins: "..., so I need not".
_CONCLUDED = re.compile(r",\s+(?:so|hence|therefore|then)\s+|;\s+|\s-\s")
#: "the genotyping that has to be done", "24 mg, which the label sets as a maximum"
_RELATIVE = re.compile(
    r",?\s+(?:which|that)\s+(?P<claim>(?:of course )?(?:is|are|was|has|have|does|do|must|should|can|cannot|needs?|"
    r"rules?|sets?|means?|starts?|makes?|the \w+ (?:sets?|says?|gives?|calls?))\b[^,?.]{4,})",
    re.IGNORECASE,
)
#: A noun phrase at the end of what stands before; the last words where none begins with an article.
_HEADS = tuple(
    re.compile(head, re.IGNORECASE) for head in (r"\b(?:the|an?|this|its)\s+[^,;?:]+$", r"(?:[\w/-]+\s+){0,3}[\w/-]+$")
)
_ANTIBODY = re.compile(r"(?P<head>(?:[\w/-]+\s+)?antibod(?:y|ies))\s*\((?P<claim>anti-[^()]+)\)", re.IGNORECASE)
#: Questions that can only be asked of something that exists: "Which of the trials", "What size is the bolus".
_EXISTING = (
    (re.compile(r"^(?:which|what) of the (?P<what>[^?,]+?) (?:was|were|is|are|has|had|have)\b", re.IGNORECASE),
     "there are {what}"),
    (re.compile(r"^what (?:\w+ ){1,2}(?:is|was|are|were) the (?P<what>[^?,]+)", re.IGNORECASE), "there is the {what}"),
    (re.compile(r"\bdo(?:es)? (?P<who>the [^?,]+?) (?:give|say|set|attach|assign) (?:to |for |of |in )?its "
                r"(?P<what>[^?,]+)", re.IGNORECASE), "{who} has the {what}"),
    (re.compile(r"(?P<who>[\w-]+), its (?P<what>[^?,]+)", re.IGNORECASE), "{who} has the {what}"),
)  # fmt: skip
#: "I don't have a licence so I can't prescribe": what is lacking is taken to be needed.
_LACKING = re.compile(
    r"\b(?:do(?:es)? ?n[o']t have|has no|have no|without|lack) (?:an? |the )?(?P<what>[^,;?.]+?),?\s+"
    r"(?:so|therefore|and)\s+(?:i |we |he |she |they )?(?:can(?:no|')t|cannot|may not|must not)\s+(?P<action>[^,;?.]+)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r",?\s+(?:so|therefore|hence|which means(?: that)?)\s+|;\s+")
_INTRODUCED = re.compile(
    r"^(?:(?:since|as|because|given that|now that|seeing (?:that|as)|i (?:know|read|heard|understand|believe|gather)"
    r"(?: that)?|we know(?: that)?)\s+)+",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|can't|could|should|must|may|might|will|won't|"
    r"needs?|doesn't|don't|isn't|aren't|never|works?|means?|replaces?|suits?|requires?|recommends?|want|prefer|advise|"
    r"suggest|say|allow|forbid|cause|make|gave|kept|made|found|showed|did|took|came|"
    r"\w{3,}(?:(?<![sui])s|ed))\b",
    re.IGNORECASE,
)
#: What is told of the patient or the asker is history: no corpus knows it.
_HISTORY = re.compile(
    r"^(?:(?:my|the|this|our|a|an)\s+(?:[\w-]+\s+){0,3}?)?(?:patient|man|woman|he|she|i|we)\s+(?:has|had|is|was|have|am|"
    r"never|developed|presented|takes|took)\b(?!.*\bantibod)",
    re.IGNORECASE,
)
_WHO = re.compile(r"\b(?:whose|who)\b.*")
#: What ends like a verb and is none, and what stands only before nouns.
_NO_VERB = re.compile(
    r"(?:\b(?:tests|levels|values|results|signs|symptoms|platelets|counts|years|days|weeks|months|hours|doses|units)|"
    r"(?:^|\b(?:with|of|for|in|on|and|or|the|an?|newly|recently|known|previously)\s+)\w+(?:s|ed))$",
    re.IGNORECASE,
)
_LEAST_WORDS = 3
_NOT = re.compile(r"\b(?:not|never|no|isn't|aren't|cannot|can't|n't|without|nobody|neither)\b|n't\b", re.IGNORECASE)
_FORBIDDEN = re.compile(
    r"\b(?:contra-?indicat\w+|forbidden|prohibit\w*|banned|off[- ]limits|rules? out|(?:be|is|are) avoided|avoid|unsafe|"
    r"dangerous|unsuitable|(?:must|should|may|can)(?: not|n't| never)(?: be)?|can(?:no|')t be|"
    r"(?:not|isn't|aren't)(?: \w+ly)? (?:be )?(?:allowed|safe|suitable|recommended|used|given|indicated|an option))\b",
    re.IGNORECASE,
)
_PERMITTED = re.compile(
    r"\b(?:fine|safe|ok|okay|allowed|usual|standard|routine|routinely|suits?|suitable|label+ed|licen[cs]ed|indicated|"
    r"preferred|(?:drug|agent|treatment) of choice|(?:can|may) be (?:used|given|started|continued))\b",
    re.IGNORECASE,
)
#: Before what forbids: it does not.
_DENIAL = re.compile(r"(?:\b(?:not|never|no longer|hardly)|n't)(?: be| a| an)?\s*$", re.IGNORECASE)


class Claim(NamedTuple):
    """A premise as it is held against evidence: what it names, and the conditions it is about, its own or, where it
    names none, the patient's (``is_of_patient``).
    """

    text: str
    terms: frozenset[str]
    mentions: tuple[Mention, ...]
    treatments: tuple[str, ...]
    conditions: tuple[str, ...]
    places: frozenset[str]
    is_of_patient: bool

    @property
    def is_negated(self) -> bool:
        return denies(self.text)

    @property
    def forbids(self) -> re.Match[str] | None:
        """Where it says that something must not be done, if it does."""
        found = _FORBIDDEN.finditer(self.text)
        return next((m for m in found if not _DENIAL.search(self.text[: m.start()])), None)

    @property
    def permits(self) -> re.Match[str] | None:
        """Where it says that something may be done, if it does."""
        return None if self.is_negated or self.forbids else _PERMITTED.search(self.text)


def permits(text: str) -> bool:
    """Whether ``text`` says that something may be done."""
    return bool(_PERMITTED.search(text)) and not denies(text)


def denies(text: str) -> bool:
    """Whether something in ``text`` is negated."""
    return bool(_NOT.search(text))


def premises(text: str) -> list[str]:
    """Claims that ``text`` states rather than asks, in order, without repeats.

    Too many rather than too few: a claim only matters if evidence contradicts it.
    """
    found = [m["head"].strip() + " are " + m["claim"].strip() for m in _ANTIBODY.finditer(text)]
    for start, end in sentence_spans(text):
        sentence = text[start:end].strip()
        found += _asked(sentence) if sentence.endswith("?") else [sentence]
        found += [f"{_head(sentence[: m.start()])} {m['claim']}" for m in _RELATIVE.finditer(sentence)]
        found += [f"{m['what']} is needed to {m['action']}" for m in _LACKING.finditer(sentence)]
    parts = [_INTRODUCED.sub("", part.strip(" ,.:;?")) for claim in found for part in (claim, *_SPLIT.split(claim))]
    return list(dict.fromkeys(p for p in parts if _is_claim(p)))


def _asked(sentence: str) -> Iterator[str]:
    """What an interrogative sentence states."""
    for match in _BECAUSE.finditer(sentence):
        yield match["claim"]
    for pattern, claim in _EXISTING:
        yield from (claim.format(**m.groupdict()) for m in pattern.finditer(sentence))
    if _QUESTION.match(sentence):
        return
    before = _BEFORE_ASKING.match(sentence)
    if before:
        yield before["claim"]
    said = _TAG.sub("", sentence)
    parts = _CONCLUDED.split(said)
    yield from parts if said != sentence else parts[:-1]


def _head(before: str) -> str:
    """The last noun phrase before a relative clause: what it is about."""
    return next((match[0] for head in _HEADS if (match := head.search(before))), before)


def _is_claim(part: str) -> bool:
    is_stated = not _QUESTION.match(part) and not _HISTORY.match(part)
    return len(part.split()) >= _LEAST_WORDS and is_stated and _has_verb(part)


def _has_verb(part: str) -> bool:
    """Whether something is said, not only named: "eGFR 18, liver tests normal" says nothing that a corpus knows."""
    main = _WHO.sub("", part)
    return any(not _NO_VERB.search(main[: match.end()]) for match in _VERB.finditer(main))
