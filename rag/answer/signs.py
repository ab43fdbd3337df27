"""What a text affirms and what it denies: a sign for each of its words.

A word that a negation governs has a minus; two that meet cancel out ("not contraindicated"). A statement in other words
than its evidence may deny by another word, elsewhere in the sentence ("does not include", "is not part of"): the signs
of the words that both have stay the same, where an added or lost negation turns them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag.answer.condensing import Reason
from rag.answer.pool import Pool
from rag.answer.reading import Reading, term_of

#: Keys that deny what follows them in their clause or, at its end, what precedes them.
_DENYING = re.compile(
    r"not|no|none|never|neither|nor|cannot|without|lack\w*|absence|absent|unable|nothing|hardly|nobody|against|"
    r"contraindic\w*|avoid(?:ed|s|ing|ance)?|discourag\w*|prohibit\w*|withh[eo]ld\w*|preclud\w*|forbid\w*|refrain\w*|"
    r"inadequate\w*|insufficient\w*|inappropriate\w*|ineffective\w*|irrelevant\w*|unlikely|unsafe|unsuitable|"
    r"unnecessary|unsupported|unproven|unreliable|impossible|substitut\w*|replac\w*|instead|false|myth|wrong|"
    r"exclud\w*|ineligible|stop(?:s|ped|ping)?|discontinu(?:e|es|ed|ing)|ceas(?:e|es|ed|ing)|[a-z]+n't"
)
_ADVISING = re.compile(r"recommend|suggest|advi[sc]|argu|decid|guid|vot")
_FAILING = frozenset({"failed", "fails", "fail", "failing"})
#: Where what a negation governs ends.
_STOPS = re.compile(r"[;:,.()\[\]–—]")
_TURNS = frozenset(
    {"but", "whereas", "while", "although", "though", "because", "since", "so", "however", "yet", "unless", "according"}
)
_JOINS = frozenset({"and", "or"})
_VERBS = frozenset(
    "is are was were be has have had can could may might must should will would do does did needs".split()
)
_PRONOUNS = frozenset("it they this that these those he she there".split())
_NEAR = 2
#: Atoms between the two parts of "neither … nor" at most.
_REACH = 8
#: Words next to a negation that tell what it denies, and how many of them another text must have to speak of that.
_FEW, _NEARLY = 5, 4
#: Least share of the words that a negation governs that must have its sign on the other side.
_AGREE = 0.5
#: Share of the words that a negation of the evidence governs from which a statement is on the same.
_SAME = 0.6


class Denial(NamedTuple):
    """A negation at atom ``at``, and the atoms that it governs."""

    at: int
    governed: frozenset[int]

    def nearest(self) -> Denial:
        """The same, of the words next to it: a long sentence goes on to other things."""
        return self._replace(governed=frozenset(sorted(self.governed, key=lambda i: abs(i - self.at))[:_FEW]))


def denials(reading: Reading) -> list[Denial]:
    """Each negation by itself; two that stand together and cancel out are none."""
    segments, together = _segments(reading), list[list[int]]()
    for i in (i for i in range(len(reading.keys)) if _denies(reading, i)):
        last = together[-1][-1] if together else None
        if last is not None and i - last <= _NEAR and segments[i] == segments[last]:
            together[-1].append(i)
        else:
            together.append([i])
    return [Denial(t[0], _governed(reading, segments, t[0], t[-1])) for t in together if len(t) % 2]


def _denied(found: Sequence[Denial]) -> frozenset[int]:
    """Atoms that an odd number of negations governs."""
    counts = Counter(i for denial in found for i in denial.governed)
    return frozenset(i for i, n in counts.items() if n % 2)


def _denies(reading: Reading, i: int) -> bool:
    key = reading.keys[i]
    if key == "t":  # of "don't", which is two words
        return i > 0 and reading.keys[i - 1].endswith("n")
    if key in _FAILING:
        return i + 1 < len(reading.keys) and reading.keys[i + 1] == "to"
    if key == "nor":
        return "neither" not in reading.keys[max(0, i - _REACH) : i]
    if key == "against":
        return i > 0 and _ADVISING.match(reading.keys[i - 1]) is not None
    return _DENYING.fullmatch(key) is not None


def _segments(reading: Reading) -> list[int]:
    """Number of the segment of each atom."""
    numbers, segment, end = [], 0, 0
    for i, atom in enumerate(reading.atoms):
        is_stopped = _STOPS.search(reading.text[end : atom.start]) is not None
        segment += is_stopped or atom.key in _TURNS or (atom.key in _JOINS and _begins(reading, i + 1))
        numbers.append(segment)
        end = atom.end
    return numbers


def _begins(reading: Reading, i: int) -> bool:
    """Whether a clause of its own begins at an atom behind "and" or "or"."""
    if i >= len(reading.keys):
        return False
    return reading.keys[i] in _VERBS or reading.keys[i] in _PRONOUNS or _denies(reading, i)


def _governed(reading: Reading, segments: Sequence[int], first: int, last: int) -> frozenset[int]:
    atoms = reading.atoms
    after = [i for i in range(last + 1, len(atoms)) if segments[i] == segments[last] and atoms[i].term]
    after = [i for i in after if not _denies(reading, i)]
    return frozenset(after or (i for i in range(first) if segments[i] == segments[first] and atoms[i].term))


class _Signed(NamedTuple):
    """A text with its negations, and the atoms that they deny."""

    reading: Reading
    denials: list[Denial]
    odd: frozenset[int]

    @classmethod
    def of(cls, reading: Reading) -> _Signed:
        found = denials(reading)
        return cls(reading, found, _denied(found))


class _Side(NamedTuple):
    """What a text, or several, affirms and denies: terms and words."""

    plus: frozenset[str]
    minus: frozenset[str]
    #: Negations that govern nothing that has content.
    bare: int

    @classmethod
    def of(cls, texts: Sequence[_Signed]) -> _Side:
        plus, minus, bare = set[str](), set[str](), 0
        for text in texts:
            bare += sum(not d.governed for d in text.denials)
            for i, atom in enumerate(text.reading.atoms):
                (minus if i in text.odd else plus).update({atom.term, term_of(atom.key)} - {""})
        return cls(frozenset(plus), frozenset(minus), bare)


def signs(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """What the statement denies and its evidence does not, and the other way."""
    said, evidence = _Signed.of(statement), [_Signed.of(r) for r in pool.readings]
    mine, theirs = _Side.of([said]), _Side.of(evidence)
    if mine.bare > theirs.bare:
        yield Reason("negation", "a negation is not in the evidence")
    for denial in said.denials:
        known, same = _agreeing(said, denial, theirs)
        if denial.governed and same <= _AGREE * known:
            yield Reason("negation", f"{statement.written(denial.at, denial.at)} is not in the evidence")
    for text in evidence:
        for denial in text.denials:
            known, same = _agreeing(text, denial, mine)
            is_all = known and known >= _SAME * len(denial.governed) and same <= _AGREE * known
            near, turned = _agreeing(text, denial.nearest(), mine)
            if is_all or (near >= _NEARLY and not turned):
                yield Reason("negation", f"{text.reading.written(denial.at, denial.at)} is missing")


def _agreeing(text: _Signed, denial: Denial, other: _Side) -> tuple[int, int]:
    """How many of the words that a negation governs the other side has, and how many with the same sign."""
    known = [i for i in denial.governed if _is_among(text.reading, i, other.plus | other.minus)]
    return len(known), sum(_is_among(text.reading, i, other.minus if i in text.odd else other.plus) for i in known)


def _is_among(reading: Reading, i: int, labels: frozenset[str]) -> bool:
    """By what it is about, or by its words: of a name all of them."""
    mention = reading.mention_at.get(i)
    names = {term_of(reading.keys[j]) for j, m in reading.mention_at.items() if m is mention} if mention else set[str]()
    return reading.atoms[i].term in labels or (names or {term_of(reading.keys[i])}) <= labels
