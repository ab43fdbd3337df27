"""A follow-up that is part of a question, a correction or a fact: it changes the question before, or is added to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rag.answer.question import TREATMENTS
from rag.clinical.decisive import VARIABLES
from rag.conversation import anew, cues
from rag.conversation.background import is_person
from rag.conversation.content import lost
from rag.conversation.context import Context
from rag.conversation.edits import exchanged, had_instead, nearest_treatment, thing, with_conditions, with_opposite
from rag.conversation.phrasing import (
    asides,
    capital,
    core,
    inserted,
    joined,
    noted,
    one,
    parted,
    small,
    under_which,
    without,
)
from rag.conversation.resolving import things_named
from rag.conversation.values import bare, values, with_values
from rag.domain import Replaced, Standalone
from rag.language.lexicon import Mention

_BEFORE = re.compile(
    r"\b(?:in|with|for|on|during|after|before|without|despite|off|plus|taking|receiving|given|no|not)\s+"
    r"(?:the |an? |concomitant |patients with |people with |those with |someone with )?$",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\b(?:on|with|after|before|off|plus|taking|receiving|during|despite|without|also|no|not)\s+(?:[\w-]+\s){0,3}$",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"^(?:(?:the |my |our |this )?(?:patient|man|woman|lady|gentleman|child)|he|she|they|it|there)"
    r"(?:'s|'re|\s+(?:is|are|was|has|have|had))\s+(?:now |also |currently )?(?:got )?(?:an? (?=\w+ (?:of|in)\b))?",
    re.IGNORECASE,
)
_SHE = re.compile(r"\b(?:he|she)\b", re.IGNORECASE)
_SHE_IS = re.compile(r"\b(?:he|she)['’]s\b(?! (?:had|been|got)\b)", re.IGNORECASE)
_HERS = re.compile(r"\b(?:her|his)\b(?= \w)", re.IGNORECASE)
_OR = re.compile(r"\b(?:or|vs|versus)\b", re.IGNORECASE)
#: Of other persons: "if she wants children".
_WANTS = re.compile(r"\b(?:wants?|wanting|has|have|having|plan(?:s|ning)?(?: for)?|more)\s+$", re.IGNORECASE)
_IN_PREGNANCY = re.compile(r"^(?:in|during) pregnancy$", re.IGNORECASE)
_PATIENT = re.compile(r"\ban? (?=(?:patient|woman)\b)", re.IGNORECASE)
_INTRODUCED = re.compile(r"^(?:for|in|with|about|on)\s+(?=\w)", re.IGNORECASE)
_ARTICLE = re.compile(r"\ban?\s+$", re.IGNORECASE)
_HAS_ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.IGNORECASE)
_DENIES = re.compile(r"^(?:no|not|with|without|on)\b", re.IGNORECASE)
_WITH = re.compile(r"\s(?:with|and)\s$", re.IGNORECASE)
_IS_DENIED = re.compile(r"^not?\b", re.IGNORECASE)
_CLAIMS = re.compile(r"\b(?:is|are|should|can|must|will|works?)\b|'(?:s|re)\b", re.IGNORECASE)
#: What a test or an examination found.
_FOUND = re.compile(
    r"\b(?:is|are|was|were|came back|remains?|looks?|looked)\s+(?:now |still |just |only )?(?:weakly |strongly )?"
    r"(?:positive|negative|raised|elevated|high|low|normal|abnormal|prolonged|pending|thrombosed|patent|falling|rising)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|without)\s+(?:[\w-]+\s+)?$", re.IGNORECASE)
_SAID_OF_A_PERSON = re.compile(r"^(?:pregnant|elderly|lactating)$", re.IGNORECASE)
_CLASS = re.compile(r"^(?:(?:it's |it is )?(?:class |grade |score )?)(?P<letter>[ABC])$")
_DIALYSIS = "renal replacement therapy"
#: So many words are noted beside a question; more are a sentence before it.
_BRIEF = 5


class Changed(NamedTuple):
    """The question before with words exchanged, what gave way, and what has no place in it yet: values in words."""

    text: str
    replaced: list[Replaced]
    left: list[Mention | str]


def is_fact(context: Context, text: str) -> bool:
    """Whether a follow-up that asks nothing tells of the patient, rather than claims something."""
    told = text.strip(" .!")
    if cues.is_personal(told) or _FOUND.search(told) or values(told) or bare(told) or _CLASS.match(told):
        return True
    if anew.told_anew(context, told) != told:
        return True
    is_said = context.lexicon.mentions(told) or _DENIES.match(told)
    if is_said and len(told.split()) <= _BRIEF and not _CLAIMS.search(told):
        return True
    return any(v.given.search(told) for v in VARIABLES if v.name in context.turn.needed)


def is_choice(context: Context, told: str) -> bool:
    """Whether it names treatments to choose from: "DOAC or VKA"."""
    return sum(m.kind in TREATMENTS for m in context.lexicon.mentions(told)) > 1 and bool(_OR.search(told))


def _updated(context: Context, told: str) -> tuple[Context, list[Replaced]]:
    """The question before without facts and circumstances of which ``told`` says anew how they are, and those."""
    named = {m.concept for m in context.lexicon.mentions(told)}
    text, gone = context.text, list[Replaced]()
    for fact in (*asides(context.text), under_which(context.base.question)):
        concepts = {m.concept for m in context.lexicon.mentions(fact)}
        if concepts and concepts <= named and not values(fact) and fact.casefold() != told.casefold():
            text = without(text, fact)
            gone.append(Replaced(was=fact, now=told))
    denied = {m.concept for m in context.lexicon.mentions(told) if _DENIED.search(told[: m.start])}
    for mention in reversed(context.lexicon.mentions(core(text))):
        led_by = _WITH.search(text[: mention.start])
        if mention.kind == "condition" and mention.concept in denied and led_by:
            gone.append(Replaced(was=text[led_by.start() : mention.end].strip(), now=told))
            text = text[: led_by.start()] + text[mention.end :]
    return context.told(text), gone


def with_part(context: Context, told: str) -> Standalone | None:
    """The question before with what ``told`` exchanges in it or adds to it; None where it can do neither."""
    told = small(of_the_patient(anew.named(context, told)))
    if opposite := with_opposite(context.text, told):
        return context.standing(opposite[0], "ellipsis", [opposite[1]])
    context, gone = _updated(context, told)
    text, replaced, left = _changed(context, told)
    if is_choice(context, told):
        return None
    if not replaced and is_person(told) and not _TELLS.match(told):
        text = inserted(text, f" in {told}")
    elif replaced or (left and not cues.begins_part(told)):
        added = _added(context, text, told, left)
        is_lost = not replaced and lost(told, added, context.lexicon)
        text = noted(text, [told]) if is_lost else added
    elif cues.begins_part(told):
        text = _of_pregnant(text, told) or inserted(
            text, f" {things_named(told, context.subject, context.condition)[0]}"
        )
    elif not (values(told) or context.lexicon.mentions(told)):
        return None
    return context.standing(text, "ellipsis", [*gone, *replaced])


def _of_pregnant(text: str, told: str) -> str | None:
    """ "In a pregnant patient with HIT", where a patient is spoken of and "in pregnancy" is told."""
    if not _IN_PREGNANCY.match(told) or not _PATIENT.search(text):
        return None
    return _PATIENT.sub("a pregnant ", text, count=1)


def of_the_patient(told: str) -> str:
    """With the patient for "he", and the patient's for "her" before a thing."""
    return _HERS.sub("the patient's", _of_him(told))


