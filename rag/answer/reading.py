"""A text as the verifier sees it: words, quantities and concepts in order, with the cues that steer their meaning."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rag.language.lexicon import Lexicon, Mention, Token, tokens
from rag.language.polarity import cues_in
from rag.language.quantities import TYPOGRAPHY, Quantity, quantities
from rag.language.sentences import sentence_spans
from rag.language.terms import STOP_WORDS, stem

_APPROXIMATE = re.compile(r"\b(?:about|around|approximately|roughly|nearly|almost|circa|some)\b|[~≈]", re.IGNORECASE)
_PARENTHESIS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_AMERICAN = ((re.compile(r"is(e[sd]?|ing|ations?)$"), r"iz\1"), (re.compile(r"ys(e[sd]?|ing)$"), r"yz\1"),
             (re.compile(r"(?<=\w\w\w)our(s?|ed|ing|able|al)$"), r"or\1"), (re.compile(r"ll(ed|ing)$"), r"l\1"),
             (re.compile(r"(?<=\w\w[tb])re(s?)$"), r"er\1"), (re.compile(r"ae|oe"), "e"),
             (re.compile(r"ogue(s?)$"), r"og\1"), (re.compile(r"programme"), "program"))  # fmt: skip
#: Different words for one thing, so that a paraphrase covers its evidence.
_SAME = {"kidney": "renal", "nephric": "renal", "liver": "hepatic", "clear": "elimin", "clearanc": "elimin",
         "excret": "elimin", "metabolis": "metabol", "micrograms": "mcg", "platelets": "platelet",
         "gpiib": "iib", "safeti": "safe", "begin": "start", "initi": "start", "commenc": "start",
         "peopl": "patient", "person": "patient", "individu": "patient", "discontinu": "stop", "ceas": "stop",
         "administ": "give", "therapi": "treatment", "hemorrhag": "bleed", "dysfunct": "impair", "favor": "prefer",
         "choos": "select", "chosen": "select", "link": "associ"}  # fmt: skip


class Atom(NamedTuple):
    """A word or a quantity; ``key`` is its normal form.

    ``term`` is what a word is about, ``""`` for function words and quantities.
    """

    key: str
    term: str
    start: int
    end: int


class Steer(NamedTuple):
    """A cue over atoms ``first`` to ``last`` inclusive."""

    kind: str
    sense: str
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Reading:
    """``quantity_at`` and ``mention_at`` map the index of an atom to what begins or lies there."""

    text: str
    atoms: tuple[Atom, ...]
    quantities: tuple[Quantity, ...]
    mentions: tuple[Mention, ...]
    steers: tuple[Steer, ...]
    quantity_at: dict[int, Quantity]
    mention_at: dict[int, Mention]

    @cached_property
    def keys(self) -> list[str]:
        return [a.key for a in self.atoms]

    @cached_property
    def content(self) -> frozenset[str]:
        """What the text is about: concepts as ``=name``, stems of other content words."""
        return frozenset(a.term for a in self.atoms if a.term)

    @cached_property
    def signs(self) -> Counter[str]:
        """Signs of comparison outside quantities: the one of T > G."""
        inside = {i for q in self.quantities for i in range(q.start, q.end)}
        return Counter(c for i, c in enumerate(self.text) if c in "<>≤≥" and i not in inside)

    @cached_property
    def concepts(self) -> frozenset[str]:
        return frozenset(m.concept for m in self.mentions)

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Half-open atom ranges of sentences."""
        return [self._range(*span) for span in sentence_spans(self.text)]

    @cached_property
    def parentheses(self) -> list[tuple[int, int]]:
        """Half-open atom ranges of innermost parentheses."""
        return [self._range(*m.span()) for m in _PARENTHESIS.finditer(self.text)]

    @cached_property
    def clause_of(self) -> list[int]:
        """Number of the clause of each atom; clauses end at semicolons outside parentheses and at sentence ends."""
        inside = [m.span() for m in _PARENTHESIS.finditer(self.text)]
        stops = [m.start() for m in re.finditer(";", self.text) if not any(a < m.start() < b for a, b in inside)]
        stops = sorted([*stops, *(end for _, end in sentence_spans(self.text))])
        numbers, clause = [], 0
        for atom in self.atoms:
            while clause < len(stops) and atom.start >= stops[clause]:
                clause += 1
            numbers.append(clause)
        return numbers

    def _range(self, start: int, end: int) -> tuple[int, int]:
        inside = [i for i, a in enumerate(self.atoms) if start <= a.start < end]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def around(self, first: int, last: int, reach: int = 3) -> tuple[frozenset[str], frozenset[str]]:
        """Content terms of the same clause before atom ``first`` and after atom ``last``, ``reach`` on each side."""
        clause = self.clause_of[first]
        before = [self.atoms[i].term for i in range(max(0, first - 3 * reach), first) if self.clause_of[i] == clause]
        after = [self.atoms[i].term for i in range(last + 1, min(len(self.atoms), last + 1 + 3 * reach))
                 if self.clause_of[i] == clause]  # fmt: skip
        left = list(dict.fromkeys(t for t in reversed(before) if t))[:reach]
        right = list(dict.fromkeys(t for t in after if t))[:reach]
        return frozenset(left), frozenset(right)

    def place_of(self, quantity: Quantity) -> int:
        """Index of the atom that is ``quantity``, one of this text."""
        return next(i for i, q in self.quantity_at.items() if q is quantity)

    def written(self, first: int, last: int) -> str:
        """The text of atoms ``first`` to ``last`` inclusive."""
        return self.text[self.atoms[first].start : self.atoms[last].end]


