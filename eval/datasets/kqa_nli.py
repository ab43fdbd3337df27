"""K-QA's judged sample: does a system's answer entail a physician's statement? It calibrates a judge of answers.

From https://github.com/Itaymanes/K-QA, folder ``dataset``: ``NLI_medical_annotator.csv`` with ``Question``, ``answer``,
``claim``, ``category_x`` (Must_have, Nice_to_have) and ``majority_label`` of three physicians (Entailment, Neutral,
Contradiction); the first column, without a name, numbers the rows. MIT licence.

Manes et al. 2024, K-QA: a real-world medical Q&A benchmark, doi:10.18653/v1/2024.bionlp-1.22.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset, verdict
from eval.datasets.files import Entry, csv_rows, found
from eval.domain import Gold, Item

ABOUT = About(
    "kqa_nli",
    "physicians' judgement whether an answer says, contradicts or lacks a statement",
    "https://github.com/Itaymanes/K-QA",
    "MIT",
)


def load(folder: Path) -> Dataset:
    """Claim verification: the statement against the answer. ``cluster`` is the question, ``kind`` the importance."""
    items = _prepared(folder) if prepared.is_prepared(folder) else _published(folder)
    return dataset(ABOUT, items)


def _published(folder: Path) -> Iterator[Item]:
    (path, *_) = found(folder, ABOUT, "NLI_medical_annotator.csv")
    for row in csv_rows(path, "", "Question", "answer", "claim", "category_x", "majority_label"):
        label = _label(row, "majority_label")
        item_id, kind = f"kqanli-{row.whole(''):03}", row.optional("category_x").lower()
        yield _item(item_id, row.text("claim"), row.text("answer"), kind, row.text("Question"), label)


def _prepared(folder: Path) -> Iterator[Item]:
    for query in prepared.queries(folder):
        meta, label = query.metadata, _label(query.answer, "label")
        kind = meta.optional("kind").lower()
        yield _item(query.query_id, meta.text("statement"), meta.text("answer"), kind, meta.text("kqa_id"), label)


def _label(entry: Entry, field: str) -> str:
    label = verdict(entry.text(field))
    if label is None:
        raise entry.wrong(field, "Entailment, Neutral or Contradiction")
    return label


def _item(item_id: str, statement: str, answer: str, kind: str, cluster: str, label: str) -> Item:
    known = Gold(label=label)
    return Item(item_id=item_id, question=statement, evidence=(answer,), kind=kind, cluster=cluster, gold=known)
