"""Conversations in a list: their order, pages, words and titles; thousands of them."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from builders import make_answer
from keeping_doubles import SetClock
from sqlalchemy import text

from api.keeping import tables
from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from api.keeping.listing import Listed, Place
from rag.errors import InputError, NotFoundError

MANY = 5000


@pytest.fixture
def keeping(keeping: Keeping) -> Keeping:
    keeping.answers.add(make_answer())
    return keeping


def talk(keeping: Keeping, *questions: str, key_id: str | None = "k") -> str:
    """A conversation in which these were asked."""
    conversation_id = keeping.conversations.create(key_id).conversation_id
    for question in questions:
        keeping.conversations.add_turn(conversation_id, Turn(question, question, "a-1"))
    return conversation_id


def found(keeping: Keeping, words: str) -> list[str]:
    return [item.conversation_id for item in keeping.conversations.listed("k", words).items]


def test_who_went_on_last_comes_first(keeping: Keeping, clock: SetClock) -> None:
    first = talk(keeping, "How is HIT treated?")
    clock.move(minutes=1)
    second = talk(keeping, "Is IVIG given?", "And the dose?")
    assert keeping.conversations.listed("k").items == (
        Listed(second, clock.moment, None, "Is IVIG given?", 2),
        Listed(first, clock.moment - timedelta(minutes=1), None, "How is HIT treated?", 1),
    )
    clock.move(minutes=1)
    keeping.conversations.add_turn(first, Turn("And in pregnancy?", "q", "a-1"))
    assert [item.conversation_id for item in keeping.conversations.listed("k").items] == [first, second]


def test_each_key_has_a_list_of_its_own(keeping: Keeping) -> None:
    mine, local = talk(keeping, "q"), talk(keeping, "q", key_id=None)
    talk(keeping)
    for key_id, ids in (("k", [mine]), (None, [local]), ("another", [])):
        listing = keeping.conversations.listed(key_id)
        assert [item.conversation_id for item in listing.items] == ids
        assert listing.before is None


def test_pages_have_each_conversation_once(keeping: Keeping, clock: SetClock) -> None:
    """Those of the same moment, too; one that is added or erased while somebody turns pages moves no other."""
    ids = [talk(keeping, f"q{i}") for i in range(4)]
    clock.move(minutes=1)
    ids += [talk(keeping, f"q{i}") for i in range(4, 7)]
    seen, before = list[str](), None
    while True:
        listing = keeping.conversations.listed("k", None, before, 2)
        assert len(listing.items) <= 2
        seen += [item.conversation_id for item in listing.items]
        if listing.before is None:
            break
        before = Place.parsed(str(listing.before))
        assert before == listing.before
        clock.move(seconds=1)
        talk(keeping, "another")
        keeping.retention.erase(listing.items[-1].conversation_id)
    assert len(seen) == len(ids)
    assert set(seen) == set(ids)
    assert set(seen[:3]) == set(ids[4:])


@pytest.mark.parametrize("given", ["", "1", "1.", ".c1", "x.c1", "-1.c1", "1" * 18 + ".c1", "1.c 1", "1.c1\n", "١.c1"])
def test_a_place_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="expected the one that the page before gave"):
        Place.parsed(given)
    assert str(Place.parsed(f"{10**17 - 1}.c1")) == f"{10**17 - 1}.c1"


def test_words_are_found_in_titles_and_questions(keeping: Keeping) -> None:
    one = talk(keeping, "How is Argatroban dosed?", "And in Ödem of 50%_A?")
    other = talk(keeping, "Is argatroban monitored?")
    keeping.conversations.rename(other, "Ward 3: the KIDNEYS")
    for words, ids in (
        ("argatroban", {one, other}), ("ARGATROBAN dosed", {one}), ("dosed  ödem", {one}), ("ÖDEM", {one}),
        ("kidneys argatroban", {other}), ("%", {one}), ("50%_a", {one}), ("5_%", set()), ("_", {one}), ("/", set()),
        ("' OR 1=1 --", set()), ("argatroban nobody", set()), (" \0 ", {one, other}), ("", {one, other}),
    ):  # fmt: skip
        assert set(found(keeping, words)) == ids, words


def test_of_many_words_the_longest_decide(keeping: Keeping) -> None:
    one = talk(keeping, "How is argatroban dosed?")
    assert found(keeping, "argatroban " * 50) == [one]
    assert found(keeping, "argatroban " + " ".join(f"{i:03}" for i in range(40))) == []


def test_a_title_is_one_line_and_may_be_taken_away(keeping: Keeping, clock: SetClock) -> None:
    one = talk(keeping, "q")
    before = keeping.conversations.get(one)
    clock.move(hours=1)
    assert keeping.conversations.rename(one, "  HIT,\n\tbed 3 µg ≥ 🩺 ") == "HIT, bed 3 µg ≥ 🩺"
    assert keeping.conversations.get(one) == before._replace(title="HIT, bed 3 µg ≥ 🩺"), "it has not gone on"
    assert keeping.conversations.listed("k").items[0].name == "HIT, bed 3 µg ≥ 🩺"
    assert keeping.conversations.fork(before, 1).title is None
    assert keeping.conversations.rename(one, None) is None
    assert keeping.conversations.listed("k").items[-1].name == "q"


@pytest.mark.parametrize("title", ["", " \n", "x" * 201, "a\0b", "a\ud800b"])
def test_a_title_that_cannot_be_kept_is_refused(keeping: Keeping, title: str) -> None:
    one = talk(keeping, "q")
    keeping.conversations.rename(one, "x" * 200)
    with pytest.raises(InputError, match="title"):
        keeping.conversations.rename(one, title)
    assert keeping.conversations.get(one).title == "x" * 200


def test_what_is_not_there_gets_no_title(keeping: Keeping) -> None:
    one = talk(keeping, "q")
    keeping.retention.erase(one)
    with pytest.raises(NotFoundError, match="never begun or has been erased"):
        keeping.conversations.rename(one, "title")


def test_thousands_are_listed_at_once(keeping: Keeping, clock: SetClock) -> None:
    now = clock.moment
    talks = [
        {"conversation_id": f"c{i:04}", "key_id": f"k{i % 2}", "created": now, "changed": now + timedelta(minutes=i)}
        for i in range(2 * MANY)
    ]
    asked = [
        {"conversation_id": f"c{i:04}", "number": n, "question": f"Question {n} of {i}", "standalone": "q",
         "answer_id": "a-1", "made": {}, "created": now}
        for i in range(2 * MANY) for n in (1, 2)
    ]  # fmt: skip
    with keeping.database.writing() as db:
        db.execute(tables.conversations.insert(), talks)
        db.execute(tables.turns.insert(), asked)
    with keeping.database.writing() as db:
        db.execute(text("ANALYZE"))
    began = time.perf_counter()
    newest = keeping.conversations.listed("k1")
    old = keeping.conversations.listed("k1", None, Place(now + timedelta(minutes=100), "c"))
    listed_s = time.perf_counter() - began
    (rare,) = keeping.conversations.listed("k1", "question 4321").items
    assert [len(newest.items), len(old.items), rare.conversation_id] == [30, 30, "c4321"]
    assert listed_s < 0.2, "which a page waits for; without an index it takes as long as there are conversations"
    assert time.perf_counter() - began < 2
