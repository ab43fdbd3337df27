"""The claim matcher: does an answer say a claim? Deterministic, on the machine, without a language model.

Rules decide what must not be left to a model: what stands verbatim is said; the same sentence with another number,
unit or polarity is contradicted; a number that is nowhere in the answer was not said. The rest is weighed by a
logistic model of three features: the cosine of the nearest sentence, the share of the claim's words in the nearest
sentences (a word that is not there counts as its likest), and the share of its drugs, conditions and tests that are
named. ``matcher.json`` says what it was fitted to and how well it agrees with physicians.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.judges.base import Judgement, Label
from eval.judges.examiner import FEATURES, Examination, Examiner
from eval.judges.premises import Reader
from eval.judges.weights import CITATIONS, MATCHER, Fitted, Logistic, read_fitted
from eval.log import Agreement
from rag.errors import InputError


class Matcher:
    """Judges by rules and a small model. Safe to share between threads; texts are read and embedded once.

    Args:
        examiner: what looks at a claim and an answer.
        fitted: the model with its record, as of ``matcher.json``.
    """

    def __init__(self, examiner: Examiner, fitted: Fitted) -> None:
        if fitted.model is None or fitted.model.features != FEATURES:
            raise InputError(f"weights of {fitted.judge}: not of the features {', '.join(FEATURES)}; calibrate again")
        self._examiner, self._fitted, self._model = examiner, fitted, fitted.model
        self.name = f"{fitted.judge} {fitted.version}"

    @classmethod
    def open(cls, encoders: Path | None = None) -> Matcher:
        """The matcher of claims against answers.

        Args:
            encoders: folder of exported models, default that of the index; exported into, which takes ten seconds
                and torch, when the packaged model is not there yet.
        """
        return cls(Examiner(Reader.open(encoders)), read_fitted(MATCHER))

    def for_citations(self) -> Matcher:
        """The same as a judge of sentences against the passages that they cite; its agreement is another."""
        return Matcher(self._examiner, read_fitted(CITATIONS))

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """Whether an answer of the sentences ``premises``, in any order, says ``claim``."""
        return judgement(self._examiner.examine(claim, tuple(premises)), self._model)

    def agreement(self) -> Agreement:
        """With whom it agrees how well, on items that it was not fitted to."""
        return self._fitted.agreement(self.name)


def judgement(seen: Examination, model: Logistic) -> Judgement:
    """The rules' judgement, or else the model's."""
    if seen.decided:
        return seen.decided
    support = model.support(seen.features)
    if seen.barred:
        return Judgement("neutral", min(support, model.threshold) / 2, seen.barred)
    label: Label = "entailed" if support >= model.threshold else "neutral"
    return Judgement(label, support, f"nearest: {seen.nearest}")
