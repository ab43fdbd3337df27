"""What of the segments on disk is part of the snapshot to come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import SnapshotError
from rag.index.manifest import SEGMENTS, current_id, read_manifest, segment_folder
from rag.index.resume import Seen
from rag.index.segment import Segment
from rag.index.snapshot import open_segments, segment_problems


class Live:
    """Which source of which segment is part of the snapshot to come."""

    def __init__(self, seen: Seen, current: Iterable[Segment], written: Iterable[Segment], keeps_unseen: bool,
                 without: Collection[str]) -> None:  # fmt: skip
        self._seen, self._keeps_unseen, self._without = seen, keeps_unseen, frozenset(without)
        self._current = {s.segment_id for s in current}
        self._written = {s.segment_id for s in written}
        self._dropped: dict[str, frozenset[str]] = {}

    def dropped(self, segment: Segment) -> frozenset[str]:
        """Sources of a segment that are not live there."""
        if segment.segment_id not in self._dropped:
            self._dropped[segment.segment_id] = self._not_live(segment)
        return self._dropped[segment.segment_id]

    def _not_live(self, segment: Segment) -> frozenset[str]:
        if segment.segment_id in self._written:
            return frozenset()
        if segment.segment_id in self._current and self._keeps_unseen:
            touched = {*self._seen.keys(), *self._without}  # few, where a corpus may have a million
            return frozenset(k for k in touched if segment.store.placed(k) and not self._has(segment, k))
        return frozenset(k for k in segment.store.source_order() if not self._has(segment, k))

    def _has(self, segment: Segment, key: str) -> bool:
        given = self._seen.get(key)
        if given:
            return given[1] == segment.segment_id
        return self._keeps_unseen and segment.segment_id in self._current and key not in self._without

    def replaced(self, segment: Segment) -> list[str]:
        """Sources of a segment of which another version was given."""
        given = ((k, self._seen.get(k), segment.store.placed(k)) for k in self.dropped(segment))
        return sorted(k for k, new, old in given if new and old and new[0] != old.digest)


def orphans_among(segments: Sequence[Segment], dropped: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """By segment, live sources that have a passage stored under one that will not be there."""

    def is_there(passage_id: str, key: str) -> bool:
        return any(key not in dropped[s.segment_id] and s.store.row_of(passage_id) is not None for s in segments)

    gone = {key for keys in dropped.values() for key in keys}
    return {
        s.segment_id: frozenset(
            key
            for of_source in gone
            for key, of_passage in s.store.leaning_on(of_source)
            if key not in dropped[s.segment_id] and not is_there(of_passage, of_source)
        )
        for s in segments
    }


def current_segments(index_dir: Path, is_strict: bool) -> list[Segment]:
    """The segments of the current snapshot. Unless ``is_strict``, those that are whole: the rest is made anew."""
    try:
        manifest = read_manifest(index_dir, current_id(index_dir))
    except SnapshotError:
        if is_strict:
            raise
        return []
    if is_strict:
        return open_segments(index_dir, manifest)
    return _whole(index_dir, manifest["segments"])


def other_segments(index_dir: Path, known: Collection[str]) -> list[Segment]:
    """Segments on disk beside ``known``: of older snapshots, and of a build that was killed before it published.

    The largest come first, so that a source is found in what several segments were made into, not in one of those.
    """
    names = sorted(p.name for p in (index_dir / SEGMENTS).iterdir() if p.name not in known)
    found = _whole(index_dir, ({"segment_id": name} for name in names))
    return sorted(found, key=lambda segment: -segment.counts.passages)


def listed_segments(index_dir: Path, snapshot_id: str) -> list[dict[str, Any]] | None:
    """The segments that a kept snapshot lists; nothing when there is no such snapshot, or its manifest is damaged."""
    try:
        entries: list[dict[str, Any]] = read_manifest(index_dir, snapshot_id)["segments"]
    except SnapshotError:
        return None
    return entries


def _whole(index_dir: Path, entries: Iterable[Mapping[str, Any]]) -> list[Segment]:
    """Those segments of which every file matches its checksum."""
    folders = [(e, segment_folder(index_dir, str(e["segment_id"]))) for e in entries]
    return [Segment(folder) for entry, folder in folders if not segment_problems(folder, entry)]
