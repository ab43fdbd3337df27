"""A cross-encoder trained on natural language inference, where one is configured.

Such models read a premise of a few hundred words and a hypothesis and give the chances of entailment, contradiction and
neither. Longer texts are read in windows of whole sentences. The surest windows are read once more together, so that a
claim whose halves stand in two of them can be entailed; the order of the texts plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answer.opinion import Opinion
from rag.answer.reading import Reading
from rag.errors import InputError
from rag.retrieve.crossencoder import LocalCrossEncoder

Chances = NDArray[np.float64]

WINDOW_WORDS = 160
_TOGETHER = 3


class Inference(NamedTuple):
    """The chance of entailment where it is greatest and of contradiction where that is, each with its text.

    ``is_entailed`` and ``is_denied``: whether that is the likeliest class of its text. A model of two classes knows no
    contradiction, which then has no chance.
    """

    entails: float
    denies: float
    entailing: str
    denying: str
    is_entailed: bool
    is_denied: bool


class NliModel:
    """Safe to share between threads, which take turns. How well a model agrees with people is not known here.

    Args:
        folder: of a cross-encoder whose ``config.json`` names its classes in ``id2label``; see ``LocalCrossEncoder``.

    Raises:
        InputError: no such folder, or classes that are not named.
    """

    def __init__(self, folder: Path) -> None:
        self._model = LocalCrossEncoder(folder, "NLI model")
        self._entails, self._denies = _columns(folder, self._model.classes)

    @cached_property
    def name(self) -> str:
        """The folder's name and a digest of what decides the chances. Loads no model."""
        return self._model.name

    def infer(self, claim: str, texts: Sequence[str]) -> Inference | None:
        """What ``texts``, of which each fits the model's input, say of ``claim``; None of no text.

        Raises:
            EncoderError: the model cannot be loaded.
        """
        if not texts:
            return None
        read = list(texts)
        chances = self._chances(claim, read)
        surest = np.argsort(-chances[:, self._entails], kind="stable")[:_TOGETHER]
        if len(surest) > 1:
            # Joined in the order of the text itself, which does not depend on how sure each is.
            read.append(" ".join(read[i] for i in sorted(surest)))
            chances = np.vstack([chances, self._chances(claim, read[-1:])])
        return self._surest(chances, read)

    def _surest(self, chances: Chances, texts: Sequence[str]) -> Inference:
        likeliest = chances.argmax(axis=1)
        best = int(chances[:, self._entails].argmax())
        entails, is_entailed = float(chances[best, self._entails]), bool(likeliest[best] == self._entails)
        if self._denies is None:
            return Inference(entails, 0.0, texts[best], "", is_entailed, False)
        worst = int(chances[:, self._denies].argmax())
        denies, is_denied = float(chances[worst, self._denies]), bool(likeliest[worst] == self._denies)
        return Inference(entails, denies, texts[best], texts[worst], is_entailed, is_denied)

    def _chances(self, claim: str, texts: Sequence[str]) -> Chances:
        """Shape (len(texts), classes). A text is read without others, whose padding would show in its last digits."""
        scores = np.vstack([self._model.scores([(text, claim)]) for text in texts])
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances: Chances = powers / powers.sum(axis=1, keepdims=True)
        return chances


class NliEntailment:
    """The model as what judges rewordings; see ``Entailment``."""

    def __init__(self, folder: Path) -> None:
        self._model = NliModel(folder)
        self.name = f"nli {self._model.name}"

    def opinion(self, statement: Reading, quotes: Sequence[Reading]) -> Opinion:
        """The chances in the windows where they are greatest; what they leave is that of neither.

        Raises:
            EncoderError: the model cannot be loaded.
        """
        found = self._model.infer(statement.text, windows([quote.text for quote in quotes]))
        if found is None:
            return Opinion(0.0, 0.0, 1.0, "neutral", "")
        total = max(1.0, found.entails + found.denies)
        supported, contradicted = found.entails / total, found.denies / total
        rest = 1 - supported - contradicted
        if found.is_denied and found.denies > found.entails:
            return Opinion(supported, contradicted, rest, "contradicted", found.denying)
        verdict: Literal["supported", "neutral"] = "supported" if found.is_entailed else "neutral"
        return Opinion(supported, contradicted, rest, verdict, found.entailing)


def windows(sentences: Sequence[str], words: int = WINDOW_WORDS) -> list[str]:
    """Sentences in their order as texts, each of at most ``words`` words unless one sentence has more.

    Neighbours share a sentence, if it leaves room for another.
    """
    found: list[list[str]] = [[]]
    for sentence in sentences:
        last = found[-1]
        if last and _words([*last, sentence]) > words:
            shared = last[-1:] if _words([last[-1], sentence]) <= words else []
            found.append(shared)
        found[-1].append(sentence)
    return [" ".join(window) for window in found if window]


def _words(sentences: Sequence[str]) -> int:
    return sum(len(s.split()) for s in sentences)


def _columns(folder: Path, classes: dict[int, str]) -> tuple[int, int | None]:
    """Columns of entailment and of contradiction, which a model of two classes lacks."""
    entails = [i for i, name in classes.items() if name.lower().startswith("entail")]
    denies = [i for i, name in classes.items() if name.lower().startswith("contra")]
    if len(entails) != 1 or len(denies) > 1 or len(classes) < 2:
        named = ", ".join(map(str, classes.values()))
        raise InputError(
            f"NLI model {folder}: its classes are {named}; expected one that begins with entail and at most one with "
            "contra in id2label of config.json"
        )
    return entails[0], denies[0] if denies else None
