"""A clock that passes by sleeping only, and a server with a client that both go by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from eutils_server import Ncbi, serving

from rag.ingest.pull.eutils import Client


class Clock:
    def __init__(self) -> None:
        self.time_s = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, wait_s: float) -> None:
        self.slept.append(wait_s)
        self.time_s += wait_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ncbi(clock: Clock) -> Ncbi:
    return Ncbi(now=clock.now)


@pytest.fixture
def connect(ncbi: Ncbi, clock: Clock) -> Iterator[Callable[..., Client]]:
    """Makes clients of the server."""
    with ExitStack() as open_ones:
        address = open_ones.enter_context(serving(ncbi))

        def made(**given: object) -> Client:
            client = Client(**{"base_url": address, "now": clock.now, "sleep": clock.sleep, **given})  # type: ignore[arg-type]
            open_ones.callback(client.close)
            return client

        yield made


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()