@lru_cache(maxsize=65_536)
def spelling(key: str) -> str:
    """One spelling for British and American words beyond what the lexicon folds, and for bare units."""
    if key in {"µg", "ug", "microgram", "micrograms"}:
        return "mcg"
    if len(key) > 4:
        for pattern, replacement in _AMERICAN:
            key = pattern.sub(replacement, key)
    return key


@lru_cache(maxsize=65_536)
def term_of(key: str) -> str:
    """Content term of a word: its stem, common synonyms made one; ``""`` for a function word."""
    if key in STOP_WORDS or not key[-1:].isalnum() or (len(key) == 1 and not key.isdigit()):
        return ""
    stemmed = stem(spelling(key))
    return _SAME.get(stemmed, stemmed)


def read(text: str, lexicon: Lexicon) -> Reading:
    """Reads ``text``; offsets in the result are those of ``text``."""
    folded = text.translate(TYPOGRAPHY)
    words, found, named = tokens(folded), quantities(folded), lexicon.mentions(folded)
    atoms: list[Atom] = []
    position: list[int] = []  # atom of each word; -1 for words inside a quantity
    quantity_at: dict[int, Quantity] = {}
    mention_at: dict[int, Mention] = {}
    next_quantity, next_mention = 0, 0
    for word in words:
        while next_quantity < len(found) and word.start >= found[next_quantity].end:
            next_quantity += 1
        while next_mention < len(named) and word.start >= named[next_mention].end:
            next_mention += 1
        mention = named[next_mention] if next_mention < len(named) else None
        inside_mention = mention is not None and word.start >= mention.start
        if next_quantity < len(found) and word.start >= found[next_quantity].start:
            quantity = found[next_quantity]
            if len(atoms) - 1 not in quantity_at or quantity_at[len(atoms) - 1] is not quantity:
                quantity_at[len(atoms)] = quantity
                atoms.append(Atom(_quantity_key(folded, quantity), "", quantity.start, quantity.end))
            position.append(-1)
            continue
        if inside_mention and mention is not None:
            mention_at[len(atoms)] = mention
        position.append(len(atoms))
        atoms.append(Atom(spelling(word.key), _term(word, mention if inside_mention else None), word.start, word.end))
    steers = tuple(
        Steer(f.kind, f.sense, position[f.first], position[f.last])
        for f in cues_in(words)
        if position[f.first] >= 0 and position[f.last] >= 0
    )
    return Reading(folded, tuple(atoms), found, named, steers, quantity_at, mention_at)


def is_approximate(text: str, quantity: Quantity) -> bool:
    """Whether a quantity is hedged: "about 30", and also "up to about 8%"."""
    return "~" in quantity.comparator or _APPROXIMATE.search(text, quantity.start, quantity.end) is not None


def _quantity_key(text: str, quantity: Quantity) -> str:
    about = "~" if is_approximate(text, quantity) else ""
    return f"{about}{quantity.comparator.strip('~')}{quantity.low}-{quantity.high} {quantity.unit}"


def _term(word: Token, mention: Mention | None) -> str:
    return f"={mention.concept}" if mention else term_of(word.key)


def covers(several: str, concept: str, lexicon: Lexicon) -> bool:
    """Whether a concept that stands for alternatives has another among them: moderate or severe, moderate."""
    return " or " in several and lexicon.is_a(concept, several)
