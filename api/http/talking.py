"""Conversations: a question made whole from those before it, and its answer kept as a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from api.http.problems import FULL, NOTHING_ASKED, UNUSABLE, ProblemError
from api.http.security import Caller
from api.http.service import Service
from api.keeping.conversations import Conversation, Erased, Turn, missing
from api.keeping.keys import Scope
from api.keeping.listing import Listing, Place
from rag import domain
from rag.answer.article import identified
from rag.conversation.numbering import in_conversation, numbers_after
from rag.conversation.turns import Turn as Told
from rag.conversation.understood import understood
from rag.domain import Answer, Standalone
from rag.errors import ConflictError
from rag.language.identifiers import masked
from rag.writing.understanding import Read, noted


class Following(NamedTuple):
    """A question in a conversation. ``question`` is what is asked; ``standalone`` says how it came about, and ``read``
    what a language model did for it, if it was asked.
    """

    conversation_id: str
    number: int
    question: str
    standalone: Standalone
    read: Read | None = None


def owned(service: Service, caller: Caller, conversation_id: str) -> Conversation:
    """A conversation of the caller's, any of them for who has the scope ``admin``. Raises ``NotFoundError``."""
    found = service.keeping.conversations.get(conversation_id)
    if found.key_id != caller.key_id and not caller.may(Scope.ADMIN):
        raise missing(conversation_id)  # as if there were none: nobody learns which there are
    return found


def erased(service: Service, caller: Caller, conversation_id: str) -> Erased:
    """Erases a conversation of the caller's. Raises ``NotFoundError``."""
    owned(service, caller, conversation_id)
    gone = service.keeping.retention.erase(conversation_id)
    service.keeping.audit.record(caller.actor, "conversation.erased", conversation_id)
    return gone


def renamed(service: Service, caller: Caller, conversation_id: str, title: str | None) -> Conversation:
    """Gives a conversation of the caller's a title, masked as questions are, or takes it away.

    Raises:
        NotFoundError: there is no such conversation of the caller's.
        InputError: the title cannot be kept.
    """
    found = owned(service, caller, conversation_id)
    given = masked(title).text if title is not None and service.settings.mask_identifiers else title
    kept = service.keeping.conversations.rename(conversation_id, given)
    service.keeping.audit.record(caller.actor, "conversation.renamed", conversation_id)
    return found._replace(title=kept)


def listed(
    service: Service, caller: Caller, words: str | None = None, before: Place | None = None, limit: int = 30
) -> Listing:
    """The caller's own conversations, as ``Conversations.listed`` has them."""
    found = service.keeping.conversations.listed(caller.key_id, words, before, limit)
    service.keeping.audit.record(caller.actor, "conversations.listed", "conversations")
    return found


def followed(service: Service, caller: Caller, conversation_id: str, question: str) -> Following:
    """What is asked by ``question`` as the next of a conversation.

    Raises:
        NotFoundError: there is no such conversation of the caller's.
        ProblemError: it is full, or nothing is asked ("thanks").
    """
    found, most = owned(service, caller, conversation_id), service.settings.max_turns
    if len(found.turns) >= most:
        raise full(most)
    answers = (service.keeping.answers.get(turn.answer_id).answer() for turn in found.turns)
    standalone, read = whole(service, question, [Told.of(answer) for answer in answers])
    last = found.turns[-1].number if found.turns else 0  # not their count: one may have been erased with its source
    return Following(conversation_id, last + 1, standalone.question or "", standalone, read)


def full(most: int) -> ProblemError:
    return ProblemError(FULL, f"the conversation has {most} questions, the most that one may have; begin a new one")


def whole(
    service: Service, question: str, turns: Sequence[Told], *, is_last: bool = True
) -> tuple[Standalone, Read | None]:
    """What ``question`` asks after ``turns``; its ``question`` is there. See ``understood``.

    Raises:
        ProblemError: nothing is asked ("thanks"), or it is too long with what it takes over.
    """
    with service.serving.pipeline() as pipeline:
        standalone, read = understood(question, turns, pipeline, is_last=is_last)
    if standalone.question is None:
        raise ProblemError(NOTHING_ASKED, standalone.reason or "nothing is asked; expected a question")
    most_chars = service.serving.max_question_chars
    if len(standalone.question) > most_chars:
        raise ProblemError(
            UNUSABLE, f"with what it takes over from the conversation the question has {len(standalone.question)} "
            f"characters, expected at most {most_chars}; ask it by itself",
        )  # fmt: skip
    return standalone, read


def keep_turn(service: Service, answer: Answer, following: Following, masked: tuple[str, ...]) -> Answer:
    """Keeps an answer as the next turn, with the numbers that its sources have in the conversation.

    Raises:
        ConflictError: another question of the conversation was answered in between.
    """
    conversations, conversation_id = service.keeping.conversations, following.conversation_id
    numbers = conversations.numbers(conversation_id, [r.source_id for r in answer.references])
    turn = domain.Turn(conversation_id=conversation_id, number=following.number)
    kept = as_kept(noted(answer, following.read), following.standalone, numbers, turn, masked)
    service.keeping.answers.add(kept, conversation_id=conversation_id, masked=masked)
    made = following.standalone.model_dump(mode="json")
    added = conversations.add_turn(
        conversation_id, Turn(following.standalone.asked, following.question, kept.answer_id, made)
    )
    if added.number != following.number:
        raise ConflictError(f"conversation {conversation_id}: another question came first; ask again")
    return kept


def as_kept(
    made: Answer, standalone: Standalone | None, numbers: Mapping[str, int], turn: domain.Turn | None,
    masked: tuple[str, ...],
) -> Answer:  # fmt: skip
    """An answer of the pipeline with what the service adds: its place in a conversation, and what was masked."""
    if standalone:
        made = in_conversation(made, standalone, numbers_after(numbers, made))
    more: dict[str, object] = ({"turn": turn} if turn else {}) | ({"masked": masked} if masked else {})
    return identified(made, **more) if more else made
