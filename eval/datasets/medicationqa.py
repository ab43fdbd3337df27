"""MedicationQA: consumers' questions about drugs, names misspelt as they came, answered from NLM's pages.

From https://github.com/abachaa/Medication_QA_MedInfo2019: a spreadsheet, ``MedInfo2019-QA-Medications.xlsx``, to be
saved as CSV. Columns: ``Question``, ``Question Type`` and ``Answer`` are required. No licence
stated.

Ben Abacha et al. 2019, Bridging the gap between consumers' medication questions and trusted answers,
doi:10.3233/SHTI190176.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import csv_rows, found
from eval.domain import Gold, Item

ABOUT = About(
    "medicationqa",
    "consumers' questions about drugs with answers from drug labels and MedlinePlus",
    "https://github.com/abachaa/Medication_QA_MedInfo2019",
    "none stated: evaluation only",
)
_QUESTION, _TYPE, _ANSWER = "Question", "Question Type", "Answer"


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is the question type. Rows without an answer keep none."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder, kind="type")
    return dataset(ABOUT, _published(found(folder, ABOUT, "MedInfo2019-QA-Medications*.csv")[0]))


def _published(path: Path) -> Iterator[Item]:
    for number, row in enumerate(csv_rows(path, _QUESTION, _TYPE, _ANSWER), start=1):
        yield Item(
            item_id=f"medicationqa-{number:03}",
            question=row.text(_QUESTION),
            kind=row.optional(_TYPE),
            gold=Gold(answers=row.texts(_ANSWER)),
        )
