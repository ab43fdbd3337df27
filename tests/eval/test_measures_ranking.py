"""Measures of rankings against ``pytrec_eval`` and against their definitions, written out here."""

from __future__ import annotations

import math

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.measures.ranking import DEFAULT, evaluate

DOCUMENTS = [f"d{n}" for n in range(12)]
TOPICS = ["q1", "q2", "q3"]
QRELS = st.dictionaries(st.sampled_from(TOPICS), st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3)))
SCORED = st.tuples(st.sampled_from(DOCUMENTS), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
RUNS = st.dictionaries(st.sampled_from([*TOPICS, "q4"]), st.lists(SCORED, max_size=12, unique_by=lambda d: d[0]))
NAMES = (*DEFAULT, "nDCG@3", "P@3", "R@3", "Success@3", "RR@3", "Judged@3")
K = {name: int(name.partition("@")[2] or 1000) for name in NAMES}


def by_hand(name: str, grades: dict[str, int], order: list[str]) -> float:
    """The measure from its definition."""
    top = order[: K[name]]
    relevant = [grades.get(d, 0) > 0 for d in top]
    total = sum(g > 0 for g in grades.values())
    ranks = [i for i, r in enumerate(relevant, start=1) if r]
    match name.partition("@")[0]:
        case "P":
            return len(ranks) / K[name]
        case "R":
            return len(ranks) / total
        case "Success":
            return float(bool(ranks))
        case "RR":
            return 1 / ranks[0] if ranks else 0.0
        case "AP":
            return sum((i + 1) / rank for i, rank in enumerate(ranks)) / total
        case "Judged":
            return sum(d in grades for d in top) / len(top) if top else 0.0
        case _:
            gained = [grades.get(d, 0) for d in top]
            ideal = sorted(grades.values(), reverse=True)[: K[name]]
            return dcg(gained) / dcg(ideal)


def dcg(grades: list[int]) -> float:
    return sum(g / math.log2(i + 2) for i, g in enumerate(grades))


@given(qrels=QRELS, run=RUNS)
def test_values_are_those_of_the_definitions(
    qrels: dict[str, dict[str, int]], run: dict[str, list[tuple[str, float]]]
) -> None:
    found = evaluate(qrels, run, NAMES)
    scored = {topic for topic, grades in qrels.items() if any(grades.values())}
    assert set(found.topics) == scored
    assert set(found.without_relevant) == set(qrels) - scored
    assert set(found.missing) == {topic for topic in scored if not run.get(topic)}
    assert set(found.unjudged) == set(run) - set(qrels)
    for topic, values in found.topics.items():
        order = [d for d, _ in sorted(run.get(topic, []), key=lambda d: -d[1])]
        assert values == pytest.approx({name: by_hand(name, qrels[topic], order) for name in NAMES})
    for name in NAMES:
        values_of = [values[name] for values in found.topics.values()]
        assert found.means[name] == (pytest.approx(sum(values_of) / len(values_of)) if values_of else None)


@given(qrels=QRELS, order=st.permutations(DOCUMENTS))
def test_values_are_those_of_pytrec_eval(qrels: dict[str, dict[str, int]], order: list[str]) -> None:
    scores = {d: float(-i) for i, d in enumerate(order)}
    names = {"nDCG@10": "ndcg_cut_10", "AP": "map", "RR": "recip_rank", "P@3": "P_3", "R@5": "recall_5"}
    found = evaluate(qrels, {topic: list(scores.items()) for topic in qrels}, tuple(names))
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map", "recip_rank", "P.3", "recall.5"})
    theirs = evaluator.evaluate(dict.fromkeys(qrels, scores))
    for topic, values in found.topics.items():
        assert values == pytest.approx({name: theirs[topic][official] for name, official in names.items()})


def test_the_list_is_the_ranking_where_scores_are_equal() -> None:
    qrels = {"q": {"a": 1}}
    assert evaluate(qrels, {"q": [("a", 1.0), ("b", 1.0)]}, ["RR"]).means == {"RR": 1.0}
    assert evaluate(qrels, {"q": [("b", 1.0), ("a", 1.0)]}, ["RR"]).means == {"RR": 0.5}
    assert evaluate(qrels, {"q": [("b", 1.0), ("a", 1.0 + 1e-12)]}, ["RR"]).means == {"RR": 1.0}


def test_a_topic_without_documents_counts_as_0() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"b": 2}, "q3": {"c": 0}}
    found = evaluate(qrels, {"q1": [("a", 1.0)], "q2": []}, ["nDCG@10", "Judged@10"])
    assert found.means == {"nDCG@10": 0.5, "Judged@10": 0.5}
    assert (found.missing, found.without_relevant) == (("q2",), ("q3",))


def test_nothing_to_score_has_no_mean() -> None:
    assert evaluate({"q": {"a": 0}}, {"q": [("a", 1.0)]}).means == dict.fromkeys(DEFAULT)


def test_relevance_can_start_at_a_higher_grade() -> None:
    found = evaluate({"q": {"a": 1, "b": 2}}, {"q": [("a", 2.0), ("b", 1.0)]}, ["RR", "RR(rel=2)"])
    assert found.means == {"RR": 1.0, "RR(rel=2)": 0.5}


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="measure 'NDGC@10'"):
        evaluate({"q": {"a": 1}}, {"q": [("a", 1.0)]}, ["NDGC@10"])
    with pytest.raises(ValueError, match="a document comes twice"):
        evaluate({"q": {"a": 1}}, {"q": [("a", 1.0), ("a", 0.5)]})
