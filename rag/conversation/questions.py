"""A follow-up that asks or claims something itself, with what it leaves out: what it is of, and the patient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rag.answer.question import TREATMENTS
from rag.conversation import resolving, short
from rag.conversation.background import Background, Said, has_treatment, patient
from rag.conversation.claims import in_question, sourced
from rag.conversation.content import lost
from rag.conversation.context import Context
from rag.conversation.edits import with_conditions
from rag.conversation.phrasing import joined, noted, parted, small
from rag.conversation.relation import goes_on, is_whole, shares
from rag.conversation.values import with_values
from rag.domain import FollowUpKind, Replaced, Standalone

_OF_IT = re.compile(r"(?:\s(?:of|to|for|on|for and against))? \{x\}")
_VERB = re.compile(r"\b(?:is|does)\b(?= \{x\})|(?<=\{x\} )fails\b", re.IGNORECASE)
_PLURAL = {"is": "are", "does": "do", "fails": "fail"}
_GIVEN = re.compile(r"\bgiv(?:e|en)\b", re.IGNORECASE)


class Whole(NamedTuple):
    """A question with its patient: ``stated`` before it, ``notes`` beside it; ``parts`` are what was added."""

    stated: str
    body: str
    notes: list[str]
    parts: list[Said]
    replaced: list[Replaced]


def asked(context: Context, text: str, is_led: bool) -> Standalone | None:
    """A question made whole; None for one that has nothing to do with the conversation.

    Args:
        is_led: it begins with what goes on with something, as "and" does.
    """
    full = short.in_full(text)
    if full:
        return _of_few_words(context, full)
    own, leans = context.read(text), resolving.stands_for_something(text)
    stands = is_whole(own, context.lexicon) and not leans
    if stands and not shares(own, context.base, context.lexicon):
        return None
    if not (leans or is_led or goes_on(own, context.base, context.turn, context.analyzer)):
        return None
    if stands and not is_led:
        return context.standing(joined("", text), "whole", (), ())
    choice = resolving.chosen(text, [s.text for s in context.compared])
    named, is_named = (choice, True) if choice else _named(context, text)
    is_open = not is_named and not has_treatment(own.mentions) and resolving.wants_treatment(own)
    if context.subject and (is_open or (resolving.relates(text) and not is_named)):
        named = resolving.of_treatment(named, context.subject)
    whole = _with_patient(context, named)
    return _standing(context, whole, f"{whole.body}?", "pronoun" if leans or choice else "ellipsis")


def claimed(context: Context, claim: str) -> Standalone:
    """What is taken for true, with its patient, as a question or a statement to be checked: never as a fact."""
    claim, source = sourced(claim)
    named, is_named = _named(context, claim)
    if context.subject and not is_named and not has_treatment(context.read(named).mentions):
        named = _about_treatment(context, named, context.subject)
    whole = _with_patient(context, named)
    return _standing(context, whole, in_question(whole.body + source), "claim")


def of_another_patient(context: Context, text: str) -> Standalone | None:
    """A question on another patient, of whom nothing is carried but what is asked about; None for one that is whole."""
    own, subject = context.read(text), context.subject
    if is_whole(own, context.lexicon) or has_treatment(own.mentions) or not subject:
        return None
    stated, question = parted(text)
    full = short.in_full(question)
    named, is_named = resolving.things_named(question, subject, None)
    if full:
        named = full.replace("{x}", subject)
    elif not is_named:
        named = resolving.of_treatment(named, subject)
    return context.standing(joined(stated, named), "pronoun", (), context.carried(context.base.treatments))


def _named(context: Context, text: str) -> tuple[str, bool]:
    """``text`` with what "it" stands for, and whether that was named."""
    text = resolving.transfused(text, context.text)
    named, found = resolving.things_named(text, context.subject, context.condition)
    return named, bool(found)


def _of_few_words(context: Context, full: str) -> Standalone:
    subject, condition = context.subject, context.condition
    of_condition = short.of_a_condition(full)
    if subject:
        question = _agreeing(full, subject).replace("{x}", subject)
    elif condition and of_condition:
        question = of_condition.replace("{x}", condition)
    elif condition:
        question = full.replace("{x}", "the treatment")
    else:
        question = f"{_OF_IT.sub('', full)}: {small(context.base.question)}"
    whole = _with_patient(context, question)
    return _standing(context, whole, f"{whole.body}?", "ellipsis")


def _agreeing(full: str, subject: str) -> str:
    """With the verb in the plural before a subject that is one: "are DOACs safe"."""
    is_many = " and " in subject or re.search(r"[a-z](?<![sui])s$", subject)
    return _VERB.sub(lambda m: _PLURAL[m[0].lower()], full) if is_many else full


def _about_treatment(context: Context, claim: str, treatment: str) -> str:
    """ "platelets are fine" of platelet transfusion; "no need to monitor" of argatroban."""
    first, _, rest = claim.partition(" ")
    concept = context.base.treatments[0].concept if context.base.treatments else treatment
    if not resolving.shares_word(first, concept):
        is_said = any(resolving.shares_word(word, concept) for word in rest.split())
        return claim if is_said else resolving.of_treatment(claim, treatment)
    verb = rest if concept.endswith("s") else re.sub(r"^are\b", "is", rest)
    return f"{concept} {verb}"


def _with_patient(context: Context, text: str) -> Whole:
    """``text`` with whom the question before is about, as far as it does not say so itself."""
    own, body = context.read(text), text.rstrip(" ?")
    base, replaced = _changed_by(context, own)
    denied = [s.concept for s in own.ruled_out]
    asked_about = {s.concept for s in base.treatments}
    gone = {c.concept for c in base.conditions if any(context.lexicon.is_a(c.concept, d) for d in denied)}
    phrase, parts, facts = patient(base, {m.concept for m in own.mentions} | asked_about | gone)
    mine = {v.key for v in own.values}
    again = {v.said(base.text) for v in base.values if v.key in mine}
    notes = [f for f in facts if f not in again and (f not in base.besides or lost(f, body, context.lexicon))]
    if base.stated:
        is_named = resolving.names_patient(body) and not base.person
        parts = [*parts, Said(base.stated, "patient", "")]
        return Whole(base.stated, body if is_named else body + phrase, notes, parts, replaced)
    body, is_named = resolving.patient_named(body, _description(phrase), context.lexicon)
    if own.person and not is_named:
        notes = [*(p.text for p in parts if p.what == "condition"), *notes]
    elif not is_named:
        is_to = phrase.startswith((" in a ", " in an ")) and _GIVEN.search(text)
        body += f" to{phrase.removeprefix(' in')}" if is_to else phrase
    return Whole("", body, notes, parts, replaced)


def _changed_by(context: Context, own: Background) -> tuple[Background, list[Replaced]]:
    """The question before with values and conditions that a new one gives otherwise, and what gave way."""
    text, values_replaced, _ = with_values(context.text, own.text, own.values)
    describing = [m for m in own.mentions if m.kind not in TREATMENTS and m.kind not in ("test", "setting")]
    text, replaced, _ = with_conditions(context.read(text), own.text, describing, context.lexicon)
    return context.read(text), [*values_replaced, *replaced]


def _description(phrase: str) -> str:
    """Of " in HIT and cirrhosis" a patient with them; of a phrase that describes one, that."""
    described = phrase.removeprefix(" in ")
    if not described:
        return "the patient"
    return described if re.match(r"(?:an?|the|this|my|our)\s", described) else f"a patient with {described}"


def _standing(context: Context, whole: Whole, question: str, kind: FollowUpKind) -> Standalone:
    text = joined(whole.stated, noted(question, whole.notes))
    return context.standing(text, kind, whole.replaced, context.carried(_used(context, whole)))


def _used(context: Context, whole: Whole) -> Iterable[Said]:
    """What of the question before is in the new one."""
    said = " ".join(p.text for p in whole.parts)
    had = [s for s in context.base.current if s.text not in said]
    named = [s for s in (*context.compared, *context.base.treatments, *had) if s.name in whole.body]
    unnamed = [context.base.unnamed] if context.base.unnamed and context.base.unnamed in whole.body else []
    tests = [s for s in context.base.tests if s.text in whole.body]
    conditions = [c for c in context.base.conditions if c.name in whole.body and c.text not in said]
    return dict.fromkeys([*named, *conditions, *(Said(u, "treatment", "") for u in unnamed), *whole.parts, *tests])
