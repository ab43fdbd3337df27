"""``python -m eval.sentences``: the sentence splitter on its table of hard sentences. Prints, asserts nothing.

Beside it stand those of pysbd, blingfire and sentencex that happen to be installed; the project needs none of them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate
from pathlib import Path

import yaml

from rag.language.sentences import sentence_spans

TABLE = Path(__file__).parent.parent / "tests" / "tables" / "sentences.yaml"
#: Stands in the table before each sentence of an item but the first.
MARK = "‖"
_MEGABYTES, _ROUNDS = 2, 3
Splitter = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Score:
    """Agreement about the boundaries inside the items; where an item begins and ends is not counted."""

    precision: float
    recall: float
    exact: int
    items: int

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def main() -> int:
    halves: dict[str, list[str]] = yaml.safe_load(TABLE.read_text("utf-8"))
    print(f"{'':10}", *(f"{half:>10} P      R     F1    exact" for half in halves), "     MB/s")
    for name, split in splitters():
        scores = [score(split, items) for items in halves.values()]
        cells = (f"{s.precision:12.3f}  {s.recall:.3f}  {s.f1:.3f}  {s.exact:3}/{s.items}" for s in scores)
        print(f"{name:10}", *cells, f"{megabytes_per_s(split, halves):9.2f}")
    return 0


def splitters() -> Iterator[tuple[str, Splitter]]:
    """This project's, and the others that can be imported, by name."""
    yield "osler", lambda text: [text[start:end] for start, end in sentence_spans(text)]
    for name, adapt in _OTHERS.items():
        try:
            yield name, adapt()
        except ImportError:
            continue


def score(split: Splitter, items: Sequence[str]) -> Score:
    """Boundaries are compared by the characters before them that are not white space."""
    right = found = true = exact = 0
    for item in items:
        expected = _boundaries(item.split(MARK))
        given = _boundaries(split(item.replace(MARK, "")))
        right, found, true = right + len(expected & given), found + len(given), true + len(expected)
        exact += expected == given
    return Score(right / max(found, 1), right / max(true, 1), exact, len(items))


def _boundaries(sentences: Sequence[str]) -> set[int]:
    lengths = [len("".join(sentence.split())) for sentence in sentences]
    return set(accumulate(lengths)) - {0, sum(lengths)}


def megabytes_per_s(split: Splitter, halves: dict[str, list[str]]) -> float:
    """On the table as one text, repeated; the median of a few rounds."""
    once = "\n\n".join(item.replace(MARK, "") for items in halves.values() for item in items)
    text = "\n\n".join([once] * (_MEGABYTES * 1_000_000 // len(once.encode())))
    # A slow splitter gets less of it.
    started = time.perf_counter()
    split(once)
    if time.perf_counter() - started > 0.01:
        text = once
    return statistics.median(len(text.encode()) / 1e6 / _seconds(split, text) for _ in range(_ROUNDS))


def _seconds(split: Splitter, text: str) -> float:
    started = time.perf_counter()
    split(text)
    return time.perf_counter() - started


def _pysbd() -> Splitter:
    segment: Splitter = import_module("pysbd").Segmenter(language="en", clean=False).segment
    return segment


def _blingfire() -> Splitter:
    text_to_sentences = import_module("blingfire").text_to_sentences
    return lambda text: text_to_sentences(text).split("\n")


def _sentencex() -> Splitter:
    segment = import_module("sentencex").segment
    return lambda text: list(segment("en", text))


_OTHERS: dict[str, Callable[[], Splitter]] = {"pysbd": _pysbd, "blingfire": _blingfire, "sentencex": _sentencex}

if __name__ == "__main__":
    sys.exit(main())
