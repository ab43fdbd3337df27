"""Rankings against graded documents, measured by ``ir_measures`` (MacAvaney et al. 2022) over ``trec_eval``'s own code.

A measure is named as there: ``nDCG@10``, ``AP``, ``RR``, ``R@100``, ``P@5``, ``Success@1``, ``Judged@10``,
``AP(rel=2)``. Grades from 1 are relevant unless ``rel`` says otherwise. ``P@k`` divides by k however few documents
there are, ``Judged@k`` by the documents that there are.

The list is the ranking: the order of documents with equal scores counts as it stands, which ``trec_eval`` on its own
would replace by document id, descending. A run that ``eval.trec`` read is in ``trec_eval``'s order already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DEFAULT = ("nDCG@10", "AP", "RR", "R@100", "P@10", "Success@1", "Judged@10")


class Evaluation(NamedTuple):
    """``topics`` are the values by topic and measure, ``means`` those over all scored topics, None without any.

    ``missing`` are scored topics for which the run has no document: they score 0. ``without_relevant`` are left out,
    for no ranking of them is better than another. ``unjudged`` are topics of the run alone; they are left out too.
    """

    topics: dict[str, dict[str, float]]
    means: dict[str, float | None]
    missing: tuple[str, ...]
    without_relevant: tuple[str, ...]
    unjudged: tuple[str, ...]


def evaluate(
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Sequence[tuple[str, float]]],
    measures: Sequence[str] = DEFAULT,
) -> Evaluation:
    """Measures a run.

    Args:
        qrels: Grades by topic and document; documents that are not there are unjudged and count as not relevant.
        run: Documents with scores by topic; sorted here by score, highest first, equal ones as they stand.
        measures: Names of measures.

    Raises:
        ValueError: A name is not a measure's, or a topic has a document twice.
    """
    import ir_measures

    parsed = {_parse(name): name for name in measures}
    scored = {topic: dict(grades) for topic, grades in qrels.items() if any(g > 0 for g in grades.values())}
    found = {topic: _by_rank(topic, run[topic]) for topic in scored if run.get(topic)}
    topics = {topic: dict.fromkeys(measures, 0.0) for topic in scored}
    if found:
        for metric in ir_measures.iter_calc(list(parsed), scored, found):
            topics[metric.query_id][parsed[metric.measure]] = float(metric.value)
    return Evaluation(
        topics,
        {name: _mean([values[name] for values in topics.values()]) for name in measures},
        tuple(topic for topic in scored if topic not in found),
        tuple(topic for topic in qrels if topic not in scored),
        tuple(topic for topic in run if topic not in qrels),
    )


def _parse(name: str) -> Any:
    import ir_measures

    try:
        return ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError):
        raise ValueError(f"measure {name!r}: expected a name of ir_measures, such as nDCG@10, AP or R@100") from None


def _by_rank(topic: str, documents: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Scores that fall with the rank, since ``trec_eval`` orders equal and nearly equal ones in its own way."""
    order = [document for document, _ in sorted(documents, key=lambda d: -d[1])]
    if len(set(order)) < len(order):
        raise ValueError(f"run, topic {topic}: a document comes twice; expected each once")
    return {document: float(len(order) - index) for index, document in enumerate(order)}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
