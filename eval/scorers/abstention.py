"""Whether what can be answered is, what cannot is not, and a wrong premise is not followed.

``risk`` is the loss of the risk-coverage curve: the share of what must be said that an answer does not say, or 1 for
any answer to what cannot be answered. An item that is not answered has no loss: it is not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.article import answered
from eval.domain import Claim, Item, Response, Score, Scores, unscored
from eval.judges.base import Judge, JudgeError
from eval.scorers.claims import silence
from eval.scorers.structure import bottom_line


def abstention_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """Scores that fit the item's kind; see ``named`` for what each says.

    What the judge could not judge is unscored by itself, as the others need none. A system that failed has neither
    abstained nor left a premise alone: that is an error, not its judgement.
    """
    gold = item.gold
    if gold.answerable is None:
        return {}
    scores: Scores = {}
    if not gold.answerable:
        scores["abstained"] = _unless_failed(not response.is_answer, response)
    elif gold.premise is None:
        scores["answered"] = _unless_failed(response.is_answer, response)
        scores["pertinent_first"] = _first(item, response, judge)
    if gold.premise is not None:
        scores |= _premise_scores(item, response, judge)
    scores["risk"] = _asked(lambda: _risk(item, response, judge))
    return scores


def _premise_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """Nothing where it is not known whether the premise holds."""
    details = {"corrections": list(response.corrections)}
    is_marked = bool(response.corrections)
    if item.gold.premise_holds is None:
        return {}
    if item.gold.premise_holds:
        left_alone = _unless_failed(not is_marked, response)
        return {"premise_left_alone": left_alone.model_copy(update={"details": details})}
    called = Score(value=float(is_marked), details=details)
    return {"premise_called_false": called, "premise_corrected": _first(item, response, judge)}


def _unless_failed(is_so: bool, response: Response) -> Score:
    return Score(value=float(is_so and response.error is None), reason=response.error or "")


def _first(item: Item, response: Response, judge: Judge) -> Score:
    """Whether the bottom line says one of the claims, and does so before it is too long to be one."""
    if not item.gold.claims:
        return unscored("no claims")
    article = answered(response)
    why = "" if article.said() else silence(response)
    return _asked(lambda: _said(item.gold.claims, bottom_line(article), judge, why))


def _risk(item: Item, response: Response, judge: Judge) -> Score:
    if not response.is_answer:
        return unscored("not answered, so not covered")
    if not item.gold.answerable:
        return Score(value=1.0, reason="cannot be answered, and was")
    must = [c for c in item.gold.claims if c.importance == "must"] or item.gold.claims
    if not must:
        return unscored("no claims to hold the answer against")
    found = _found(must, [s.text for s in answered(response).said()], judge)
    return Score(value=1 - len(found) / len(must), details={"said": found})


def _found(claims: Sequence[Claim], lines: Sequence[str], judge: Judge) -> list[str]:
    """Ids of the claims that ``lines`` say."""
    return [c.claim_id for c in claims if judge.judge(c.text, lines).label == "entailed"]


def _said(claims: Sequence[Claim], lines: Sequence[str], judge: Judge, why: str = "") -> Score:
    """Whether ``lines`` say one of the claims; the details are the ids of all that they say."""
    found = _found(claims, lines, judge)
    return Score(value=float(bool(found)), reason=why, details={"said": found})


def _asked(score: Callable[[], Score]) -> Score:
    try:
        return score()
    except JudgeError as error:
        return unscored(str(error))
