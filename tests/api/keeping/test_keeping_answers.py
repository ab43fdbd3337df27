"""Answers and conversations, on each database."""

from __future__ import annotations

import json

import pytest
from builders import make_abstained, make_answer, make_receipt

from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from rag.domain import Review
from rag.errors import ConflictError, NotFoundError

ANSWER = make_answer()


def test_an_answer_is_kept_byte_for_byte(keeping: Keeping) -> None:
    answer = make_answer(question="Ist „IVIG“ 0.5 µg/kg/min ≥ 1? 🩺 \u2028")
    kept = keeping.answers.add(answer, key_id="k1", masked=["name", "phone"])
    assert kept.document == answer.model_dump_json()
    assert keeping.answers.get("a-1") == kept
    assert kept.answer() == answer
    assert (kept.snapshot_id, kept.masked) == (answer.receipt.snapshot_id, ("name", "phone"))


def test_an_answer_that_is_kept_is_given_back_as_it_was_first_given(keeping: Keeping) -> None:
    first = keeping.answers.add(ANSWER, key_id="k1")
    receipt = make_receipt().model_copy(update={"timings_ms": {"retrieve": 99.0}})
    again = ANSWER.model_copy(update={"receipt": receipt, "review": Review(status="approved")})
    assert keeping.answers.add(again, key_id="k2") == first
    assert keeping.answers.add(again, key_id="k1") == first
    assert keeping.answers.count() == 1


def test_another_answer_of_the_same_id_is_refused(keeping: Keeping) -> None:
    kept = keeping.answers.add(ANSWER)
    with pytest.raises(ConflictError, match=r"answer a-1: kept with other content"):
        keeping.answers.add(ANSWER.model_copy(update={"title": "Another title"}))
    assert keeping.answers.get("a-1") == kept


def test_what_is_not_kept_is_not_found(keeping: Keeping) -> None:
    with pytest.raises(NotFoundError, match=r"answer 'a-0': not kept"):
        keeping.answers.get("a-0")
    with pytest.raises(NotFoundError, match=r"conversation 'c-0': not kept"):
        keeping.conversations.get("c-0")
    with pytest.raises(NotFoundError):
        keeping.conversations.numbers("c-0")


def test_a_question_may_hold_what_a_database_cannot(keeping: Keeping) -> None:
    kept = keeping.answers.add(make_abstained(question="a\0b"))
    assert keeping.answers.get(kept.answer_id).answer().question == "a\0b"


def test_snapshots_of_answers(keeping: Keeping) -> None:
    keeping.answers.add(ANSWER)
    keeping.answers.add(make_abstained())
    assert keeping.answers.pinned() == {ANSWER.receipt.snapshot_id}


def test_a_request_sent_twice_is_answered_once(keeping: Keeping) -> None:
    kept = keeping.answers.add(ANSWER, key_id="k1")
    assert keeping.answers.idempotent("k1", "token", "digest") is None
    assert keeping.answers.remember("k1", "token", "digest", "a-1") == kept
    assert keeping.answers.idempotent("k1", "token", "digest") == kept
    assert keeping.answers.idempotent("k2", "token", "other digest") is None, "a token is its key's own"
    with pytest.raises(ConflictError, match=r"token 'token': given to another request"):
        keeping.answers.idempotent("k1", "token", "other digest")
    with pytest.raises(ConflictError):
        keeping.answers.remember("k1", "token", "other digest", "a-1")


def test_who_remembers_second_gets_what_the_first_did(keeping: Keeping) -> None:
    first = keeping.answers.add(ANSWER)
    keeping.answers.add(make_abstained())
    keeping.answers.remember(None, "token", "digest", "a-1")
    assert keeping.answers.remember(None, "token", "digest", "a-2") == first


def test_turns_stand_in_their_order(keeping: Keeping) -> None:
    keeping.answers.add(ANSWER)
    begun = keeping.conversations.create("k1")
    made = {"carried": ["argatroban"], "is_new_topic": False}
    turns = [
        keeping.conversations.add_turn(begun.conversation_id, Turn(f"and {i}?", f"Whole {i}?", "a-1", made))
        for i in range(3)
    ]
    found = keeping.conversations.get(begun.conversation_id)
    assert found.turns == tuple(turns)
    assert [turn.number for turn in found.turns] == [1, 2, 3]
    assert found.turns[0].made == made
    assert found.key_id == "k1"


def test_a_turn_needs_a_conversation_and_an_answer(keeping: Keeping) -> None:
    begun = keeping.conversations.create()
    with pytest.raises(NotFoundError, match=r"answer 'a-1': not kept"):
        keeping.conversations.add_turn(begun.conversation_id, Turn("q", "q", "a-1"))
    keeping.answers.add(ANSWER)
    with pytest.raises(NotFoundError, match=r"conversation 'c-0'"):
        keeping.conversations.add_turn("c-0", Turn("q", "q", "a-1"))
    assert keeping.conversations.get(begun.conversation_id).turns == ()


def test_a_source_keeps_its_number_in_a_conversation(keeping: Keeping) -> None:
    one, other = keeping.conversations.create(), keeping.conversations.create()
    assert keeping.conversations.numbers(one.conversation_id) == {}
    assert keeping.conversations.numbers(one.conversation_id, ["b", "a", "b"]) == {"b": 1, "a": 2}
    assert keeping.conversations.numbers(one.conversation_id, ["c", "a"]) == {"b": 1, "a": 2, "c": 3}
    assert keeping.conversations.numbers(one.conversation_id, ["a"]) == {"b": 1, "a": 2, "c": 3}
    assert keeping.conversations.numbers(other.conversation_id, ["c"]) == {"c": 1}


def test_what_is_written_at_once_is_written_or_not(keeping: Keeping) -> None:
    begun = keeping.conversations.create()

    def write() -> None:
        with keeping.at_once():
            keeping.answers.add(ANSWER, conversation_id=begun.conversation_id)
            keeping.audit.record("local", "answer.made", "a-1")
            keeping.conversations.add_turn("c-0", Turn("q", "q", "a-1"))

    with pytest.raises(NotFoundError):
        write()
    assert keeping.answers.count() == 0
    assert keeping.audit.anchor().sequence == 0
    with keeping.at_once():
        keeping.answers.add(ANSWER, conversation_id=begun.conversation_id)
        keeping.conversations.add_turn(begun.conversation_id, Turn("q", "q", "a-1"))
        assert keeping.answers.count() == 1, "a transaction sees what it has written"
    assert len(keeping.conversations.get(begun.conversation_id).turns) == 1


def test_feedback(keeping: Keeping) -> None:
    keeping.answers.add(ANSWER)
    said = [
        keeping.feedback.add("a-1", "unsafe", "  The dose is for adults.  ", "k1"),
        keeping.feedback.add("a-1", "helpful"),
    ]
    assert list(keeping.feedback.list("a-1")) == said
    assert said[0].comment == "The dose is for adults."
    assert list(keeping.feedback.list("a-2")) == []
    with pytest.raises(NotFoundError):
        keeping.feedback.add("a-2", "helpful")


def test_documents_are_json(keeping: Keeping) -> None:
    assert json.loads(keeping.answers.add(ANSWER).document)["answer_id"] == "a-1"