def _of_him(told: str) -> str:
    return _SHE.sub("the patient", _SHE_IS.sub("the patient is", told))


def beside(text: str, fact: str) -> str:
    """A question with a fact: a short one noted beside it, any other in a sentence before it."""
    brief = _TELLS.sub("", fact)
    if len(brief.split()) <= _BRIEF:
        return noted(text, [small(brief)])
    stated, question = parted(text)
    said = fact if stated else _of_him(fact)
    return joined(f"{stated} {capital(said).rstrip('.')}.".strip(), question)


def corrected(context: Context, now: str, was: str | None) -> Standalone | None:
    """The question before with what was meant in the place of what was said; None where there is no place for it."""
    told = anew.named(context, _INTRODUCED.sub("", now))
    if was and not context.lexicon.mentions(told) and not values(told):
        typed = re.compile(rf"\b{re.escape(was)}\b", re.IGNORECASE)
        if typed.search(context.text):
            return context.standing(typed.sub(told, context.text), "correction", [Replaced(was=was, now=told)])
    context, gone = _updated(context, told)
    denied = {m.concept for m in context.lexicon.mentions(was or "")}
    old = next((m for m in context.base.mentions if m.concept in denied), None)
    if old and context.lexicon.mentions(told):
        text, before = _in_place_of(context, context.text, old.concept, told)
        return context.standing(text, "correction", [*gone, Replaced(was=before, now=told)])
    changed = _changed(context, told)
    if not changed.replaced:
        changed = _instead(context, told, changed)
    if not changed.replaced and not changed.left and not gone:
        return None
    text = _added(context, changed.text, told, changed.left)
    return context.standing(text, "correction", [*gone, *changed.replaced])


def with_fact(context: Context, told: str) -> tuple[str, list[Replaced]] | None:
    """The question before with a fact: in the place of another, noted beside it, or in a sentence before it.

    None where it is a bare reply that could be to several questions.
    """
    named = _reply(context, anew.told_anew(context, told))
    if named is None:
        return None
    context, gone = _updated(context, named)
    text, replaced, left = _changed(context, named)
    replaced += gone
    if not left and ((replaced and not gone) or values(named)):
        return text, replaced
    measured = [item for item in left if isinstance(item, str)]
    is_all = not lost(_TELLS.sub("", named), noted(text, measured), context.lexicon)
    if measured and is_all and len(measured) == len(left) == len(values(named)):
        return noted(text, measured), replaced
    return beside(text, named), replaced


