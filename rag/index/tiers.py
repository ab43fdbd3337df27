"""Which segments are made one, so that their number grows with the logarithm of the corpus.

After the log-structured merge-tree (O'Neil et al., Acta Informatica 33:351-385, 1996, doi:10.1007/s002360050048), with
the tiers of Lucene's ``TieredMergePolicy``: when a tier of segments of like size has too many, they are made one, which
belongs to a higher tier. So a passage is copied a few times at most, however large the corpus becomes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

#: When a tier has more segments than this, they are made one.
MOST_ALIKE = 8
#: The largest segment that is made, in segments as a build closes them. Each question searches every segment, and each
#: change of a source copies the one that holds it: this bounds both.
LARGEST = 64
#: Where the tiers meet, in the same unit: additions and remains, segments as they are closed, large ones.
_BOUNDS = (1 / 8, 8)


def groups(sizes: Sequence[int], closed_at: int) -> list[list[int]]:
    """Which segments are made one: places in ``sizes``, each in exactly one group, groups in the order of their first.

    Applied to the sizes that its groups come to, it changes nothing.

    Args:
        sizes: passages of each segment.
        closed_at: passages at which a build closes a segment.
    """
    found = [[place] for place in range(len(sizes))]
    while True:
        joined = _joined(found, sizes, closed_at)
        if len(joined) == len(found):
            return found
        found = joined


def is_full(size: int, closed_at: int) -> bool:
    """Whether a segment of that size has no room for another as a build closes them."""
    return size > (LARGEST - 1) * closed_at - closed_at // 2


def _joined(found: Sequence[list[int]], sizes: Sequence[int], closed_at: int) -> list[list[int]]:
    tiers: list[list[list[int]]] = [[] for _ in range(len(_BOUNDS) + 1)]
    for group in found:
        size = sum(sizes[place] for place in group)
        tiers[bisect_right(_BOUNDS, size / closed_at)].append(group)
    joined = []
    for tier in tiers:
        joined += _filled(tier, sizes, LARGEST * closed_at) if len(tier) > MOST_ALIKE else tier
    return sorted(joined)


def _filled(tier: Sequence[list[int]], sizes: Sequence[int], largest: int) -> list[list[int]]:
    """Neighbours put together while they come to no more than ``largest``."""
    filled: list[list[int]] = []
    room = 0
    for group in tier:
        size = sum(sizes[place] for place in group)
        if filled and size <= room:
            filled[-1] = filled[-1] + group
        else:
            filled.append(group)
            room = largest
        room -= size
    return filled
