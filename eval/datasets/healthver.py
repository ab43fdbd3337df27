"""HealthVer: claims about COVID-19 from the web against sentences of scientific papers.

From https://github.com/sarrouti/HealthVer, folder ``data``: ``healthver_train.csv``, ``healthver_dev.csv`` and
``healthver_test.csv`` with ``id``, ``evidence``, ``claim``, ``label`` (Supports, Refutes, Neutral) and ``question``.
No licence stated.

Sarrouti et al. 2021, Evidence-based fact-checking of health-related claims, doi:10.18653/v1/2021.findings-emnlp.297.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset, verdict
from eval.datasets.files import Entry, csv_rows, found
from eval.domain import Gold, Item

ABOUT = About(
    "healthver",
    "claims about COVID-19 against evidence: supports, refutes, neutral",
    "https://github.com/sarrouti/HealthVer",
    "none stated: evaluation only",
)


def load(folder: Path) -> Dataset:
    """Claim verification. ``kind`` is the part (train, dev, test); claims under one question are one ``cluster``."""
    return dataset(ABOUT, _prepared(folder) if prepared.is_prepared(folder) else _published(folder))


def _published(folder: Path) -> Iterator[Item]:
    for path in found(folder, ABOUT, "healthver_train.csv", "healthver_dev.csv", "healthver_test.csv"):
        part = path.stem.rpartition("_")[2]
        rows = csv_rows(path, "id", "evidence", "claim", "label", "question")
        for number, row in enumerate(rows):
            # The owners' ids are not unique across files; the row is, and numbers the prepared form as well.
            item_id = f"healthver-{part}-{number:04}"
            yield _item(item_id, row.text("claim"), row.text("evidence"), part, row.optional("question"), row)


def _prepared(folder: Path) -> Iterator[Item]:
    for query in prepared.queries(folder):
        meta = query.metadata
        part, question = meta.optional("part"), meta.optional("question")
        yield _item(query.query_id, query.text, meta.text("evidence"), part, question, query.answer)


def _item(item_id: str, claim: str, evidence: str, kind: str, cluster: str, labelled: Entry) -> Item:
    label = verdict(labelled.text("label"))
    if label is None:
        raise labelled.wrong("label", "Supports, Refutes or Neutral")
    known = Gold(label=label)
    return Item(item_id=item_id, question=claim, evidence=(evidence,), kind=kind, cluster=cluster, gold=known)
