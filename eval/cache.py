"""What was answered, kept: a journal of one run, so that it can go on, and a cache across runs.

Both go by who answered and what was asked, never by what is known of it, and hold responses, never scores: measures
change, and scoring is cheap. Failed responses are not used again.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Protocol

from pydantic import ValidationError

from eval.domain import Item, Outcome, Response
from eval.systems.base import item_digest
from rag.errors import InputError

_TABLE = (
    "CREATE TABLE IF NOT EXISTS responses "
    "(system TEXT, item TEXT, response TEXT NOT NULL, PRIMARY KEY (system, item)) WITHOUT ROWID"
)

Key = tuple[str, str]
"""Digests of who answers and of what is asked."""


class Kept(Protocol):
    """Where responses are kept. Safe to share between threads."""

    def get(self, system: str, item: Item) -> Response | None:
        """What the system with this digest answered to ``item``, if it is known and did not fail."""

    def put(self, system: str, item: Item, response: Response) -> None:
        """Keeps a response."""

    def close(self) -> None:
        """Nothing is kept after it."""


class Journal:
    """JSON lines, each on the disk before the next item is asked; the last one to an item counts.

    A line that was torn when its writer was killed is cut off; any other line that cannot be read is an error, since
    answers may be lost with it.

    Raises:
        InputError: the file cannot be used, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"journal {path}: cannot be used ({error.strerror}); name another file") from None
        try:
            self._responses = self._taken_over()
        except BaseException:
            self._file.close()
            raise

    def get(self, system: str, item: Item) -> Response | None:
        response = self._responses.get((system, item_digest(item)))
        return _of(item, response) if response else None

    def put(self, system: str, item: Item, response: Response) -> None:
        line = {"system": system, "item": item_digest(item), "response": response.model_dump(mode="json")}
        written = json.dumps(line, ensure_ascii=True).encode() + b"\n"
        with self._lock:
            if self._file.closed:
                return
            self._file.write(written)
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _taken_over(self) -> dict[Key, Response]:
        """What the file holds, once it is ours and its torn line is cut off."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"journal {self._path}: another run writes it; wait for that or name another file"
            ) from None
        self._file.seek(0)
        content = self._file.read()
        end = content.rfind(b"\n") + 1
        self._file.truncate(end)
        return dict(self._read(number, line) for number, line in enumerate(content[:end].splitlines(), start=1))

    def _read(self, number: int, line: bytes) -> tuple[Key, Response]:
        try:
            found = json.loads(line)
            return (found["system"], found["item"]), Response.model_validate(found["response"])
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"journal {self._path}: line {number} cannot be read; expected a line of an interrupted run; "
                "delete the file to ask everything anew"
            ) from None


class AnswerCache:
    """An SQLite database of responses, which several runs may use at once.

    Raises:
        InputError: the file cannot be used, or is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cache {path}: cannot be used ({error}); name another file") from None
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute(_TABLE)
        except sqlite3.Error as error:
            self._database.close()
            raise InputError(f"cache {path}: cannot be used ({error}); name another file") from None

    def get(self, system: str, item: Item) -> Response | None:
        """Also None for a response of a form that is not known any more."""
        asked = "SELECT response FROM responses WHERE system = ? AND item = ?"
        with self._lock:
            row = self._database.execute(asked, (system, item_digest(item))).fetchone()
        try:
            return _of(item, Response.model_validate_json(row[0])) if row else None
        except ValidationError:
            return None

    def put(self, system: str, item: Item, response: Response) -> None:
        if response.outcome is Outcome.FAILED:
            return
        row = (system, item_digest(item), response.model_dump_json())
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?)", row)

    def close(self) -> None:
        with self._lock:
            self._database.close()


def _of(item: Item, response: Response) -> Response | None:
    is_usable = response.outcome is not Outcome.FAILED and response.item_id == item.item_id
    return response if is_usable else None
