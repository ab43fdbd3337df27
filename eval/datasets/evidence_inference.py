"""Evidence Inference 2.0: what did a trial find on an outcome, and which sentence of its report says so?

From http://evidence-inference.ebm-nlp.com/download/: ``prompts_merged.csv`` (``PromptID``, ``PMCID``, ``Outcome``,
``Intervention``, ``Comparator``) and ``annotations_merged.csv`` (``PromptID``, ``Valid Label``, ``Valid Reasoning``,
``Label``, ``Annotations``: the words that say it), one row a physician who annotated. MIT licence (annotations).

DeYoung et al. 2020, Evidence Inference 2.0: more data, better models, doi:10.18653/v1/2020.bionlp-1.13.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, csv_rows, found
from eval.domain import Gold, Item

ABOUT = About(
    "evidence_inference",
    "findings of trials (increased, decreased, no difference) with the words that say so",
    "http://evidence-inference.ebm-nlp.com/download/",
    "MIT (annotations)",
)
_LABELS = ("significantly increased", "significantly decreased", "no significant difference")


def load(folder: Path) -> Dataset:
    """Questions of effect with the label in the owners' words, given the evidence that the annotators marked.

    Questions without a label or without evidence are left out: nothing of them can be scored. Questions about one
    article are one ``cluster``.
    """
    return dataset(ABOUT, _prepared(folder) if prepared.is_prepared(folder) else _published(folder))


def _prepared(folder: Path) -> Iterator[Item]:
    for query in prepared.queries(folder):
        spans, label = prepared.evidence(query.answer), query.answer.optional("label")
        if label and spans:
            part = query.metadata.optional("official_split")
            yield _item(query.query_id, query.text, f"PMC{query.metadata.text('pmc')}", part, label, spans)


def _published(folder: Path) -> Iterator[Item]:
    annotations: dict[str, list[Entry]] = {}
    (path, *_) = found(folder, ABOUT, "annotations_merged.csv")
    for row in csv_rows(path, "PromptID", "Valid Label", "Valid Reasoning", "Label", "Annotations"):
        if all(row.text(field).lower() == "true" for field in ("Valid Label", "Valid Reasoning")):
            annotations.setdefault(row.text("PromptID"), []).append(row)
    (path, *_) = found(folder, ABOUT, "prompts_merged.csv")
    for row in csv_rows(path, "PromptID", "PMCID", "Outcome", "Intervention", "Comparator"):
        rows = annotations.get(number := row.text("PromptID"), [])
        label = _majority([r.optional("Label").lower() for r in rows])
        spans = tuple(
            dict.fromkeys(s for r in rows if r.optional("Label").lower() == label for s in r.texts("Annotations"))
        )
        if label and spans:
            trial = f"{row.text('Intervention')} versus {row.text('Comparator')} on {row.text('Outcome')}"
            yield _item(f"ei-{number}", f"What is the effect of {trial}?", f"PMC{row.text('PMCID')}", "", label, spans)


def _majority(labels: list[str]) -> str | None:
    """The label that most gave; None without labels, or when as many gave another."""
    counts = Counter(label for label in labels if label in _LABELS).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def _item(item_id: str, question: str, article: str, kind: str, label: str, spans: tuple[str, ...]) -> Item:
    known = Gold(label=label.lower(), relevant={article: 1}, evidence=spans)
    return Item(item_id=item_id, question=question, evidence=spans, kind=kind, cluster=article, gold=known)
