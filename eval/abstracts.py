"""Documents that nobody wrote, in which words stand as often, and as often together, as in real abstracts.

For measuring search, whose cost lies in how many passages hold the words of a question. Drawn by chance with a fixed
seed: every run measures the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.synthetic import SYLLABLES, running_words
from rag.domain import Block, Document, EvidenceType, Source
from rag.language.terms import STOP_WORDS

#: Other words are drawn by the law of Zipf and Mandelbrot, without end: P(rank > r) = (1 + r / SHIFT) ** -FALL.
_STOP_SHARE, _FALL, _SHIFT = 0.32, 0.7, 160.0
#: Lexicon and stemmer know every one of the starter corpus's words, and few of others.
_KNOWN_EVERY = 3
_LAST_RANK = len(SYLLABLES) ** 5
#: Of those words so many are of the text's subject, which has so many of its own, by chance of these ranks; and of all
#: words so many stand there because they stood before.
_SUBJECT_SHARE, _SUBJECTS, _SUBJECT_WORDS, _SUBJECT_RANKS = 0.2, 8192, 12, (50, 50_000)
_REPEATED = 0.3
_BLOCK, _TITLE_WORDS, _PASSAGE_WORDS, _SENTENCE_WORDS = 1000, 10, (40, 101), 25
#: How many documents have one section, two, and three. The headings say nothing, and so are no words of a passage.
_SECTIONS, _SECTION_SHARES = ("Abstract", "Main text", "Full text"), (0.55, 0.3, 0.15)
#: Of sources: years from the first to before the last, places and kinds with their shares.
_YEARS = (1976, 2026)
_PLACES: dict[str | None, float] = {"GB": 0.1, "US": 0.5, None: 0.4}
_KINDS = {EvidenceType.GUIDELINE: 0.01, EvidenceType.SYSTEMATIC_REVIEW: 0.05, EvidenceType.RCT: 0.1,
          EvidenceType.COHORT: 0.24, EvidenceType.CASE_REPORT: 0.1, EvidenceType.UNCLASSIFIED: 0.5}  # fmt: skip
#: Words of a question: so many and some more, on average so many, at most 30.
_LEAST_ASKED, _MORE_ASKED, _MOST_ASKED, _RARITY = 5, 5, 30, 0.3
_T = TypeVar("_T")


def abstracts(passages: int, seed: int = 0) -> Iterator[Document]:
    """Documents that ``split`` cuts into exactly so many passages, 1.6 each, made one after the other.

    Passages have 40 to 100 words in sentences of about 25. Years are even, from 1976 to 2025; a tenth of the sources
    are of GB and one in a hundred is a guideline, independently.

    Matched to 29,147 public biomedical documents in 54,851 passages: a third of all words are stop words; the shares of
    passages that hold the first word (.28), the 20th (.12), the 200th (.032), the 1,000th (.007) and the 20,000th
    (.00007) are met within a factor of 1.8; one term in four, here in five, repeats another of its passage; and new
    words keep coming, 52,000 in 50,000 passages there and 71,000 here. Those passages have 58 words in the mean, these
    70, as long texts cut into passages have.
    """
    drawn = np.random.default_rng(seed)
    low, high = np.log(_SUBJECT_RANKS)
    subjects = np.exp(drawn.uniform(low, high, (_SUBJECTS, _SUBJECT_WORDS))).astype(np.int64)
    number = 0
    while passages > 0:
        for source, sections in zip(_sources(number, drawn), _sections(subjects, drawn), strict=True):
            if passages <= 0:
                return
            yield _document(source, sections[:passages])
            passages -= len(sections)
        number += _BLOCK


def questions(texts: Sequence[str], seed: int = 0) -> list[str]:
    """Of each text a question of 5 to 30 words drawn from it, 10 on average, rare ones and common ones.

    Their terms are as common as those of 1,964 public biomedical questions, or a little more: in the median, the
    commonest term of a question stands in 11 % of all passages (8 % there), the next in 5 (4), 2.4 (1.4), 0.8 (0.6) and
    0.2 % (0.2). All terms together stand in a fifth as many passages as there are, as there; at most in as many.
    """
    drawn = np.random.default_rng(seed)
    read = [text.replace(".", "").lower().split() for text in texts]
    counts, found = Counter(chain.from_iterable(read)), []
    for words in read:
        chances = np.array([counts[word] ** -_RARITY for word in words])
        size = min(_LEAST_ASKED + int(drawn.exponential(_MORE_ASKED)), _MOST_ASKED, len(words))
        asked = drawn.choice(len(words), size, replace=False, p=chances / chances.sum())
        found.append(" ".join(words[i] for i in asked) + "?")
    return found


def _sources(first: int, drawn: np.random.Generator) -> Iterator[Source]:
    titles = _texts(np.full(_BLOCK, _TITLE_WORDS), None, drawn)
    years = drawn.integers(*_YEARS, _BLOCK).tolist()
    for i, (words, year, place, kind) in enumerate(zip(titles, years, _chosen(_PLACES, drawn), _chosen(_KINDS, drawn),
                                                       strict=True)):  # fmt: skip
        title = " ".join(words).capitalize()
        yield Source(key=f"synthetic-{first + i}", title=title, year=year, jurisdiction=place, evidence_type=kind)


def _chosen(shares: dict[_T, float], drawn: np.random.Generator) -> list[_T]:
    """One of the keys for each document of a block, each as often as its share says."""
    values = list(shares)
    return [values[i] for i in drawn.choice(len(values), _BLOCK, p=list(shares.values())).tolist()]


def _sections(subjects: NDArray[np.int64], drawn: np.random.Generator) -> Iterator[list[str]]:
    """The texts of a block of documents."""
    counts = 1 + drawn.choice(len(_SECTIONS), _BLOCK, p=_SECTION_SHARES)
    lengths = drawn.integers(*_PASSAGE_WORDS, int(counts.sum()))
    of_document = subjects[drawn.integers(_SUBJECTS, size=_BLOCK)]
    texts = _texts(lengths, np.repeat(of_document, counts, axis=0), drawn)
    for count in counts.tolist():
        yield [_prose(next(texts)) for _ in range(count)]


def _texts(lengths: NDArray[np.int64], subjects: NDArray[np.int64] | None, drawn: np.random.Generator) -> Iterator[
    list[str]
]:  # fmt: skip
    """The words of each text; ``subjects`` are the ranks of its subject's words, shape (texts, words)."""
    total = int(lengths.sum())
    ranks = np.minimum(_SHIFT * drawn.pareto(_FALL, total), _LAST_RANK).astype(np.int64)
    if subjects is not None:
        at = np.flatnonzero(drawn.random(total) < _SUBJECT_SHARE)
        text = np.repeat(np.arange(len(lengths)), lengths)[at]
        ranks[at] = subjects[text, drawn.integers(subjects.shape[1], size=len(at))]
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        again = np.flatnonzero(drawn.random(total) < _REPEATED)
        ranks[again] = ranks[starts[again] + (drawn.random(len(again)) * (again - starts[again])).astype(np.int64)]
    words = list(map(word_of, ranks.tolist()))
    stops = _stop_words()
    for i in np.flatnonzero(drawn.random(total) < _STOP_SHARE).tolist():
        words[i] = stops[i % len(stops)]
    for start, end in pairwise([0, *np.cumsum(lengths).tolist()]):
        yield words[start:end]


