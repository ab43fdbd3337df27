"""All scores of an answer against a reference article, by one call."""

from __future__ import annotations

from eval.domain import Item, Response, Scores
from eval.judges.base import Judge
from eval.scorers.citations import citation_scores
from eval.scorers.claims import claim_scores, errata_scores
from eval.scorers.structure import Similar, Thresholds, related_scores, section_scores, structure_scores


def article_scores(
    item: Item,
    response: Response,
    judge: Judge,
    similar: Similar,
    *,
    citation_judge: Judge | None = None,
    limits: Thresholds | None = None,
) -> Scores:
    """Scores by the name of the measure; see the functions of each group for what they say.

    Args:
        judge: Of whether the answer says a claim.
        similar: Of headings and of questions, under ``limits``.
        citation_judge: Of whether quotes support a statement; ``judge`` where None.
    """
    return {
        **claim_scores(item, response, judge),
        **errata_scores(item, response, judge),
        **section_scores(item, response, similar, limits),
        **related_scores(item, response, similar, limits),
        **citation_scores(item, response, citation_judge or judge),
        **structure_scores(item, response),
    }
