"""How hard a text is to read: Flesch–Kincaid grade, from words, sentences and syllables.

Grades are US school years and made for general prose. In medicine they rise with every drug name: compare answers to
the same question, not with a threshold.

Syllables are counted by spelling: groups of vowels, less silent endings, plus vowels that part ("med-i-a"). Of
CMUdict's 117,000 words of letters only, 92 % get a count that the dictionary has, and the mean error is -0.04
syllables. (Hyphenation patterns, which readability packages use when they have no dictionary: 62 % and -0.42.)
Capitals of two to five letters (HIT, IVIG) are read letter by letter; a number is a word of one syllable; hyphens and
slashes part words.

This is the one implementation: answers report their grade with it and the harness measures with it, so that both mean
the same. It imports nothing of ours, so that anyone can audit it alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,]\d+)*")
_INITIALS = re.compile(r"[A-Z]{2,5}s?\b")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^aeiouy]e|[^aeiouscxzgy]es|[^aeiouytd]ed)$")
_SPOKEN = re.compile(r"[^aeiouylr]les?$")
#: Neighbouring vowels of two syllables, and syllables without a vowel.
_PARTED = re.compile(
    r"i[aou]|[^q]ua$|eo(?!u)|[aeiouy]ing$|(?<![qg])u[ao](?!$)|ism$|sm$|thm$|eu[ms]$",
)
_JOINED = re.compile(r"[cts]i[ao]|gi[ao]|[^aeiouy]eous")


class Readability(NamedTuple):
    """``grade`` is None without words."""

    words: int
    sentences: int
    syllables: int
    grade: float | None


def readability(sentences: Sequence[str]) -> Readability:
    """Of a text that is split into sentences already. Sentences without a word are not counted.

    ``grade`` is 0.39 words/sentences + 11.8 syllables/words - 15.59 (Kincaid et al. 1975), which is below 0 for the
    simplest texts.
    """
    spoken = [[syllables(word) for word in _WORD.findall(sentence)] for sentence in sentences]
    counts = [n for sentence in spoken for n in sentence]
    n_sentences, n_words, total = sum(map(bool, spoken)), len(counts), sum(counts)
    if not n_words:
        return Readability(0, 0, 0, None)
    grade = 0.39 * n_words / n_sentences + 11.8 * total / n_words - 15.59
    return Readability(n_words, n_sentences, total, grade)


def syllables(word: str) -> int:
    """At least 1."""
    if _INITIALS.fullmatch(word):
        return len(word.rstrip("s"))
    plain = re.sub(r"['’].*", "", word.lower())
    silent = bool(_SILENT.search(plain)) and not _SPOKEN.search(plain)
    parted = len(_PARTED.findall(plain)) - len(_JOINED.findall(plain))
    return max(1, len(_VOWELS.findall(plain)) - silent + parted)
