"""A follow-up made whole: the question that it asks, in words that need no conversation.

By rules, deterministic and pure. The question before is whole already, so that a follow-up leans on it alone. A part
of a question ("and in pregnancy?") changes it or is added to it; a question that leaves something out is given what it
leaves out: what it is asked of, and the patient. All words come from the follow-up and from earlier questions, none
from an answer; answers only tell whether a follow-up goes on with the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer.question import TREATMENTS, Intent
from rag.answer.triage import redirection
from rag.conversation import anew, cues, questions, resolving, short, unsaid
from rag.conversation.content import lost
from rag.conversation.context import Context
from rag.conversation.kept import kept
from rag.conversation.parts import corrected, is_choice, is_fact, with_fact, with_part
from rag.conversation.phrasing import capital, joined, marked, parted, spelt_out
from rag.conversation.relation import goes_on, is_whole, shares
from rag.conversation.turns import Turn
from rag.domain import Standalone
from rag.language.terms import Analyzer

_NOTHING = "There is no question in this, so nothing was asked."
_NO_TOPIC = "Another topic is announced, and nothing is asked of it yet."
_UNCLEAR = "It is not clear what this answers; say what was measured or found, as in “bilirubin 5 mg/dL”."
_IN_THE_ANSWER = "This is said of something by its place in the answer, of which nothing is carried; name it."
_SO = re.compile(
    r"^(?P<fact>[^?]{4,}?)(?:,? so |, (?:and |but )?"
    r"(?=(?:what|how|which|when|should|can|could|is|may|do|does)\b))(?P<then>[^?]+\?)$",
    re.I,
)
#: "Bilirubin 4 - dose?"
_BRIEFLY = re.compile(r"^(?P<fact>[^?]{4,}?)(?:\s+[-–—]\s+|[,;]\s+)(?P<then>(?:(?!\s[-–—]\s)[^?,;])+)\?$")
#: The verb of a statement: "but the French label says no?".
_STATES = re.compile(r"\b(?:says?|said|shows?|is|are|was|were|has|does|do|works?|recommends?|allows?|forbids?)\b", re.I)
#: Said of the conversation, not of the patient.
_OF_THE_ANSWER = re.compile(r"^(?:that|this|it|these|those|you|your)\b", re.IGNORECASE)
#: So few words ask nothing of their own.
_FEW = 3
#: Kinds of question that "what about dosing?" asks itself, where others only change the question before.
_CHANGING = frozenset({Intent.OTHER, Intent.DEFINITION, Intent.DECISION})


def made_whole(asked: str, turns: Sequence[Turn], analyzer: Analyzer) -> Standalone:
    """The question that ``asked`` asks after ``turns``.

    The first question of a conversation is taken as it is, and so are emergencies at any time. Of thanks, of marks
    and of an announcement there is no question, and ``reason`` says so.

    Args:
        turns: the conversation so far, in order; those that asked nothing are passed over.
        analyzer: of the snapshot that will be asked, for its lexicon.
    """
    text = " ".join(asked.split())
    is_first = not any(turn.question for turn in turns)
    if redirection(text):
        return Standalone(asked=asked, question=text, kind="first" if is_first else "whole")
    if cues.asks_nothing(text):
        return _nothing(asked, _NOTHING)
    if is_first:
        return Standalone(asked=asked, question=text, kind="first")
    context, text = Context.of(asked, turns, analyzer), marked(spelt_out(text))
    return kept(context, _whole(context, cues.opened(text)), text)


def _whole(context: Context, text: str) -> Standalone:
    """By the first way of following up that ``text`` shows."""
    topic = cues.new_topic(text)
    if topic is not None:
        return _of_its_own(context, topic) if topic.strip(" ?.!") else _nothing(context.asked, _NO_TOPIC)
    other = cues.new_patient(text)
    if other:
        return questions.of_another_patient(context, other) or _of_its_own(context, other)
    back = cues.returned(text)
    if back and (there := context.back_to(back[0])) is not context:
        context, text = there, back[1]
    fix = cues.corrected(text)
    if fix and fix[1] and not cues.is_amended(text) and lost(fix[1], context.text, context.lexicon):
        fix = None  # "CrCl 35, not bleeding": nothing that was said is denied
    if fix:
        asks = cues.is_interrogative(fix[0]) and len(fix[0].split()) > 2
        meant = None if asks else corrected(context, *fix)
        return meant or _asked(context, f"{fix[0].rstrip(' ?')}?", True)
    return _continued(context, text)


def _continued(context: Context, text: str) -> Standalone:
    text = cues.supposed(text)
    if changed := _doubted_part(context, text):
        return changed
    stated, asking = _facts_and_question(text)
    if stated:
        return _told(context, stated, asking)
    ordered = unsaid.in_order(context, anew.converted(context, text))
    if ordered is None:
        return _nothing(context.asked, _IN_THE_ANSWER)
    text, asked = unsaid.of_the_study(context, ordered), text
    leans = text != asked
    if reason := unsaid.with_reason(context, text):
        return context.standing(reason, "ellipsis")
    claim = cues.claimed(text)
    if claim and not short.in_full(claim):
        return questions.claimed(context, claim)
    text, is_led = cues.led(text)
    text, is_led = cues.requested(text), is_led or leans or cues.requested(text) != text
    if short.doubts(text) or cues.wants_more(text):
        return context.standing(context.text, "ellipsis")
    if _is_question(context, text):
        return _asked(context, text, is_led)
    part = cues.part(text)
    if part and "," in part and not text.endswith("?") and cues.begins_part(part):
        return _with_fact(context, part)  # "on a ventilator, sedated, MAP 58"
    if part and (text.endswith("?") or cues.is_introduced(text)):
        if added := with_part(context, part):
            return added
        is_claim = _STATES.search(part) and not cues.is_introduced(text)
        return questions.claimed(context, part) if is_claim else _asked(context, f"What about {part}?", True)
    if part and is_choice(context, part) and not cues.is_personal(part):
        return _asked(context, f"What about {part}?", True)
    return _said(context, text)


def _doubted_part(context: Context, text: str) -> Standalone | None:
    """Of "without liver disease, is it the same?" the question before with that part."""
    brief = _BRIEFLY.match(cues.led(text).text)
    if not brief or not short.doubts(brief["then"]):
        return None
    is_part = cues.begins_part(brief["fact"]) or not is_fact(context, brief["fact"])
    return with_part(context, cues.part(brief["fact"]) or brief["fact"]) if is_part else None


def _said(context: Context, text: str) -> Standalone:
    """What asks nothing: a fact on the patient, a claim, or neither."""
    if not is_fact(context, text):
        if anew.is_bare(text.strip(" .!")):
            return _nothing(context.asked, _UNCLEAR)  # of which of several values?
        says = len(text.split()) > 1 and (context.lexicon.mentions(text) or resolving.stands_for_something(text))
        if says:
            return questions.claimed(context, text.strip(" .!"))
        if len(text.split()) < _FEW or _OF_THE_ANSWER.match(text):
            return _nothing(context.asked, _UNCLEAR)
    return _with_fact(context, text.strip(" .!"))


def _with_fact(context: Context, said: str) -> Standalone:
    told = with_fact(context, said)
    return context.standing(told[0], "value", told[1]) if told else _nothing(context.asked, _UNCLEAR)


def _facts_and_question(text: str) -> tuple[str, str]:
    """What a follow-up states before it asks, and what it asks; nothing and all of it where it does only one."""
    so = _SO.match(text)
    is_told = so and not cues.is_attributed(so["fact"]) and not cues.begins_part(so["fact"])
    if so and is_told and not cues.is_interrogative(parted(f"{so['fact']}?")[1]):
        return so["fact"], so["then"] if cues.is_interrogative(so["then"]) else f"so {so['then']}"
    brief = _BRIEFLY.match(text)
    is_fact = brief and not cues.is_interrogative(f"{brief['fact']},") and not cues.begins_part(brief["fact"])
    if brief and is_fact and (short.in_full(brief["then"]) or short.doubts(brief["then"])):
        return brief["fact"], f"{brief['then']}?"
    stated, asking = parted(text)
    return (stated, asking) if stated and asking.endswith("?") else ("", text)


def _told(context: Context, stated: str, asking: str) -> Standalone:
    """A fact and a question: the fact changes what the question leans on."""
    said = f"{stated.rstrip('.')}. {capital(asking)}"
    own = context.read(said)
    full = short.in_full(asking)
    is_other = not full and is_whole(own, context.lexicon) and not shares(own, context.base, context.lexicon)
    is_of_other = bool(own.conditions) and not goes_on(own, context.base, context.turn, context.analyzer)
    leans = full or len(asking.split()) <= _FEW or cues.is_personal(stated)
    if is_other or (is_of_other and not leans):
        return _of_its_own(context, said)
    there = context.told(stated)
    if any(m.kind in TREATMENTS for m in there.base.mentions):  # "she is on apixaban. can it be continued?"
        asking = resolving.things_named(asking, there.subject, there.condition)[0]
    told = with_fact(context, cues.led(stated).text.strip(" ."))
    if not told:
        return _continued(context, asking)
    result = _continued(context.told(told[0]), asking)
    if not result.question or result.is_new_topic:
        return result
    return context.standing(result.question, result.kind, [*told[1], *result.replaced], result.carried)


def _is_question(context: Context, text: str) -> bool:
    """Whether it asks something itself, rather than of something else what was asked before."""
    if short.in_full(text):
        return True
    if cues.is_introduced(text):
        rest = cues.part(text) or ""
        return not cues.begins_part(rest) and context.read(f"{rest}?").query.intent not in _CHANGING
    if cues.is_interrogative(text):
        return True
    own = context.read(text)
    is_telegraphic = own.query.intent not in (Intent.OTHER, Intent.DECISION) or is_whole(own, context.lexicon)
    return text.endswith("?") and is_telegraphic


def _asked(context: Context, text: str, is_led: bool) -> Standalone:
    few, more = short.with_more(text)
    if more:
        asked = questions.asked(context, few, True)
        added = with_part(context.told(asked.question), more) if asked and asked.question else None
        if asked and added and added.question:
            return context.standing(added.question, asked.kind, (*asked.replaced, *added.replaced), asked.carried)
    return questions.asked(context, text, is_led) or _of_its_own(context, text)


def _of_its_own(context: Context, text: str) -> Standalone:
    """A new topic, with nothing carried."""
    question = joined("", text) if text.endswith("?") and not parted(text)[0] else capital(text)
    return Standalone(asked=context.asked, question=question, kind="whole", is_new_topic=True)


def _nothing(asked: str, reason: str) -> Standalone:
    return Standalone(asked=asked, question=None, kind="nothing", reason=reason)
