"""Back-ups: all tables in one file that either database can take in, which is also the way from one to the other.

Gzip of lines of JSON: a head with the version of the tables; before each table's rows its name and columns; each row an
array; at the end how many rows there are and the SHA-256 of all before it. It is one state of the database, written
while others go on writing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select, text

from api.keeping import tables
from api.keeping.audit import Broken, verify
from api.keeping.database import Database
from rag import __version__
from rag.errors import ConflictError, InputError, StoreError

FORMAT = 1
# What is worth nothing elsewhere: how often somebody came, and what this database is called.
_LEFT_OUT = {tables.rates.name, tables.identity.name}
TABLES: tuple[Table, ...] = tuple(t for t in tables.metadata.sorted_tables if t.name not in _LEFT_OUT)
_AT_ONCE = 200
_LEVEL = 1  # a third of the time of the default for a tenth more room


class Restored(NamedTuple):
    """Rows by table, and where the audit log that came with them does not hold, if so."""

    rows: dict[str, int]
    broken: Broken | None


def back_up(database: Database, path: Path, now: datetime, *, force: bool = False) -> dict[str, int]:
    """Writes a back-up aside, flushes it and renames it into place. Returns how many rows of each table it holds.

    Raises:
        ConflictError: there is a file of that name, and not ``force``.
        StoreError: it cannot be written.
    """
    if path.exists() and not force:
        raise ConflictError(f"{path}: exists; expected a new name, or --force to write over it")
    aside = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds health data
        with os.fdopen(handle, "wb") as file:
            counts = _write(database, file, now)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error}); make room, or name another folder") from error
    finally:
        aside.unlink(missing_ok=True)
    return counts


def _write(database: Database, file: Any, now: datetime) -> dict[str, int]:
    digest, counts = hashlib.sha256(), dict[str, int]()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:

        def put(value: object) -> None:
            line = json.dumps(value, default=_plain, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            packed.write(line)

        put({"osler_backup": FORMAT, "revision": tables.REVISION, "software": __version__, "created": now})
        with database.reading(is_snapshot=True) as db:
            for table in TABLES:
                put({"table": table.name, "columns": [column.name for column in table.columns]})
                counts[table.name] = 0
                for row in _rows(db, table):
                    put(list(row))
                    counts[table.name] += 1
        end = {"rows": counts, "sha256": digest.hexdigest()}
        packed.write(json.dumps(end).encode() + b"\n")
    return counts


def _rows(db: Connection, table: Table) -> Iterable[Sequence[Any]]:
    wanted = select(table).order_by(*table.primary_key)
    return db.execute(wanted.execution_options(yield_per=_AT_ONCE))


def restore(database: Database, path: Path, *, force: bool = False) -> Restored:
    """Takes in a back-up, in one transaction: all of it, or the database stays as it was.

    Raises:
        InputError: the file is no back-up, is damaged or of another version.
        ConflictError: the database holds something, and not ``force``, which erases that first.
    """
    counts = _checked(path)
    with database.writing(lasting=True) as db:
        held = [table.name for table in TABLES if _count(db, table) and table is not tables.audit_head]
        if held and not force:
            raise ConflictError(
                f"database {database.name}: holds {', '.join(held)}; expected an empty one, or --force to erase it"
            )
        for table in reversed(TABLES):
            db.execute(table.delete())
        for table, rows in _read(path):
            for some in _batches(rows):
                db.execute(table.insert(), some)
        for table in TABLES:
            _count_on(db, table)
        broken = verify(db)
    database.tidy()
    return Restored(counts, broken)


def _count(db: Connection, table: Table) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


def _count_on(db: Connection, table: Table) -> None:
    """Numbers that PostgreSQL gives go on behind those that came with the rows; SQLite sees to that itself."""
    counting = table.autoincrement_column
    if db.dialect.name == "sqlite" or counting is None:
        return
    last = f"(SELECT coalesce(max({counting.name}), 0) + 1 FROM {table.name})"  # noqa: S608, names of ours
    sequence = f"pg_get_serial_sequence('{table.name}', '{counting.name}')"
    db.execute(text(f"SELECT setval({sequence}, {last}, false)"))


def _checked(path: Path) -> dict[str, int]:
    """Reads a whole back-up before anything of it is used. Returns how many rows of each table it holds."""
    digest, counts, table = hashlib.sha256(), dict[str, int](), ""
    for number, (line, record) in enumerate(_lines(path)):
        if number == 0:
            _check_head(path, record)
        elif isinstance(record, dict) and "sha256" in record:
            if record != {"rows": counts, "sha256": digest.hexdigest()}:
                raise _damaged(path, "its checksum or its count of rows is not that of its content")
            return counts
        elif isinstance(record, dict):
            table = str(record.get("table"))
            counts[table] = 0
        else:
            counts[table] = counts.get(table, 0) + 1
        digest.update(line)
    raise _damaged(path, "it is cut off")


def _check_head(path: Path, head: Any) -> None:
    if not isinstance(head, dict) or head.get("osler_backup") != FORMAT:
        raise _damaged(path, "it does not begin as one")
    if head.get("revision") != tables.REVISION:
        raise InputError(
            f"{path}: of tables of version {head.get('revision')}, expected {tables.REVISION}; restore it with Osler "
            f"{head.get('software')}, and let this version upgrade that database"
        )


def _read(path: Path) -> Iterator[tuple[Table, Iterator[dict[str, Any]]]]:
    """Each table with its rows, which are read while they are taken."""
    lines = (record for _, record in _lines(path))
    next(lines)
    head: Any = next(lines)

    def rows(columns: Sequence[str], moments: set[str]) -> Iterator[dict[str, Any]]:
        nonlocal head
        for record in lines:
            if isinstance(record, dict):
                head = record
                return
            yield {n: _moment(v) if n in moments else v for n, v in zip(columns, record, strict=True)}

    while "table" in head:
        table = tables.metadata.tables[head["table"]]
        moments = {column.name for column in table.columns if isinstance(column.type, tables.Moment)}
        yield table, rows(head["columns"], moments)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _lines(path: Path) -> Iterator[tuple[bytes, Any]]:
    try:
        with gzip.open(path, "rb") as packed:
            for line in packed:
                yield line, json.loads(line)
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist; expected a file that `osler backup` has written") from None
    except (OSError, EOFError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path}: no back-up that can be used ({why}); expected a whole one, as `osler backup` writes it")


def _plain(value: object) -> str:
    assert isinstance(value, datetime), type(value)
    return value.isoformat()


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def said(counts: Mapping[str, int]) -> str:
    """Counts of rows in words, those that are none left out."""
    return ", ".join(f"{table.replace('_', ' ')} {count:,}" for table, count in counts.items() if count) or "nothing"
