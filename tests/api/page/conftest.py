"""A browser over a service in a process of its own; what goes wrong in its windows fails the test that opened them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Troubles, Windows, chromium
from playwright.sync_api import Browser, Page
from under_load import served


@pytest.fixture(scope="session")
def osler(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service over the starter index."""
    with served(starter_index, tmp_path_factory.mktemp("page") / "osler.sqlite") as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module, and not longer: while playwright runs, this thread can run no other loop of asyncio's."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    found = Troubles()
    yield found
    assert found.unexpected() == []


@pytest.fixture
def windows(browser: Browser, osler: str, troubles: Troubles) -> Iterator[Windows]:
    opened = Windows(browser, osler, troubles)
    yield opened
    opened.close()


@pytest.fixture
def page(windows: Windows) -> Page:
    """A window of a desktop, at the box."""
    return windows.open()
