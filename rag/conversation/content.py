"""What a text says, word by word, and which of it another text does not say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language.lexicon import Lexicon, tokens
from rag.language.terms import STOP_WORDS, stem

#: Words that join, hedge or ask, beside the stop words: what is asked is no other without them.
_EMPTY = frozenset(
    "even still also already currently really actually please just then ok okay ll re ve d m isn aren doesn don didn "
    "won can cannot couldn wouldn shouldn hasn haven patient instead right correct true exactly going get got "
    "else what mean means meant too well yes yet".split()
)
_NOT = frozenset({"no", "not", "never", "without", "none", "isn", "aren", "doesn", "don", "didn", "cannot", "cant"})
_SHORTENED = re.compile(r"n['’]t\b", re.IGNORECASE)


def lost(said: str, question: str, lexicon: Lexicon, gone: Sequence[str] = ()) -> list[str]:
    """Words of ``said`` that ``question`` has neither as they stand nor by the name of their concept, in order.

    Stop words count for nothing; a negation is lost where ``question`` denies nothing.

    Args:
        gone: words that were given up knowingly, such as a value that was corrected.
    """
    kept = " ".join((question, *gone))
    spoken = {c for m in lexicon.mentions(kept) for c in (m.concept, *lexicon.ancestors(m.concept))}
    known = {stem(t.key) for t in tokens(" ".join((kept, *spoken)))} | {t.key for t in tokens(kept)}
    named = [m for m in lexicon.mentions(said) if m.concept in spoken]
    words = [
        t.text
        for t in tokens(said)
        if t.key not in STOP_WORDS | _EMPTY
        and stem(t.key) not in known
        and not any(m.start <= t.start < m.end for m in named)
    ]
    return words + (["not"] if denies(said) and not denies(kept) else [])


def denies(text: str) -> bool:
    return bool(_SHORTENED.search(text)) or any(t.key in _NOT for t in tokens(text))
