"""The catalogue of suites: each can be described, those that ship can be loaded, the others say where they are from."""

from __future__ import annotations

import pytest

from eval.datasets import catalogue as datasets
from eval.scoring import Scoring
from eval.suites import catalogue
from rag.errors import InputError


@pytest.mark.parametrize("name", catalogue.names())
def test_a_suite_says_what_it_is_and_has_a_task(name: str) -> None:
    suite = catalogue.suite(name)
    about = suite.about()
    assert about.name == name
    assert about.description
    assert about.source
    assert about.licence
    Scoring(suite.task)


def test_names_are_unique_and_of_data_sets_that_exist() -> None:
    names = catalogue.names()
    assert len(names) == len(set(names))
    assert not catalogue.SHIPPED.keys() & datasets.DATASETS.keys()
    assert datasets.DATASETS.keys() >= catalogue._VERIFICATION | catalogue._RETRIEVAL
    assert not catalogue._VERIFICATION & catalogue._RETRIEVAL


@pytest.mark.parametrize("name", catalogue.SHIPPED)
def test_what_ships_is_loaded_from_its_own_place(name: str) -> None:
    loaded = catalogue.suite(name).load(None)
    assert loaded.name == name
    assert loaded.items


@pytest.mark.parametrize("name", datasets.DATASETS)
def test_what_does_not_ship_says_where_to_get_it(name: str) -> None:
    suite = catalogue.suite(name)
    with pytest.raises(InputError, match="--data") as caught:
        suite.load(None)
    assert suite.about().source in str(caught.value)


def test_an_unknown_suite_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(InputError, match="'strater': unknown") as caught:
        catalogue.suite("strater")
    assert all(name in str(caught.value) for name in catalogue.names())


def test_items_for_a_verifier_come_with_evidence() -> None:
    suites = [s.load(None) for s in catalogue.SHIPPED.values() if s.task == "verification"]
    assert suites
    assert all(item.evidence for suite in suites for item in suite.items)
