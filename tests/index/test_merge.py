"""Segments made one, or made without some sources, are what one writer would have written."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_corpus import CORPUS, document, tiny_corpus

from rag.domain import Document
from rag.index import merge as merging
from rag.index.library import Library, SentenceVectors
from rag.index.merge import compact, merge, merged_id
from rag.index.segment import (
    COMPRESSED_VECTORS,
    FILES,
    RECORD,
    STORE,
    Segment,
    SegmentWriter,
    damaged,
    digest_of,
    read_segment,
)
from rag.index.store import Owner
from rag.index.tiers import LARGEST, MOST_ALIKE, groups, is_full
from rag.index.vectors import Halves
from rag.ingest.check import corpus_files
from rag.ingest.readers.markdown import read_file
from rag.language.lexicon import Lexicon

RULES = {"format_version": 3, "encoder_id": "hashes"}
LEXICON = Lexicon.load()
TABLES = ("source", "passage", "sentence", "twin", "term", "abbreviation")
SAME = "- Danaparoid (DAN) has little cross-reactivity. {{#{}}}\n"


def hashed(texts: Sequence[str]) -> Halves:
    """A unit vector of each text's digest."""
    found = np.array([list(hashlib.sha256(text.encode()).digest()) for text in texts], np.float32) - 127.5
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def written(documents: Sequence[Document], folder: Path, beside: Sequence[Segment] = ()) -> Segment:
    """The segment of ``documents``, whose words may be stored under a source of the segments ``beside``."""

    def twin_of(text_digest: bytes, key: str) -> Owner | None:
        found = [(s, owner) for s in beside for owner in s.store.with_text(text_digest) if owner.source_key != key]
        return next((owner for s, owner in found if _stands(s, owner.source_key)), None)

    aside = folder / "aside"
    aside.mkdir(parents=True)
    writer = SegmentWriter(aside, LEXICON, hashed, twin_of)
    for one in documents:
        writer.add(one, digest_of(one), {})
    return opened(aside, writer.finish(RULES))


def _stands(segment: Segment, key: str) -> bool:
    source = segment.store.source(key)
    return source is not None and source.stands


def opened(aside: Path, segment_id: str) -> Segment:
    return Segment(aside.rename(aside.parent / segment_id))


def spread(documents: Sequence[Document], sizes: Sequence[int], folder: Path) -> list[Segment]:
    """The documents in segments of so many."""
    found, first = list[Segment](), 0
    for number, size in enumerate(sizes):
        found.append(written(documents[first : first + size], folder / str(number), found))
        first += size
    assert first == len(documents)
    return found


def merged(segments: Sequence[Segment], folder: Path) -> Segment:
    folder.mkdir()
    (folder / "aside").mkdir()
    return opened(folder / "aside", merge(segments, folder / "aside"))


def without(segment: Segment, dropped: Collection[str], folder: Path) -> Segment:
    (folder / "aside").mkdir(parents=True)
    return opened(folder / "aside", compact(segment, dropped, folder / "aside"))


