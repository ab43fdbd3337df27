"""Pins keep snapshots from being pruned, each holder its own; a removal leaves no snapshot, pinned or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import document, empty_index, exported_encoder, tiny_corpus

from rag.index.build import add, build, remove
from rag.index.keeping import prune
from rag.index.manifest import manifest_path, snapshot_ids
from rag.index.pins import pin, pins_of, steady, unpin
from rag.index.snapshot import Snapshot


@pytest.fixture
def index(tmp_path: Path, starter_index: Path) -> tuple[Path, str, str, str]:
    """An index with three snapshots, the oldest first."""
    folder = empty_index(tmp_path / "index", exported_encoder(starter_index))
    ids = [build(tiny_corpus(), folder).snapshot_id]
    for words in ("New words.", "Newer words."):
        ids.append(add([document(words.split()[0].lower(), f"## Dosing\n\n- {words} {{#t9}}\n")], folder).snapshot_id)
    return (folder, *ids)  # type: ignore[return-value]


def test_a_pinned_snapshot_is_not_pruned_and_can_be_opened(index: tuple[Path, str, str, str]) -> None:
    folder, first, second, third = index
    assert pin(folder, first, "service")
    assert prune(folder).snapshots == 1
    assert set(snapshot_ids(folder)) == {first, third}
    assert not manifest_path(folder, second).exists()
    with Snapshot(folder) as opened:
        assert opened.snapshot_id == third
    unpin(folder, first, "service")
    assert prune(folder).snapshots == 1
    assert snapshot_ids(folder) == [third]


def test_holders_take_back_their_own_pins_only(index: tuple[Path, str, str, str]) -> None:
    folder, first, second, _ = index
    for holder in ("one", "other"):
        pin(folder, first, holder)
        pin(folder, first, holder)
    pin(folder, second, "one")
    assert pins_of(folder, "one") == {first, second}
    unpin(folder, first, "one")
    unpin(folder, first, "nobody")
    assert pins_of(folder, "one") == {second}
    with steady(folder) as pinned:
        assert pinned == {first, second}
    assert prune(folder).snapshots == 0


def test_what_is_gone_cannot_be_pinned(index: tuple[Path, str, str, str]) -> None:
    folder, first, *_ = index
    prune(folder)
    assert not pin(folder, first, "service")
    assert pins_of(folder, "service") == set()
    assert pins_of(folder.parent, "service") == set(), "a folder without pins has none"


def test_a_removal_heeds_no_pins(index: tuple[Path, str, str, str]) -> None:
    folder, first, *_ = index
    pin(folder, first, "service")
    removed = remove(["hernia"], folder)
    assert snapshot_ids(folder) == [removed.snapshot_id]


def test_keep_counts_beside_what_is_pinned(index: tuple[Path, str, str, str]) -> None:
    folder, first, second, third = index
    pin(folder, first, "service")
    assert prune(folder, keep=2).snapshots == 0
    assert set(snapshot_ids(folder)) == {first, second, third}
