"""Statements in other words than their evidence, as a clinician would judge them: floors for the whole table.

The verifier is not asked to be right on each: a floor keeps what was reached, and wrong supports are counted apart.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline

TABLE = Path(__file__).parent.parent / "tables" / "paraphrased.yaml"
Item = dict[str, str]


@cache
def table() -> list[Item]:
    items: list[Item] = yaml.safe_load(TABLE.read_text("utf-8"))
    return items


def judged(verifier: Verifier) -> list[tuple[Item, Verdict]]:
    return [(item, verifier.verify(item["statement"], [item["evidence"]]).verdict) for item in table()]


def two_way(found: list[tuple[Item, Verdict]]) -> float:
    right = [(verdict is Verdict.SUPPORTED) == (item["verdict"] == "supported") for item, verdict in found]
    return sum(right) / len(right)


def wrongly_supported(found: list[tuple[Item, Verdict]]) -> list[str]:
    return [i["statement"] for i, verdict in found if verdict is Verdict.SUPPORTED and i["verdict"] != "supported"]


def test_the_table_is_large_and_its_items_differ() -> None:
    assert len(table()) >= 60
    assert {item["verdict"] for item in table()} == {"supported", "contradicted", "unsupported"}
    assert len({(item["statement"], item["evidence"]) for item in table()}) == len(table())


def test_rules_alone_support_nothing_wrong() -> None:
    found = judged(Verifier(Lexicon.load()))
    assert wrongly_supported(found) == []
    assert two_way(found) >= 0.7


def test_with_the_model_most_are_judged_as_a_clinician_would(pipeline: Pipeline) -> None:
    found = judged(pipeline.verifier)
    assert two_way(found) >= 0.83
    assert len(wrongly_supported(found)) <= 2


@pytest.mark.parametrize(
    ("statement", "evidence"),
    [
        (
            "Edoxaban is not recommended in moderate hepatic impairment.",
            "Edoxaban is not recommended in patients with moderate or severe hepatic impairment.",
        ),
        (
            "Avoid rivaroxaban in severe hepatic impairment.",
            "Avoid rivaroxaban in moderate and severe hepatic impairment.",
        ),
        (
            "The guideline advises against routine platelet transfusion in acute HIT.",
            "The guideline recommends against routine platelet transfusion in acute HIT.",
        ),
        (
            "Apixaban lowered the rate of stroke compared with warfarin.",
            "Compared with warfarin, apixaban reduced the rate of stroke.",
        ),
    ],
)
def test_one_of_alternatives_less_firm_advice_and_the_same_way(statement: str, evidence: str) -> None:
    assert Verifier(Lexicon.load()).verify(statement, [evidence]).verdict is Verdict.SUPPORTED


def test_a_severity_that_is_not_among_the_alternatives_is_refused() -> None:
    source = "Edoxaban is not recommended in patients with moderate or severe hepatic impairment."
    found = Verifier(Lexicon.load()).verify("Edoxaban is not recommended in mild hepatic impairment.", [source])
    assert "population" in {r.kind for r in found.reasons}
