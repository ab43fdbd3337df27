"""K-QA: patients' questions with physicians' answers, taken apart into what must be said and what may be said.

From https://github.com/Itaymanes/K-QA, folder ``dataset``: ``questions_w_answers.jsonl`` with ``Question``,
``Free_form_answer``, ``Must_have`` and ``Nice_to_have``; MIT licence. A physicians' sample of systems' answers lies
beside it: ``kqa_nli``.

Manes et al. 2024, K-QA: a real-world medical Q&A benchmark, doi:10.18653/v1/2024.bionlp-1.22.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_lines
from eval.domain import Gold, Item

ABOUT = About(
    "kqa",
    "patients' questions with physicians' must-have and nice-to-have statements",
    "https://github.com/Itaymanes/K-QA",
    "MIT",
)


def load(folder: Path) -> Dataset:
    """The questions with their statements as claims of importance must and nice."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder)
    (path, *_) = found(folder, ABOUT, "questions_w_answers.jsonl")
    return dataset(ABOUT, (_item(f"kqa-{number:03}", entry) for number, entry in enumerate(json_lines(path), start=1)))


def _item(item_id: str, entry: Entry) -> Item:
    statements = {"must_have": entry.texts("Must_have"), "nice_to_have": entry.texts("Nice_to_have")}
    known = Gold(answers=entry.texts("Free_form_answer"), claims=prepared.claims(item_id, statements))
    return Item(item_id=item_id, question=entry.text("Question"), gold=known)
