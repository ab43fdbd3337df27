"""MIRAGE: five medical sets as multiple choice, the benchmark of medical retrieval-augmented generation.

From https://github.com/Teddy-XiongGZ/MIRAGE: ``benchmark.json``, an object by set (medqa, medmcqa, pubmedqa, bioasq,
mmlu) of objects by number with ``question``, ``options`` (text by letter) and ``answer`` (a letter).

Xiong et al. 2024, Benchmarking retrieval-augmented generation for medicine, arXiv:2402.13178.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_object
from eval.domain import Gold, Item

ABOUT = About(
    "mirage",
    "multiple choice: medqa, medmcqa, pubmedqa, bioasq and mmlu",
    "https://github.com/Teddy-XiongGZ/MIRAGE",
    "as the five sets' owners say: evaluation only",
)


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is the set, the label the letter of the right option, as in ``options``."""
    (path, *_) = found(folder, ABOUT, "benchmark.json")
    sets = json_object(path).all_named()
    return dataset(ABOUT, (_item(kind, number, entry) for kind, part in sets for number, entry in part.all_named()))


def _item(kind: str, number: str, entry: Entry) -> Item:
    options = entry.within("options")
    texts = {letter: options.text(letter) for letter in options.fields}
    if len(texts) < 2:
        raise entry.wrong("options", "two or more texts by letter")
    if (label := entry.text("answer")) not in texts:
        raise entry.wrong("answer", f"one of {', '.join(texts)}")
    return Item(
        item_id=f"mirage-{kind}-{number}",
        question=entry.text("question"),
        kind=kind,
        gold=Gold(label=label, options=texts),
    )
