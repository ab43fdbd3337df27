"""Keeping an index: one writer at a time, which snapshots stay, and what a full disk says."""

from __future__ import annotations

import errno
import fcntl
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rag.errors import BusyError, NotFoundError, SnapshotError
from rag.index.manifest import (
    ENCODERS,
    SEGMENTS,
    current_id,
    manifest_path,
    publish,
    read_manifest,
    segment_folder,
    snapshot_ids,
    sync_folder,
)
from rag.index.pins import steady

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOCK = ".lock"


class Pruned(NamedTuple):
    """What was deleted, and how many bytes that freed."""

    snapshots: int
    segments: int
    encoders: int
    freed: int


@contextmanager
def locked(index_dir: Path) -> Iterator[None]:
    """Holds the index for writing. Raises ``BusyError`` while another process does."""
    try:
        index_dir.mkdir(parents=True, exist_ok=True)
        file = (index_dir / _LOCK).open("w")
    except OSError as error:
        raise SnapshotError(
            f"index {index_dir}: cannot be made ({error}); expected a folder that can be written"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"index {index_dir}: another build is running; wait for it to end") from None
        yield  # the lock ends with the file, also when the process is killed


@contextmanager
def storage(index_dir: Path) -> Iterator[None]:
    """Turns the many ways in which libraries say that nothing more can be written into one error."""
    try:
        yield
    except (OSError, sqlite3.Error, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_ROOM:
            raise
        said = str(error).lower()
        if not isinstance(error, OSError) and not any(s in said for s in ("is full", "disk i/o", "no space", "write")):
            raise
        raise SnapshotError(
            f"index {index_dir}: cannot be written ({error}); what was published is as it was: make room and run the "
            "same command again, which goes on from here"
        ) from error


def use(index_dir: Path, snapshot_id: str) -> None:
    """Makes a kept snapshot the current one. Raises ``NotFoundError`` when there is none of that id."""
    with locked(index_dir):
        if not manifest_path(index_dir, snapshot_id).is_file():
            kept = ", ".join(snapshot_ids(index_dir)) or "none"
            raise NotFoundError(f"snapshot {snapshot_id!r}: not kept in {index_dir}; there is {kept}")
        manifest = read_manifest(index_dir, snapshot_id)
        for entry in manifest["segments"]:
            if not segment_folder(index_dir, entry["segment_id"]).is_dir():
                raise SnapshotError(f"snapshot {snapshot_id}: segment {entry['segment_id']} is missing")
        publish(index_dir, snapshot_id)


def prune(index_dir: Path, keep: int = 1, *, heeds_pins: bool = True) -> Pruned:
    """Deletes all but the current snapshot and the ``keep`` - 1 newest others, with what only the deleted ones use.

    Snapshots that are pinned stay beside these, unless ``heeds_pins`` is False. A process that has an old snapshot open
    goes on reading it; the disk's space is free when it closes it. The caller holds the lock.
    """
    current = current_id(index_dir)
    with steady(index_dir) as pinned:
        others = [i for i in snapshot_ids(index_dir) if i != current]
        kept = [current, *others[: max(0, keep - 1)]]
        kept += [i for i in others if heeds_pins and i in pinned and i not in kept]
        gone = [manifest_path(index_dir, i) for i in others if i not in kept]
        for path in gone:
            path.unlink()
    manifests = [read_manifest(index_dir, i) for i in kept]
    segments = {e["segment_id"] for m in manifests for e in m["segments"]}
    unused = [p for p in (index_dir / SEGMENTS).iterdir() if p.name not in segments]
    encoders = [p for p in (index_dir / ENCODERS).iterdir() if p.name not in {m["encoder_id"] for m in manifests}]
    freed = sum(_size(p) for p in (*unused, *encoders))
    _delete([*unused, *encoders])
    sync_folder(index_dir / SEGMENTS)
    return Pruned(len(gone), len(unused), len(encoders), freed)


def delete_segments(index_dir: Path, segment_ids: Sequence[str]) -> None:
    _delete([segment_folder(index_dir, i) for i in segment_ids])


def used_segments(index_dir: Path) -> set[str]:
    """Ids of the segments that any kept snapshot lists; a manifest that cannot be read lists none."""
    found = set[str]()
    for snapshot_id in snapshot_ids(index_dir):
        try:
            found |= {str(e["segment_id"]) for e in read_manifest(index_dir, snapshot_id)["segments"]}
        except SnapshotError:
            continue
    return found


def _delete(folders: Sequence[Path]) -> None:
    for folder in folders:
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder)


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
