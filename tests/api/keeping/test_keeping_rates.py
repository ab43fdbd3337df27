"""How often somebody may come, against the figures of the library whose counting it is."""

from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keeping_doubles import Opener, SetClock
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from sqlalchemy import func, select

from api.keeping import tables
from api.keeping.keeping import Keeping
from rag.errors import InputError

# An example that is run again must not find what it has counted before.
NAMES = count()


def test_one_too_many_is_refused_until_the_window_has_passed(keeping: Keeping, clock: SetClock) -> None:
    found = [keeping.rates.hit("key:a", "3/minute") for _ in range(4)]
    assert [f.is_allowed for f in found] == [True, True, True, False]
    assert [f.remaining for f in found] == [2, 1, 0, 0]
    assert found[0].limit == 3
    assert found[0].reset_s == 0
    clock.move(seconds=found[3].reset_s - 0.001)
    assert not keeping.rates.hit("key:a", "3/minute").is_allowed
    clock.move(seconds=0.002)
    assert keeping.rates.hit("key:a", "3/minute").is_allowed


def test_names_and_rates_are_counted_apart(keeping: Keeping) -> None:
    assert not [f for _ in range(2) if not (f := keeping.rates.hit("key:a", "2/minute")).is_allowed]
    assert keeping.rates.hit("key:b", "2/minute").is_allowed
    assert keeping.rates.hit("key:a", "5/hour").is_allowed
    assert not keeping.rates.hit("key:a", "2/minute").is_allowed


def test_workers_count_together(opener: Opener) -> None:
    workers = [opener() for _ in range(3)]
    found = [worker.rates.hit("key:a", "4 per 2 hours").is_allowed for worker in workers for _ in range(2)]
    assert found == [True] * 4 + [False] * 2


def test_a_clock_set_back_gives_nothing_anew(keeping: Keeping, clock: SetClock) -> None:
    for _ in range(3):
        keeping.rates.hit("key:a", "3/minute")
    clock.move(days=-1)
    assert not keeping.rates.hit("key:a", "3/minute").is_allowed
    clock.move(minutes=2)
    assert keeping.rates.hit("key:a", "3/minute").is_allowed, "nobody waits until the clock is where it was"
    clock.move(days=1)
    assert keeping.rates.hit("key:a", "3/minute").is_allowed


def test_who_has_not_come_for_long_is_forgotten(keeping: Keeping, clock: SetClock) -> None:
    for i in range(5):
        keeping.rates.hit(f"address:{i}", "3/minute")
    clock.move(minutes=5)
    keeping.rates.hit("address:new", "3/minute")
    with keeping.database.reading() as db:
        assert db.scalar(select(func.count()).select_from(tables.rates)) == 1


def test_a_name_may_be_anything(keeping: Keeping) -> None:
    for name in ("address:\0", "é" * 1000, "", "a|b"):
        assert keeping.rates.hit(name, "1/second").is_allowed


@pytest.mark.parametrize("rate", ["", "many", "3/fortnight"])
def test_a_rate_that_cannot_be_read(keeping: Keeping, rate: str) -> None:
    with pytest.raises(InputError, match="expected one such as 60/minute"):
        keeping.rates.hit("key:a", rate)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    pauses=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=40),
    amount=st.integers(1, 8),
)
def test_it_counts_as_the_library_does(opener: Opener, clock: SetClock, pauses: list[float], amount: int) -> None:
    """The library's clock is ``time.time``, which is set to the test's for as long as both are asked."""
    keeping, rate, name = opener(), f"{amount}/minute", f"key:{next(NAMES)}"
    theirs, item = SlidingWindowCounterRateLimiter(MemoryStorage()), parse(rate)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time", lambda: clock().timestamp())
        for pause in pauses:
            clock.move(seconds=pause)
            ours = keeping.rates.hit(name, rate)
            assert ours.is_allowed == theirs.hit(item, name)
            assert ours.remaining == theirs.get_window_stats(item, name).remaining
    keeping.close()
