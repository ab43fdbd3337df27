"""Filters on an index: the columns on disk, the rows that they leave, and what a search then finds."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_corpus import document, empty_index, exported_encoder

from rag.domain import Document, EvidenceType, Filter, Source
from rag.errors import NotFoundError
from rag.index import build as builder
from rag.index.build import add, build, remove
from rag.index.columns import KIND_CODES, Codes, jurisdiction_code, name_code
from rag.index.snapshot import Snapshot
from rag.ingest.split import split
from rag.pipeline import Pipeline
from rag.settings import Settings

YEARS = (None, 1998, 2010, 2015, 2024)
KINDS = (EvidenceType.GUIDELINE, EvidenceType.RCT, EvidenceType.COHORT, EvidenceType.UNCLASSIFIED)
JURISDICTIONS = (None, "US", "GB", "INT", "EU")
SETS = (None, "hospital", "reviews")
DRUGS = ("argatroban", "warfarin", "danaparoid", "fondaparinux", "bivalirudin", "heparin")
SOURCES = 30
QUESTIONS = ("Which dose of argatroban?", "heparin heparin", "a question about hernia repair", "the of and")


class Index(NamedTuple):
    """An index with the documents that it must hold."""

    pipeline: Pipeline
    documents: list[Document]

    @property
    def snapshot(self) -> Snapshot:
        return self.pipeline.snapshot


def corpus(seed: int) -> list[Document]:
    """Sources of every kind with one to four passages, of which some stand in several sources."""
    chance = random.Random(seed)
    shared = [f"- {drug.title()} is given by weight in every source. {{#shared{i}}}\n" for i, drug in enumerate(DRUGS)]
    found = []
    for i in range(SOURCES):
        own = [
            f"- In trial {i} dose {n} of {chance.choice(DRUGS)} was {chance.randint(1, 99)} mg. {{#s{i}n{n}}}\n"
            for n in range(chance.randint(0, 3))
        ]
        made = document(f"source{i}", "## Dosing\n\n" + "".join([*own, *chance.sample(shared, chance.randint(1, 2))]))
        stated = {"year": chance.choice(YEARS), "evidence_type": chance.choice(KINDS)}
        stated |= {"jurisdiction": chance.choice(JURISDICTIONS), "document_set": chance.choice(SETS)}
        found.append(made.model_copy(update={"source": made.source.model_copy(update=stated)}))
    return found


def changed(given: Document) -> Document:
    """A later version of a document, of another year and set."""
    stated = {"year": 2020, "document_set": "hospital", "jurisdiction": None}
    return given.model_copy(update={"source": given.source.model_copy(update=stated)})


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory, starter_index: Path) -> Iterator[list[Index]]:
    """One made at once, and one in parts of small segments, with sources removed, replaced and added."""
    opened = []
    for seed, is_spread in ((1, False), (2, True)):
        folder = empty_index(tmp_path_factory.mktemp("columns") / "index", exported_encoder(starter_index))
        documents = corpus(seed)
        with pytest.MonkeyPatch.context() as patched:
            if is_spread:
                patched.setattr(builder, "SEGMENT_PASSAGES", 12)
                build(documents[:18], folder)
                add(documents[15:], folder)
                remove([d.source.key for d in documents[3:9]], folder)
                documents = [*documents[:3], *map(changed, documents[9:12]), *documents[12:]]
                add(documents[3:6], folder)
            else:
                build(documents, folder)
        opened.append(Index(Pipeline.open(Settings(index_dir=folder)), documents))
    assert len(opened[0].snapshot.segments) == 1 < len(opened[1].snapshot.segments)
    yield opened
    for index in opened:
        index.pipeline.close()


def filters() -> st.SearchStrategy[Filter]:
    """Of every selectivity: from those that leave all to those that leave nothing."""

    def some(values: tuple[object, ...], most: int = 3) -> st.SearchStrategy[list[object]]:
        known = [value for value in values if value is not None]
        return st.one_of(st.just([]), st.lists(st.sampled_from(known), min_size=1, max_size=most, unique=True))

    bound = st.one_of(st.none(), st.sampled_from([1998, 2011, 2015, 2023]))
    sources = tuple(f"source{i}" for i in (0, 1, 2, *range(12, SOURCES)))
    fields = st.tuples(bound, bound, some(KINDS), some(JURISDICTIONS), some(sources, 20), some(SETS))
    return fields.filter(lambda f: None in f[:2] or f[0] <= f[1]).map(  # type: ignore[operator]
        lambda f: Filter.of(**dict(zip(Filter.model_fields, f, strict=True)))
    )


def passes(source: Source, within: Filter) -> bool:
    """What a filter means, said in the plainest way."""
    if within.year_from is not None and (source.year is None or source.year < within.year_from):
        return False
    if within.year_to is not None and (source.year is None or source.year > within.year_to):
        return False
    for values, value in (
        (within.evidence_types, source.evidence_type), (within.jurisdictions, source.jurisdiction),
        (within.sources, source.key), (within.document_sets, source.document_set),
    ):  # fmt: skip
        if values and value not in values:
            return False
    return True


def texts(documents: list[Document], within: Filter) -> set[str]:
    """The texts of all passages of the sources that pass."""
    return {p.text for d in documents if passes(d.source, within) for p in split(d)}


# on disk


def test_a_number_on_disk_never_changes() -> None:
    assert {kind.value: code for kind, code in KIND_CODES.items()} == {
        "unclassified": 0, "guideline": 1, "drug_label": 2, "regulator": 3, "systematic_review": 4, "rct": 5,
        "cohort": 6, "case_control": 7, "case_series": 8, "case_report": 9, "narrative_review": 10, "textbook": 11,
        "consumer": 12, "own_analysis": 13,
    }  # fmt: skip
    assert set(KIND_CODES) == set(EvidenceType), "a new kind gets the next number"
    assert (jurisdiction_code("US"), jurisdiction_code("INT"), jurisdiction_code(None)) == (0x5553, 0x494E54, 0)
    assert (name_code("hospital"), name_code(None)) == (0x769B978D01A60D94, 0)


def test_columns_are_those_of_each_passage_s_source(indexes: list[Index]) -> None:
    for index in indexes:
        for segment in index.snapshot.segments:
            assert {len(column) for column in segment.columns} == {segment.counts.passages}
            for row, columns in enumerate(zip(*segment.columns, strict=True)):
                source = segment.store.source(segment.store.passage(row).source_key)
                assert source
                assert tuple(map(int, columns)) == Codes.of(source)


# the rows that a filter leaves


@given(st.integers(0, 1), filters())
def test_a_selection_is_what_the_plain_reading_says(indexes: list[Index], which: int, within: Filter) -> None:
    index = indexes[which]
    selection = index.snapshot.selection(within)
    assert all(within.passes(d.source) == passes(d.source, within) for d in index.documents)
    if not within.restricts:
        assert selection is None
        return
    assert selection is not None
    assert selection.shape == (index.snapshot.store.counts().passages,)
    found = [index.snapshot.store.shown(row, within) for row in np.flatnonzero(selection).tolist()]
    assert sorted(p.text for p in found) == sorted(texts(index.documents, within))
    assert all(passes(index.snapshot.store.source(p.source_key), within) for p in found)


def test_words_of_several_sources_are_found_by_a_filter_on_any_of_them(indexes: list[Index]) -> None:
    for index in indexes:
        store, count = index.snapshot.store, 0
        for one in index.documents:
            within = Filter(sources=(one.source.key,))
            selection = index.snapshot.selection(within)
            assert selection is not None
            shown = [store.shown(row, within) for row in np.flatnonzero(selection).tolist()]
            assert {p.passage_id for p in shown} == {p.passage_id for p in split(one)}
            stored = [store.passage(row) for row in np.flatnonzero(selection).tolist()]
            count += sum(p.source_key != one.source.key for p in stored)
        assert count > 10, "some are stored under another source"


def test_a_selection_is_kept_shared_and_cannot_be_changed(indexes: list[Index]) -> None:
    snapshot = indexes[0].snapshot
    first = snapshot.selection(Filter(year_from=2010))
    assert first is not None
    assert snapshot.selection(Filter(year_from=2010)) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = True
    for year in range(1900, 1920):
        snapshot.selection(Filter(year_to=year))
    assert len(snapshot._selections._recent) <= 4
    again = snapshot.selection(Filter(year_from=2010))
    assert again is not first
    assert np.array_equal(again, first)


def test_selections_may_be_made_by_several_threads(indexes: list[Index]) -> None:
    asked = [Filter(year_from=year) for year in range(1990, 2020)]
    expected = [indexes[1].snapshot.selection(within) for within in asked]
    found: list[bool] = []

    def ask() -> None:
        for within, selection in zip(asked, expected, strict=True):
            found.append(np.array_equal(indexes[1].snapshot.selection(within), selection))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120
    assert all(found)


# what a search finds


@settings(max_examples=60)
@given(st.integers(0, 1), filters(), st.sampled_from(QUESTIONS), st.sampled_from([1, 3, 10, 1000]))
def test_a_search_finds_as_many_as_there_are_and_nothing_else(
    indexes: list[Index], which: int, within: Filter, question: str, k: int
) -> None:
    index = indexes[which]
    found = index.pipeline.search(question, k, within)
    allowed = texts(index.documents, within)
    assert len(found) == min(k, len(allowed))
    assert {passage.text for _, passage, _ in found} <= allowed
    assert all(passes(source, within) and passage.source_key == source.key for _, passage, source in found)
    assert all(hit.passage_id == passage.passage_id for hit, passage, _ in found)
    hits = [hit for hit, _, _ in found]
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))
    assert index.pipeline.search(question, k, within) == found


def test_a_filter_that_passes_all_changes_nothing(indexes: list[Index]) -> None:
    for index in indexes:
        everywhere = Filter(sources=tuple(d.source.key for d in index.documents))
        plain = index.pipeline.search(QUESTIONS[0], 20)
        assert index.pipeline.search(QUESTIONS[0], 20, everywhere) == plain
        assert index.pipeline.search(QUESTIONS[0], 20, Filter()) == plain


# what is not there


def test_an_unknown_source_is_told_with_what_is_near(indexes: list[Index]) -> None:
    with pytest.raises(NotFoundError, match=r"source 'Source22': not in this snapshot; did you mean .*source2.*corpus"):
        indexes[0].pipeline.search("x", 3, Filter(sources=("source1", "Source22")))
    with pytest.raises(NotFoundError, match="source 'zzz': not in this snapshot; `osler corpus list`"):
        indexes[1].pipeline.ask("x", within=Filter(sources=("zzz",)))


def test_an_unknown_set_is_told_with_what_there_is(indexes: list[Index]) -> None:
    for index in indexes:
        with pytest.raises(NotFoundError, match=r"set 'hospitals': not in this snapshot; it has hospital, reviews$"):
            index.snapshot.selection(Filter(document_sets=("hospital", "hospitals")))


def test_an_index_without_sets_says_how_to_make_one(pipeline: Pipeline) -> None:
    with pytest.raises(NotFoundError, match="it has none; `osler index add --set` makes one"):
        pipeline.search("x", 3, Filter(document_sets=("hospital",)))
