"""How often somebody may come, counted for all workers together.

The sliding window counter of the ``limits`` library: of the window before, the share counts that still lies within the
last ``window`` seconds. Its rates are read by that library; it is counted here in one transaction, where its strategies
would take two, and against the same figures in the tests. Who is refused is not counted.
"""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import NamedTuple

from limits import RateLimitItem, parse
from sqlalchemy import Connection, bindparam, delete, select

from api.keeping import tables
from api.keeping.database import Database, forget_after_crash
from api.keeping.words import MAX_NAME_CHARS, Clock, storable
from rag.errors import InputError

_RATES = tables.rates.c
# Made once: making a statement costs more than running it.
_FOUND = (
    select(_RATES.opened, _RATES.hits, _RATES.hits_before).where(_RATES.name == bindparam("name")).with_for_update()
)
_KEPT = (
    tables.rates.update()
    .where(_RATES.name == bindparam("row"))
    .values({name: bindparam(name) for name in ("opened", "hits", "hits_before", "until")})
)


class Counted(NamedTuple):
    """``remaining`` is how many more may come now; ``reset_s`` after how many seconds the next may, 0 if at once."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_s: float


class _Window(NamedTuple):
    """Hits in the window with this number, and in the one before."""

    opened: int
    hits: int
    hits_before: int


class Rates:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._new = database.insert(tables.rates).on_conflict_do_nothing()

    def hit(self, name: str, rate: str) -> Counted:
        """Counts one who comes, unless it is too often.

        Args:
            name: who, such as ``key:3f9a1c0b``.
            rate: such as ``60/minute``.

        Raises:
            InputError: the rate cannot be read.
        """
        item = _parsed(rate)
        window_s, now = item.get_expiry(), self._clock().timestamp()
        row_name = f"{storable(name)[-MAX_NAME_CHARS:]}|{item.amount}/{window_s}"
        with self._database.writing() as db:
            forget_after_crash(db)
            window = self._window(db, row_name, floor(now / window_s), window_s, now)
            # Another machine's clock may be in the next window already: then it is at the beginning of that.
            elapsed = min(max(now / window_s - window.opened, 0.0), 1.0)
            weighted = floor(window.hits_before * (1 - elapsed) + window.hits)
            is_allowed = weighted + 1 <= item.amount
            if is_allowed:
                window = window._replace(hits=window.hits + 1)
                self._keep(db, row_name, window, window_s)
                weighted += 1
        left = max(0, item.amount - weighted)
        return Counted(is_allowed, item.amount, left, 0.0 if left else _wait(window, item.amount, window_s, elapsed))

    def _window(self, db: Connection, name: str, number: int, window_s: int, now: float) -> _Window:
        """The window of now, which nobody else counts in until the transaction ends."""
        while (row := db.execute(_FOUND, {"name": name}).one_or_none()) is None:
            # Who has not come for long is forgotten, unless another worker is just doing so.
            long_ago = select(_RATES.name).where(_RATES.until < now).with_for_update(skip_locked=True)
            db.execute(delete(tables.rates).where(_RATES.name.in_(long_ago)))
            empty = {"name": name, "opened": number, "hits": 0, "hits_before": 0, "until": _until(number, window_s)}
            db.execute(self._new, empty)  # unless another worker has just done so
        if row.opened > number + 1:
            # The clock was set back: nobody gets anything anew, or waits until it is where it was.
            begun = _Window(number, row.hits, 0)
            self._keep(db, name, begun, window_s)
            return begun
        if row.opened >= number:
            return _Window(*row)
        return _Window(number, 0, row.hits if row.opened == number - 1 else 0)

    def _keep(self, db: Connection, name: str, window: _Window, window_s: int) -> None:
        values = window._asdict() | {"until": _until(window.opened, window_s), "row": name}
        db.execute(_KEPT, values)


def _until(number: int, window_s: int) -> float:
    """When a window, and the one after it in which it counts, have passed."""
    return float((number + 2) * window_s)


def _wait(window: _Window, amount: int, window_s: int, elapsed: float) -> float:
    """Seconds until one more may come: when enough of the window before has passed, else when this one has."""
    if window.hits < amount and window.hits_before:
        share = (amount - window.hits) / window.hits_before
        return max(0.0, (1 - elapsed - share) * window_s)
    # In the next window these hits are those before: enough of it must have passed.
    return (1 - elapsed) * window_s + max(0.0, 1 - amount / max(window.hits, 1)) * window_s


@lru_cache(maxsize=64)
def _parsed(rate: str) -> RateLimitItem:
    try:
        return parse(rate)
    except ValueError:
        raise InputError(f"rate {rate[:40]!r}: expected one such as 60/minute") from None
