"""How a statement lies against its evidence, as numbers for a model: vectors, words, numbers, names and ways.

The features are few and none is of the words themselves, so that what is learned on one kind of text holds on another:
see ``eval.training.entailment`` for what was tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answer.reading import Reading
from rag.answer.ways import Way, ways
from rag.index.encoder import Worded
from rag.language.lexicon import Lexicon
from rag.language.terms import STOP_WORDS, is_generic

#: The features' names, in order.
FEATURES = (
    "cosine", "cosines", "denial", "denials", "words", "weakest_words", "echo", "covered", "named", "numbers_absent",
    "drug_absent", "condition_absent", "ways_agree", "ways_oppose", "way_shared", "way_contrary", "evidence_unchanged",
    "statement_unchanged", "negated_there", "negated_here", "negated_both", "length", "evidence_length", "quotes",
)  # fmt: skip
#: Sentences, the nearest by their cosine, that a statement is held against; how fast their weight falls with it.
NEAREST, _FALL = 3, 8.0
#: Words that many clinical sentences share ("patients", "risk") weigh less.
_GENERIC_WEIGHT = 0.35
_NOT = frozenset({"not", "without"})
_DRUGS, _CONDITIONS = frozenset({"drug", "drug_class"}), frozenset({"condition", "population"})
_CONTRARY = {"up": "down", "down": "up", "good": "bad", "bad": "good"}
_OPPOSED = frozenset(map(frozenset, (("up", "down"), ("good", "bad"), ("up", "same"), ("down", "same"))))
_SURROUNDINGS = 4


class Text(NamedTuple):
    """A text as it is read and as it is embedded."""

    reading: Reading
    embedded: Worded


class Alignment(NamedTuple):
    """``values`` in the order of ``FEATURES``; ``nearest`` is the sentence of the highest cosine."""

    values: NDArray[np.float64]
    nearest: str


def align(statement: Text, denial: Worded, quotes: Sequence[Text], lexicon: Lexicon) -> Alignment:
    """A statement, and the vector of its denial, against at least one quote. Of equal cosines the first quote leads."""
    vectors = np.stack([q.embedded.vector for q in quotes])
    cosines, denials = vectors @ statement.embedded.vector, vectors @ denial.vector
    order = [int(i) for i in np.argsort(-cosines, kind="stable")[:NEAREST]]
    near = [quotes[i] for i in order]
    weight = np.exp(_FALL * (cosines[order] - cosines[order[0]]))
    margins = (cosines - denials)[order]
    steering = np.array([_steering(statement.reading, q.reading) for q in near])
    mine, theirs = statement.reading, near[0].reading
    values = (
        cosines[order[0]], cosines[order].mean(), margins[0], margins.max(), *_alike(statement.embedded, near),
        *_shared(mine, [q.reading for q in quotes], lexicon), *(weight / weight.sum() @ steering),
        math.log1p(len(mine.content)), math.log1p(len(theirs.content)), math.log(len(quotes)),
    )  # fmt: skip
    return Alignment(np.array(values, np.float64), theirs.text)


def _alike(statement: Worded, near: Sequence[Text]) -> tuple[float, float, float]:
    """How near the statement's words are to some word of the evidence, the third of them that are least, and back.

    As BERTScore (Zhang et al. 2020, arXiv:1904.09675), without function words.
    """
    own, words = _content(statement)
    theirs = [_content(q.embedded)[0] for q in near]
    there = np.concatenate(theirs)
    if not len(own) or not len(there):
        return 0.0, 0.0, 0.0
    best = (own @ there.T).max(axis=1)
    weights = np.array([_weight(word) for word in words])
    echo = float((own @ theirs[0].T).max(axis=0).mean()) if len(theirs[0]) else 0.0
    return float(best @ weights / weights.sum()), float(np.sort(best)[: max(1, len(best) // 3)].mean()), echo


def _content(text: Worded) -> tuple[NDArray[np.float32], list[str]]:
    kept = [i for i, w in enumerate(text.words) if w not in STOP_WORDS and any(c.isalnum() for c in w)]
    return text.vectors[kept], [text.words[i] for i in kept]


def _shared(mine: Reading, theirs: Sequence[Reading], lexicon: Lexicon) -> tuple[float, ...]:
    """Shares of the statement's words and names that the evidence has, and of its numbers that it has not.

    And whether a drug, or a condition, of the statement is not in the evidence. Without names half of them are there.
    """
    content = frozenset[str]().union(*(r.content for r in theirs))
    concepts = frozenset[str]().union(*(r.concepts for r in theirs))
    total = sum(map(_weight, mine.content))
    covered = sum(_weight(t) for t in mine.content if t in content) / total if total else 0.0
    there = {m: any(lexicon.is_a(c, m.concept) or lexicon.is_a(m.concept, c) for c in concepts) for m in mine.mentions}
    values = [q for q in mine.quantities if q.unit != "year"]
    absent = sum(not any(q.same_value(o) for r in theirs for o in r.quantities) for q in values)
    return (
        covered,
        sum(there.values()) / len(there) if there else 0.5,
        absent / len(values) if values else 0.0,
        float(any(m.kind in _DRUGS and not found for m, found in there.items())),
        float(any(m.kind in _CONDITIONS and not found for m, found in there.items())),
    )


def _weight(term: str) -> float:
    return _GENERIC_WEIGHT if is_generic(term) else 1.0


def _steering(mine: Reading, theirs: Reading) -> tuple[float, ...]:
    """Which way each says that things go, where they speak of the same and anywhere; and what each denies."""
    here, there = [[w for w in ways(r) if w.sense != "doubt"] for r in (mine, theirs)]
    own, other = {w.sense for w in here}, {w.sense for w in there}
    denies, is_denied = _negates(mine), _negates(theirs)
    return (
        *_placed(mine, here, theirs, there),
        float(bool(own & other)),
        float(any(_CONTRARY.get(s) in other and s not in other for s in own)),
        float("same" in other and bool(own & {"up", "down", "good"})),
        float("same" in own and "same" not in other and bool(other & {"up", "down"})),
        float(is_denied and not denies),
        float(denies and not is_denied),
        float(denies and is_denied),
    )


def _placed(mine: Reading, here: Sequence[Way], theirs: Reading, there: Sequence[Way]) -> tuple[float, float]:
    """How far ways among the same words agree, and how far they are opposed, each in [0, 1]."""
    agree = oppose = 0.0
    for way in here:
        around = _around(mine, way)
        shared = [(len(around & _around(theirs, o)), o.sense == way.sense, o.sense) for o in there]
        size, is_same, sense = max(shared, default=(0, False, ""))
        if size:
            share = min(1.0, size / max(1, min(3, len(around))))
            agree = max(agree, share) if is_same else agree
            oppose = max(oppose, share) if frozenset((way.sense, sense)) in _OPPOSED else oppose
    return agree, oppose


def _around(reading: Reading, way: Way) -> frozenset[str]:
    before, after = reading.around(way.first, way.last, _SURROUNDINGS)
    return before | after


def _negates(reading: Reading) -> bool:
    return any(s.kind == "negation" and s.sense in _NOT for s in reading.steers)
