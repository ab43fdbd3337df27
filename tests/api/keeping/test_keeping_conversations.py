"""Conversations that begin under an id of somebody else's, and those that begin as another did."""

from __future__ import annotations

import pytest
from builders import make_answer
from keeping_doubles import Opener, SetClock
from sqlalchemy import func, select
from test_keeping_concurrent import at_the_same_time

from api.keeping import tables
from api.keeping.conversations import Conversation, Turn
from api.keeping.keeping import Keeping
from rag.errors import NotFoundError

SOURCES = ["source1", "source2", "source3"]


def talk(keeping: Keeping, *answer_ids: str) -> Conversation:
    """A conversation with a turn for each answer, each with its source."""
    conversation_id = keeping.conversations.create("k").conversation_id
    for source_id, answer_id in zip(SOURCES, answer_ids, strict=False):
        keeping.answers.add(make_answer(answer_id=answer_id), conversation_id=conversation_id)
        keeping.conversations.add_turn(conversation_id, Turn(f"and {answer_id}?", answer_id, answer_id, {"x": [1]}))
        keeping.conversations.numbers(conversation_id, [source_id])
    return keeping.conversations.get(conversation_id)


def test_what_is_there_is_not_begun_again(keeping: Keeping, clock: SetClock) -> None:
    begun = keeping.conversations.begin("c-chat", "k")
    assert begun == keeping.conversations.get("c-chat")
    keeping.answers.add(make_answer())
    keeping.conversations.add_turn("c-chat", Turn("q", "q", "a-1"))
    clock.move(days=1)
    again = keeping.conversations.begin("c-chat", "another")
    assert (again.key_id, again.created, len(again.turns)) == ("k", begun.created, 1)


def test_what_was_erased_is_begun_again_empty(keeping: Keeping) -> None:
    keeping.conversations.begin("c-chat")
    keeping.conversations.numbers("c-chat", SOURCES)
    keeping.retention.erase("c-chat")
    assert keeping.conversations.begin("c-chat").turns == ()
    assert keeping.conversations.numbers("c-chat") == {}


def test_many_that_begin_the_same_begin_one(opener: Opener) -> None:
    workers = [opener(), opener()]
    for chat in ("c-one", "c-two", "c-three"):
        found = at_the_same_time(*(lambda w=w, c=chat: w.conversations.begin(c, "k") for w in workers * 4))  # type: ignore[misc]
        assert set(map(repr, found)) == {repr(workers[0].conversations.get(chat))}, found


def test_a_fork_begins_as_the_other_did_and_goes_on_alone(keeping: Keeping, clock: SetClock) -> None:
    origin = talk(keeping, "a-1", "a-2", "a-3")
    clock.move(minutes=1)
    forked = keeping.conversations.fork(origin, 2, "another")
    assert forked == keeping.conversations.get(forked.conversation_id)
    assert forked.turns == origin.turns[:2]
    assert (forked.key_id, forked.created) == ("another", clock.moment)
    assert keeping.conversations.numbers(forked.conversation_id, ["new"]) == {
        "source1": 1, "source2": 2, "source3": 3, "new": 4,
    }  # fmt: skip
    added = keeping.conversations.add_turn(forked.conversation_id, Turn("q", "q", "a-3"))
    assert added.number == 3
    assert keeping.conversations.get(origin.conversation_id) == origin
    assert "new" not in keeping.conversations.numbers(origin.conversation_id)


def test_a_fork_of_nothing_is_empty(keeping: Keeping) -> None:
    forked = keeping.conversations.fork(talk(keeping, "a-1"), 0)
    assert (forked.turns, forked.key_id) == ((), None)


def test_a_fork_holds_its_answers(keeping: Keeping) -> None:
    origin = talk(keeping, "a-1", "a-2")
    forked = keeping.conversations.fork(origin, 1)
    assert keeping.retention.erase(origin.conversation_id).answers == 1
    assert keeping.answers.get("a-1")
    assert len(keeping.conversations.get(forked.conversation_id).turns) == 1
    keeping.retention.erase(forked.conversation_id)
    with pytest.raises(NotFoundError):
        keeping.answers.get("a-1")


def test_a_fork_of_what_was_erased_leaves_nothing(keeping: Keeping) -> None:
    origin = talk(keeping, "a-1")
    keeping.retention.erase(origin.conversation_id)
    with pytest.raises(NotFoundError, match="never begun or has been erased"):
        keeping.conversations.fork(origin, 1)
    with keeping.database.reading() as db:
        assert db.scalar(select(func.count()).select_from(tables.conversations)) == 0


def test_a_fork_and_an_erasure_at_the_same_time(opener: Opener) -> None:
    """Either the fork is whole, or it is refused."""
    one, other = opener(), opener()
    for round_ in range(5):
        origin = talk(one, f"a-{round_}")
        _, forked = at_the_same_time(
            lambda o=origin: one.retention.erase(o.conversation_id), lambda o=origin: other.conversations.fork(o, 1)
        )  # type: ignore[misc]
        if isinstance(forked, Conversation):
            assert one.conversations.get(forked.conversation_id).turns == origin.turns
            assert one.answers.get(f"a-{round_}")
        else:
            assert isinstance(forked, NotFoundError), forked


def test_many_forks_of_one_are_many(opener: Opener) -> None:
    workers = [opener(), opener()]
    origin = talk(workers[0], "a-1", "a-2")
    found = at_the_same_time(*(lambda i=i: workers[i % 2].conversations.fork(origin, 1 + i % 2) for i in range(6)))  # type: ignore[misc]
    assert all(isinstance(f, Conversation) for f in found), found
    assert len({f.conversation_id for f in found if isinstance(f, Conversation)}) == 6
