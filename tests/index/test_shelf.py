"""Looking sources over: page by page, by their kinds and years, by words of their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from small_corpus import document, empty_index, exported_encoder, tiny_corpus

from rag.domain import Document, EvidenceType, Filter, Source
from rag.index.build import add, build, remove
from rag.index.catalogue import folded
from rag.index.shelf import Shelf
from rag.index.snapshot import Snapshot

SAME = "## Dosing\n\n- Danaparoid has little cross-reactivity. {#s1}\n"
#: What is known of some sources, by their keys: in other letters, with marks of JSON, with little or nothing.
NAMED: dict[str, dict[str, Any]] = {
    "accents": {"title": "Blutungen bei Leberzirrhose", "authors": ("Müller A", "Şahin Ö"), "year": 2019},
    "cyrillic": {"title": "Тромбоцитопения", "publisher": "Медицина", "year": 1999, "jurisdiction": "RU"},
    "marks": {"title": 'The "4Ts" score \\ 100 % of_all', "evidence_type": "cohort", "year": 2006},
    "bodies": {"title": "Statement", "issuing_body": "Ministry of Health", "container": "Weekly Gazette"},
    "sharp": {"title": "Straße", "mesh": ("Heparin",), "evidence_type": "unclassified", "document_set": "ours"},
}


def named(key: str, **known: Any) -> Document:
    plain = document("hernia", SAME)
    source = Source.model_validate({"key": key, "evidence_type": "guideline", **known})
    return plain.model_copy(update={"source": source})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, starter_index: Path) -> Path:
    folder = empty_index(tmp_path_factory.mktemp("shelf") / "index", exported_encoder(starter_index))
    build(tiny_corpus(), folder)
    add([named(key, **known) for key, known in NAMED.items()], folder)
    add([named("gone", title="Withdrawn")], folder)
    remove(["gone", "ivig"], folder)
    return folder


@pytest.fixture(scope="module")
def snapshot(index: Path) -> Iterator[Snapshot]:
    with Snapshot(index) as opened:
        assert len(opened.segments) > 1
        yield opened


@pytest.fixture
def shelf(snapshot: Snapshot) -> Shelf:
    return snapshot.shelf


def keys(shelf: Shelf, *words: str, **within: Any) -> set[str]:
    total, found = shelf.page(0, 100, words, Filter.of(**within))
    assert total == len(found)
    return {one.source.key for one in found}


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize(("words", "within"), [((), {}), (("t",), {}), ((), {"evidence_types": ["guideline"]})])
def test_pages_follow_one_another(shelf: Shelf, words: Sequence[str], within: dict[str, Any], limit: int) -> None:
    total, whole = shelf.page(0, 1000, words, Filter.of(**within))
    assert total == len(whole) > 3
    turned = [one for offset in range(0, total + limit, limit) for one in shelf.page(offset, limit, words,
              Filter.of(**within))[1]]  # fmt: skip
    assert turned == whole
    assert shelf.page(total, limit, words, Filter.of(**within)) == (total, [])


def test_all_are_there_but_those_that_were_removed(snapshot: Snapshot) -> None:
    _, found = snapshot.shelf.page(0, 1000)
    assert [one.source for one in found] == list(snapshot.store.sources())
    assert {"gone", "ivig"}.isdisjoint(one.source.key for one in found)
    assert keys(snapshot.shelf, "withdrawn") == set()
    assert sum(snapshot.shelf.kinds.values()) == len(found)


def test_passages_are_counted_where_their_words_are_stored_under_another_source(snapshot: Snapshot) -> None:
    _, found = snapshot.shelf.page(0, 1000)
    counted = {one.source.key: one.passages for one in found}
    assert counted == {key: len(snapshot.store.passages_of(key)) for key in counted}
    assert counted["marks"] == counted["bodies"] == 1


@pytest.mark.parametrize("within", [
    {"year_from": 2006}, {"year_to": 2006}, {"year_from": 2000, "year_to": 2018}, {"evidence_types": ["cohort"]},
    {"evidence_types": ["unclassified"]}, {"evidence_types": ["cohort", "guideline"], "year_to": 2100},
    {"jurisdictions": ["RU", "GB"]}, {"document_sets": ["ours"]}, {"sources": ["marks", "argatroban", "gone"]},
])  # fmt: skip
def test_a_filter_leaves_what_it_passes(snapshot: Snapshot, within: dict[str, Any]) -> None:
    passed = {s.key for s in snapshot.store.sources() if Filter.of(**within).passes(s)}
    assert keys(snapshot.shelf, **within) == passed
    assert passed


@pytest.mark.parametrize(("words", "found"), [
    (["MULLER"], {"accents"}), (["müller", "sahin"], {"accents"}), (["mu\u0308ller"], {"accents"}),
    (["тромбоцитопения"], {"cyrillic"}), (["МЕДИЦИНА", "1999"], {"cyrillic"}), (["zirrhose"], {"accents"}),
    (['"4ts"'], {"marks"}), (["\\"], {"marks"}), (["%"], {"marks"}), (["f_a"], {"marks"}), (["s_o"], set()),
    (["health", "gazette"], {"bodies"}), (["STRASSE"], {"sharp"}), (["about", "fondaparinux"], {"fondaparinux"}),
    (["heparin"], set()), (["evidence_type"], set()), (["zirrhose", "gazette"], set()), (["\u0000"], set()),
])  # fmt: skip
def test_words_are_those_of_names_in_any_case(shelf: Shelf, words: list[str], found: set[str]) -> None:
    assert keys(shelf, *words) == found


def test_words_and_a_filter_both_hold(shelf: Shelf) -> None:
    assert keys(shelf, "t", evidence_types=["cohort"]) == {"marks"}
    assert keys(shelf, "4ts", evidence_types=["guideline"]) == set()


def test_kinds_come_with_the_strongest_first(shelf: Shelf) -> None:
    assert list(shelf.kinds) == [EvidenceType.GUIDELINE, EvidenceType.COHORT, EvidenceType.UNCLASSIFIED]
    assert shelf.kinds[EvidenceType.COHORT] == 1


def test_many_may_look_at_once(shelf: Shelf) -> None:
    asked = [("t",), ("muller",), (), ("guideline",), ("s",)] * 8
    alone = [shelf.page(0, 100, words) for words in asked]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda words: shelf.page(0, 100, words), asked)) == alone


@pytest.mark.parametrize(("text", "plain"), [("Ünïcode", "unicode"), ("ﬁbrosis", "fibrosis"), ("İ", "i"), ("", "")])
def test_letters_are_told_apart_by_what_they_are(text: str, plain: str) -> None:
    assert folded(text) == plain
