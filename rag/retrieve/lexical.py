"""Passages by their words alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.index.snapshot import Snapshot
from rag.language.lexicon import tokens
from rag.language.terms import STOP_WORDS, stem
from rag.retrieve.base import best

#: Weight of a concept, of all words of an abbreviation's other form together, and of what a word may have been meant
#: for, against 1 for a word.
_CONCEPT, _FORM, _MENDED = 0.75, 0.3, 0.5
#: Terms from this length on can be mistyped, for one that at least so many passages have. Of 118 in five collections'
#: questions, each read so, 8 questions were answered better for it and 2 worse.
_LONG, _OFTEN = 5, 2
#: No word is longer, and all that is one edit away from a term takes memory by the square of its length.
_LONGEST = 40


class LexicalRetriever:
    """The passages that hold a term of the question, by BM25 with squared idf. A score is above 0, without a bound.

    None is found for a question without terms of the corpus, such as one of stop words.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def search(
        self, text: str, vector: NDArray[np.float32], k: int, within: NDArray[np.bool_] | None = None
    ) -> list[Hit]:
        """See ``Retriever.search``; ``vector`` plays no part."""
        weights = term_weights(self._snapshot, text)
        return best(self._snapshot, lambda n: self._snapshot.lexical.search(weights, n, within), k)


def term_weights(snapshot: Snapshot, text: str) -> dict[str, float]:
    """The terms of ``text`` with their weights: how often each occurs, times its idf, which so counts twice.

    A concept weighs less than a word, since the words that name it count beside it. One that is known from an
    abbreviation of the corpus stands only in passages whose source spells it out, and would weigh as if it were rare:
    instead the words of its other form are added. A word that no passage has is likely mistyped: the commonest word one
    edit away is added.
    """
    counts = Counter(snapshot.analyzer.index_terms(text))
    weights = dict[str, float]()
    for term, count in counts.items():
        concept = term.removeprefix("=")
        if concept == term:
            weights[term] = weights.get(term, 0.0) + count
        elif concept in snapshot.table.concepts:
            weights[term] = _CONCEPT * count
        else:
            for word, weight in _other_words(snapshot, concept, counts):
                weights[word] = weights.get(word, 0.0) + weight
    for word in _mended(snapshot, [term for term in counts if term.isalpha()]):
        weights.setdefault(word, _MENDED)
    idf = snapshot.lexical.idf(weights)
    return {term: weight * idf[term] for term, weight in weights.items()}


def _other_words(snapshot: Snapshot, concept: str, counts: Counter[str]) -> Iterator[tuple[str, float]]:
    """Words of the forms of a mined concept that are not in the question, with their weights."""
    for form in snapshot.mined_forms.get(concept, ()):
        words = [stem(token.key) for token in tokens(form) if token.key not in STOP_WORDS]
        yield from ((word, _FORM / len(words)) for word in dict.fromkeys(words) if word not in counts)


def _mended(snapshot: Snapshot, terms: Sequence[str]) -> Iterator[str]:
    """For each long term that no passage has, the one an edit away that most have, if some do; ties by the alphabet."""
    long = [term for term in terms if _LONG <= len(term) <= _LONGEST]
    known = snapshot.store.frequencies(long) if long else {}
    for term in long:
        if term not in known:
            near = snapshot.store.frequencies(_edited(term))
            often = {word: count for word, count in near.items() if count >= _OFTEN}
            if often:
                yield min(often, key=lambda word: (-often[word], word))


def _edited(term: str) -> set[str]:
    """All that a letter left out, put in, changed, or swapped with the next makes of a term."""
    cuts = [(term[:i], term[i:]) for i in range(len(term) + 1)]
    return {
        made
        for left, right in cuts
        for made in (
            left + right[1:],
            left + right[1:2] + right[:1] + right[2:],
            *(left + letter + right for letter in ascii_lowercase),
            *(left + letter + right[1:] for letter in ascii_lowercase),
        )
    } - {term}
