"""What of a reference an answer says and denies: claims and their values.

A judge decides whether the statements of an answer, read together, say a claim. An answer that was not given says
nothing: its recall is 0, not unscored. What the reference lacks is unscored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eval.article import answered
from eval.domain import Article, Claim, Erratum, Item, Response, Score, Scores, unscored
from eval.judges.base import Judge, Judgement
from eval.values import content_words, is_said, shared, speaking_of

#: Of an erratum's content words, what a claim must have before the judge is asked whether it is that erratum.
_LIKE_AN_ERRATUM = 0.5


class Judged(NamedTuple):
    claim: Claim
    judgement: Judgement

    @property
    def is_said(self) -> bool:
        return self.judgement.label == "entailed"


def claim_scores(item: Item, response: Response, judge: Judge) -> Scores:
    """Claim recall (all, must, nice) and precision, contradictions and values recall of one answer.

    ``claim_precision`` keeps recall from growing with length alone. As nugget precision of TREC's question answering
    (Voorhees 2003, "Overview of the TREC 2003 Question Answering Track") it is an allowance over the length of the
    answer, at most 1, in characters without white space; but what a claim allows is its own length, not 100
    characters. So it is 1 for the claims alone and near 0 for all that is known. Unscored where nothing is said.

    Claims that repeat an erratum of the reference are left out of all of them, so that nobody gains by saying them.
    ``contradictions`` counts claims that the answer denies.
    """
    claims, left_out = sound_claims(item, judge)
    article = answered(response)
    lines = [s.text for s in article.said()]
    judged = [Judged(c, judge.judge(c.text, lines)) for c in claims]
    why = "" if lines else silence(response)
    beside: dict[str, Any] = {"errata_left_out": [c.text for c in left_out]} if left_out else {}
    scores = {
        "claim_recall": _recall(judged, why, beside),
        "claim_recall_must": _recall([j for j in judged if j.claim.importance == "must"], why, beside),
        "claim_recall_nice": _recall([j for j in judged if j.claim.importance == "nice"], why, beside),
    }
    if not judged:
        rest = ("claim_precision", "contradictions", "values_recall")
        return scores | {name: unscored("no claims in the reference") for name in rest}
    denied = {j.claim.claim_id: _trace(j) for j in judged if j.judgement.label == "contradicted"}
    return scores | {
        "claim_precision": _precision(judged, lines) if lines else unscored(why),
        "contradictions": Score(value=float(len(denied)), reason=why, details={"contradicted": denied}),
        "values_recall": _values_recall(judged, article, why),
    }


def sound_claims(item: Item, judge: Judge) -> tuple[list[Claim], list[Claim]]:
    """The claims of the reference that are right, and those that repeat one of its errata.

    A claim repeats one if it is the same sentence; or, where it names no facts behind it, as those of a plain article
    do not, if the judge finds that it says the erratum and not the correction.
    """
    sound: list[Claim] = []
    wrong: list[Claim] = []
    for claim in item.gold.claims:
        (wrong if any(repeats(claim, e, judge) for e in item.gold.errata) else sound).append(claim)
    return sound, wrong


def repeats(claim: Claim, erratum: Erratum, judge: Judge) -> bool:
    """See ``sound_claims``; the judge is asked only about claims with half of the erratum's content words."""
    if folded(claim.text) == folded(erratum.claim):
        return True
    wanted = content_words(erratum.claim)
    if claim.facts or not wanted or len(wanted & content_words(claim.text)) < _LIKE_AN_ERRATUM * len(wanted):
        return False
    says_error = judge.judge(erratum.claim, [claim.text]).label == "entailed"
    return says_error and judge.judge(erratum.correction, [claim.text]).label != "entailed"


def folded(text: str) -> str:
    """A sentence without regard to case, white space and its full stop."""
    return " ".join(text.casefold().split()).rstrip(".")


def silence(response: Response) -> str:
    return f"nothing was said: {response.error or response.outcome.value}"


def _recall(judged: Sequence[Judged], why: str, beside: dict[str, Any]) -> Score:
    if not judged:
        return unscored("no claims of this kind in the reference")
    said = {j.claim.claim_id: _trace(j) for j in judged if j.is_said}
    missed = {j.claim.claim_id: _trace(j) for j in judged if not j.is_said}
    return Score(value=len(said) / len(judged), reason=why, details={"said": said, "missed": missed, **beside})


def _precision(judged: Sequence[Judged], lines: Sequence[str]) -> Score:
    said, length = sum(_characters(j.claim.text) for j in judged if j.is_said), sum(map(_characters, lines))
    return Score(value=min(1.0, said / length), details={"claims": said, "answer": length})


def _characters(text: str) -> int:
    """Without white space."""
    return len("".join(text.split()))


def _trace(judged: Judged) -> dict[str, Any]:
    """A claim with what the judge found: a sentence that says or denies it, or what is missing."""
    label, support, reason = judged.judgement
    return {"claim": judged.claim.text, "label": label, "support": support, "reason": reason}


def _values_recall(judged: Sequence[Judged], article: Article, why: str) -> Score:
    """The share of the claims' values that are said of what the claim is about.

    A value counts if it is in a statement that speaks of its claim, which is decided by shared words
    (``eval.values.speaking_of``), whether or not the statement says the whole claim; or in any statement, if the judge
    finds the claim said. So an altered dose does not count because the number stands elsewhere in the answer.
    """
    contexts = ["", *(part.heading for part in article.parts)]
    groups = [article.bottom_line, *(part.said for part in article.parts)]
    pairs = [(s.text, heading) for heading, group in zip(contexts, groups, strict=True) for s in group]
    lines, headings = [text for text, _ in pairs], [heading for _, heading in pairs]
    found: list[dict[str, str]] = []
    missing: list[dict[str, str]] = []
    for claim, judgement in judged:
        texts = lines if judgement.label == "entailed" else list(speaking_of(claim.text, lines, headings))
        for value in claim.values:
            row = {"claim_id": claim.claim_id, "value": value}
            if sentence := shared(value, texts, claim.text):
                found.append(row | {"sentence": sentence})
            else:
                missing.append(row | _elsewhere(value, lines, claim))
    if not found and not missing:
        return unscored("no claim of the reference has a value")
    share = len(found) / (len(found) + len(missing))
    return Score(value=share, reason=why, details={"found": found, "missing": missing})


def _elsewhere(value: str, lines: Sequence[str], claim: Claim) -> dict[str, str]:
    """Where a missing value is said of something else, for a reader."""
    return next(({"said_of_something_else": text} for text in lines if is_said(value, text, claim.text)), {})
