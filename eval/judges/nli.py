"""The judge that is a cross-encoder trained on natural language inference: see ``rag.answer.nli``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.judges.base import Judgement, nothing_said
from eval.judges.premises import split, without_marks
from rag.answer.nli import WINDOW_WORDS, NliModel, windows


class NliJudge:
    """Entailed or contradicted if that is the likeliest class of a window, and entailment is the likelier of the two.

    Safe to share between threads, which take turns. How well a model agrees with people is not known here: score
    ``kqa_nli`` with it as the system under test.

    Args:
        path: folder of a cross-encoder whose ``config.json`` names its classes in ``id2label``.
        window_words: longest window; with the claim it must fit the model's input, which else is cut at its end.

    Raises:
        InputError: no such folder, or classes that are not named.
    """

    def __init__(self, path: Path, *, window_words: int = WINDOW_WORDS) -> None:
        self._model, self._window_words = NliModel(path), window_words
        self.name = f"nli {path.resolve().name}"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """``support`` is the chance of entailment in the window where it is greatest.

        Raises:
            EncoderError: the model cannot be loaded.
        """
        empty = nothing_said(claim, premises)
        if empty:
            return empty
        texts = {w for text in premises for w in windows(split(without_marks(text)), self._window_words)}
        found = self._model.infer(claim, sorted(texts))
        if found is None:
            return Judgement("neutral", 0.0, "nothing is said")
        if found.is_denied and found.denies > found.entails:
            return Judgement("contradicted", found.entails, f"contradiction {found.denies:.2f}: {found.denying}")
        return Judgement(
            "entailed" if found.is_entailed else "neutral", found.entails, f"entailment: {found.entailing}"
        )
