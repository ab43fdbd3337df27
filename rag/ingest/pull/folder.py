"""The folder that a pull writes to: whole files only, and ``pull.json``, which says what came from where and when."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rag import __version__
from rag.errors import BusyError, InputError, PullError

#: What ``pull.json`` holds: JSON values only.
Record = dict[str, Any]

RECORD = "pull.json"


class Skipped(NamedTuple):
    """``name`` is the identifier that was asked for."""

    name: str
    reason: str


class PullReport(NamedTuple):
    """What the folder holds after a pull, what earlier runs of it brought included.

    ``resumed`` says that an earlier run had brought some of it; ``notes`` are lines for a person to read.
    """

    files: tuple[Path, ...]
    records: int
    skipped: tuple[Skipped, ...]
    resumed: bool
    notes: tuple[str, ...] = ()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it for writing.

    Raises:
        BusyError: another pull holds it.
        PullError: it cannot be made.
    """
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BusyError(f"folder {folder}: another pull is writing to it; wait for it to end") from None
    finally:
        os.close(handle)  # the lock ends with it


def write_whole(path: Path, content: bytes) -> str:
    """Writes aside and renames, so that a file under its own name is always whole. Returns its sha256.

    Raises:
        PullError: it cannot be written, for want of space for example; what was under this name stays.
    """
    aside = path.with_name(f"{path.name}.part")
    with _writable(path.parent):
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()


def is_same(path: Path, sha256: str) -> bool:
    """Whether the file is there and holds what it held."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def read_record(folder: Path, request: Record) -> Record | None:
    """What an earlier run of the same pull left, None when there was none.

    Args:
        request: the keys and values that make it the same pull.

    Raises:
        InputError: the folder holds another pull, or its ``pull.json`` is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        record: Record = json.loads(path.read_text("utf-8"))
        differing = [name for name, value in request.items() if record.get(name) != value]
    except (ValueError, AttributeError):
        raise InputError(f"{path}: damaged; expected JSON as a pull writes it; give another folder") from None
    if differing:
        name = differing[0]
        said = f"made with {name} {record.get(name)!r}, not {request[name]!r}"
        raise InputError(f"folder {folder}: holds another pull, {said}; give another folder")
    return record


def write_record(folder: Path, record: Record) -> None:
    write_whole(folder / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def new_record(request: Record) -> Record:
    return {**request, "tool": f"osler {__version__}", "retrieved": today(), "finished": None}


def today() -> str:
    """Date and time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"cannot be written ({error.strerror or error})"
        raise PullError(
            f"folder {folder}: {said}; expected a folder with room that can be written; "
            "mend that and run the same command again"
        ) from error
