"""Back-ups: taken in again they are what was written, on either database; damaged ones change nothing."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import make_abstained, make_answer
from keeping_doubles import Opener, SetClock
from sqlalchemy import select, update

from api.keeping import tables
from api.keeping.backup import TABLES
from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from rag.errors import ConflictError, InputError, StoreError


@pytest.fixture
def full(keeping: Keeping, clock: SetClock) -> Keeping:
    """A store with something in each table that a back-up holds."""
    key, whole = keeping.keys.create("Ward 3", ["ask"])
    keeping.keys.find(whole)
    for answer in (make_answer(question="µg ≥ „q“ 🩺"), make_abstained()):
        keeping.answers.add(answer, key_id=key.key_id, masked=["name"])
    keeping.answers.remember(key.key_id, "token", "digest", "a-1")
    conversation_id = keeping.conversations.create(key.key_id).conversation_id
    keeping.conversations.add_turn(conversation_id, Turn("q", "q", "a-1", {"carried": [1, None]}))
    keeping.conversations.numbers(conversation_id, ["b", "a"])
    keeping.conversations.rename(conversation_id, "Ward 3 „µg“")
    keeping.webhooks.register("https://hospital.example/")
    keeping.reviews.submit("a-1", "Ward", comment="Look.")
    keeping.reviews.start("a-1", "Chief")
    statement_id = make_answer().statements()[0].statement_id
    keeping.reviews.edit("a-1", statement_id, "Chief", "Words.", {"verdict": "partial"})
    keeping.feedback.add("a-1", "wrong", "No.")
    for number in range(3):
        keeping.audit.record("cli", "answer.read", f"a-{number}", {"n": number})
    clock.move(hours=1)
    return keeping


def state(keeping: Keeping) -> dict[str, list[tuple[object, ...]]]:
    with keeping.database.reading() as db:
        return {t.name: [tuple(r) for r in db.execute(select(t).order_by(*t.primary_key))] for t in TABLES}


@pytest.fixture
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeping]:
    """An empty store on the database that is asked for."""
    url = str(tmp_path / "other.sqlite")
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    with Keeping.open(url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("url", "other"), [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=True
)
def test_a_back_up_moves_all_to_either_database(full: Keeping, other: Keeping, tmp_path: Path) -> None:
    counts = full.back_up(tmp_path / "backup")
    assert all(counts.values()), "there is something in each table, so that each is tested"
    done = other.restore(tmp_path / "backup")
    assert done == (counts, None)
    assert state(other) == state(full)
    other.audit.record("cli", "backup.restore", "database")
    assert other.audit.verify() is None
    other.reviews.comment("a-1", "Chief", "Goes on.")
    other.feedback.add("a-1", "helpful")
    assert [e.number for e in other.reviews.history("a-1")] == [1, 2, 3, 4]


def test_only_its_owner_may_read_a_back_up(full: Keeping, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    full.back_up(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir() if ".part" in p.name] == []


def test_nothing_is_written_over_unless_that_is_wanted(full: Keeping, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    full.back_up(path)
    with pytest.raises(ConflictError, match=r"backup: exists; expected a new name, or --force"):
        full.back_up(path)
    full.back_up(path, force=True)
    before = state(full)
    with pytest.raises(ConflictError, match=r"holds .*answers.*; expected an empty one, or --force"):
        full.restore(path)
    full.answers.add(make_answer(answer_id="later"))
    full.restore(path, force=True)
    assert state(full) == before


def damaged(path: Path, change: str) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    if change == "a row changed":
        lines[2] = lines[2].replace(b"a-1", b"a-9")
    elif change == "a row lost":
        del lines[2]
    elif change == "end lost":
        del lines[-1]
    elif change == "another version":
        lines[0] = json.dumps(json.loads(lines[0]) | {"revision": "9999"}).encode() + b"\n"
    elif change == "another kind":
        lines[0] = b"{}\n"
    elif change == "no JSON":
        lines[2] = b"[\n"
    path.write_bytes(gzip.compress(b"".join(lines)))
    if change == "cut off":
        path.write_bytes(path.read_bytes()[:-40])
    elif change == "no gzip":
        path.write_bytes(b"plain")
    elif change == "empty":
        path.write_bytes(b"")


@pytest.mark.parametrize(
    "change",
    ["a row changed", "a row lost", "end lost", "another version", "another kind", "no JSON", "cut off", "no gzip",
     "empty"],
)  # fmt: skip
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_damaged_back_up_changes_nothing(full: Keeping, tmp_path: Path, change: str) -> None:
    path, before = tmp_path / "backup", state(full)
    full.back_up(path)
    damaged(path, change)
    with pytest.raises(InputError, match=r"backup: .*expected"):
        full.restore(path, force=True)
    assert state(full) == before


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_files_that_cannot_be_used(full: Keeping, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; expected a file that `osler backup` has written"):
        full.restore(tmp_path / "nothing")
    with pytest.raises(StoreError, match="cannot be written"):
        full.back_up(tmp_path / "no folder" / "backup")


def test_a_tampered_audit_log_is_told_of(full: Keeping, tmp_path: Path) -> None:
    with full.database.writing() as db:
        db.execute(update(tables.audit).where(tables.audit.c.sequence == 2).values(actor="somebody"))
    full.back_up(tmp_path / "backup")
    done = full.restore(tmp_path / "backup", force=True)
    assert done.broken is not None
    assert done.broken.sequence == 2


def test_a_back_up_is_one_state_while_others_write(opener: Opener, tmp_path: Path) -> None:
    """Each writer puts an answer and an entry at once; a back-up never holds one without the other."""
    keeping, stop, failed = opener(), threading.Event(), list[BaseException]()

    def write(worker: int) -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                with keeping.at_once():
                    keeping.answers.add(make_abstained(answer_id=f"a{worker}-{number}"))
                    keeping.audit.record("local", "answer.made", f"a{worker}-{number}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    counts = [keeping.back_up(tmp_path / f"backup{i}") for i in range(5)]
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert all(c["answers"] == c["audit"] for c in counts)
    assert counts[-1]["answers"] > counts[0]["answers"]
    assert keeping.restore(tmp_path / "backup4", force=True).broken is None
