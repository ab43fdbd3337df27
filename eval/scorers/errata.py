"""Fidelity to errata: whether an answer repeats what is known to be wrong in a reference, or corrects it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.article import answered
from eval.domain import Erratum, Item, Response, Score, Scores, unscored
from eval.judges.base import Judge
from eval.scorers.claims import silence
from eval.scorers.structure import Similar

NAMES = ("errata_repeated", "errata_corrected")


def errata_scores(item: Item, response: Response, judge: Judge, similar: Similar) -> Scores:
    """Shares of the reference's errata that the answer repeats, and that it corrects.

    An erratum is *repeated* if the judge finds that the answer says the wrong claim, and no statement is more like the
    correction than the nearest one is like the claim: the two speak of the same, and a judge that goes by likeness
    finds the claim in its own correction. It is *corrected* if the judge finds the correction. If the judge finds both,
    the one that it is surer of counts; if it is as sure of both, one statement that alone says both is a correction, as
    it says more than the wrong claim or names it to correct it, while different statements make it both.
    """
    if not item.gold.errata:
        return {name: unscored("the reference has no errata") for name in NAMES}
    lines = [s.text for s in answered(response).said()]
    rows = [_fidelity(erratum, lines, judge, similar) for erratum in item.gold.errata]
    why, details = "" if lines else silence(response), {"errata": rows}
    return {
        name: Score(value=sum(bool(row[word]) for row in rows) / len(rows), reason=why, details=details)
        for name, word in zip(NAMES, ("repeated", "corrected"), strict=True)
    }


def _fidelity(erratum: Erratum, lines: Sequence[str], judge: Judge, similar: Similar) -> dict[str, Any]:
    wrong, right = judge.judge(erratum.claim, lines), judge.judge(erratum.correction, lines)
    corrected = right.label == "entailed"
    like_wrong, like_right = (max((similar(t, of) for t in lines), default=0.0)
                              for of in (erratum.claim, erratum.correction))  # fmt: skip
    repeated = wrong.label == "entailed" and like_wrong >= like_right
    if repeated and corrected and wrong.support != right.support:
        repeated = wrong.support > right.support
        corrected = not repeated
    elif repeated and corrected:
        alone = [t for t in lines if judge.judge(erratum.claim, [t]).label == "entailed"]
        repeated = any(judge.judge(erratum.correction, [t]).label != "entailed" for t in alone)
    return {
        "erratum_id": erratum.erratum_id,
        "claim": erratum.claim,
        "correction": erratum.correction,
        "repeated": repeated,
        "corrected": corrected,
        "claim_judged": wrong._asdict(),
        "correction_judged": right._asdict(),
        "likeness": {"claim": round(like_wrong, 3), "correction": round(like_right, 3)},
    }
