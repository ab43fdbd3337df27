"""Conversations of clients that keep them themselves, and tell all that was said each time: chat front ends.

The questions before are answered again, as they were, to learn what the next one leans on and which number each source
has. They were made a moment ago, so that they are mostly remembered; what was made is the same when it is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from api.http.making import Asked
from api.http.problems import NOTHING_ASKED, UNUSABLE, ProblemError
from api.http.service import Service
from api.http.talking import Following, as_kept, full, keep_turn, whole
from rag.conversation.numbering import in_conversation, numbers_after
from rag.conversation.turns import Turn
from rag.domain import Answer, Audience, Filter, Standalone
from rag.language.identifiers import masked
from rag.writing.understanding import Read, noted


class Said(NamedTuple):
    """What a client says was asked before, in order.

    ``conversation_id`` is where its answers are kept, begun when it is not there; without one they are kept each by
    itself, and the conversation is not. ``last`` is the turn after which this one stands, if not after whichever is
    the last: where another stands there, a new conversation begins as far as ``last``.
    """

    earlier: tuple[str, ...] = ()
    conversation_id: str | None = None
    last: int | None = None

    def masked(self) -> Said:
        return self._replace(earlier=tuple(masked(text).text for text in self.earlier))


class Retold(NamedTuple):
    """A question made whole from those before it, and their answers as they were made, each with how it was asked.

    ``read`` is what a language model did for it, if it was asked.
    """

    said: Said
    standalone: Standalone
    before: tuple[tuple[Answer, Standalone], ...]
    read: Read | None = None

    @property
    def sources(self) -> list[str]:
        """The sources that were cited, in the order of their numbers."""
        return list(dict.fromkeys(r.source_id for made, _ in self.before for r in made.references))

    def numbers(self) -> dict[str, int]:
        return {source_id: number for number, source_id in enumerate(self.sources, 1)}


def id_of_chat(key_id: str | None, face: str, chat_id: str) -> str:
    """The conversation of a chat that a front end knows by ``chat_id``: one for each key."""
    return "c" + hashlib.sha256("\n".join((key_id or "", face, chat_id)).encode()).hexdigest()[:20]


async def retold(service: Service, question: str, said: Said, audience: Audience, within: Filter | None) -> Retold:
    """What is asked by ``question`` after what was said.

    Raises:
        ProblemError: nothing is asked, the conversation is full, or the earlier questions cannot be answered now.
    """
    if len(said.earlier) >= service.settings.max_turns:
        raise full(service.settings.max_turns)
    before, turns = list[tuple[Answer, Standalone]](), list[Turn]()
    for text in said.earlier:
        standalone = await _asked(service, text, turns)
        if standalone is None or standalone.question is None:
            turns.append(Turn(text, None))
            continue
        made = (await service.maker.make(Asked(standalone.question, audience, within))).answer
        before.append((made, standalone))
        turns.append(Turn.of(made.model_copy(update={"follow_up": standalone})))
    last, read = await run_in_threadpool(whole, service, question, turns)
    return Retold(said, last, tuple(before), read)


async def _asked(service: Service, text: str, turns: Sequence[Turn]) -> Standalone | None:
    """An earlier question made whole; none where it was no question, which its client was told at the time.

    The language model is not asked again: it would be for each question of the conversation at every turn.
    """
    try:
        return (await run_in_threadpool(whole, service, text, turns, is_last=False))[0]
    except ProblemError as error:
        if error.kind not in (NOTHING_ASKED, UNUSABLE):
            raise
        return None


def keep_told(service: Service, made: Answer, told: Retold, key_id: str | None, kinds: tuple[str, ...]) -> Answer:
    """Keeps an answer with the numbers that its sources have in what was said; in a conversation as its next turn.

    Raises:
        ConflictError: another question of the conversation was answered in between.
    """
    conversation_id, conversations = told.said.conversation_id, service.keeping.conversations
    if conversation_id is None:
        kept = as_kept(noted(made, told.read), told.standalone, told.numbers(), None, kinds)
        service.keeping.answers.add(kept, key_id=key_id, masked=kinds)
        return kept
    found = conversations.begin(conversation_id, key_id)
    last = found.turns[-1].number if found.turns else 0
    if told.said.last is not None and told.said.last < last:
        last = told.said.last
        found = conversations.fork(found, last, key_id)
    conversations.numbers(found.conversation_id, told.sources)
    following = Following(found.conversation_id, last + 1, told.standalone.question or "", told.standalone, told.read)
    return keep_turn(service, made, following, kinds)


def earlier_of(service: Service, kept: Answer, told: Retold) -> tuple[Answer, ...]:
    """The answers before ``kept``, with the numbers that their sources have in its conversation."""
    conversations, turn = service.keeping.conversations, kept.turn
    numbers = conversations.numbers(turn.conversation_id) if turn else told.numbers()
    return tuple(in_conversation(made, how, numbers_after(numbers, made)) for made, how in told.before)
