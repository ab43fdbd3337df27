"""The audit log: an honest one holds, and each kind of tampering is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from keeping_doubles import SetClock
from sqlalchemy import Connection, delete, update

from api.keeping import tables
from api.keeping.audit import ORIGIN, Anchor, Broken, Entry
from api.keeping.keeping import Keeping
from rag.errors import InputError

AUDIT, HEAD = tables.audit, tables.audit_head


@pytest.fixture
def log(keeping: Keeping) -> Keeping:
    """A store with ten entries, of which the clock was set back in the middle."""
    for number in range(1, 11):
        keeping.audit.record("3f9a1c0b", "answer.read", f"a-{number}", {"format": "json", "bytes": number, "new": True})
    return keeping


def test_an_empty_log_holds(keeping: Keeping) -> None:
    assert keeping.audit.verify() is None
    assert keeping.audit.anchor() == Anchor(0, ORIGIN)
    assert keeping.audit.verify(Anchor(0, ORIGIN)) is None


def test_an_honest_log_holds(log: Keeping, clock: SetClock) -> None:
    clock.move(days=-30)
    log.audit.record("cli", "backup.write", "database")
    assert log.audit.verify() is None
    entries = log.audit.entries()
    assert [e.sequence for e in entries] == list(range(1, 12))
    assert [e.previous for e in entries] == [ORIGIN, *(e.hash for e in entries[:-1])]
    assert entries[0].detail == {"format": "json", "bytes": 1, "new": True}
    assert log.audit.entries(after=9, limit=1) == entries[9:10]
    for anchor in (Anchor(e.sequence, e.hash) for e in entries):
        assert log.audit.verify(anchor) is None
        assert Anchor.parsed(str(anchor)) == anchor


def swap(db: Connection, one: int, other: int) -> None:
    for old, new in ((one, 1000), (other, one), (1000, other)):
        db.execute(update(AUDIT).where(AUDIT.c.sequence == old).values(sequence=new))


def rewrite(db: Connection, sequence: int) -> None:
    """As one would who knows how hashes are made: one entry, with its own hash put right."""
    from api.keeping.audit import _hash

    row = db.execute(AUDIT.select().where(AUDIT.c.sequence == sequence)).one()
    changed = Entry(*row)._replace(actor="somebody")
    db.execute(update(AUDIT).where(AUDIT.c.sequence == sequence).values(actor="somebody", hash=_hash(*changed[:-1])))


def set_head(db: Connection, sequence: int) -> None:
    row = db.execute(AUDIT.select().where(AUDIT.c.sequence == sequence)).one()
    db.execute(update(HEAD).values(sequence=sequence, hash=row.hash))


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (lambda db: db.execute(update(AUDIT).where(AUDIT.c.sequence == 4).values(subject="a-99")), 4),
        (lambda db: db.execute(update(AUDIT).where(AUDIT.c.sequence == 4).values(detail={"bytes": 4})), 4),
        (lambda db: db.execute(delete(AUDIT).where(AUDIT.c.sequence == 1)), 1),
        (lambda db: db.execute(delete(AUDIT).where(AUDIT.c.sequence == 4)), 4),
        (lambda db: db.execute(delete(AUDIT).where(AUDIT.c.sequence > 7)), 8),
        (lambda db: db.execute(delete(AUDIT)), 1),
        (lambda db: swap(db, 4, 5), 4),
        (lambda db: rewrite(db, 4), 5),
        (lambda db: rewrite(db, 10), 11),
        (lambda db: db.execute(update(AUDIT).where(AUDIT.c.sequence == 1).values(sequence=0)), 1),
    ],
    ids=[
        "changed",
        "detail",
        "first-gone",
        "gone",
        "tail-gone",
        "all-gone",
        "moved",
        "rewritten",
        "last",
        "renumbered",
    ],
)
def test_tampering_is_found(log: Keeping, tamper: Callable[[Connection], object], where: int) -> None:
    with log.database.writing() as db:
        tamper(db)
    broken = log.audit.verify()
    assert isinstance(broken, Broken)
    assert broken.sequence == where


def test_a_tail_cut_off_together_with_the_head_needs_an_anchor(log: Keeping) -> None:
    anchor = log.audit.anchor()
    with log.database.writing() as db:
        db.execute(delete(AUDIT).where(AUDIT.c.sequence > 7))
        set_head(db, 7)
    assert log.audit.verify() is None
    broken = log.audit.verify(anchor)
    assert broken == Broken(8, "missing: the end up to the anchored entry 10 was cut off")


def test_a_chain_that_was_written_anew_needs_an_anchor(log: Keeping) -> None:
    anchor = log.audit.anchor()
    with log.database.writing() as db:
        rewrite(db, 10)
        set_head(db, 10)
    assert log.audit.verify() is None
    broken = log.audit.verify(anchor)
    assert broken == Broken(10, "not the entry that was anchored: the chain was written anew")


@pytest.mark.parametrize(
    "given",
    [
        {"actor": "Dr X"},
        {"subject": "Should IVIG be given?"},
        {"detail": {"question": "Should IVIG be given in HIT?"}},
        {"action": ""},
        {"detail": {"a word": 1}},
    ],
)
def test_what_people_write_has_no_place_in_it(keeping: Keeping, given: dict[str, object]) -> None:
    entry: dict[str, object] = {"actor": "local", "action": "answer.read", "subject": "a-1"}
    with pytest.raises(InputError, match="expected an id or a code, without spaces"):
        keeping.audit.record(**(entry | given))  # type: ignore[arg-type]
    assert keeping.audit.anchor().sequence == 0


@pytest.mark.parametrize("text", ["", "3", "x:" + "0" * 64, "3:00", ":" + "0" * 64])
def test_an_anchor_is_a_number_and_a_hash(text: str) -> None:
    with pytest.raises(InputError, match="expected NUMBER:HASH"):
        Anchor.parsed(text)
