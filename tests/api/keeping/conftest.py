"""A store on each database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from keeping_doubles import Opener, SetClock

from api.keeping.keeping import Keeping


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def opener(url: str, clock: SetClock) -> Iterator[Opener]:
    """Opens the store, once or as several workers do; all are closed after the test."""
    opened: list[Keeping] = []

    def open_(**given: object) -> Keeping:
        opened.append(Keeping.open(url, **({"clock": clock} | given)))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for keeping in opened:
        keeping.close()


@pytest.fixture
def keeping(opener: Opener) -> Keeping:
    return opener()
