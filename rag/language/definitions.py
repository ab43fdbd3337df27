"""Sentences that say what a term is: "Argatroban is a synthetic direct thrombin inhibitor ...".

Definition patterns after Hearst, Automatic acquisition of hyponyms from large text corpora, COLING 1992:539-545
(apposition), and Klavans and Muresan, Evaluation of the DEFINDER system for fully automatic glossary construction, AMIA
2001:324-328 (copula and defining verbs). A pattern alone finds mostly advice ("argatroban is a reasonable option"), so
that what a term is must be something that a thing can be, and no judgement of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: Between a term and its verb: its plural, its abbreviation.
_ASIDE = r"s?[\"”’']?(?:\s*\([^()]{1,60}\))?"
_PATTERNS = (
    re.compile(rf"{_ASIDE},?\s+(?:(?:is|are)\s+(?:best\s+|usually\s+)?defined\s+as|refers?\s+to|(?:is|are)\s+the\s+(?:name|"
               r"term)\s+(?:for|of)|means|denotes)\s+", re.IGNORECASE),
    re.compile(rf"{_ASIDE},?\s+(?:is|are)\s+(?=(?:an?|the|one\s+of|any)\s)", re.IGNORECASE),
    re.compile(rf"{_ASIDE},\s+(?=an?\s[^,;]{{8,120}},\s+(?:is|are|was|were|has|have|can|may|acts|works|inhibits|causes)\b)",
               re.IGNORECASE),
)  # fmt: skip
_ARTICLE = re.compile(r"(?:an?|the|one\s+of\s+(?:the|several|many)|any)\s+", re.IGNORECASE)
_START = re.compile(r"(?:an?|the)?\s*[\"“‘']?", re.IGNORECASE)
_HEAD_END = re.compile(r"\s(?:after|among|because|but|by|for|from|if|in|of|on|that|to|when|which|who|with)\s|[;:(]")
#: What something is said to be when it is judged or advised, not defined.
_JUDGED = frozenset(
    """
    adjunct alternative alternatives best better brand candidate cause causes challenge characteristic choice common
    commonest concern consideration contraindication contraindications cornerstone critical difficult effective
    example fatal feasible feature few first first-line focus frequent frequently good great greater greatest high
    higher highest important issue key leading less limitation low lower lowest main mainly mainstay major matter
    more most necessary need next number only option options particular poor possibility possible potential
    potentially predictor predictors preferable preferred primary priority problem promising rare rarely reason
    reasonable recommended relevant result risk role safe safer same second single source standard strategy strong
    substantial substitute suggested suitable superior target third topic trademark useful valid viable well widely
    """.split()
)
_LONGEST, _SHORTEST = 320, 5


class Definition(NamedTuple):
    """``rank`` is 0 for a defining verb, 1 for a copula, 2 for an apposition.

    ``text[start:]`` says what the term is; an apposition ends before the next comma.
    """

    rank: int
    start: int
    end: int


def definition(text: str, start: int, end: int) -> Definition | None:
    """How the sentence ``text`` defines the term ``text[start:end]`` that it begins with; None if it does not."""
    if not _START.fullmatch(text, 0, start) or len(text) > _LONGEST:
        return None
    for rank, pattern in enumerate(_PATTERNS):
        match = pattern.match(text, end)
        if match:
            stop = text.find(",", match.end()) if rank == 2 else len(text.rstrip(" ."))
            said = text[match.end() : stop]
            return Definition(rank, match.end(), stop) if _says_what_it_is(said, rank) else None
    return None


def _says_what_it_is(said: str, rank: int) -> bool:
    """Whether the head of ``said``, up to its first preposition, names a kind of thing and judges nothing."""
    words = said.split()
    if len(words) < _SHORTEST and rank:
        return False
    article = _ARTICLE.match(said)
    rest = said[article.end() :] if article else said
    head = re.split(r"\s(?:after|among|because|but|by|for|from|if|in|of|on|that|to|when|which|who|with)\s|[;:(]", rest)[
        0
    ]
    return _JUDGED.isdisjoint(re.findall(r"[\w-]+", head.lower()))
