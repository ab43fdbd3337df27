"""What an edit took out of a text and put into it, by words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"\S+\s*")


class Change(NamedTuple):
    """A stretch of words that two texts have in common, or for which one of them has others, or none."""

    kept: str = ""
    out: str = ""
    put: str = ""


def changes(before: str, after: str) -> Iterator[Change]:
    """What leads from ``before`` to ``after``, in order of reading. Blanks are no words: they change nothing."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, [w.rstrip() for w in old], [w.rstrip() for w in new], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield Change(kept="".join(new[k:m]))
        else:
            yield Change(out="".join(old[i:j]), put="".join(new[k:m]))
