"""What a snapshot is made of, in one JSON file, and which one is current.

A manifest vouches for its segments by the checksum of each one's record, which vouches for the files; its own name is
the digest of what shaped it, and it carries a checksum of itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import SnapshotError

FORMAT_VERSION = 3
CURRENT = "CURRENT"
SNAPSHOTS = "snapshots"
SEGMENTS = "segments"
ENCODERS = "encoders"
#: What a segment's content depends on beside its documents.
RULES = ("format_version", "splitter_version", "keys_version", "analysis_version", "lexicon_sha256", "encoder_id")
#: What a snapshot is named after.
SHAPED_BY = (*RULES, "corpus_digest")
_REBUILD = "run `osler index build` to make it again"


def snapshot_id_of(facts: Mapping[str, Any]) -> str:
    """Digest of all that shapes a snapshot: 16 hexadecimal digits."""
    return hashlib.sha256("\0".join(str(facts.get(name)) for name in SHAPED_BY).encode()).hexdigest()[:16]


def corpus_digest(digests: Iterable[str]) -> str:
    """Digest of all documents from theirs, which come sorted."""
    whole = hashlib.sha256()
    for digest in digests:
        whole.update(digest.encode() + b"\n")
    return whole.hexdigest()[:16]


def manifest_path(index_dir: Path, snapshot_id: str) -> Path:
    return index_dir / SNAPSHOTS / f"{snapshot_id}.json"


def segment_folder(index_dir: Path, segment_id: str) -> Path:
    return index_dir / SEGMENTS / segment_id


def current_id(index_dir: Path) -> str:
    """Id of the published snapshot. Raises ``SnapshotError`` when none was ever published."""
    try:
        return (index_dir / CURRENT).read_text("ascii").strip()
    except FileNotFoundError:
        raise SnapshotError(f"index {index_dir}: no snapshot there; run `osler index build` first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(
            f"index {index_dir}: cannot be read ({error}); expected a folder made by `osler index build`"
        ) from error


def snapshot_ids(index_dir: Path) -> list[str]:
    """All snapshots that are kept, the newest first."""
    found = sorted((index_dir / SNAPSHOTS).glob("[!.]*.json"), key=lambda p: (-p.stat().st_mtime_ns, p.name))
    return [path.stem for path in found]


def write_manifest(
    index_dir: Path, snapshot_id: str, facts: Mapping[str, Any], segments: Sequence[Mapping[str, Any]],
    abbreviations: Iterable[tuple[str, str]],
) -> None:  # fmt: skip
    """Writes a manifest aside, flushed, and renames it into place."""
    shaped = {name: facts[name] for name in SHAPED_BY}
    body = {**shaped, "segments": list(segments), "abbreviations": dict(abbreviations)}
    whole = {"snapshot_id": snapshot_id, **body, "sha256": _checksum(body)}
    (index_dir / SNAPSHOTS).mkdir(exist_ok=True)
    replace_file(manifest_path(index_dir, snapshot_id), json.dumps(whole, indent=1) + "\n")


def read_manifest(index_dir: Path, snapshot_id: str) -> dict[str, Any]:
    """The manifest of a snapshot. Raises ``SnapshotError`` when it cannot be used."""
    path = manifest_path(index_dir, snapshot_id)
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"snapshot {path}: not readable ({error}); run `osler index build`") from error
    if not isinstance(manifest, dict):
        raise SnapshotError(f"snapshot {path}: no JSON object; run `osler index build`")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise SnapshotError(
            f"snapshot {path}: format {version}, expected {FORMAT_VERSION}; run `osler index build` with this version"
        )
    body = {name: manifest.get(name) for name in (*SHAPED_BY, "segments", "abbreviations")}
    is_named_well = snapshot_id_of(manifest) == manifest.get("snapshot_id") == snapshot_id
    if not is_named_well or set(manifest) != {*body, "snapshot_id", "sha256"} or _checksum(body) != manifest["sha256"]:
        raise SnapshotError(f"snapshot {path}: damaged; {_REBUILD}")
    return manifest


def publish(index_dir: Path, snapshot_id: str) -> None:
    """Makes a snapshot the current one, by one rename."""
    published = index_dir / CURRENT
    if not published.is_file() or published.read_text("ascii").strip() != snapshot_id:
        replace_file(published, snapshot_id + "\n")


def replace_file(path: Path, content: str) -> None:
    """Writes a file so that a reader, or a crash, finds the old content or the new."""
    aside = path.with_name(f".{path.name}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    sync_folder(path.parent)


def sync(folder: Path) -> None:
    """Flushes a folder's files and the folder to disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
