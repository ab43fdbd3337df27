"""K-QA's two measures: what an answer says of what it must say, and what of all it denies."""

from __future__ import annotations

from eval.article import answered
from eval.domain import Item, Response, Score, Scores
from eval.judges.base import Judge
from eval.measures import kqa
from eval.scorers.claims import silence

_LABELS: dict[str, kqa.Label] = {"entailed": "entails", "neutral": "neutral", "contradicted": "contradicts"}


def kqa_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """``completeness`` and ``hallucinations``, of an item with a reference answer and the statements in it."""
    if not (item.gold.claims and item.gold.answers):
        return {}
    lines = [s.text for s in answered(response).said()]
    labels: dict[str, list[kqa.Label]] = {"must": [], "nice": []}
    for claim in item.gold.claims:
        labels[claim.importance].append(_LABELS[judge.judge(claim.text, lines).label])
    why = "" if lines else silence(response)
    denied = float(kqa.hallucinations(labels["must"], labels["nice"]))
    scores: Scores = {"hallucinations": Score(value=denied, reason=why)}
    complete = kqa.completeness(labels["must"])
    return scores if complete is None else {"completeness": Score(value=complete, reason=why), **scores}