def _prose(words: list[str]) -> str:
    """Sentences of about the same length."""
    count = max(1, round(len(words) / _SENTENCE_WORDS))
    ends = [len(words) * i // count for i in range(count + 1)]
    return " ".join(f"{' '.join(words[start:end]).capitalize()}." for start, end in pairwise(ends))


def _document(source: Source, sections: Sequence[str]) -> Document:
    blocks, at = [], 0
    for heading, text in zip(_SECTIONS, sections, strict=False):
        blocks.append(Block(start=at, end=at + len(text), heading_path=(heading,)))
        at += len(text) + 1
    return Document(source=source, text="\n".join(sections), blocks=tuple(blocks))


@lru_cache(maxsize=65_536)
def word_of(rank: int) -> str:
    """The word that is so common, from 0: every third is of the starter corpus, the others are made up."""
    known = _commonest()
    place, is_other = divmod(rank, _KNOWN_EVERY)
    if not is_other and place < len(known):
        return known[place]
    rest, spelt = rank + len(SYLLABLES) ** 2, ""  # three syllables or more, for shorter ones are words
    while rest:
        rest, last = divmod(rest, len(SYLLABLES))
        spelt = SYLLABLES[last] + spelt
    return spelt


@cache
def _commonest() -> tuple[str, ...]:
    counts = Counter(word for word in running_words() if word not in STOP_WORDS)
    return tuple(word for word, _ in counts.most_common())


@cache
def _stop_words() -> tuple[str, ...]:
    return tuple(word for word in running_words() if word in STOP_WORDS)
