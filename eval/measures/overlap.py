"""Overlap of words with reference texts: ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-SU4.

The first three are Google's ``rouge-score`` with the Porter stemmer, as most papers report them. ROUGE-L is the
longest common subsequence of the text as one sequence (``rougeL``), not the union over sentences (``rougeLsum``,
which is what ROUGE-1.5.5 calls ROUGE-L): it does not depend on a sentence splitter.

ROUGE-SU4 (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 5) counts pairs of words in
their order with at most four words between them, and single words. ``rouge-score`` lacks it. This is ROUGE-1.5.5's
(``-2 4 -u``), with which BioASQ scores ideal answers: every word but a text's last counts singly, so a text of one
word has nothing to match, as in ROUGE-2. Lin's start-of-sentence marker would count the last one too.

Words are runs of a-z and 0-9 after lower-casing; other letters, Greek ones too, part words and are lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from eval.measures.triple import Triple, counted

_GAP = 4
_LIBRARY = ("rouge1", "rouge2", "rougeL")
NAMES = (*_LIBRARY, "rougeSU4")


def rouge(text: str, references: Sequence[str]) -> dict[str, Triple]:
    """Overlap of a text with the references, by the names of ``NAMES``.

    Of several references, each measure takes the one with the highest F1, the first of equals. (ROUGE-1.5.5 by default
    pools them instead; the best is what ``rouge-score`` and ALCE report.) An empty text or reference gives 0.

    Raises:
        ValueError: No reference.
    """
    if not references:
        raise ValueError("rouge: no reference text; expected at least one")
    scores = _scorer().score_multi(list(references), text)
    found = {name: Triple(*map(float, scores[name])) for name in _LIBRARY}
    return {**found, "rougeSU4": max((rouge_su4(text, r) for r in references), key=lambda t: t.f1)}


def rouge_su4(text: str, reference: str) -> Triple:
    """ROUGE-SU4 against one reference. 0 when either has fewer than two words."""
    given, expected = _units(_words(text)), _units(_words(reference))
    return counted((given & expected).total(), given.total(), expected.total())


def _units(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Single words and pairs with at most ``_GAP`` words between, each as often as it occurs."""

    def units() -> Iterator[tuple[str, ...]]:
        for i, word in enumerate(words[:-1]):
            yield (word,)
            yield from ((word, later) for later in words[i + 1 : i + 2 + _GAP])

    return Counter(units())


def _words(text: str) -> list[str]:
    words: list[str] = _tokenizer().tokenize(text)
    return words


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(_LIBRARY), tokenizer=_tokenizer())


@cache
def _tokenizer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)
