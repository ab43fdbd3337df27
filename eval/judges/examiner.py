"""What the claim matcher looks at: rules that decide, and otherwise the features that its model weighs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eval.judges.base import Judgement, nothing_said
from eval.judges.conflicts import Standing, missing, standing
from eval.judges.premises import Premises, Reader, Sentence, Vectors, plainly, split
from rag.answer.verify import Verifier
from rag.language.terms import is_generic

#: The features' names, in order.
FEATURES = ("nearest", "words", "names")
#: Words that many clinical claims share ("patients", "risk") weigh less when words are counted.
_GENERIC_WEIGHT = 0.35
#: Sentences among which the words of a claim are sought, and those that are held against it one by one.
_NEAR, _ALIKE = 12, 3
#: Share of the claim's words from which a sentence is compared with it, and from which it is the same but for a detail.
_COMPARED, _TWIN = 0.5, 0.75


class Examination(NamedTuple):
    """``decided`` is a judgement by rule, which the model has no say in; ``nearest`` is the sentence to show.

    A claim that a rule keeps from being entailed, but that may be no contradiction, has ``barred`` with the reason.
    """

    features: tuple[float, ...]
    decided: Judgement | None
    barred: str
    nearest: str


class Examiner:
    """Deterministic; safe to share between threads."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._verifier = Verifier(reader.lexicon)

    def examine(self, claim: str, texts: tuple[str, ...]) -> Examination:
        empty = nothing_said(claim, texts)
        if empty:
            return Examination((0.0, 0.0, 0.0), empty, "", "")
        premises = self.reader.premises(texts)
        if _is_verbatim(claim, premises):
            return Examination((1.0, 1.0, 1.0), Judgement("entailed", 1.0, "said verbatim"), "", claim)
        if not premises.sentences:
            return Examination((0.0, 0.0, 0.0), Judgement("neutral", 0.0, "nothing is asserted"), "", "")
        mine = self.reader.sentence(" ".join(split(claim)) or claim)
        cosines = premises.vectors @ self.reader.vectors([mine.text])[0]
        order = np.argsort(-cosines, kind="stable")
        near = [premises.sentences[i] for i in order[:_NEAR]]
        features = (float(cosines[order[0]]), self._words(mine, near), self._names(mine, premises))
        decided, barred = self._ruled(mine, premises, cosines)
        return Examination(features, decided, barred, near[0].text)

    def _words(self, claim: Sentence, near: list[Sentence]) -> float:
        """Share of the claim's words in the near sentences; a word that is not there counts as its likest one."""
        total = sum(map(_weight, claim.words))
        there = {term: word for sentence in near for term, word in sentence.words.items()}
        if not total or not there:
            return 0.0
        absent = [term for term in claim.words if term not in there]
        found = total - sum(map(_weight, absent))
        if absent:
            words = self.reader.vectors([claim.words[t] for t in absent])
            likest = (words @ self.reader.vectors(sorted(set(there.values()))).T).max(axis=1)
            found += sum(_weight(t) * max(0.0, float(c)) for t, c in zip(absent, likest, strict=True))
        return min(1.0, found / total)

    def _names(self, claim: Sentence, premises: Premises) -> float:
        """Share of the claim's drugs, conditions and tests that the answer names, or a kind of; 1 without any."""
        mine = claim.reading.concepts
        return sum(self._is_named(name, premises) for name in mine) / len(mine) if mine else 1.0

    def _is_named(self, concept: str, premises: Premises) -> bool:
        return any(self.reader.lexicon.is_a(other, concept) for other in premises.concepts)

    def _other_drug(self, claim: Sentence, premises: Premises) -> str | None:
        """A drug of the claim that is nowhere in the answer, as written; None if all are named."""
        drugs = (m for m in claim.reading.mentions if m.kind == "drug")
        absent = next((m for m in drugs if not self._is_named(m.concept, premises)), None)
        return claim.reading.text[absent.start : absent.end] if absent else None

    def _ruled(self, claim: Sentence, premises: Premises, cosines: Vectors) -> tuple[Judgement | None, str]:
        """The sentence with most of the claim's words rules, if it has nearly all or a plain contradiction."""
        shares = _shares(claim, premises)
        alike = [i for i in np.lexsort((-cosines, -shares)) if shares[i] >= _COMPARED][:_ALIKE]
        best: dict[str, tuple[float, str]] = {}
        for i in alike:
            sentence, share = premises.sentences[i], float(shares[i])
            found = standing(claim, sentence, self._verifier, self.reader.lexicon)
            if found.kind == "supports":
                return Judgement("entailed", 1.0, f"said: {sentence.text}"), ""
            best.setdefault(found.kind, (share, f"{_detail(found)}{sentence.text}"))
        agreeing = best.get("agrees", (0.0, ""))[0]
        share, reason = best.get("conflicts", (0.0, ""))
        if share >= _TWIN and share > agreeing:
            return Judgement("contradicted", 0.0, reason), ""
        absent = missing(claim.reading, premises.quantities) or self._other_drug(claim, premises)
        if absent:
            return None, f"{absent} is not said"
        share, reason = best.get("other", (0.0, ""))
        return None, reason if share >= _TWIN and share > agreeing else ""


def _detail(found: Standing) -> str:
    return f"{found.reason}: " if found.reason else ""


def _is_verbatim(claim: str, premises: Premises) -> bool:
    """Whether the claim, or each of its sentences, stands in the answer but for typography."""
    parts = [p for p in map(plainly, split(claim)) if p]
    return plainly(claim) in premises.plain or (bool(parts) and all(p in premises.plain for p in parts))


def _weight(term: str) -> float:
    return _GENERIC_WEIGHT if is_generic(term) else 1.0


def _shares(claim: Sentence, premises: Premises) -> Vectors:
    """Share of the claim's content words in each sentence, in [0, 1]: plain or weighted, whichever is greater.

    A rule must see a sentence that is written alike, and one that is alike in all but generic words.
    """
    weights = np.array([[1.0, _weight(term)] for term in claim.words], np.float32).reshape(-1, 2)
    shares = np.zeros((len(premises.sentences), 2), np.float32)
    for term, weight in zip(claim.words, weights, strict=True):
        shares[premises.where.get(term, [])] += weight
    greatest: Vectors = (shares / np.maximum(weights.sum(axis=0), np.float32(_GENERIC_WEIGHT))).max(axis=1)
    return greatest
