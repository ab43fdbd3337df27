"""Faults: a process that is killed, a server that goes away, a disk that is full, a clock that is set back."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from builders import make_answer
from keeping_doubles import Opener, SetClock
from keeping_writer import write
from sqlalchemy import text

from api.keeping.keeping import Keeping
from rag.errors import StoreFullError, StoreUnavailableError

WRITER = Path(__file__).parents[2] / "keeping_writer.py"
ROUNDS = 20


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Twenty rounds of two processes that write, killed at a random moment each."""
    url, chance = str(tmp_path / "osler.sqlite"), random.Random(7)
    with Keeping.open(url) as keeping:
        conversation_id = keeping.conversations.create().conversation_id
    acknowledged: dict[str, set[str]] = {"answer": set(), "review": set()}
    for round_ in range(ROUNDS):
        writers = [
            subprocess.Popen(
                [sys.executable, str(WRITER), url, f"{round_}.{i}", conversation_id, "100000"],
                stdout=subprocess.PIPE, text=True,
            )
            for i in range(2)
        ]  # fmt: skip
        first = [writer.stdout.readline() for writer in writers if writer.stdout]  # both are at work now
        time.sleep(chance.uniform(0, 0.2))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        said = first + [line for w in writers for line in w.communicate()[0].splitlines(keepends=True)]
        for line in said:
            if line.endswith("\n"):  # half a line was not acknowledged
                kind, answer_id = line.split()
                acknowledged[kind].add(answer_id)
    assert len(acknowledged["answer"]) > ROUNDS
    assert acknowledged["review"]
    with Keeping.open(url) as keeping:
        turns = keeping.conversations.get(conversation_id).turns
        assert acknowledged["answer"] <= {turn.answer_id for turn in turns}
        assert all(keeping.answers.get(answer_id).answer() for answer_id in acknowledged["answer"])
        assert all(keeping.reviews.history(answer_id) for answer_id in acknowledged["review"])
        assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
        assert keeping.audit.verify() is None
        assert keeping.audit.anchor().sequence == len(turns) == keeping.answers.count()
        assert intact(keeping)


def intact(keeping: Keeping) -> bool:
    with keeping.database.reading() as db:
        return db.scalar(text("PRAGMA integrity_check")) == "ok"


def test_a_full_disk_is_said_and_harms_nothing(tmp_path: Path) -> None:
    """SQLite's own limit on pages stands for the disk: it gives the same error."""
    with Keeping.open(str(tmp_path / "osler.sqlite")) as keeping:
        keeping.answers.add(make_answer())
        conversation_id = keeping.conversations.create().conversation_id
        pages = page_limit(keeping, 80)
        assert pages <= 80
        done = fill(keeping, conversation_id)
        assert done
        assert intact(keeping)
        assert [turn.answer_id for turn in keeping.conversations.get(conversation_id).turns] == done
        assert keeping.answers.count() == len(done) + 1
        assert keeping.audit.verify() is None
        page_limit(keeping, 1_000_000)
        assert write(keeping, "w", 1000, conversation_id), "goes on when there is room"


def page_limit(keeping: Keeping, pages: int) -> int:
    """Sets it on the one connection that the pool of this thread hands out."""
    with keeping.database.reading() as db:
        return int(db.scalar(text(f"PRAGMA max_page_count = {pages}")) or 0)


def fill(keeping: Keeping, conversation_id: str) -> list[str]:
    """Writes until there is no room. Returns what was written."""
    done = list[str]()

    def write_on() -> None:
        for number in range(1000):
            done.append(write(keeping, "w", number, conversation_id))

    with pytest.raises(StoreFullError, match=r"no room to write \(database or disk is full\); make room"):
        write_on()
    return done


_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.path[:0] = sys.argv[3:5]
from keeping_writer import write
from api.keeping.keeping import Keeping
from rag.errors import StoreFullError
with Keeping.open(sys.argv[1]) as keeping:
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    try:
        for number in range(10_000):
            print(write(keeping, "w", number, sys.argv[2]), flush=True)
    except StoreFullError as error:
        sys.exit(str(error))
"""


def test_a_quota_is_said_and_harms_nothing(tmp_path: Path) -> None:
    url = str(tmp_path / "osler.sqlite")
    with Keeping.open(url) as keeping:
        conversation_id = keeping.conversations.create().conversation_id
        paths = [str(Path(__file__).parents[3]), str(WRITER.parent)]
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED, url, conversation_id, *paths], capture_output=True, text=True, timeout=60
        )
        assert "no room to write" in done.stderr, done.stderr
        assert [t.answer_id for t in keeping.conversations.get(conversation_id).turns] == done.stdout.split()
        assert intact(keeping)
        assert write(keeping, "w", 100_000, conversation_id)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_database_that_others_hold_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.keeping.database.PATIENCE_S", 0.2)
    url = str(tmp_path / "osler.sqlite")
    with Keeping.open(url) as one, Keeping.open(url) as other, one.at_once():
        one.conversations.create()
        with pytest.raises(StoreUnavailableError, match=r"does not answer \(database is locked\); try again"):
            other.conversations.create()
        assert other.answers.count() == 0, "who reads does not wait"


def test_a_clock_set_back_changes_no_order(opener: Opener, clock: SetClock) -> None:
    keeping = opener()
    conversation_id = keeping.conversations.create().conversation_id
    for number in range(6):
        write(keeping, "w", number, conversation_id)
        clock.move(days=-10 if number % 2 else 1)
    turns = keeping.conversations.get(conversation_id).turns
    assert [turn.answer_id for turn in turns] == [f"aw-{number}" for number in range(6)]
    assert [turn.created for turn in turns] != sorted(str(turn.created) for turn in turns)
    assert keeping.audit.verify() is None
    key, whole = keeping.keys.create("a", ["ask"])
    clock.move(days=-1000)
    assert keeping.keys.find(whole), key


@pytest.mark.slow
def test_a_server_that_stops_is_told_of_and_used_again_when_it_is_back(own_server: Any) -> None:
    with Keeping.open(own_server.get_uri()) as keeping:
        conversation_id = keeping.conversations.create().conversation_id
        done = [write(keeping, "w", number, conversation_id) for number in range(5)]
        for round_ in range(3):
            own_server.stop()
            for number in range(3):
                with pytest.raises(StoreUnavailableError, match="does not answer"):
                    write(keeping, "x", number, conversation_id)
                with pytest.raises(StoreUnavailableError):
                    keeping.answers.count()
            own_server.ensure_postgres_running()
            done.append(write(keeping, f"y{round_}", 0, conversation_id))
        assert [turn.answer_id for turn in keeping.conversations.get(conversation_id).turns] == done
        assert keeping.audit.verify() is None


@pytest.mark.slow
def test_a_server_that_stops_within_a_transaction_has_written_nothing_of_it(own_server: Any) -> None:
    with Keeping.open(own_server.get_uri()) as keeping:
        conversation_id = keeping.conversations.create().conversation_id

        def interrupted() -> None:
            with keeping.at_once():
                write(keeping, "w", 0, conversation_id)
                own_server.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
                    "AND backend_type = 'client backend'"
                )
                write(keeping, "w", 1, conversation_id)

        with pytest.raises(StoreUnavailableError):
            interrupted()
        assert keeping.answers.count() == 0
        assert write(keeping, "w", 0, conversation_id)
