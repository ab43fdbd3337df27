"""The learned model of entailment: what evidence says of a statement that is in other words.

A multinomial logistic regression over the features of ``alignment``, in ``entailment.json`` with what it was trained
on, under which licences, and how well it does out of fold. ``python -m eval.training.entailment`` makes the file.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answer.alignment import FEATURES, Text, align
from rag.answer.denial import denied
from rag.answer.opinion import Opinion
from rag.answer.reading import Reading
from rag.errors import EncoderError
from rag.index.encoder import Worded
from rag.language.lexicon import Lexicon

Class = Literal["supported", "contradicted", "neutral"]

MODEL = Path(__file__).with_name("entailment.json")
#: The classes of the model, in the order of its rows.
CLASSES: tuple[Class, ...] = ("supported", "contradicted", "neutral")
_REMEMBERED = 512
#: A statement with less of its words in the evidence, or whose words are less near to words there, is not supported by
#: the model, whatever it makes of it: likely it is about something else. Chosen on claims of SciFact put to the nearest
#: sentence of another abstract: of 116 in 1,106 by which the model is taken in 87 go, and 15 of 293 true supports.
_FLOORS = {"covered": 0.35, "weakest_words": 0.3}

Floats = NDArray[np.float64]


class Model(NamedTuple):
    """``mean`` and ``scale`` of the features; ``coefficients`` (classes, features); ``intercept`` of each class.

    The chances are calibrated on the data of its record. A verdict goes to the class that leads after each is
    multiplied by its ``favour``: classes are not equally common in what a reader asks and in what it was trained on.
    """

    mean: Floats
    scale: Floats
    coefficients: Floats
    intercept: Floats
    favour: Floats
    name: str

    def chances(self, values: Floats) -> Floats:
        """Of the classes, 1 together. ``values`` in the order of ``FEATURES``, shape (features,) or (items, features).

        Values beyond four standard deviations count as four: nothing is known of what lies further out.
        """
        standard = np.clip((values - self.mean) / self.scale, -4, 4)
        scores = standard @ self.coefficients.T + self.intercept
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        chances: Floats = powers / powers.sum(axis=-1, keepdims=True)
        return chances


@cache
def read_model(path: Path = MODEL) -> Model:
    """The shipped model, or another of the same form.

    Raises:
        EncoderError: the file is missing, or not of these features.
    """
    try:
        content = path.read_bytes()
        record: dict[str, Any] = json.loads(content)
        name = f"entailment {record['version']}@{hashlib.sha256(content).hexdigest()[:16]}"
        mean, scale, coefficients, intercept, favour = (
            np.array(record[part], np.float64) for part in Model._fields[:5]
        )
        if tuple(record["features"]) != FEATURES or coefficients.shape != (len(CLASSES), len(FEATURES)):
            raise ValueError("it is of other features")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"entailment model {path}: cannot be used ({error}); train it with python -m eval.training.entailment"
        ) from error
    return Model(mean, scale, coefficients, intercept, favour, name)


class LearnedEntailment:
    """The model as what judges rewordings; see ``Entailment``. Texts are embedded once.

    Args:
        embed: gives a text's vectors; not called before there is a rewording to judge.
    """

    def __init__(self, embed: Callable[[str], Worded], lexicon: Lexicon, model: Model | None = None) -> None:
        self._embed, self._lexicon = embed, lexicon
        self._given = model
        self._texts: OrderedDict[str, Worded] = OrderedDict()
        self._lock = Lock()

    @property
    def _model(self) -> Model:
        return self._given or read_model()

    @property
    def name(self) -> str:
        return self._model.name

    def opinion(self, statement: Reading, quotes: Sequence[Reading]) -> Opinion:
        """By the nearest sentences of the quotes, each of which is best a sentence."""
        values, nearest = self.aligned(statement, quotes)
        chances = self._model.chances(values)
        verdict = CLASSES[int((chances * self._model.favour).argmax())]
        if verdict == "supported" and any(values[FEATURES.index(name)] < least for name, least in _FLOORS.items()):
            verdict = "neutral"
        supported, contradicted, neutral = map(float, chances)
        return Opinion(supported, contradicted, neutral, verdict, nearest)

    def aligned(self, statement: Reading, quotes: Sequence[Reading]) -> tuple[Floats, str]:
        """The features, and the nearest sentence."""
        denial = self._embedded(denied(statement.text))
        texts = [Text(q, self._embedded(q.text)) for q in quotes]
        return align(Text(statement, self._embedded(statement.text)), denial, texts, self._lexicon)

    def _embedded(self, text: str) -> Worded:
        with self._lock:
            if text in self._texts:
                self._texts.move_to_end(text)
                return self._texts[text]
        found = self._embed(text)
        with self._lock:
            self._texts[text] = found
            if len(self._texts) > _REMEMBERED:
                self._texts.popitem(last=False)
        return found
