"""What is forgotten for its age, what an erasure takes, and what stays because others hold it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from builders import make_abstained, make_answer, make_receipt
from keeping_doubles import Opener, SetClock

from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from rag.errors import InputError, NotFoundError
from rag.index.manifest import manifest_path
from rag.index.pins import pins_of

OLD = timedelta(days=90)


def kept(keeping: Keeping, answer_id: str) -> bool:
    try:
        return bool(keeping.answers.get(answer_id))
    except NotFoundError:
        return False


def talk(keeping: Keeping, *answer_ids: str) -> str:
    """A conversation with these answers. Returns its id."""
    conversation_id = keeping.conversations.create("k1").conversation_id
    for answer_id in answer_ids:
        keeping.answers.add(make_answer(answer_id=answer_id), key_id="k1", conversation_id=conversation_id)
        keeping.conversations.add_turn(conversation_id, Turn("As asked?", "Made whole?", answer_id, {"carried": ["x"]}))
    keeping.conversations.numbers(conversation_id, ["cuker2018"])
    return conversation_id


def test_what_is_old_is_forgotten_and_what_is_not_stays(keeping: Keeping, clock: SetClock) -> None:
    keeping.answers.add(make_answer(answer_id="old"), key_id="k1")
    keeping.answers.remember("k1", "token", "digest", "old")
    keeping.feedback.add("old", "helpful")
    begun = talk(keeping, "old-turn")
    keeping.audit.record("k1", "answer.made", "old")
    clock.move(days=60)
    keeping.answers.add(make_answer(answer_id="new"), key_id="k1")
    newer = talk(keeping, "new-turn")
    clock.move(days=31)
    done = keeping.retention.forget(OLD)
    assert done._asdict() == {"conversations": 1, "turns": 1, "answers": 2, "tokens": 1, "deliveries": 0}
    assert [i for i in ("old", "old-turn", "new", "new-turn") if kept(keeping, i)] == ["new", "new-turn"]
    assert keeping.answers.idempotent("k1", "token", "digest") is None
    assert list(keeping.feedback.list("old")) == []
    with pytest.raises(NotFoundError):
        keeping.conversations.get(begun)
    assert len(keeping.conversations.get(newer).turns) == 1
    assert keeping.audit.anchor().sequence == 1, "the audit log stays"
    assert keeping.retention.forget(OLD) == (0, 0, 0, 0, 0)


def test_an_old_answer_that_was_asked_for_lately_stays(keeping: Keeping, clock: SetClock) -> None:
    answer = make_answer()
    keeping.answers.add(answer, key_id="k1")
    clock.move(days=80)
    keeping.answers.add(answer, key_id="k2")
    clock.move(days=20)
    assert keeping.retention.forget(OLD).answers == 0
    clock.move(days=71)
    assert keeping.retention.forget(OLD).answers == 1


def test_a_conversation_that_goes_on_keeps_its_old_answers(keeping: Keeping, clock: SetClock) -> None:
    conversation_id = talk(keeping, "a-1")
    clock.move(days=100)
    keeping.conversations.add_turn(conversation_id, Turn("q", "q", "a-1"))
    assert keeping.retention.forget(OLD).answers == 0
    assert kept(keeping, "a-1")


def test_reviewed_answers_are_not_forgotten(keeping: Keeping, clock: SetClock) -> None:
    keeping.answers.add(make_answer(), key_id="k1")
    keeping.reviews.submit("a-1", "Ward")
    clock.move(days=400)
    assert keeping.retention.forget(OLD).answers == 0
    assert kept(keeping, "a-1")


def test_many_old_things_are_forgotten_in_parts(keeping: Keeping, clock: SetClock) -> None:
    for i in range(0, 450, 3):
        keeping.answers.add(make_abstained(answer_id=f"a{i:03}"), key_id="k1")
    clock.move(days=91)
    for i in range(1, 450, 30):
        keeping.answers.add(make_abstained(answer_id=f"a{i:03}"), key_id="k1")
    assert keeping.retention.forget(OLD).answers == 150
    assert keeping.answers.count() == 15


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=-1)])
def test_an_age_is_more_than_nothing(keeping: Keeping, age: timedelta) -> None:
    with pytest.raises(InputError, match="expected more than nothing"):
        keeping.retention.forget(age)


def test_erasing_a_conversation_takes_what_only_it_holds(keeping: Keeping) -> None:
    keeping.answers.add(make_answer(answer_id="asked alone"), key_id="k2")
    one = talk(keeping, "mine", "asked alone", "shared", "reviewed")
    other = talk(keeping, "shared")
    keeping.reviews.submit("reviewed", "Ward")
    erased = keeping.retention.erase(one)
    assert (erased.turns, erased.answers, erased.reviewed) == (4, 1, ("reviewed",))
    assert [i for i in ("mine", "asked alone", "shared", "reviewed") if kept(keeping, i)] == [
        "asked alone",
        "shared",
        "reviewed",
    ]
    assert keeping.retention.erase(other).answers == 1
    with pytest.raises(NotFoundError):
        keeping.retention.erase(one)


def test_erasing_even_what_is_reviewed(keeping: Keeping) -> None:
    conversation_id = talk(keeping, "reviewed")
    keeping.reviews.submit("reviewed", "Ward")
    erased = keeping.retention.erase(conversation_id, even_reviewed=True)
    assert (erased.answers, erased.reviewed) == (1, ())
    assert not kept(keeping, "reviewed")


def test_erasing_what_cites_a_source(keeping: Keeping) -> None:
    conversation_id = talk(keeping, "a-1")
    keeping.reviews.submit("a-1", "Ward")
    keeping.answers.add(make_abstained(nearest=()), key_id="k1")
    assert keeping.retention.erase_citing("label_argatroban_us") == 1
    assert not kept(keeping, "a-1")
    assert kept(keeping, "a-2")
    assert keeping.conversations.get(conversation_id).turns == ()
    assert keeping.retention.erase_citing("label_argatroban_us") == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_trace_of_what_was_erased_is_left_in_the_files(keeping: Keeping, url: str) -> None:
    words = "a quite particular question"
    conversation_id = keeping.conversations.create().conversation_id
    answer = make_answer(question=words)
    keeping.answers.add(answer, conversation_id=conversation_id)
    keeping.conversations.add_turn(conversation_id, Turn(words, words, "a-1"))
    assert words.encode() in content(url)
    keeping.retention.erase(conversation_id)
    assert words.encode() not in content(url)


def content(path: str) -> bytes:
    return b"".join(found.read_bytes() for found in sorted(Path(path).parent.iterdir()))


@pytest.fixture
def index_dir(tmp_path: Path) -> Path:
    """A folder with the manifests of two snapshots, which is all that pins look at."""
    for snapshot_id in ("3f9a1c0b7d2e", "0therd"):
        path = manifest_path(tmp_path / "index", snapshot_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "index"


def test_snapshots_are_pinned_as_long_as_an_answer_cites_them(opener: Opener, clock: SetClock, index_dir: Path) -> None:
    keeping = opener(index_dir=index_dir)
    (holder,) = {keeping._pins._holder}  # type: ignore[union-attr]
    receipt = make_receipt().model_copy(update={"snapshot_id": "0therd"})
    keeping.answers.add(make_answer(), key_id="k1")
    clock.move(days=60)
    keeping.answers.add(make_answer(answer_id="b", receipt=receipt), key_id="k1")
    assert pins_of(index_dir, holder) == {"3f9a1c0b7d2e", "0therd"}
    clock.move(days=31)
    keeping.retention.forget(OLD)
    assert pins_of(index_dir, holder) == {"0therd"}


def test_an_answer_that_is_not_kept_pins_nothing_for_long(opener: Opener, index_dir: Path) -> None:
    keeping = opener(index_dir=index_dir)

    def fail() -> None:
        with keeping.at_once():
            keeping.answers.add(make_answer())
            raise NotFoundError

    with pytest.raises(NotFoundError):
        fail()
    keeping._pins.settle()  # type: ignore[union-attr]
    assert pins_of(index_dir, keeping._pins._holder) == set()  # type: ignore[union-attr]


def test_a_snapshot_that_is_gone_is_no_hindrance(opener: Opener, index_dir: Path) -> None:
    manifest_path(index_dir, "3f9a1c0b7d2e").unlink()
    keeping = opener(index_dir=index_dir)
    assert keeping.answers.add(make_answer()).snapshot_id == "3f9a1c0b7d2e"
