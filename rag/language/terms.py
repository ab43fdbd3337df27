"""From text to terms: the one analysis that retrieval, coverage and duplicate detection share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import Stemmer

from rag.language.lexicon import Lexicon, Mention, tokens

#: Raise when the analysis of terms or roles changes in a way that the lexicon's digest does not show.
ANALYSIS_VERSION = "3"

#: Words that carry no content, in questions and in passages.
STOP_WORDS = frozenset(
    """
    a about above after again all also although am among an and any are as at be because been before being below
    between both but by can could did do does doing done down during each either else ever few for from further
    had has have having he her here hers him his how i if in into is it its itself just may me might more most
    must my neither no nor not now of off on once one only or other our ours out over own per rather same she
    should so some such than that the their theirs them then there these they this those through to too under
    until up upon us very was we were what when where whether which while who whom whose why will with within
    without would you your yours vs versus et al ie eg s t
    """.split()
)

#: Words that many clinical questions and passages share: they say what is asked, not what it is about.
GENERIC_WORDS = frozenset(
    """
    patient patients person people individual individuals adult adults man woman men women case cases year years
    old management manage managed managing treatment treat treated treating therapy therapies therapeutic
    medication medications medicine drug drugs agent agents approach strategy option options use used using
    usage give given giving gives start started starting starts begin initiate initiated initiating continue
    continued stop stopped take taken taking receive received receiving need needed needs require required
    requires recommended recommend recommends recommendation recommendations suggest suggested guideline
    guidelines guidance label evidence best appropriate preferred choice first line first-line initial standard
    normal daily day days dose doses dosing dosage dosed regimen amount level levels high low severe moderate
    mild acute chronic active known history diagnosis diagnose diagnosed diagnostic test tests testing result
    results positive negative monitor monitored monitoring check checked risk risks benefit benefits effect
    effects effective effectiveness efficacy safe safety outcome outcomes cause causes caused role condition
    conditions disease diseases disorder syndrome clinical medical next step steps study studies trial trials
    side adverse unwanted undesirable harm harms reaction reactions event events
    review case-report data say says tell explain please question answer know currently already developed
    develops presented presents completed had however also there often long much many kind type way when-is set
    setting ok okay possible impact consider considered considering considerations due related associated common
    usual usually typical mean means define definition describe help want like get right
    united states kingdom europe european american british country countries us uk eu
    """.split()
)


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """English (Snowball) stem of a lower-case word."""
    result: str = _stemmer().stemWord(word)
    return result


class Analyzer:
    """Terms of a text under one lexicon. A term is a stem, or ``=concept`` for a mention of a concept."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def index_terms(self, text: str) -> list[str]:
        """All terms for lexical search, repeats kept: every stem, and every concept beside the stems of its words."""
        return self.both(text)[0]

    def content_terms(self, text: str, mentions: Sequence[Mention] | None = None) -> list[str]:
        """What the text is about, in order, repeats kept: concepts, and stems of the words outside them."""
        return self.both(text, mentions)[1]

    def both(self, text: str, mentions: Sequence[Mention] | None = None) -> tuple[list[str], list[str]]:
        """``index_terms`` and ``content_terms`` of a text, which is read once; its ``mentions`` unless given."""
        words = tokens(text)
        found = self.lexicon.mentions_in(words) if mentions is None else mentions
        stems, content, at = list[str](), list[str](), 0
        for word in words:
            while at < len(found) and word.start >= found[at].end:
                content.append(f"={found[at].concept}")
                at += 1
            if word.key in STOP_WORDS:
                continue
            stems.append(stem(word.key))
            if at == len(found) or word.start < found[at].start:
                content.append(stems[-1])
        concepts = [f"={m.concept}" for m in found]
        return stems + concepts, content + concepts[at:]


@cache
def _generic_stems() -> frozenset[str]:
    return frozenset(map(stem, GENERIC_WORDS))


def is_generic(term: str) -> bool:
    """Whether a term is a word that many clinical questions share."""
    return term in _generic_stems()
