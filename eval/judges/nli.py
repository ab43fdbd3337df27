"""A cross-encoder trained on natural language inference, from a folder on this machine. Nothing is downloaded.

Such models read a premise of a few hundred words and a hypothesis and give the chances of entailment, neutral and
contradiction. Longer texts are read in windows of whole sentences. The surest windows are read once more together, so
that a claim whose halves stand in two of them can be entailed; the order of the texts plays no part.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.judges.base import Judgement, nothing_said
from eval.judges.premises import split, without_marks
from rag.errors import EncoderError, InputError

_WINDOW_WORDS, _BATCH, _TOGETHER = 160, 16, 3
Chances = NDArray[np.float64]


class NliJudge:
    """Entailed or contradicted if that is the likeliest class of a window, and entailment is the likelier of the two.

    Safe to share between threads, which take turns. How well a model agrees with people is not known here: score
    ``kqa_nli`` with it as the system under test.

    Args:
        path: folder of a model for sequence classification whose ``config.json`` names its classes in ``id2label``.
        window_words: longest window; with the claim it must fit the model's input, which else is cut at its end.

    Raises:
        InputError: no such folder, or classes that are not named.
        EncoderError: the model cannot be loaded.
    """

    def __init__(self, path: Path, *, window_words: int = _WINDOW_WORDS) -> None:
        if not (path / "config.json").is_file():
            raise InputError(f"NLI model {path}: no config.json there; expected a folder with a model, not its name")
        self._model, self._window_words, self._lock = _loaded(path), window_words, Lock()
        self._entails, self._denies = _columns(path, dict(self._model.config.id2label))
        self.name = f"nli {path.resolve().name}"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """``support`` is the chance of entailment in the window where it is greatest."""
        empty = nothing_said(claim, premises)
        if empty:
            return empty
        texts = sorted({window for text in premises for window in windows(text, self._window_words)})
        if not texts:
            return Judgement("neutral", 0.0, "nothing is said")
        chances = self._chances(claim, texts)
        surest = np.argsort(-chances[:, self._entails], kind="stable")[:_TOGETHER]
        if len(surest) > 1:
            # Joined in the order of the text itself, which does not depend on how sure each is.
            texts.append(" ".join(texts[i] for i in sorted(surest)))
            chances = np.vstack([chances, self._chances(claim, texts[-1:])])
        return self._judgement(chances, texts)

    def _judgement(self, chances: Chances, texts: Sequence[str]) -> Judgement:
        entails = int(chances[:, self._entails].argmax())
        support = float(chances[entails, self._entails])
        likeliest = chances.argmax(axis=1)
        against = 0.0
        if self._denies is not None:
            denies = int(chances[:, self._denies].argmax())
            against = float(chances[denies, self._denies])
            if against > support and likeliest[denies] == self._denies:
                return Judgement("contradicted", support, f"contradiction {against:.2f}: {texts[denies]}")
        is_entailed = likeliest[entails] == self._entails
        return Judgement("entailed" if is_entailed else "neutral", support, f"entailment: {texts[entails]}")

    def _chances(self, claim: str, texts: Sequence[str]) -> Chances:
        """Shape (len(texts), classes). A text is read without others, whose padding would show in its last digits."""
        with self._lock:
            rows = [self._model.predict([(text, claim)], batch_size=_BATCH, show_progress_bar=False,
                                        activation_fn=_as_it_is) for text in texts]  # fmt: skip
        scores = np.asarray(rows, dtype=np.float64).reshape(len(texts), -1)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances: Chances = powers / powers.sum(axis=1, keepdims=True)
        return chances


def windows(text: str, words: int) -> list[str]:
    """A text as pieces of whole sentences, each of at most ``words`` words unless one sentence has more.

    Neighbours share a sentence, if it leaves room for another.
    """
    found: list[list[str]] = [[]]
    for sentence in split(without_marks(text)):
        last = found[-1]
        if last and _words([*last, sentence]) > words:
            shared = last[-1:] if _words([last[-1], sentence]) <= words else []
            found.append(shared)
        found[-1].append(sentence)
    return [" ".join(sentences) for sentences in found if sentences]


def _words(sentences: Sequence[str]) -> int:
    return sum(len(s.split()) for s in sentences)


def _as_it_is(scores: Any) -> Any:
    """Instead of the activation that the model's folder asks for, so that the classes compete here."""
    return scores


def _columns(path: Path, classes: dict[int, str]) -> tuple[int, int | None]:
    """Columns of entailment and of contradiction, which a model of two classes lacks."""
    entails = [i for i, name in classes.items() if name.lower().startswith("entail")]
    denies = [i for i, name in classes.items() if name.lower().startswith("contra")]
    if len(entails) != 1 or len(denies) > 1 or len(classes) < 2:
        named = ", ".join(map(str, classes.values()))
        raise InputError(f"NLI model {path}: its classes are {named}; expected one that begins with entail and at most "
                         "one with contra in id2label of config.json")  # fmt: skip
    return entails[0], denies[0] if denies else None


def _loaded(path: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Imported here because it takes seconds, which only this judge should cost.
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return CrossEncoder(str(path.resolve()), device="cpu", local_files_only=True)
        except Exception as error:  # the library raises many types
            raise EncoderError(f"NLI model {path}: cannot be loaded ({error}); expected a sequence classifier with its "
                               "tokenizer, as save_pretrained writes them") from error  # fmt: skip
