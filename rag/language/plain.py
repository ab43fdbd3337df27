"""Plain words for patients: a hand-made table, ``rag/clinical/plain.tsv``, that a clinician can read and correct.

A word is exchanged only where its plain form can stand in its place. What would need the sentence around it changed is
left as it stands, and explained: a term is always better than a wrong word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rag.language.lexicon import Token, tokens

TABLE = Path(__file__).parent.parent / "clinical" / "plain.tsv"

_JOINED = re.compile(r"[\s\-‐‑–]+")
_BINDING = ("-", "‐", "‑", "–", "/")
#: A singular that becomes a plural ("thrombosis", "blood clots") fits neither after these ("a first thrombosis") nor
#: before those.
_ONE = frozenset("a an another any each every one this that".split())
_SINGULAR_VERBS = frozenset(
    "is was has does causes develops follows increases occurs persists recurs remains requires".split()
)
#: "Hepatic or renal impairment", "less severe thrombocytopenia": the words before belong to the head of the phrase, so
#: that only single words may be exchanged.
_REACHING = frozenset("and or to nor more less most least very non not".split())
#: "Renal impairment or failure": the second head shares the first one's adjective.
_SHARING = frozenset(
    "disease diseases dysfunction embolism failure function impairment injury insufficiency thromboembolism".split()
)
#: An adjective stands before what it describes, or before the next of its kind ("hepatic or renal impairment").
_FOLLOWED = re.compile(r"\s+(?!(?:as|at|but|by|for|from|in|is|on|than|to|was|were|with)\b)\w")
#: A phrase ("tendency to form blood clots") cannot stand before a noun ("screening"), as its term can.
_PHRASE = re.compile(r" (?:around|at|by|from|in|inside|of|on|such|to|with)\b")
_AFTER_PHRASE = re.compile(
    r"\s+(?:after|and|are|as|at|because|before|but|by|can|compared|during|for|from|had|has|have|if|in|is|may|occurred|"
    r"occurs|on|or|should|than|that|to|unless|was|were|when|which|while|who|whose|will|with|without)\b|\s*[^\w\s]|\s*$",
    re.IGNORECASE,
)
_VOWELS = "aeiou"
#: Plain words whose first letter does not say whether "a" or "an" stands before them.
_LIKE_CONSONANTS = ("use", "unit", "urin", "one")


class Row(NamedTuple):
    """A row of the table. ``use`` is ``term``, ``adjective``, ``word``, ``explain`` or ``keep``; see its head."""

    use: str
    term: str
    singular: str
    plural: str
    is_plural: bool

    @property
    def meaning(self) -> str:
        """The plain words, for a glossary."""
        return self.singular or self.plural

    @property
    def is_exchanged(self) -> bool:
        return self.use in {"term", "adjective", "word"}


class Plain(NamedTuple):
    """A text in plain words. ``exchanged`` are the terms that stand there no more, ``left`` those to be explained."""

    text: str
    exchanged: tuple[Row, ...]
    left: tuple[Row, ...]


class PlainWords:
    """The table, ready to be used. Immutable."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self._rows = {tuple(t.form for t in tokens(row.term)): row for row in rows}
        firsts: dict[str, set[int]] = {}
        for words in self._rows:
            firsts.setdefault(words[0], set()).add(len(words))
        self._sizes = {first: sorted(sizes, reverse=True) for first, sizes in firsts.items()}

    @classmethod
    def load(cls, path: Path = TABLE) -> PlainWords:
        """The shipped table, or another of the same columns (use, term, plain)."""
        lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        return cls([_row(line) for line in lines[1:]])

    def of(self, text: str) -> Plain:
        """``text`` in plain words. A term stays where the text has its plain words already: it is being explained."""
        words = tokens(text)
        pieces: list[str] = []
        exchanged: list[Row] = []
        left: list[Row] = []
        at, i, told = 0, 0, text.lower()
        while i < len(words):
            size, row = self._longest_at(text, words, i)
            plain = _fitting(row, text, words, i, size) if row else None
            if row and plain and not (" " in plain and plain.lower() in told):
                pieces += [_with_article(text[at : words[i].start], plain), plain]
                at = words[i + size - 1].end
                exchanged += [row] if row.use != "word" else []
            elif row:
                left.append(row)
            i += size
        return Plain("".join([*pieces, text[at:]]), tuple(dict.fromkeys(exchanged)), _explained(left))

    def _longest_at(self, text: str, words: Sequence[Token], i: int) -> tuple[int, Row | None]:
        """The longest row whose words stand at ``i`` with nothing but spaces and hyphens between; (1, None) if none."""
        is_reached = i > 0 and words[i - 1].key in _REACHING
        for size in self._sizes.get(words[i].form, ()):
            found = words[i : i + size]
            row = self._rows.get(tuple(t.form for t in found)) if len(found) == size else None
            if not row or not all(_JOINED.fullmatch(text, a.end, b.start) for a, b in pairwise(found)):
                continue
            if size > 1 and row.is_exchanged and (is_reached or _is_shared(words, i + size)):
                continue
            return size, row
        return 1, None


def _row(line: str) -> Row:
    use, term, *rest = line.split("\t")
    singular, _, plural = (rest[0] if rest else "").partition("|")
    return Row(use, term, singular.removeprefix("+"), plural, singular.startswith("+"))


def _explained(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(dict.fromkeys(row for row in rows if row.use == "explain"))


def _is_shared(words: Sequence[Token], end: int) -> bool:
    return end + 1 < len(words) and words[end].key in {"and", "or"} and words[end + 1].key in _SHARING


def _fitting(row: Row, text: str, words: Sequence[Token], i: int, size: int) -> str | None:
    """The plain words of ``row`` as they must be written at words ``i`` to ``i + size``; None where they do not fit."""
    first, last = words[i], words[i + size - 1]
    if not row.is_exchanged or _is_part_of_name(text, first) or _is_part_of_compound(text, first, last):
        return None
    if row.use == "adjective" and not _FOLLOWED.match(text, last.end):
        return None
    is_plural = last.key != last.form
    plain = row.plural if is_plural else row.singular
    if last.key == tokens(row.term)[-1].key:
        plain = row.singular or row.plural
    if _PHRASE.search(plain) and not _AFTER_PHRASE.match(text, last.end):
        return None
    if row.is_plural and not is_plural:
        before, after = {w.key for w in words[max(0, i - 2) : i]}, {w.key for w in words[i + size : i + size + 1]}
        if not _ONE.isdisjoint(before) or not _SINGULAR_VERBS.isdisjoint(after):
            return None
    return plain[:1].upper() + plain[1:] if plain and first.text[:1].isupper() else plain or None


def _is_part_of_name(text: str, word: Token) -> bool:
    """Whether a capital stands where no sentence begins: "Society on Thrombosis and Haemostasis"."""
    before = text[: word.start].rstrip()
    return word.text[:1].isupper() and bool(before) and before[-1] not in ".:?!"


def _is_part_of_compound(text: str, first: Token, last: Token) -> bool:
    """Whether a hyphen or a slash binds the words from ``first`` to ``last`` to another: "intra-abdominal"."""
    return text[max(0, first.start - 1) : first.start].endswith(_BINDING) or text.startswith(_BINDING, last.end)


def _with_article(before: str, plain: str) -> str:
    """``before``, its last word the article that ``plain`` takes, if it is one."""
    match = re.search(r"\b([Aa])n?\s+$", before)
    if not match:
        return before
    takes_an = plain[0].lower() in _VOWELS and not plain.lower().startswith(_LIKE_CONSONANTS)
    return before[: match.start()] + match[1] + ("n " if takes_an else " ")
