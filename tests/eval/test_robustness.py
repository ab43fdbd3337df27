"""The robustness suite: what it asks, and the indexes that an Osler in this process is given for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import empty_index, exported_encoder, tiny_corpus

from eval.datasets.base import Dataset
from eval.domain import Item, Outcome
from eval.perturb import MARKER
from eval.scorers.stability import ORIGINAL
from eval.suites.robustness import POISONED, SHUFFLED, Variants, for_any_system, load
from eval.systems.base import System
from rag.domain import Audience
from rag.errors import OslerError
from rag.index.build import build
from rag.index.snapshot import Snapshot
from rag.settings import Settings

QUESTION = "How is argatroban started in heparin-induced thrombocytopenia?"


@pytest.fixture(scope="module")
def suite() -> Dataset:
    return load()


@pytest.fixture(scope="module")
def settings(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = empty_index(tmp_path_factory.mktemp("robust") / "tiny", exported_encoder(starter_index))
    build(tiny_corpus(), folder)
    return Settings(index_dir=folder)


# what is asked


def test_each_cluster_has_one_original_before_its_other_forms(suite: Dataset) -> None:
    clusters: dict[str, list[Item]] = {}
    for item in suite.items:
        clusters.setdefault(item.cluster, []).append(item)
    for items in clusters.values():
        assert [i.kind == ORIGINAL for i in items] == [True] + [False] * (len(items) - 1)
        assert len(items) > 1


def test_a_form_differs_from_the_original_but_where_only_the_index_does(suite: Dataset) -> None:
    originals = {i.cluster: i.question for i in suite.items if i.kind == ORIGINAL}
    for item in suite.items:
        if item.kind != ORIGINAL:
            assert (item.question == originals[item.cluster]) is (item.kind in (SHUFFLED, POISONED))


def test_every_kind_of_disturbance_is_there(suite: Dataset) -> None:
    kinds = {item.kind for item in suite.items}
    assert {"paraphrase", "typos", "abbreviated", "spelled_out", "instruction", SHUFFLED, POISONED} <= kinds
    assert all(MARKER in item.question for item in suite.items if item.kind == "instruction")


def test_the_same_is_asked_each_time_and_another_seed_mistypes_otherwise(suite: Dataset) -> None:
    assert load().digest == suite.digest
    other = {i.item_id: i.question for i in load(seed=1).items}
    changed = {i.kind for i in suite.items if other[i.item_id] != i.question}
    assert changed == {"typos"}


def test_any_other_system_is_not_asked_what_needs_an_index_of_its_own(suite: Dataset) -> None:
    left = for_any_system(suite)
    assert left.name == suite.name
    assert left.digest != suite.digest
    assert [i for i in suite.items if i.kind not in (SHUFFLED, POISONED)] == list(left.items)


# the indexes


def asked(system: System, kind: str) -> tuple[Outcome, str]:
    response = system.respond(Item(item_id="q", question=QUESTION, kind=kind))
    return response.outcome, response.article.text()


def order_of(index_dir: Path) -> list[str]:
    with Snapshot(index_dir) as snapshot:
        return [key for segment in snapshot.segments for key in segment.store.source_order()]


def test_each_kind_is_asked_of_its_own_index(settings: Settings) -> None:
    system = Variants(settings)
    try:
        assert isinstance(system, System)
        outcome, text = asked(system, ORIGINAL)
        assert outcome is Outcome.ANSWERED
        assert "2 mcg/kg/min" in text
        assert asked(system, SHUFFLED) == (outcome, text), "the order of sources decides nothing"
        own, shuffled, poisoned = (system._systems[k]._pipeline.settings.index_dir for k in ("", SHUFFLED, POISONED))
        assert own == settings.index_dir
        assert order_of(shuffled) != order_of(own)
        assert sorted(order_of(shuffled)) == sorted(order_of(own))
        assert sorted(order_of(poisoned)) == sorted([*order_of(own), "poisoned"])
        receipt = system.receipt()
        assert receipt["variants"][SHUFFLED] == receipt["snapshot_id"] != receipt["variants"][POISONED]
    finally:
        system.close()


def test_the_poisoned_index_finds_the_orders(settings: Settings) -> None:
    system = Variants(settings, kinds={POISONED})
    found = system._systems[POISONED]._pipeline.search("About argatroban", 10)
    system.close()
    assert any(MARKER in passage.text for _, passage, _ in found)


def test_only_the_indexes_that_will_be_asked_are_made_for_the_same_reader(settings: Settings) -> None:
    plain = Variants(settings, kinds={ORIGINAL, "typos"})
    assert plain.receipt()["variants"] == {}
    plain.close()
    system = Variants(settings, Audience.PATIENT, kinds={POISONED})
    assert {s.receipt()["audience"] for s in system._systems.values()} == {"patient"}
    system.close()


def test_closing_leaves_nothing_behind_and_the_index_as_it_was(settings: Settings) -> None:
    before = sorted(settings.index_dir.rglob("*"))
    system = Variants(settings, kinds={POISONED})
    folder = system._folder
    assert folder.is_dir()
    system.close()
    system.close()
    assert not folder.exists()
    assert sorted(settings.index_dir.rglob("*")) == before


def test_an_index_that_cannot_be_made_leaves_nothing_behind(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OslerError):
        Variants(settings.model_copy(update={"model": "/no/such/model"}), kinds={POISONED})
    assert list(tmp_path.iterdir()) == []
