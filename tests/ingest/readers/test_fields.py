"""Bibliographic fields in the forms that files write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import EvidenceType
from rag.ingest.readers.fields import date_of, doi_of, language_of, source_of, stated_fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2018", "2018"),
        (2018, "2018"),
        ("2018-11-27T05:23:04Z", "2018-11-27"),
        ("2018/11/27/", "2018-11-27"),
        ("2018//", "2018"),
        ("20181127", "2018-11-27"),
        ("2018 Nov 7", "2018-11-07"),
        ("2018 Nov-Dec", "2018"),
        ("2018 Winter", "2018"),
        ("February 15, 2024", "2024-02-15"),
        ("15 February 2024", "2024-02-15"),
        ("2018-13-01", "2018"),
        ("0018", None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_dates_are_as_exact_as_stated(value: object, expected: str | None) -> None:
    assert date_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://doi.org/10.1016/S0140-6736%2820%2930183-5", "10.1016/S0140-6736(20)30183-5"),
        ("(doi:10.1182/blood.1).", "10.1182/blood.1"),
        ("10.1/x", None),
        (5, None),
    ],
)
def test_a_doi_is_found_in_what_surrounds_it(value: object, expected: str | None) -> None:
    assert doi_of(value) == expected


def test_languages() -> None:
    given_ = ["en-US", "eng", "English", "de", "xx-unknown", "", "klingon", None]
    assert [language_of(v) for v in given_] == ["en", "en", "en", "de", "xx", None, None, None]


def test_what_is_invalid_is_left_out() -> None:
    stated: dict[str, object] = {
        "pmid": 21,
        "pmcid": "123456",
        "doi": "10.1182/x",
        "url": "ftp://a.b/c",
        "jurisdiction": "usa",
        "year": 99,
        "evidence_type": "strong",
        "authors": ["A", 1, None, ""],
        "mesh": "A; B",
        "nonsense": 1,
        "volume": 3,
        "issue": True,
    }
    assert stated_fields(stated) == {
        "pmid": "21",
        "pmcid": "PMC123456",
        "doi": "10.1182/x",
        "authors": ("A", "1"),
        "mesh": ("A", "B"),
        "volume": "3",
    }


def test_types_classify_and_retract() -> None:
    source = source_of(
        "a", "T", {"publication_types": ["Meta-Analysis", "Retracted Publication"], "published": "2018-1"}
    )
    assert (source.evidence_type, source.retracted, source.year) == (EvidenceType.SYSTEMATIC_REVIEW, True, 2018)
    stated = source_of("a", "T", {"publication_types": ["Review"], "evidence_type": "guideline"})
    assert stated.evidence_type is EvidenceType.GUIDELINE


_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=3))


@given(st.dictionaries(st.sampled_from(sorted(stated_fields.__globals__["_FORMS"])), _VALUES))
def test_no_value_is_too_odd(stated: dict[str, object]) -> None:
    assert source_of("a", "T", stated).key == "a"