def _changed(context: Context, told: str) -> Changed:
    """The question before with values, conditions and treatments of ``told`` in the place of others."""
    lexicon, measured = context.lexicon, values(told)
    text, replaced, new = with_values(context.text, told, measured)
    mentions = [m for m in lexicon.mentions(told) if not any(v.start <= m.start < v.end for v in measured)]
    describing = [m for m in mentions if m.kind not in TREATMENTS and m.kind not in ("test", "setting")]
    describing = [m for m in describing if not (m.kind == "population" and _WANTS.search(told[: m.start]))]
    denied = [m for m in describing if _DENIED.search(told[: m.start])]
    affirmed = [m for m in describing if m not in denied]
    text, gave_way, unplaced = with_conditions(context.read(text), told, affirmed, lexicon)
    left: list[Mention | str] = [*(v.said(told) for v in new), *unplaced, *denied]
    replaced += gave_way
    for mention in (m for m in mentions if m.kind in TREATMENTS):
        base, article = context.read(text), _ARTICLE.search(told[: mention.start])
        is_occasion = mention.kind == "procedure" and cues.begins_part(told)  # "if the patient needs surgery"
        is_had = is_occasion or cues.is_personal(told) or lexicon.is_a(mention.concept, _DIALYSIS)
        is_beside = is_had or _BESIDE.search(told[: mention.start])
        old = had_instead(mention, told, base) if is_beside else nearest_treatment(mention, base, lexicon)
        if old:
            words = told[article.start() if article else mention.start : mention.end]
            text, was = _in_place_of(context, text, old, words)
            replaced.append(Replaced(was=was, now=words))
        elif mention.concept not in base.query.treatments:
            left.append(mention)
    return Changed(text, replaced, left)


def _in_place_of(context: Context, text: str, concept: str, now: str) -> tuple[str, str]:
    """``text`` with a concept's words exchanged, and the first of those."""
    old = [m for m in context.lexicon.mentions(text) if m.concept == concept]
    has_article = _HAS_ARTICLE.search(text[: old[0].start])
    words = one(re.sub(r"^an?\s+", "", now, flags=re.IGNORECASE)) if has_article else now
    return exchanged(text, old, words), thing(text[old[0].start : old[0].end])


def _added(context: Context, text: str, told: str, left: Iterable[Mention | str]) -> str:
    """``text`` with what has no place in it at its end, as ``told`` puts it; values are noted beside it."""
    notes = []
    for item in left:
        if isinstance(item, str):
            notes.append(item)
            continue
        before, the = _BEFORE.search(told[: item.start]), _HAS_ARTICLE.search(told[: item.start])
        start = before.start() if before else the.start() if the else item.start
        words = told[start : item.end]
        if before and _IS_DENIED.match(before[0]):
            notes.append(words)
            continue
        text = inserted(text, f" {words if before else f'{_preposition(context, item, words)} {words}'}")
    return noted(text, notes)


def _preposition(context: Context, mention: Mention, words: str) -> str:
    if mention.kind == "population":
        return "if" if _SAID_OF_A_PERSON.match(words) else "in"
    return "on" if context.lexicon.is_a(mention.concept, _DIALYSIS) else "with"


def _instead(context: Context, told: str, changed: Changed) -> Changed:
    """Where only one condition can have been meant, and another is."""
    new = [m for m in changed.left if not isinstance(m, str) and m.kind == "condition"]
    new = [m for m in new if not _DENIED.search(told[: m.start])]
    old = [c for c in context.base.conditions if c.what == "condition"]
    if len(new) != 1 or len(old) != 1:
        return changed
    words = told[new[0].start : new[0].end]
    text, was = _in_place_of(context, context.text, old[0].concept, words)
    return Changed(text, [Replaced(was=was, now=words)], [item for item in changed.left if item is not new[0]])


def _reply(context: Context, told: str) -> str | None:
    """A bare reply with the name of the variable that it is of; None where it may be of several, or of none."""
    needed: Sequence[str] = context.turn.needed
    letter = _CLASS.match(told)
    if letter and "Child-Pugh class" in needed:
        return f"Child-Pugh {letter['letter']}"
    if values(told) or context.lexicon.mentions(told) or (len(told.split()) > 1 and not bare(told)):
        return told
    wanted = [v for v in VARIABLES if v.name in needed]
    if any(v.given.search(told) for v in wanted):
        return told
    named = [
        (v.name, form)
        for v in wanted
        for form in (f"{v.name} {told}", f"{told} {v.name}")
        if v.given.search(form) and not v.given.search(v.name) and (values(form) or not bare(told))
    ]
    return named[0][1] if len({name for name, _ in named}) == 1 else None
