"""TREC LiveQA 2017, the medical task: consumers' letters to the National Library of Medicine, with answers.

From https://github.com/abachaa/LiveQA_MedicalTask_TREC2017: ``TREC-2017-LiveQA-Medical-Test.xml`` (``NLM-QUESTION``
with ``qid``, in it ``Subject``, ``Message``, ``Q-Type`` and ``Answer`` elements), and training files of the same
elements (``questionid``, ``SUBJECT``, ``MESSAGE``, ``TYPE``, ``ANSWER``). The file with summaries has the same
questions again and is not read. No licence stated.

Ben Abacha et al. 2017, Overview of the medical question answering task at TREC 2017 LiveQA.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Element, found, inner, lacks, xml_root
from eval.domain import Gold, Item

ABOUT = About(
    "liveqa",
    "consumers' letters with reference answers",
    "https://github.com/abachaa/LiveQA_MedicalTask_TREC2017",
    "none stated: evaluation only",
)


def load(folder: Path) -> Dataset:
    """The letters, subject first; ``kind`` is the first question type, in lower case."""
    paths = [p for p in found(folder, ABOUT, "*LiveQA-Medical-T*.xml") if "summaries" not in p.name.lower()]
    return dataset(ABOUT, (item for path in paths for item in _letters(path)))


def _letters(path: Path) -> Iterator[Item]:
    part = path.stem.rpartition("Medical-")[2].lower()
    for letter in xml_root(path).iter("nlm-question"):
        number = (letter.get("qid") or letter.get("questionid") or "").strip()
        text = "\n".join(filter(None, (inner(letter, ".//subject"), inner(letter, ".//message"))))
        if not number or not text:
            raise lacks(letter, "number or no text", path)
        answers = tuple(filter(None, map(inner, letter.iter("answer"))))
        yield Item(item_id=f"liveqa-{part}-{number}", question=text, kind=_kind(letter), gold=Gold(answers=answers))


def _kind(letter: Element) -> str:
    types = (inner(element).lower() for name in ("q-type", "type") for element in letter.iter(name))
    return next(filter(None, types), "")
