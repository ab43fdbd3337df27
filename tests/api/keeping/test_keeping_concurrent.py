"""Several threads and several processes that write at the same time: nothing is lost, nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from builders import make_answer
from keeping_doubles import Opener, SetClock
from keeping_writer import write

from api.keeping.answers import Kept
from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from rag.errors import ConflictError, StoreUnavailableError

WRITER = Path(__file__).parents[2] / "keeping_writer.py"


def at_the_same_time(*works: Callable[[], object]) -> list[object]:
    """What each gives, or the error that it ends with; all begin together."""
    barrier, found = threading.Barrier(len(works)), list[object](range(len(works)))

    def run(place: int, work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            found[place] = work()
        except Exception as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=given) for given in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def check_whole(keeping: Keeping, conversation_id: str, expected: set[str]) -> None:
    """Every answer has one turn and one entry; turns are numbered through; the chain holds."""
    turns = keeping.conversations.get(conversation_id).turns
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
    assert {turn.answer_id for turn in turns} == expected
    assert len(turns) == len(expected)
    assert keeping.answers.count() == len(expected)
    assert keeping.audit.verify() is None
    assert {entry.subject for entry in keeping.audit.entries(limit=10_000)} == expected
    assert keeping.audit.anchor().sequence == len(expected)


def test_threads_of_two_workers(opener: Opener) -> None:
    workers = [opener(), opener()]
    conversation_id = workers[0].conversations.create().conversation_id

    def work(keeping: Keeping, name: str) -> list[str]:
        return [write(keeping, name, number, conversation_id) for number in range(6)]

    done = at_the_same_time(*(lambda i=i: work(workers[i % 2], str(i)) for i in range(6)))  # type: ignore[misc]
    assert all(isinstance(d, list) for d in done), done
    check_whole(workers[0], conversation_id, {i for d in done if isinstance(d, list) for i in d})


def test_processes(opener: Opener, url: str) -> None:
    keeping = opener()
    conversation_id = keeping.conversations.create().conversation_id
    running = [
        subprocess.Popen(
            [sys.executable, str(WRITER), url, str(worker), conversation_id, "25"], stdout=subprocess.PIPE, text=True
        )
        for worker in range(3)
    ]
    said = [process.communicate(timeout=60)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert [words.count("answer") for words in said] == [25, 25, 25]
    check_whole(keeping, conversation_id, {f"a{worker}-{number}" for worker in range(3) for number in range(25)})
    assert len(keeping.reviews.queue(limit=100).items) == 3 * 9


def test_the_same_answer_from_many_is_kept_once(opener: Opener) -> None:
    workers, answer = [opener(), opener()], make_answer()
    found = at_the_same_time(*(lambda i=i: workers[i % 2].answers.add(answer, key_id="k") for i in range(8)))  # type: ignore[misc]
    assert len(set(map(str, found))) == 1, found
    assert workers[0].answers.count() == 1


def test_one_of_two_decisions_is_refused(opener: Opener) -> None:
    one, other = opener(), opener()
    one.answers.add(make_answer())
    one.reviews.submit("a-1", "Ward")
    one.reviews.start("a-1", "Ward")
    found = at_the_same_time(
        lambda: one.reviews.approve("a-1", "A"), lambda: other.reviews.reject("a-1", "B", reason="unsafe")
    )
    assert sum(isinstance(f, ConflictError) for f in found) == 1, found
    assert [e.number for e in one.reviews.history("a-1")] == [1, 2, 3]


def test_one_token_has_one_answer(opener: Opener) -> None:
    one, other = opener(), opener()
    for answer_id in ("a-1", "a-2"):
        one.answers.add(make_answer(answer_id=answer_id))
    found = at_the_same_time(
        lambda: one.answers.remember("k", "t", "digest", "a-1"),
        lambda: other.answers.remember("k", "t", "digest", "a-2"),
    )
    assert len({str(f) for f in found}) == 1, found


def test_numbers_of_sources_are_given_once(opener: Opener) -> None:
    workers = [opener(), opener()]
    conversation_id = workers[0].conversations.create().conversation_id
    sources = [f"source{i}" for i in range(20)]
    at_the_same_time(
        lambda: workers[0].conversations.numbers(conversation_id, sources),
        lambda: workers[1].conversations.numbers(conversation_id, sources[::-1]),
    )
    numbers = workers[0].conversations.numbers(conversation_id)
    assert numbers.keys() == set(sources)
    assert sorted(numbers.values()) == list(range(1, 21))


def test_no_more_are_let_in_than_may(opener: Opener) -> None:
    workers = [opener(), opener()]

    def come(i: int) -> int:
        return sum(workers[i % 2].rates.hit("key:a", "10/hour").is_allowed for _ in range(5))

    found = at_the_same_time(*(lambda i=i: come(i) for i in range(6)))  # type: ignore[misc]
    assert sum(f for f in found if isinstance(f, int)) == 10, found


def test_what_is_forgotten_and_asked_for_at_the_same_time(opener: Opener, clock: SetClock) -> None:
    """An answer that was given back is kept; who came too late for it is told to try again."""
    one, other = opener(), opener()
    for round_ in range(8):
        answer = make_answer(answer_id=f"a-{round_}")
        one.answers.add(answer, key_id="k")
        clock.move(days=100)
        forgotten, added = at_the_same_time(
            lambda: one.retention.forget(timedelta(days=90)), lambda a=answer: other.answers.add(a, key_id="other")
        )  # type: ignore[misc]
        assert not isinstance(forgotten, Exception), forgotten
        if not isinstance(added, StoreUnavailableError):
            assert isinstance(added, Kept), added
            assert one.answers.get(answer.answer_id) == added


def test_an_erasure_and_a_turn_at_the_same_time(opener: Opener) -> None:
    """Either the turn is there and erased with the rest, or it is refused: none is left over."""
    one, other = opener(), opener()
    for round_ in range(5):
        one.answers.add(make_answer(answer_id=f"a-{round_}"), key_id="k")
        begun = one.conversations.create().conversation_id
        turn = Turn("q", "q", f"a-{round_}")
        at_the_same_time(
            lambda b=begun: one.retention.erase(b), lambda b=begun, t=turn: other.conversations.add_turn(b, t)
        )  # type: ignore[misc]
        assert one.answers.get(f"a-{round_}"), "held by who asked"
        exported = one.answers.count()
        assert exported == round_ + 1
