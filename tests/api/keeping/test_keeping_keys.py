"""Keys: what is kept of them, and whom they let in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from keeping_doubles import Opener, SetClock
from sqlalchemy import select

from api.keeping import tables
from api.keeping.keeping import Keeping
from api.keeping.keys import Scope
from rag.errors import InputError, NotFoundError


def test_a_key_is_found_by_its_text_which_is_not_kept(keeping: Keeping) -> None:
    key, whole = keeping.keys.create(" Ward 3 ", ["ask", "search"])
    assert whole.startswith(f"osler_{key.prefix}_")
    assert (key.name, key.scopes) == ("Ward 3", {Scope.ASK, Scope.SEARCH})
    assert keeping.keys.find(whole) == key
    with keeping.database.reading() as db:
        (row,) = db.execute(select(tables.keys)).all()
    assert whole.split("_", 2)[2] not in str(row)


def test_no_two_keys_are_alike(keeping: Keeping) -> None:
    made = [keeping.keys.create("same", ["ask"]) for _ in range(20)]
    assert len({whole for _, whole in made}) == 20
    assert {keeping.keys.find(whole) for _, whole in made} == {key for key, _ in made}


@pytest.mark.parametrize(
    "change", [lambda w: w[:-1], lambda w: w + "x", str.upper, lambda w: w.replace("osler", "other")]
)
def test_what_is_nearly_a_key_is_none(keeping: Keeping, change: object) -> None:
    _, whole = keeping.keys.create("a", ["ask"])
    assert callable(change)
    assert keeping.keys.find(change(whole)) is None


@pytest.mark.parametrize("text", ["", "osler", "osler_", "osler__", "osler_a_b", "osler_" + "\udce9" * 3, "a" * 10_000])
def test_what_is_no_key_lets_nobody_in(keeping: Keeping, text: str) -> None:
    assert keeping.keys.find(text) is None


def test_a_secret_of_another_key_lets_nobody_in(keeping: Keeping) -> None:
    (one, _), (_, other) = keeping.keys.create("a", ["ask"]), keeping.keys.create("b", ["ask"])
    assert keeping.keys.find(f"osler_{one.prefix}_{other.split('_', 2)[2]}") is None


def test_a_revoked_key_lets_nobody_in_at_any_worker(opener: Opener) -> None:
    one, other = opener(), opener()
    key, whole = one.keys.create("a", ["admin"])
    assert other.keys.find(whole)
    revoked = one.keys.revoke(key.prefix)
    assert revoked.revoked is not None
    assert other.keys.find(whole) is None
    assert one.keys.revoke(key.prefix) == revoked, "revoking again changes nothing"
    assert not other.keys.any_valid()
    with pytest.raises(NotFoundError, match=r"key 'nothing': there is none"):
        one.keys.revoke("nothing")


def test_a_key_ends_when_it_was_to(keeping: Keeping, clock: SetClock) -> None:
    _, whole = keeping.keys.create("a", ["ask"], clock() + timedelta(days=1))
    clock.move(hours=23)
    assert keeping.keys.find(whole)
    clock.move(hours=1)
    assert keeping.keys.find(whole) is None
    with pytest.raises(InputError, match="expected a time to come"):
        keeping.keys.create("a", ["ask"], clock())


def test_the_last_use_of_a_key_is_noted_to_the_minute(keeping: Keeping, clock: SetClock) -> None:
    _, whole = keeping.keys.create("a", ["ask"])
    assert keeping.keys.list()[0].last_used is None
    keeping.keys.find(whole)
    first = clock()
    clock.move(seconds=59)
    keeping.keys.find(whole)
    assert keeping.keys.list()[0].last_used == first
    clock.move(seconds=1)
    keeping.keys.find(whole)
    assert keeping.keys.list()[0].last_used == clock()


@pytest.mark.parametrize(
    ("name", "scopes"), [("a", []), ("a", ["ask", "everything"]), ("", ["ask"]), ("a" * 201, ["ask"])]
)
def test_a_key_needs_a_name_and_scopes_that_exist(keeping: Keeping, name: str, scopes: list[str]) -> None:
    with pytest.raises(InputError, match="expected"):
        keeping.keys.create(name, scopes)
    assert not keeping.keys.any_valid()
