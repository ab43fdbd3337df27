"""What tests of the store share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from api.keeping.keeping import Keeping

#: Opens a store, once or as several workers do.
Opener = Callable[..., Keeping]


class SetClock:
    """A clock that stands still, and goes on or back when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)
