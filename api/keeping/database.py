"""One database, SQLite or PostgreSQL: how it is opened, read and written, and what its errors mean.

SQLite keeps a write-ahead log, so that who reads never waits. A write takes the lock at once (``BEGIN IMMEDIATE``): a
transaction that began by reading could not get it any more. A commit is in the operating system's hands when it is
acknowledged, so that a process that is killed loses nothing; only where the machine itself may lose its power does it
matter that the disk has it too, which takes milliseconds: a ``lasting`` write waits for that, others do not. PostgreSQL
waits for its disk at every commit, but for those that say they need not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from rag.errors import InputError, StoreError, StoreFullError, StoreUnavailableError

#: How long a write waits for others', and a connection for the server.
PATIENCE_S = 10
_TIDYING_MS = 500
_SQLITE = "sqlite"
_POSTGRESQL = "postgresql"
_FULL_CODES = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_BUSY_CODES = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT", "SQLITE_PROTOCOL", "SQLITE_CANTOPEN"}
# Of SQLSTATE: connection, resources, operator's intervention, system, deadlock, a lock's wait, a read-only server.
_UNAVAILABLE_STATES = ("08", "53", "57", "58", "40", "55P03", "25006")
_DISK_FULL_STATE = "53100"


def database_url(given: str) -> URL:
    """The address of a database: a path is that of an SQLite file.

    Raises:
        InputError: another kind of database, or its driver is not installed.
    """
    try:
        url = make_url(given) if "://" in given else URL.create(_SQLITE, database=given)
    except ArgumentError:
        raise InputError(f"database: not an address; {_expected()}") from None  # it may hold a password
    kind = url.drivername.partition("+")[0]
    if kind in (_POSTGRESQL, "postgres"):
        if not find_spec("psycopg"):
            raise InputError("database: PostgreSQL needs psycopg; install it with `pip install osler[postgresql]`")
        return url.set(drivername=f"{_POSTGRESQL}+psycopg")
    if kind != _SQLITE or not url.database or url.database == ":memory:":
        raise InputError(f"database {url.render_as_string(hide_password=True)!r}: {_expected()}")
    return url.set(drivername=_SQLITE)


def _expected() -> str:
    return "expected the path of an SQLite file or postgresql://user@host/name"


class Database:
    """Connections to one database. Safe to share between threads; not between processes, each opens its own."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == _SQLITE
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        # Threads queue here instead of asking SQLite again and again whether it is free.
        self._writing = threading.Lock()
        self._mine = threading.local()

    @property
    def name(self) -> str:
        """Its address without the password, for messages."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self, *, is_snapshot: bool = False) -> Iterator[Connection]:
        """A connection to read from; ``is_snapshot`` sees one state of the database to its end, others' writes or not.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        if (joined := self._joined()) is not None:
            yield joined
            return
        options: dict[str, Any] = {"writes": None}
        if is_snapshot and not self.is_sqlite:  # on SQLite every transaction is one
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._translated(), self._engine.connect() as connection:
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, *, lasting: bool = False) -> Iterator[Connection]:
        """A transaction: all of the block is written, or nothing of it. One within another in a thread is part of that.

        Args:
            lasting: is on the disk when the block ends, also where the machine then loses its power.

        Raises:
            StoreUnavailableError: the database does not answer, or others have written for too long.
            StoreFullError: there is no room.
        """
        if (joined := self._joined()) is not None:
            yield joined
            return
        with self._translated(), self._turn(), self._engine.connect() as connection:
            connection = connection.execution_options(writes="lasting" if lasting else "quick")
            with connection.begin():
                self._mine.connection = connection
                try:
                    yield connection
                finally:
                    self._mine.connection = None

    def _joined(self) -> Connection | None:
        return getattr(self._mine, "connection", None)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=PATIENCE_S):
            raise StoreUnavailableError(f"database {self.name}: busy for {PATIENCE_S} s; try again")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, NoConnectionError, DisconnectionError) as error:
            meant = self._meaning(error)
            if meant is None:
                raise
            raise meant from error

    def _meaning(self, error: Exception) -> StoreError | None:
        """What an error of the driver means to who asked; None for one that is a fault of ours."""
        if not isinstance(error, DBAPIError):
            return StoreUnavailableError(f"database {self.name}: no connection is free; try again")
        original = error.orig
        code = str(getattr(original, "sqlite_errorname", "") or getattr(original, "sqlstate", "") or "")
        said = " ".join(str(original).split())
        if code in _FULL_CODES or code == _DISK_FULL_STATE:
            return StoreFullError(f"database {self.name}: no room to write ({said}); make room and try again")
        is_gone = error.connection_invalidated or (not self.is_sqlite and not code and _is_operational(error))
        if code in _BUSY_CODES or is_gone or (not self.is_sqlite and code.startswith(_UNAVAILABLE_STATES)):
            return StoreUnavailableError(f"database {self.name}: does not answer ({said}); try again")
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_READONLY")):
            return StoreError(f"database {self.name}: {said}; restore a backup with `osler restore`")
        return None

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insertion that can say what to do when the row is there already."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def tidy(self) -> None:
        """Leaves no trace of what was erased in the write-ahead log, as far as nobody reads from it just now."""
        if self.is_sqlite:
            with self._translated(), self._turn(), self._engine.connect() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                raw.execute(f"PRAGMA busy_timeout = {_TIDYING_MS}")  # others wait to write
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                raw.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")

    def close(self) -> None:
        self._engine.dispose()


def _is_operational(error: DBAPIError) -> bool:
    return type(error.orig).__name__ in ("OperationalError", "InterfaceError")


def _sqlite_engine(url: URL) -> Engine:
    _make_private(Path(str(url.database)))
    # More than the threads of a server, each of which needs one at most.
    engine = create_engine(
        url, pool_size=16, max_overflow=64, pool_timeout=PATIENCE_S, connect_args={"timeout": PATIENCE_S}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        _keep_log(connection)
        for pragma in ("foreign_keys = ON", "secure_delete = ON", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own knows the letters of ASCII only.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        raw: Any = connection.connection.driver_connection
        if writes:
            raw.execute(f"PRAGMA synchronous = {'FULL' if writes == 'lasting' else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _keep_log(connection: Any) -> None:
    """Has the file keep a write-ahead log. For a new file that is a change of it, and SQLite does not wait for others
    who make the same change: it says at once that the file is locked, so the waiting is done here."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except connection.OperationalError as error:
            if getattr(error, "sqlite_errorname", "") not in _BUSY_CODES or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _make_private(path: Path) -> None:
    """Makes the file, and its folder where there is none, such that only its owner reads it: it holds health data."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"database {path}: cannot be opened ({error}); expected a file that can be written") from error


def _postgresql_engine(url: URL) -> Engine:
    # A connection that the server has dropped is noticed before it is used, so that a restart is survived; one whose
    # other end is silent, as after a power loss, is given up instead of waited for by a quarter of an hour.
    return create_engine(
        url,
        pool_size=8,
        max_overflow=32,
        pool_timeout=PATIENCE_S,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": PATIENCE_S,
            "tcp_user_timeout": 1000 * PATIENCE_S,
            **{"keepalives_idle": PATIENCE_S, "keepalives_interval": 2, "keepalives_count": 3},
            "options": f"-c lock_timeout={PATIENCE_S}s",
        },
    )


def forget_after_crash(db: Connection) -> None:
    """Of this transaction PostgreSQL need not wait for its disk: what is lost with the machine is not missed."""
    if db.dialect.name == _POSTGRESQL:
        db.execute(text("SET LOCAL synchronous_commit TO off"))
