"""Pins: snapshots that somebody still needs, as the answers that a service has stored, and that are not pruned.

A pin is an empty file in the index, so that whoever prunes sees it, whatever they know of the holder. Holders are told
apart by a name of their own; each takes back its own pins only.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.index.manifest import manifest_path, sync_folder

PINS = "pins"


@contextmanager
def steady(index_dir: Path) -> Iterator[set[str]]:
    """Ids of the pinned snapshots, which do not change before the block ends: that of who prunes, or who pins."""
    folder = index_dir / PINS
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # ends with the process, also when that is killed
        yield {path.name.partition(".")[0] for path in folder.iterdir()}
    finally:
        os.close(handle)


def pin(index_dir: Path, snapshot_id: str, holder: str) -> bool:
    """Keeps a snapshot from being pruned. False where it is gone: there is nothing left to keep.

    Raises:
        OSError: the folder cannot be written.
    """
    path = _path(index_dir, snapshot_id, holder)
    if path.exists():
        return True
    with steady(index_dir):
        if not manifest_path(index_dir, snapshot_id).is_file():
            return False
        path.touch()
        sync_folder(path.parent)
    return True


def unpin(index_dir: Path, snapshot_id: str, holder: str) -> None:
    """Takes back a pin, if there is one."""
    with steady(index_dir):
        _path(index_dir, snapshot_id, holder).unlink(missing_ok=True)


def pins_of(index_dir: Path, holder: str) -> set[str]:
    """Ids of the snapshots that a holder has pinned."""
    folder = index_dir / PINS
    found = folder.glob(f"*.{holder}") if folder.is_dir() else ()
    return {path.name.partition(".")[0] for path in found}


def _path(index_dir: Path, snapshot_id: str, holder: str) -> Path:
    return index_dir / PINS / f"{snapshot_id}.{holder}"
