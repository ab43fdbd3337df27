"""Decisions against right ones: yes, no or maybe; an option's letter; whether evidence supports a claim."""

from __future__ import annotations

from eval.domain import Item, Response, Score, Scores


def label_scores(item: Item, response: Response) -> Scores:
    """``accuracy`` and ``decided``. No decision is wrong, as the owners of these data count it."""
    right = item.gold.label
    if right is None:
        return {}
    given = response.label
    correct = Score(value=float(given == right), details={"given": given, "right": right})
    return {"accuracy": correct, "decided": Score(value=float(given is not None))}


def entailment_scores(item: Item, response: Response) -> Scores:
    """``label_scores``, and for altered and true sentences whether they were caught or accepted.

    A system that failed caught nothing.
    """
    scores = label_scores(item, response)
    is_supported = response.label == "supports"
    if item.kind.startswith("altered"):
        is_caught = response.error is None and not is_supported
        details = {"alteration": item.kind}
        scores["altered_caught"] = Score(value=float(is_caught), reason=response.error or "", details=details)
    elif item.kind.startswith("true"):
        scores["true_accepted"] = Score(value=float(is_supported))
    return scores


def failed(response: Response) -> Scores:
    """``failed``: whether the system broke on the item."""
    return {"failed": Score(value=float(response.error is not None), reason=response.error or "")}


def worded(response: Response) -> Scores:
    """``worded``, of an answer for which Osler asked a language model; its reason is why the model was not used."""
    wording = response.receipt.get("wording")
    if not isinstance(wording, dict) or "written" not in wording:
        return {}
    written, quoted, reason = wording["written"], wording.get("quoted", 0), wording.get("reason") or ""
    return {"worded": Score(value=written / max(1, written + quoted), reason=reason)}


def cost_scores(response: Response) -> Scores:
    """``seconds`` and tokens, where the system gives them: one that uses no language model counts none."""
    scores: Scores = {}
    if response.seconds is not None:
        scores["seconds"] = Score(value=response.seconds)
    if response.usage is None:
        return scores
    scores["tokens_prompt"] = Score(value=float(response.usage.prompt))
    scores["tokens_completion"] = Score(value=float(response.usage.completion))
    return scores
