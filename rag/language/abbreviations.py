"""Abbreviations that a corpus defines: "activated partial thromboplastin time (aPTT)".

After Schwartz and Hearst, A simple algorithm for identifying abbreviation definitions in biomedical text, Pacific
Symposium on Biocomputing 2003:451-462.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_PARENTHESIS = re.compile(r"\(([A-Za-z0-9][\w/+-]{1,9})(?:[;,][^()]*)?\)")


def abbreviations(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs (short form, long form), sorted. Where a short form has several long forms, the commonest wins."""
    seen: dict[str, Counter[str]] = {}
    for text in texts:
        for short, long in definitions(text):
            seen.setdefault(short, Counter())[long] += 1
    return [(short, min(longs, key=lambda form: (-longs[form], form))) for short, longs in sorted(seen.items())]


def definitions(text: str) -> list[tuple[str, str]]:
    """Pairs (short form, long form) defined in ``text`` in the pattern "long form (SHORT)"."""
    pairs = []
    for match in _PARENTHESIS.finditer(text):
        short = match[1]
        if not any(c.isupper() for c in short):
            continue
        window = text[: match.start()].split()[-min(len(short) + 5, 2 * len(short)) :]
        long = _long_form(short, " ".join(window))
        if long:
            pairs.append((short, long))
    return pairs


def _long_form(short: str, before: str) -> str | None:
    """The shortest tail of ``before`` that has the letters of ``short`` in order, its first one starting a word."""
    at = len(before)
    for i in range(len(short) - 1, -1, -1):
        letter = short[i].lower()
        if not letter.isalnum():
            continue
        at -= 1
        while at >= 0 and (before[at].lower() != letter or (i == 0 and at > 0 and before[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return None
    long = before[before.rfind(" ", 0, at) + 1 :]
    is_plausible = len(long) > len(short) and long.lower() != short.lower() and short not in long.split()
    return long if is_plausible and not any(c in long for c in "()[];:.,") else None
