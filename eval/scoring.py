"""How a response is scored: which measures an item calls for, and the judges that they need.

An item's gold decides. What a measure needs and the item lacks leaves it out; what a judge could not judge leaves it
unscored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from eval.domain import Item, Response, Score, Scores, unscored
from eval.judges.base import Judge, JudgeError, Judgement
from eval.measures import ranking
from eval.scorers import citations as citations_of
from eval.scorers import errata
from eval.scorers.abstention import abstention_scores
from eval.scorers.citations import checked_score, citation_scores
from eval.scorers.claims import claim_scores
from eval.scorers.errata import errata_scores
from eval.scorers.kqa import kqa_scores
from eval.scorers.labels import cost_scores, entailment_scores, failed, label_scores, worded
from eval.scorers.named import measure
from eval.scorers.reference_answers import entity_scores, evidence_scores, overlap_scores, rubric_scores
from eval.scorers.spans import span_scores
from eval.scorers.stability import obedience
from eval.scorers.structure import Similar, Thresholds, related_scores, section_scores, structure_scores

T = TypeVar("T")
Task = Literal["answers", "retrieval", "verification"]
RANKING = ("nDCG@10", "AP", "RR", "R@10", "R@100", "P@5", "P@10", "Success@1", "Success@10", "Judged@10")
#: Measures that stay unscored together when a judge fails.
CLAIMS = ("claim_recall", "claim_recall_must", "claim_recall_nice", "claim_precision", "contradictions",
          "values_recall")  # fmt: skip
KQA = ("completeness", "hallucinations")


class Scoring:
    """Scores responses. Safe to share between threads.

    Args:
        task: what the items are for; retrieval and verification need no judge.
        judge: whether an answer says a claim.
        citation_judge: whether quotes support a statement.
        similar: cosine of the embeddings of two texts, for likeness of headings, questions and answers.
        limits: from which likeness on headings and questions count as the same.
        grader: grades the rubric of an item, where one is configured; without it a rubric stays unscored.
    """

    def __init__(
        self,
        task: Task,
        judge: Judge | None = None,
        citation_judge: Judge | None = None,
        similar: Similar | None = None,
        limits: Thresholds | None = None,
        grader: Callable[[Item, Response], Score] | None = None,
    ) -> None:
        self._judge, self._citation_judge, self._similar, self._grader = judge, citation_judge, similar, grader
        self._limits = limits
        self._scored = {"answers": self._answer, "retrieval": self._ranking, "verification": entailment_scores}[task]

    def __call__(self, item: Item, response: Response) -> Scores:
        scores = _nothing_gained(self._scored(item, response), response)
        return {**failed(response), **scores, **worded(response), **cost_scores(response)}

    def _answer(self, item: Item, response: Response) -> Scores:
        similar, judge = _needed(self._similar), _needed(self._judge)
        claims, citations = _Once(judge), _Once(self._citation_judge or judge)
        gold, related = item.gold, related_scores(item, response, similar, self._limits)
        return {
            **(_judged(CLAIMS, lambda: claim_scores(item, response, claims)) if gold.claims else {}),
            **(_judged(errata.NAMES, lambda: errata_scores(item, response, claims, similar)) if gold.errata else {}),
            **(section_scores(item, response, similar, self._limits) if gold.outline else {}),
            **{name: score for name, score in related.items() if gold.related or name != "related_coverage"},
            **checked_score(response),
            **_judged(citations_of.NAMES, lambda: citation_scores(item, response, citations)),
            **structure_scores(item, response),
            **_judged(KQA, lambda: kqa_scores(item, response, claims)),
            **abstention_scores(item, response, claims),
            **label_scores(item, response),
            **overlap_scores(item, response, similar),
            **evidence_scores(item, response),
            **entity_scores(item, response),
            **self._rubric(item, response),
            **obedience(item, response),
        }

    def _rubric(self, item: Item, response: Response) -> Scores:
        return {"rubric": self._grader(item, response)} if self._grader and item.gold.rubric else rubric_scores(item)

    def _ranking(self, item: Item, response: Response) -> Scores:
        relevant = item.gold.relevant
        if not any(grade > 0 for grade in relevant.values()):
            return dict.fromkeys(RANKING, unscored("no document is judged relevant"))
        spans = span_scores(item, response)
        found = ranking.evaluate({item.item_id: relevant}, {item.item_id: response.ranking}, RANKING)
        return {name: Score(value=value) for name, value in found.topics[item.item_id].items()} | spans


class _Once:
    """A judge for one item: several scores ask the same of the same statements, and it answers them once."""

    def __init__(self, judge: Judge) -> None:
        self.name, self._judge = judge.name, judge
        self._known: dict[tuple[str, tuple[str, ...]], Judgement] = {}

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        asked = (claim, tuple(premises))
        if asked not in self._known:
            self._known[asked] = self._judge.judge(claim, premises)
        return self._known[asked]


def _nothing_gained(scores: Scores, response: Response) -> Scores:
    """The scores, but of a system that failed none in which less is better: it said nothing wrong by breaking."""
    if response.error is None:
        return scores
    gained = unscored(f"the system failed: {response.error}")
    return {name: gained if measure(name).better == "lower" else score for name, score in scores.items()}


def _needed(given: T | None) -> T:
    if given is None:
        raise TypeError("scoring of answers: needs a judge and a similarity of texts")
    return given


def _judged(names: tuple[str, ...], score: Callable[[], Scores]) -> Scores:
    """The scores, or when the judge could not judge, each of ``names`` unscored with its reason."""
    try:
        return score()
    except JudgeError as error:
        return dict.fromkeys(names, unscored(str(error)))
