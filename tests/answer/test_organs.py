"""What is said of an organ's bearing on a drug."""

from __future__ import annotations

import pytest

from rag.answer.organs import Bearing, Impairment, bearing, impairment, leaves_unchanged, lowers
from rag.pipeline import Pipeline

KIDNEY, LIVER = Impairment("kidney", None), Impairment("liver", None)
SAID = [
    ("hit091", "argatroban", KIDNEY, Bearing.NONE),
    ("hit087", "argatroban", KIDNEY, Bearing.NONE),
    ("hit105", "bivalirudin", LIVER, Bearing.NONE),
    ("hit075", "argatroban", LIVER, Bearing.LESS),
    ("new009", "bivalirudin", KIDNEY, Bearing.LESS),
    ("bup012", "buprenorphine", KIDNEY, Bearing.NONE),
    ("liv008", "apixaban", Impairment("liver", "mild"), Bearing.NONE),
    ("liv008", "apixaban", LIVER, None),  # what holds of mild impairment alone
    ("hit032", "argatroban", KIDNEY, None),
    ("hit091", "bivalirudin", KIDNEY, None),
]


@pytest.mark.parametrize(("anchor", "drug", "of", "expected"), SAID)
def test_sentences_say_whether_an_organ_matters(
    pipeline: Pipeline, anchor: str, drug: str, of: Impairment, expected: Bearing | None
) -> None:
    store = pipeline.snapshot.store
    for record in store.sentences(list(range(len(pipeline.snapshot.dense)))):
        passage = store.shown(record.passage_row, None)
        if passage.anchor == anchor:
            assert bearing(pipeline.sentences.of(record, passage), drug, of) is expected
            return
    pytest.fail(f"no passage {anchor}")


@pytest.mark.parametrize(
    ("claim", "of"),
    [
        ("argatroban is contraindicated in renal failure", KIDNEY),
        ("it accumulates in cirrhosis", LIVER),
        ("needs are lower when liver and kidneys both fail", None),
        ("it is safe in pregnancy", None),
    ],
)
def test_a_claim_is_about_one_organ_or_none(claim: str, of: Impairment | None) -> None:
    assert impairment(claim, frozenset()) == of


def test_less_and_no_less_are_told_apart() -> None:
    assert lowers("argatroban needs dose reduction in renal impairment")
    assert lowers("bivalirudin is broken down by the liver")
    assert not lowers("argatroban needs no dose reduction in renal impairment")
    assert leaves_unchanged("argatroban needs no dose reduction in renal impairment")
    assert not leaves_unchanged("argatroban is reduced in liver disease")
