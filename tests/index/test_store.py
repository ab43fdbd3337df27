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
from rag.errors import NotFoundError
from rag.index.store import SentenceRecord, Store, TermStats, write_store
from rag.ingest.readers.markdown import read_file
from rag.ingest.split import MAX_CHARS, passage_id, split

VOCABULARY = {"argatroban": (0, 3), "=argatroban": (1, 3), "zebra": (2, 1)}
ABBREVIATIONS = [("CrCl", "creatinine clearance"), ("HIT", "heparin-induced thrombocytopenia")]


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
        assert len(passage.text) <= MAX_CHARS
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
    sentences, row = [], 0
    for passage_row, passage in enumerate(passages):
        for start, end in passage.sentences:
            sentences.append(SentenceRecord(row, passage_row, start, end, Role.DOSING, ("a", "=b", "a")))
            row += 1
    write_store(file, documents, passages, sentences, VOCABULARY, ABBREVIATIONS)
    return file


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def test_what_was_written_is_read(store: Store, documents: list[Document], passages: list[Passage]) -> None:
    assert [store.passage(row) for row in range(len(passages))] == passages
    assert [store.row_of(p.passage_id) for p in passages] == list(range(len(passages)))
    for one in documents:
        assert store.source(one.source.key) == one.source
        assert store.source_text(one.source.key) == one.text
    assert store.counts() == {"source": len(documents), "passage": len(passages), "sentence": len(passages)}


def test_sentences_come_in_the_order_of_the_passages(store: Store) -> None:
    found = store.sentences([7, 2, 5])
    assert [s.passage_row for s in found] == [7, 2, 5]
    assert found[0].role is Role.DOSING
    assert found[0].terms == ("a", "=b", "a")
    assert store.sentences([]) == []


def test_terms_that_the_corpus_lacks_are_left_out(store: Store) -> None:
    assert store.terms(["zebra", "unicorn", "zebra"]) == {"zebra": TermStats(2, 1)}
    assert store.terms([]) == {}


def test_abbreviations_are_sorted(store: Store) -> None:
    assert store.abbreviations() == ABBREVIATIONS


@pytest.mark.parametrize("unknown", ["nope", "", "'; DROP TABLE passage; --"])
def test_an_unknown_passage_is_an_error_of_the_caller(store: Store, unknown: str) -> None:
    with pytest.raises(NotFoundError, match="not in this snapshot"):
        store.row_of(unknown)


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
        documents = tiny_corpus()
        passages = [p for d in documents for p in split(d)]
        sentences = [SentenceRecord(i, i, 0, 1, Role.ACTION, ()) for i in range(len(passages))]
        write_store(tmp_path / name, documents, passages, sentences, VOCABULARY, ABBREVIATIONS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
