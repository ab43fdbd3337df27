"""What a follow-up puts in the place of words of the question before: another drug, condition or value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answer.question import TREATMENTS
from rag.conversation.background import Background
from rag.conversation.phrasing import one, with_articles
from rag.domain import Replaced
from rag.language.lexicon import Lexicon, Mention

_GRADE = re.compile(
    r"^(?:very |moderate or |moderate to )?(?:mild|moderate|severe|acute|chronic|end-stage|advanced|early|late|"
    r"decompensated|compensated)\s+",
    re.IGNORECASE,
)
#: Of these a patient is in one: who asks about another asks about it instead.
_STAGES = frozenset({
    "pregnancy", "breastfeeding", "postpartum", "child", "neonate", "preterm infant", "adolescent", "adult",
    "young adult", "older adult",
})  # fmt: skip
_ON = re.compile(
    r"^(?:(?:if |when )?(?:the patient is |he is |she is )?)?(?:on|taking|receiving|after|before|off)\s+$",
    re.IGNORECASE,
)
_AN = re.compile(r"\ban?\s+$", re.IGNORECASE)
#: A treatment with what is done with it, as the lexicon's forms have it.
_DONE = re.compile(
    r"^(?=.*\b(?:giv|transfus)(?:e|ing|en|ed)\b)(?P<does>(?:giving|give|transfusing|transfuse)\s)?(?P<what>[\w -]+?)"
    r"(?P<done>\s(?:(?:can|could|may|might|must|should|would) )?(?:not )?(?:be |are |were )?(?:given|transfused))?$",
    re.IGNORECASE,
)
_TRANSFUSED = re.compile(r"transfus(?:ed|ing|e)", re.IGNORECASE)
_GIVEN = {"transfused": "given", "transfusing": "giving", "transfuse": "give"}
_SEXES = frozenset({"man", "woman"})


#: Of these words one takes the place of another: "unprovoked?" of "provoked by surgery".
_OPPOSITES = (
    ("provoked", "unprovoked"), ("symptomatic", "asymptomatic"), ("stable", "unstable"), ("reducible", "irreducible"),
    ("compensated", "decompensated"), ("ruptured", "unruptured"), ("complicated", "uncomplicated"),
    ("bilateral", "unilateral"), ("suspected", "confirmed"), ("acute", "chronic"), ("treated", "untreated"),
    ("primary", "recurrent"), ("elective", "emergency"),
)  # fmt: skip
#: Before the name of a condition, how far or what kind of it is meant.
_PLAIN = re.compile(
    r"\b(?:(?:plain|simple|ordinary|classic(?:al)?|typical|pure|isolated|primary|secondary|newly diagnosed|new|first|"
    r"refractory|persistent|recurrent|relapsed|suspected|confirmed|acute|subacute|chronic) )+$",
    re.IGNORECASE,
)
_OPPOSITE = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_ALONE = re.compile(
    r"^(?:if |when )?(?:(?:it|that|this|he|she|they)(?:'s| is| was| were| are) )?(?:in |for |with )?(?:an? )?"
    r"(?P<word>[a-z]+)(?: (?:ones?|cases?|patients?))?$",
    re.IGNORECASE,
)


def with_opposite(text: str, told: str) -> tuple[str, Replaced] | None:
    """``text`` with a word, and by what it was so, replaced by its opposite; None where ``told`` is not one alone."""
    alone = _ALONE.match(told)
    word = alone["word"].lower() if alone else ""
    if word not in _OPPOSITE:
        return None
    by = r"(?: (?:by|from|after) (?:(?!(?:in|for|if|when|with|who)\b)[\w-]+ ?)+(?<! ))?"
    old = re.search(rf"\b{_OPPOSITE[word]}\b{by}", text, re.IGNORECASE)
    if not old:
        return None
    return with_articles(text[: old.start()] + word + text[old.end() :], word), Replaced(was=old[0], now=word)


def exchanged(text: str, old: Iterable[Mention], now: str) -> str:
    """``text`` with all mentions of a concept, and what explains them in parentheses, replaced by other words."""
    for mention in sorted(old, key=lambda m: -m.start):
        text = text[: mention.start] + _done_to(now, text[mention.start : mention.end]) + text[mention.end :]
    return with_articles(text, now)


def thing(words: str) -> str:
    """The name of a treatment in words that say what is done with it: "platelets" of "platelets be given"."""
    match = _DONE.match(words)
    return match["what"] if match else words


def _done_to(now: str, old: str) -> str:
    """``now`` with what ``old`` says is done: "warfarin be given" for "platelets be transfused"."""
    was = _DONE.match(old)
    if not was or _DONE.match(now):
        return now
    return (
        _TRANSFUSED.sub(lambda m: _GIVEN[m[0].lower()], was["does"] or "")
        + now
        + _TRANSFUSED.sub(lambda m: _GIVEN[m[0].lower()], was["done"] or "")
    )


def takes_place_of(new: Mention, old: Mention, lexicon: Lexicon) -> bool:
    """Whether a condition comes instead of another rather than beside it: another of its kind, grade or stage.

    What is only graded otherwise than by its grade is no other of its kind: severe thrombocytopenia is no alternative
    to heparin-induced thrombocytopenia.
    """
    if new.concept == old.concept:
        return False
    if any({new.concept, old.concept} <= group for group in (_STAGES, _SEXES)):
        return True
    if {new.kind, old.kind} - {"condition", "term"}:
        return False
    if lexicon.is_a(new.concept, old.concept):
        return True
    graded = [_GRADE.sub("", m.concept) for m in (new, old)]
    if graded[0] == graded[1]:
        return True
    if graded != [new.concept, old.concept]:
        return False
    return bool(lexicon.ancestors(new.concept) & lexicon.ancestors(old.concept))


def nearest_treatment(new: Mention, background: Background, lexicon: Lexicon) -> str | None:
    """Which treatment of a question another one takes the place of: one of its class, one asked about first.

    None where the question has none, or the new one itself.
    """
    asked = [s.concept for s in background.treatments]
    had = [s.concept for s in background.current if lexicon.kind(s.concept) in TREATMENTS]
    if new.concept in asked:
        return None

    def likeness(concept: str) -> int:
        above = lexicon.ancestors(concept) | {concept}
        return len(above & (lexicon.ancestors(new.concept) | {new.concept}))

    if asked:
        return max(asked, key=likeness)  # the first of equals
    alike = [c for c in had if likeness(c)]
    return max(alike, key=likeness) if alike else None


def had_instead(new: Mention, told: str, background: Background) -> str | None:
    """Of the treatments that a patient has, the one that "on warfarin" takes the place of; None where it is added."""
    if not _ON.search(told[: new.start]):
        return None
    lexicon = background.lexicon
    had = [s.concept for s in background.current if s.concept != new.concept]
    return next((c for c in had if lexicon.ancestors(c) & lexicon.ancestors(new.concept)), None)


def _with_grade(mention: Mention, text: str) -> Mention:
    """With the words before it that grade it or say when it was."""
    graded = _PLAIN.search(text, 0, mention.start)
    return mention._replace(start=graded.start()) if graded else mention


def with_conditions(
    background: Background, told: str, given: Sequence[Mention], lexicon: Lexicon
) -> tuple[str, list[Replaced], list[Mention]]:
    """The question with conditions exchanged that give way to those of ``told``, what did, and what is new."""
    text, replaced, new = background.text, list[Replaced](), list[Mention]()
    known = {c for m in background.mentions for c in (m.concept, *lexicon.ancestors(m.concept))}
    done: set[str] = set()
    for mention in given:
        if mention.concept in known:
            continue
        old = [m for m in lexicon.mentions(text) if takes_place_of(mention, m, lexicon) and m.concept not in done]
        if not old:
            new.append(mention)
            continue
        gone = old[0].concept
        is_one = mention.kind == "population" and not text[old[0].start : old[0].end].endswith(("s", "men", "ren"))
        now = mention.concept if is_one else told[mention.start : mention.end]
        now = one(now) if _AN.search(text[: old[0].start]) else now
        old = [m for m in old if m.concept == gone]
        if plain := _PLAIN.search(told, 0, mention.start):  # "plain ITP" is neither acute nor suspected
            now, old = f"{plain[0]}{now}", [_with_grade(m, text) for m in old]
        was = text[old[0].start : old[0].end]
        text = exchanged(text, old, now)
        done.add(mention.concept)
        replaced.append(Replaced(was=was, now=now))
    return text, replaced, new
