"""Typing errors in the names of drugs and conditions: "apixiban".

Many names differ by two letters (hypo- and hyper-, cycloserine and cyclosporine), and short words by one (strike and
stroke), so only a long word that nobody knows is read as a name one edit away, and only if there is one such name. The
reader is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rag.domain import ReadAs
from rag.language.lexicon import Lexicon, tokens

_SHORTEST = 8


def corrected(text: str, lexicon: Lexicon, unknown: Callable[[Iterable[str]], set[str]]) -> tuple[str, list[ReadAs]]:
    """``text`` with mistyped names replaced, and what was replaced.

    Args:
        unknown: of some folded words, those that neither corpus nor stop words have.
    """
    words = [t for t in tokens(text) if len(t.key) >= _SHORTEST and t.key.isalpha()]
    strange = unknown(t.key for t in words if t.key not in lexicon.words and t.key.rstrip("s") not in lexicon.words)
    readings, pieces, at = [], [], 0
    for token in words:
        name = _nearest(token.key, lexicon) if token.key in strange else None
        if name:
            pieces += [text[at : token.start], name]
            at = token.end
            readings.append(ReadAs(typed=token.text, read=name))
    return "".join([*pieces, text[at:]]), readings


def _nearest(word: str, lexicon: Lexicon) -> str | None:
    near = [
        (distance, form)
        for form in lexicon.single_words.get(word[0], ())
        if abs(len(form) - len(word)) <= 1 and (distance := edits(word, form, 1)) <= 1
    ]
    near.sort()
    is_clear = len(near) == 1 or (len(near) > 1 and near[0][0] < near[1][0])
    return near[0][1] if is_clear else None


def edits(one: str, other: str, most: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours from ``one`` to ``other``; ``most`` + 1 when more.

    Optimal string alignment distance (Damerau, Commun ACM 1964;7:171-176, doi:10.1145/363958.363994).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        previous, row = row, [i]
        for j, target in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (letter != target))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == target:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = previous
    return min(row[-1], most + 1)
