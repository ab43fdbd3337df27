"""Passages of the starter corpus, and the store that keeps them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from small_corpus import CORPUS, document, tiny_corpus

from rag.domain import Document, Passage, Role
from rag.index.segment import digest_of, digest_of_text
from rag.index.store import Owner, SentenceRecord, Store, StoreWriter, TermStats
from rag.ingest.readers.markdown import read_file
from rag.ingest.split import passage_id, split

VOCABULARY = {"argatroban": (0, 3), "=argatroban": (1, 3), "zebra": (2, 1)}
ABBREVIATIONS = [("CrCl", "creatinine clearance", 2), ("HIT", "heparin-induced thrombocytopenia", 9)]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [read_file(path) for path in sorted(CORPUS.glob("*.md")) if path.name != "README.md"]


@pytest.fixture(scope="module")
def passages(documents: list[Document]) -> list[Passage]:
    return [p for d in documents for p in split(d)]


# the starter corpus


def test_every_passage_is_the_exact_slice_of_its_document(documents: list[Document]) -> None:
    for one in documents:
        for passage in split(one):
            assert one.text[passage.start : passage.end] == passage.text
            assert passage.text == passage.text.strip()
            assert passage.source_key == one.source.key


def test_sentence_spans_are_ordered_and_inside(passages: list[Passage]) -> None:
    for passage in passages:
        assert passage.sentences
        assert all(passage.text[start:end].strip() for start, end in passage.sentences)
        assert all(one[1] <= other[0] for one, other in pairwise(passage.sentences))
        assert passage.sentences[0][0] == 0
        assert passage.sentences[-1][1] == len(passage.text)


def test_statements_are_whole(passages: list[Passage]) -> None:
    assert len(passages) > 250
    for passage in passages:
        assert passage.anchor
        assert passage.checked
        assert passage.sentences == ((0, len(passage.text)),)
        assert len(passage.text) <= 900
        assert "{" not in passage.text


def test_each_passage_lies_under_one_heading(passages: list[Passage]) -> None:
    assert {len(p.heading_path) for p in passages} == {1}, "headings of one level do not nest"


def test_ids_are_unique_and_depend_on_key_and_text_only(passages: list[Passage]) -> None:
    ids = [p.passage_id for p in passages]
    assert len(set(ids)) == len(ids)
    for passage in passages:
        assert passage.passage_id == passage_id(passage.source_key, passage.text)


def test_an_id_does_not_change_when_the_source_grows() -> None:
    before = split(document("x", "- One statement. {#a}\n"))
    after = split(document("x", "## New\n\n- Another statement. {#b}\n\n## Old\n\n- One statement. {#c}\n"))
    assert before[0].passage_id == after[1].passage_id
    assert split(document("y", "- One statement. {#a}\n"))[0].passage_id != before[0].passage_id


# the store


@pytest.fixture(scope="module")
def path(documents: list[Document], passages: list[Passage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "store.sqlite"
    written(file, documents)
    return file


def written(file: Path, documents: list[Document]) -> None:
    """A store in which every passage is one sentence."""
    writer, row = StoreWriter(file), 0
    for one in documents:
        passages = split(one)
        rows = [(row + i, p, digest_of_text(p.text), row + i) for i, p in enumerate(passages)]
        spans = [(row + i, *p.sentences[0]) for i, p in enumerate(passages)]
        sentences = [SentenceRecord(r, r, start, end, Role.DOSING, ("a", "=b", "a")) for r, start, end in spans]
        writer.add(one, digest_of(one), rows, [], sentences, row)
        row += len(passages)
    writer.finish(VOCABULARY, ABBREVIATIONS)


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def test_what_was_written_is_read(store: Store, documents: list[Document], passages: list[Passage]) -> None:
    assert [store.passage(row) for row in range(len(passages))] == passages
    assert [store.row_of(p.passage_id) for p in passages] == list(range(len(passages)))
    assert store.source_order() == [d.source.key for d in documents]
    assert list(store.sources()) == sorted((d.source for d in documents), key=lambda s: s.key)
    assert list(store.digests()) == sorted(map(digest_of, documents))
    for one in documents:
        assert store.source(one.source.key) == one.source
        assert store.document(one.source.key) == one
        placed = store.placed(one.source.key)
        assert placed is not None
        assert placed.digest == digest_of(one)
        assert [store.passage(placed.first + i) for i in range(placed.passages)] == store.passages_of(one.source.key)


def test_sentences_come_by_row(store: Store) -> None:
    found = store.sentences([7, 2, 5])
    assert [s.row for s in found] == [s.passage_row for s in found] == [2, 5, 7]
    assert found[0].terms == ("a", "=b", "a")
    assert found[0].role is Role.DOSING
    assert store.sentences([]) == []


def test_terms_that_it_has(store: Store) -> None:
    assert store.terms(["zebra", "unicorn", "zebra"]) == {"zebra": TermStats(2, 1)}
    assert store.terms([]) == {}


def test_abbreviations_are_kept(store: Store) -> None:
    assert list(store.abbreviations()) == ABBREVIATIONS


@pytest.mark.parametrize("unknown", ["", "nobody", "x' OR 1=1"])
def test_what_it_does_not_hold_is_nothing(store: Store, unknown: str) -> None:
    assert store.row_of(unknown) is store.source(unknown) is store.placed(unknown) is store.twin(unknown) is None
    assert not store.holds(unknown)


def test_a_passage_is_found_by_its_words(store: Store, passages: list[Passage]) -> None:
    one = passages[40]
    assert store.with_text(digest_of_text(one.text)) == [Owner(one.passage_id, one.source_key)]
    assert store.with_text(digest_of_text(one.text + " ")) == []


def test_several_threads_read_the_same(store: Store, passages: list[Passage], path: Path) -> None:
    fresh = Store(path)
    rows = [*range(len(passages))] * 3
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fresh.passage, rows)) == [passages[row] for row in rows]
    fresh.close()


def test_a_store_cannot_be_written_through(path: Path) -> None:
    store = Store(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._db.execute("DELETE FROM passage")
    store.close()


def test_equal_documents_make_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name, tiny_corpus())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
