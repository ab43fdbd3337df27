"""Whether the passages that were found hold the words that answer: retrieval finer than by documents.

The answers of MedQuAD and COVID-QA are stretches of long documents. A passage holds one when at least half of the
stretch's runs of five words stand in it, or half of its own in the stretch, which may be longer than a passage. Words
are compared in small letters without marks, so that offsets of another reader of the document do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.domain import Item, Response, Score, Scores, unscored

CUTOFFS = (1, 5, 10)
NAMES = tuple(f"span@{k}" for k in CUTOFFS)
_RUN, _HALF = 5, 0.5
_WORD = re.compile(r"[^\W_]+")


def span_scores(item: Item, response: Response) -> Scores:
    """``span@k``: whether one of the first ``k`` passages holds a stretch that answers. Nothing without any."""
    wanted = [runs for text in item.gold.evidence if (runs := _runs(text))]
    if not wanted:
        return {}
    if response.ranking and not response.passages:
        return dict.fromkeys(NAMES, unscored("the system gives documents and no passages"))
    held = [any(_holds(_runs(passage), runs) for runs in wanted) for passage in response.passages[: max(CUTOFFS)]]
    return {f"span@{k}": Score(value=float(any(held[:k]))) for k in CUTOFFS}


def _holds(passage: frozenset[tuple[str, ...]], stretch: frozenset[tuple[str, ...]]) -> bool:
    shared = len(passage & stretch)
    return shared >= _HALF * len(stretch) or (bool(passage) and shared >= _HALF * len(passage))


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of five words, or the words of a shorter text as one; none of a text without words."""
    words: Sequence[str] = _WORD.findall(text.lower())
    return frozenset(tuple(words[i : i + _RUN]) for i in range(max(1, len(words) - _RUN + 1))) if words else frozenset()
