"""Whether what can be answered is, what cannot is not, and a wrong premise is not followed.

``wrong`` is the loss of the risk-coverage curve: an answer that says none of what it must say, or any answer to what
cannot be answered. An item that is not answered has no loss: it is not covered.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.domain import Claim, Item, Response, Score, Scores, unscored
from eval.judges.base import Judge


def abstention_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """Scores that fit the item's kind; see ``named`` for what each says."""
    gold = item.gold
    if gold.answerable is None:
        return {}
    scores: Scores = {}
    if not gold.answerable:
        scores["abstained"] = Score(value=float(not response.is_answer))
    elif gold.premise is None:
        scores["answered"] = Score(value=float(response.is_answer))
        scores["pertinent_first"] = _first(item, response, judge)
    if gold.premise is not None:
        scores |= _premise_scores(item, response, judge)
    scores["wrong"] = _wrong(item, response, judge)
    return scores


def _first(item: Item, response: Response, judge: Judge) -> Score:
    lines = [s.text for s in response.article.bottom_line]
    found = _said(item.gold.claims, lines, judge)
    return Score(value=float(bool(found)), details={"said": found}) if item.gold.claims else unscored("no claims")


def _premise_scores(item: Item, response: Response, judge: Judge) -> Scores:
    marked = Score(value=float(bool(response.corrections)), details={"corrections": list(response.corrections)})
    if item.gold.premise_holds:
        return {"premise_left_alone": Score(value=1.0 - (marked.value or 0.0), details=marked.details)}
    return {"premise_called_false": marked, "premise_corrected": _first(item, response, judge)}


def _wrong(item: Item, response: Response, judge: Judge) -> Score:
    if not response.is_answer:
        return unscored("not answered, so not covered")
    if not item.gold.answerable:
        return Score(value=1.0, reason="cannot be answered, and was")
    must = [c for c in item.gold.claims if c.importance == "must"] or item.gold.claims
    if not must:
        return unscored("no claims to hold the answer against")
    found = _said(must, [s.text for s in response.article.said()], judge)
    return Score(value=float(not found), details={"said": found})


def _said(claims: Sequence[Claim], lines: Sequence[str], judge: Judge) -> list[str]:
    """Ids of the claims that ``lines`` say."""
    return [c.claim_id for c in claims if judge.judge(c.text, lines).label == "entailed"]