def rows(segment: Segment, table: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(segment.folder / STORE)
    found = db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    db.close()
    return found


def check_same(one: Segment, other: Segment) -> None:
    assert one.segment_id == other.segment_id
    assert one.counts == other.counts
    for table in TABLES:
        assert rows(one, table) == rows(other, table), table
    names = set(one.record["files"])
    assert names == set(other.record["files"]) == {p.name for p in other.folder.iterdir()} - {RECORD}
    for name in names - {STORE}:
        if name.endswith(".npy"):
            a, b = (np.load(s.folder / name, allow_pickle=False) for s in (one, other))
            assert a.dtype == b.dtype, name
            assert a.shape == b.shape, name
            assert a.tobytes() == b.tobytes(), name
        else:
            assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    assert damaged(other.folder, read_segment(other.folder)) == []


def mixed_corpus() -> list[Document]:
    """Sources with the same words, without text, with headings, retracted, and defining the same abbreviation."""
    bad = document("bad", SAME.format("b"))
    bad = bad.model_copy(update={"source": bad.source.model_copy(update={"retracted": True})})
    more = [document(f"same{i}", SAME.format(f"s{i}") + f"- And a word of its own: word{i}. {{#t{i}}}\n")
            for i in range(5)]  # fmt: skip
    return [bad, *more[:3], document("empty", ""), *tiny_corpus(), document("none", "## Heading\n"), *more[3:]]


@pytest.mark.parametrize("block", [1, 7, 2**20])
@pytest.mark.parametrize("sizes", [[13], [1] * 13, [5, 8], [12, 1], [4, 1, 8], [1, 12]])
def test_segments_made_one_are_what_one_writer_writes(
    tmp_path: Path, sizes: list[int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "_BLOCK", block)
    monkeypatch.setattr(merging, "_CHUNK", 3)
    documents = mixed_corpus()
    whole, parts = written(documents, tmp_path / "whole"), spread(documents, sizes, tmp_path / "parts")
    assert merged_id(parts) == whole.segment_id
    check_same(whole, merged(parts, tmp_path / "merged"))


def test_what_was_made_one_can_be_made_one_again(tmp_path: Path) -> None:
    documents = [read_file(path) for path in corpus_files([CORPUS])[:40]]
    whole, parts = written(documents, tmp_path / "whole"), spread(documents, [10, 1, 15, 14], tmp_path / "parts")
    first, second = merged(parts[:2], tmp_path / "first"), merged(parts[2:], tmp_path / "second")
    check_same(whole, merged([first, second], tmp_path / "both"))


@settings(max_examples=20, deadline=None)
@given(dropped=st.sets(st.integers(0, 12), min_size=1, max_size=12))
def test_what_is_left_of_a_segment_is_what_one_writer_writes(
    tmp_path_factory: pytest.TempPathFactory, dropped: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("compact")
    documents = [d for d in mixed_corpus() if not d.source.key.startswith("same")]
    documents += [
        document(f"more{i}", f"- Statement {i} on creatinine clearance (CrCl). {{#m{i}}}\n") for i in range(5)
    ]
    gone = {documents[i].source.key for i in dropped}
    left = [d for d in documents if d.source.key not in gone]
    whole = written(documents, folder / "whole")
    check_same(written(left, folder / "left"), without(whole, {*gone, "not there"}, folder / "compact"))


def test_a_term_that_goes_with_its_source_leaves_the_others_in_place(tmp_path: Path) -> None:
    """Also where it is the first, the last, or alone between blocks."""
    texts = ["aaa bbb zzz", "bbb ccc", "ccc ddd zzz", "mmm"]
    documents = [document(f"d{i}", f"- {text}. {{#s{i}}}\n") for i, text in enumerate(texts)]
    whole = written(documents, tmp_path / "whole")
    for gone in range(len(texts)):
        left = [d for i, d in enumerate(documents) if i != gone]
        expected = written(left, tmp_path / f"left{gone}")
        check_same(expected, without(whole, [documents[gone].source.key], tmp_path / f"compact{gone}"))


def test_a_segments_sentences_are_found_by_passage(tmp_path: Path) -> None:
    segment = written(tiny_corpus(), tmp_path)
    starts = segment.sentence_starts
    assert starts.dtype == np.int64
    assert (len(starts), starts[0], starts[-1]) == (segment.counts.passages + 1, 0, segment.counts.sentences)
    for row in range(segment.counts.passages):
        own = [s.row for s in segment.store.sentences([row])]
        assert own == list(range(starts[row], starts[row + 1]))


def test_the_sentences_of_passages_are_found_in_all_segments(tmp_path: Path) -> None:
    segments = spread(mixed_corpus(), [4, 1, 8], tmp_path)
    library, vectors = Library(segments), SentenceVectors(segments)
    rows = [7, 0, 12, 7, 3]
    starts, ends = vectors.spans(rows)
    assert starts.dtype == ends.dtype == np.int64
    for row, start, end in zip(rows, starts, ends, strict=True):
        assert [s.row for s in library.sentences([row])] == list(range(start, end))
    assert [len(found) for found in vectors.spans([])] == [0, 0]


def test_every_file_of_a_segment_is_recorded(tmp_path: Path) -> None:
    segment = written(tiny_corpus(), tmp_path)
    assert set(segment.record["files"]) == set(FILES) == {p.name for p in segment.folder.iterdir()} - {RECORD}


def test_only_segments_of_many_passages_have_compressed_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [read_file(path) for path in corpus_files([CORPUS])[:20]]
    parts = spread(documents, [10, 10], tmp_path / "parts")
    monkeypatch.setattr("rag.index.segment.COMPRESSED_FROM", sum(s.counts.passages for s in parts))
    whole, both = written(documents, tmp_path / "whole"), merged(parts, tmp_path / "both")
    assert set(both.record["files"]) == {*FILES, COMPRESSED_VECTORS}
    check_same(whole, both)
    left = without(both, [documents[0].source.key], tmp_path / "left")
    assert set(left.record["files"]) == set(FILES) == {p.name for p in left.folder.iterdir()} - {RECORD}
    (both.folder / COMPRESSED_VECTORS).unlink()
    assert damaged(both.folder, read_segment(both.folder)) == [f"{COMPRESSED_VECTORS} is missing"]


# tiers


def sizes_after(sizes: Sequence[int], closed_at: int) -> list[int]:
    return [sum(sizes[place] for place in group) for group in groups(sizes, closed_at)]


def test_few_segments_of_a_size_are_left_alone() -> None:
    assert groups([], 100) == []
    assert groups([100] * MOST_ALIKE + [3] * MOST_ALIKE, 100) == [[i] for i in range(2 * MOST_ALIKE)]


def test_too_many_segments_of_a_size_are_made_one_in_their_order() -> None:
    assert groups([100] * 4 + [1] * 9 + [100] * 4, 100) == [[0], [1], [2], [3], [*range(4, 13)], [13], [14], [15], [16]]
    assert sizes_after([100] * 31, 100) == [3100]


def test_no_segment_is_made_larger_than_the_largest() -> None:
    assert sizes_after([100] * 150, 100) == [6400, 6400, 2200]
    assert sizes_after([4000] * 20, 100) == [4000] * 20, "no two of them fit"
    assert sizes_after([7000] * 20, 100) == [7000] * 20


@given(st.lists(st.integers(0, 9000), max_size=200), st.integers(1, 200))
def test_what_was_made_one_is_at_rest(sizes: list[int], closed_at: int) -> None:
    found = groups(sizes, closed_at)
    assert sorted(place for group in found for place in group) == list(range(len(sizes)))
    assert all(sum(sizes[p] for p in group) <= LARGEST * closed_at for group in found if len(group) > 1)
    after = sizes_after(sizes, closed_at)
    assert sizes_after(after, closed_at) == after


@pytest.mark.parametrize("each", [32_768, 33_000, 40_000])
def test_a_build_of_any_size_has_few_segments_at_a_time(each: int) -> None:
    """Segments that come one after the other, made one as soon as what they come to is full."""
    sizes = list[int]()
    for _ in range(500):
        sizes.append(each)
        found = groups(sizes, 32_768)
        totals = [sum(sizes[place] for place in group) for group in found]
        sizes = [
            size
            for group, total in zip(found, totals, strict=True)
            for size in ([total] if is_full(total, 32_768) else [sizes[place] for place in group])
        ]
        assert len(sizes) <= LARGEST + 500 * each // (LARGEST * 32_768) + 1
    assert sum(sizes) == 500 * each
