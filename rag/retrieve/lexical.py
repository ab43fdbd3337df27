"""Passages by their words alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rag.domain import Hit
from rag.index.snapshot import Snapshot
from rag.language.lexicon import tokens
from rag.language.terms import STOP_WORDS, stem
from rag.retrieve.base import best

#: Weight of a concept, and of all words of an abbreviation's other form together, against 1 for a word.
_CONCEPT, _FORM = 0.75, 0.3


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
    instead the words of its other form are added.
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
    idf = snapshot.lexical.idf(weights)
    return {term: weight * idf[term] for term, weight in weights.items()}


def _other_words(snapshot: Snapshot, concept: str, counts: Counter[str]) -> Iterator[tuple[str, float]]:
    """Words of the forms of a mined concept that are not in the question, with their weights."""
    for form in snapshot.mined_forms.get(concept, ()):
        words = [stem(token.key) for token in tokens(form) if token.key not in STOP_WORDS]
        yield from ((word, _FORM / len(words)) for word in dict.fromkeys(words) if word not in counts)
