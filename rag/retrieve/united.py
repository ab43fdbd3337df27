"""Passages of a question and of the questions that it consists of, as one list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rag.domain import Hit


def united(whole: Sequence[Hit], parts: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """The best ``k``: the first half of the whole question's own, then its parts' in turn, then its other ones.

    What only a part has found comes after the half, whatever its score: by itself it answers less than is asked.

    Args:
        whole: best first, as each of ``parts`` is.
    """
    first = list(whole[: (k + 1) // 2] if parts else whole[:k])
    least = min((hit.score for hit in first), default=0.0)
    own = {hit.passage_id: hit for hit in whole}
    found = {hit.passage_id: hit for hit in first}
    for hit in (*_in_turn(parts), *whole):
        if len(found) >= k:
            break
        known = own.get(hit.passage_id) or hit._replace(score=min(hit.score, least))
        found.setdefault(hit.passage_id, known)
    return sorted(found.values(), key=lambda hit: (-hit.score, hit.passage_id))


def _in_turn(parts: Sequence[Sequence[Hit]]) -> Iterator[Hit]:
    return (hit for place in zip_longest(*parts) for hit in place if hit is not None)
