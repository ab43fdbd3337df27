"""Filters: what they pass, when two are the same, what they say, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rag.domain import EvidenceType, Filter, Source
from rag.errors import InputError

SOURCE = Source(
    key="cuker2018", title="T", year=2018, evidence_type=EvidenceType.GUIDELINE, jurisdiction="US", document_set="ash"
)
BARE = Source(key="bare", title="T")
PASSES = (
    {"year_from": 2018},
    {"year_to": 2018},
    {"year_from": 2018, "year_to": 2018},
    {"evidence_types": ("rct", "guideline")},
    {"jurisdictions": ("INT", "US")},
    {"sources": ("other", "cuker2018")},
    {"document_sets": ("ash", "who")},
)
FAILS = (
    {"year_from": 2019},
    {"year_to": 2017},
    {"evidence_types": ("rct",)},
    {"jurisdictions": ("GB",)},
    {"sources": ("cuker",)},
    {"document_sets": ("who",)},
)


@pytest.mark.parametrize("fields", PASSES)
def test_one_value_of_a_field_is_enough(fields: dict[str, object]) -> None:
    assert Filter.of(**fields).passes(SOURCE)
    assert not Filter.of(**fields).passes(BARE), "what is not known does not pass"


@pytest.mark.parametrize("fields", FAILS)
@pytest.mark.parametrize("others", PASSES)
def test_every_field_must_hold(fields: dict[str, object], others: dict[str, object]) -> None:
    assert not Filter.of(**fields).passes(SOURCE)
    both = {**others, **fields}
    if both.get("year_from", 0) <= both.get("year_to", 9999):  # type: ignore[operator]
        assert not Filter.of(**both).passes(SOURCE)


def test_an_empty_filter_passes_all() -> None:
    assert not Filter().restricts
    assert Filter().passes(BARE)
    assert all(Filter.of(**fields).restricts for fields in PASSES)


@given(st.permutations(["US", "GB", "INT", "US"]), st.permutations(["rct", "guideline", "rct"]))
def test_filters_that_ask_for_the_same_are_equal(jurisdictions: list[str], kinds: list[str]) -> None:
    one = Filter.of(jurisdictions=jurisdictions, evidence_types=kinds)
    other = Filter(jurisdictions=("GB", "INT", "US"), evidence_types=(EvidenceType.GUIDELINE, EvidenceType.RCT))
    assert one == other
    assert hash(one) == hash(other)
    assert Filter.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"year_from": 2015, "year_to": 2024}, "2015 to 2024"),
        ({"year_from": 2015}, "2015 or later"),
        ({"year_to": 2015}, "2015 or earlier"),
        ({"year_from": 2015, "year_to": 2015}, "2015"),
        ({"evidence_types": ["systematic_review", "guideline"]}, "guideline or systematic review"),
        ({"sources": ["b", "a"], "document_sets": ["x"], "jurisdictions": ["US"]}, "US; source a or b; document set x"),
        ({"sources": [f"s{i}" for i in range(40)]}, "40 sources"),
        ({}, "every source"),
    ],
)
def test_a_filter_says_what_it_passes(fields: dict[str, object], words: str) -> None:
    assert str(Filter.of(**fields)) == words


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"year_from": 2020, "year_to": 2010}, "filter: years 2020 to 2010: expected the earlier one first"),
        ({"evidence_types": ["guidline"]}, "filter: 'guidline' is no evidence type; expected one of guideline, drug_"),
        ({"jurisdictions": ["us"]}, "filter: jurisdiction 'us' is not well formed: expected [A-Z]{2}|INT"),
        ({"sources": [""]}, "filter: key '' is not well formed"),
        ({"document_sets": ["a b"]}, "filter: document_set 'a b' is not well formed"),
        ({"year_to": 12}, "filter: year_to: Input should be greater than or equal to 1800 (got 12)"),
        ({"years": 12}, "filter: years: Extra inputs are not permitted (got 12)"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as refused:
        Filter.of(**fields)
    assert str(refused.value).startswith(message)
    with pytest.raises(ValidationError):
        Filter.model_validate(fields)


def test_the_name_of_a_document_set_is_checked() -> None:
    with pytest.raises(ValidationError, match="document_set 'a/b' is not well formed"):
        Source(key="k", title="T", document_set="a/b")
