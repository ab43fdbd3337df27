"""Nothing that a follow-up says is lost: what the rules did not understand is asked in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.conversation import anew, cues, resolving, short, unsaid
from rag.conversation.content import lost
from rag.conversation.context import Context
from rag.conversation.parts import beside, of_the_patient
from rag.conversation.phrasing import inserted, marked, small, spelt_out
from rag.domain import Standalone
from rag.language.sentences import sentence_spans

#: Words that join a value to its name, or a class to its score.
_JOINS = re.compile(
    r"\b(?:rises?|rose|risen|falls?|fell|fallen|drops?|dropped|climbed|went|goes|gone)\s+(?:back )?to\s+(?=\d)"
    r"|\bclass\s+(?=[ABC]\b)|\bones?(?=\s*[?.!]*$)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;]\s+|\s+[-–—]\s+")


def content(text: str) -> str:
    """A follow-up without the ways of following up, and without what stands for something said before."""
    fix = cues.corrected(spelt_out(text))
    said = filter(None, fix) if fix else (_beyond(sentence) for sentence in _sentences(cues.supposed(spelt_out(text))))
    return _JOINS.sub(" ", resolving.without_pronouns(unsaid.without_ordinals(" ".join(said))))


def _beyond(sentence: str) -> str:
    """What a sentence says beyond a short question."""
    asked = cues.led(cues.opened(sentence)).text
    is_short = short.in_full(asked) or short.doubts(asked) or cues.wants_more(asked)
    return "" if is_short else anew.without_measuring(short.beyond(cues.without_cues(sentence)))


def _sentences(text: str) -> list[str]:
    text = marked(text)
    sentences = (text[start:end] for start, end in sentence_spans(text))
    return [sentence for sentence in sentences if not cues.asks_nothing(sentence)]


def kept(context: Context, made: Standalone, text: str) -> Standalone:
    """``made`` with those clauses of ``text`` that have words which its question lacks.

    One that begins as part of a question does goes to its end, "even before a lumbar puncture"; any other is noted as
    a fact beside it, or told before it.
    """
    gone = [words for r in made.replaced for words in (r.was, r.now)]
    question = made.question
    if not question or made.is_new_topic or not lost(content(text), question, context.lexicon, gone):
        return made
    for clause in _clauses(text):
        if lost(content(clause), question, context.lexicon, gone):
            said = of_the_patient(clause)
            question = inserted(question, f" {small(said)}") if cues.begins_part(said) else beside(question, said)
    return made.model_copy(update={"question": " ".join(question.split())})


def _clauses(text: str) -> Iterator[str]:
    for sentence in _sentences(text):
        for clause in _BETWEEN.split(sentence):
            bare = cues.without_cues(clause.strip(" ?.!"))
            if bare.strip(" ?.!,"):
                yield bare.strip(" ?.!,")
