"""What an answer says, sentence by sentence, prepared once so that many claims can be held against it.

The order of the texts is lost on purpose: an answer whose sentences are shuffled says the same.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.answer.reading import Reading, read
from rag.index.encoder import Encoder, OnnxEncoder
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.manifest import ENCODERS
from rag.language.lexicon import Lexicon
from rag.language.quantities import TYPOGRAPHY, Quantity
from rag.language.sentences import sentence_spans
from rag.settings import Settings

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_REMEMBERED_VECTORS, _REMEMBERED_READINGS, _REMEMBERED_ANSWERS = 40_000, 8_000, 64
# Where a sentence ends though no splitter for well-set text says so: at list items, also those of a list that lost its
# line ends ("… - Drink water - Rest"), and where a space was lost. A dash before a number is a range or a sign.
_JOINTS = re.compile(r"(?:^|\n)\s*[-*–]\s+|\s*[•‣▪]\s*|\n+|\s+-\s+(?=[A-Z][a-z])|(?<=[a-z)\]][.!?])(?=[A-Z][a-z])")
_MARKS = re.compile(r"\*\*|__|`|[\u00ad\u200b-\u200d\u2060\ufeff]")
# Not after a number or "CI", where brackets hold an interval.
_CITATIONS = re.compile(r"(?<![\d%I\s])\s*\[\d+(?:\s*[,;–-]\s*\d+)*\]")
_NUMBERED = re.compile(r"^\s*(?:\(?\d{1,2}[.)]\s+|#+\s+)")
_LOOSE = re.compile(r"\s*([^\w\s])\s*")


class Remembered:
    """The last values of a function, by key. Two threads may both make one: it is the same."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._values: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: K, make: Callable[[K], V]) -> V:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        value = make(key)
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


class Sentence(NamedTuple):
    """``words`` has a word as written, in lower case, for each content term."""

    text: str
    reading: Reading
    words: dict[str, str]


class Premises:
    """The sentences of an answer, sorted, each once. Questions are left out of ``sentences``: they assert nothing."""

    def __init__(self, sentences: Sequence[Sentence], plain: frozenset[str], vectors: Vectors) -> None:
        self.sentences, self.plain, self.vectors = tuple(sentences), plain, vectors

    @cached_property
    def concepts(self) -> frozenset[str]:
        return frozenset[str]().union(*(s.reading.concepts for s in self.sentences))

    @cached_property
    def where(self) -> dict[str, list[int]]:
        """The places in ``sentences`` that have a content term."""
        places: dict[str, list[int]] = {}
        for i, sentence in enumerate(self.sentences):
            for term in sentence.words:
                places.setdefault(term, []).append(i)
        return places

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(q for s in self.sentences for q in s.reading.quantities)


class Reader:
    """Reads and embeds texts, and remembers. Safe to share between threads.

    A text is embedded alone, never in a batch with others, whose lengths would show in the last digits of its vector.
    """

    def __init__(self, encoder: Encoder, lexicon: Lexicon) -> None:
        self.lexicon, self._encoder = lexicon, encoder
        self._vectors, self._sentences = Remembered(_REMEMBERED_VECTORS), Remembered(_REMEMBERED_READINGS)
        self._answers = Remembered(_REMEMBERED_ANSWERS)

    @classmethod
    def open(cls, encoders: Path | None = None) -> Reader:
        """With the packaged model, exported into ``encoders`` (default: the index's) if it is not there yet."""
        folder = encoders or Settings.from_environment().index_dir / ENCODERS
        return cls(OnnxEncoder(export_encoder(PACKAGED_MODEL, folder)), Lexicon.load())

    def sentence(self, text: str) -> Sentence:
        return self._sentences.get(text, self._read)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        if not texts:
            return np.empty((0, self._encoder.dimension), np.float32)
        return np.stack([self._vectors.get(t, lambda text: self._encoder.encode([text])[0]) for t in texts])

    def premises(self, texts: Sequence[str]) -> Premises:
        return self._answers.get(tuple(sorted(set(texts))), self._prepared)

    def _read(self, text: str) -> Sentence:
        reading = read(text, self.lexicon)
        words: dict[str, str] = {}
        for atom in reading.atoms:
            if atom.term:
                words.setdefault(atom.term, reading.text[atom.start : atom.end].lower())
        return Sentence(text, reading, words)

    def _prepared(self, texts: tuple[str, ...]) -> Premises:
        parts = sorted({part for text in texts for part in split(text)})
        said = [part for part in parts if not part.endswith("?")]
        plain = frozenset(map(plainly, [*texts, *parts])) - {""}
        return Premises([self.sentence(part) for part in said], plain, self.vectors(said))


def split(text: str) -> list[str]:
    """The sentences and list items of a text, without marks of bullets, emphasis and citations."""
    found = []
    for piece in _JOINTS.split(text):
        piece = _NUMBERED.sub("", without_marks(piece))
        found += [piece[start:end].strip() for start, end in sentence_spans(piece)]
    return [sentence for sentence in found if any(c.isalnum() for c in sentence)]


def without_marks(text: str) -> str:
    """A text without numbers of references in brackets, emphasis and characters that are not seen."""
    return _CITATIONS.sub("", _MARKS.sub("", text))


def plainly(text: str) -> str:
    """A text without what typography alone decides: kinds of dashes and spaces, case, the mark at its end."""
    text = without_marks(text).translate(TYPOGRAPHY).casefold().lstrip("•-* \n\t")
    text = _NUMBERED.sub("", text).replace(">=", "≥").replace("<=", "≤")
    return _LOOSE.sub(r"\1", " ".join(text.split())).rstrip(".;:, ")
