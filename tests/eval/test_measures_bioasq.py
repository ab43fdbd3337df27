"""BioASQ's exact answers, from the definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures import bioasq

NAME = st.sampled_from(["IVIG", "ivig", "heparin", "argatroban", "PF4", "platelet factor 4", "bivalirudin"])
ENTITIES = st.lists(st.lists(NAME, min_size=1, max_size=3), min_size=1, max_size=6)
GOLD = [["platelet factor 4", "PF4"]]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([["pf4"]], (1, 1, 1)),
        ([["Platelet  Factor 4 "]], (1, 1, 1)),
        ([["heparin"], ["thrombin", "PF4"]], (0, 1, 1 / 2)),
        ([["a"], ["b"], ["c"], ["d"], ["PF4"]], (0, 1, 1 / 5)),
        ([["a"], ["b"], ["c"], ["d"], ["e"], ["PF4"]], (0, 0, 0)),
        ([["PF-4"]], (0, 0, 0)),
        ([], (0, 0, 0)),
        ([[], [""]], (0, 0, 0)),
    ],
)
def test_factoid(candidates: list[list[str]], expected: tuple[float, float, float]) -> None:
    assert bioasq.factoid(GOLD, candidates) == expected


@given(gold=ENTITIES, candidates=ENTITIES)
def test_a_factoid_is_strict_only_if_lenient(gold: list[list[str]], candidates: list[list[str]]) -> None:
    found = bioasq.factoid(gold, candidates)
    assert found is not None
    assert found.strict <= found.reciprocal_rank <= found.lenient
    assert bioasq.factoid(gold, gold) == (1, 1, 1)


def test_list() -> None:
    gold = [["argatroban"], ["bivalirudin", "Angiomax"], ["fondaparinux"]]
    found = bioasq.listed(gold, [["ARGATROBAN"], ["angiomax"], ["heparin"], ["bivalirudin"]])
    # Two of four are right: the second name of bivalirudin finds nothing that is still free.
    assert found == pytest.approx((2 / 4, 2 / 3, 4 / 7))
    assert bioasq.listed(gold, []) == (0, 0, 0)
    late = [["x"]] * 100 + [["argatroban"]]
    assert bioasq.listed(gold, late) == (0, 0, 0)


@given(names=st.lists(NAME.map(str.lower), min_size=1, unique=True), cut=st.integers(0, 7), more=st.integers(0, 3))
def test_a_part_of_a_list_is_precise_and_padding_is_not(names: list[str], cut: int, more: int) -> None:
    gold = [[name] for name in names]
    part = gold[:cut]
    found = bioasq.listed(gold, [*part, *([["wrong"]] * more)])
    given_ = len(part) + more
    assert found is not None
    assert found[:2] == pytest.approx((len(part) / given_ if given_ else 0, len(part) / len(gold)))


def test_nothing_is_not_0() -> None:
    assert bioasq.factoid([], [["a"]]) is None
    assert bioasq.listed([[""]], [["a"]]) is None
