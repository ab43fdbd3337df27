"""BioASQ task b: experts' biomedical questions with ideal and exact answers, snippets and documents.

From http://participants-area.bioasq.org/datasets/ (registration): training and golden files, ``{"questions": [...]}``
with ``id``, ``body``, ``type`` (yesno, factoid, list, summary), ``ideal_answer``, ``exact_answer``, ``snippets`` (with
``text`` and ``document``) and ``documents`` (addresses that end in a PMID). Training files contain the golden files
of earlier years: keep one or the other in the folder.

Krithara et al. 2023, BioASQ-QA: a manually curated corpus for biomedical question answering,
doi:10.1038/s41597-023-02068-4.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_list
from eval.domain import Gold, Item

ABOUT = About(
    "bioasq",
    "biomedical questions: ideal answers, yes/no, factoids, lists, snippets and documents",
    "http://participants-area.bioasq.org/datasets/",
    "unclear (conditions of the National Library of Medicine, on registration): evaluation only",
)
_TYPES = ("yesno", "factoid", "list", "summary")
_Exact = tuple[tuple[str, ...], ...]


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is their type. Relevant documents are those listed or with a snippet, by PMID."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder, kind="type")
    return dataset(
        ABOUT, (_item(entry) for path in found(folder, ABOUT, "*.json") for entry in json_list(path, "questions"))
    )


def _item(entry: Entry) -> Item:
    kind = entry.text("type").lower()
    if kind not in _TYPES:
        raise entry.wrong("type", "yesno, factoid, list or summary")
    snippets = tuple(entry.entries("snippets"))
    documents = (*entry.texts("documents"), *(s.optional("document") for s in snippets))
    return Item(
        item_id=f"bioasq-{entry.text('id')}",
        question=entry.text("body"),
        kind=kind,
        gold=Gold(
            answers=entry.texts("ideal_answer"),
            label=_label(entry) if kind == "yesno" else None,
            exact=_exact(entry, kind) if kind in ("factoid", "list") else (),
            relevant={address.rstrip("/").rpartition("/")[2]: 1 for address in documents if address},
            evidence=tuple(dict.fromkeys(text for s in snippets for text in s.texts("text"))),
        ),
    )


def _label(entry: Entry) -> str | None:
    """Yes or no; None in a file of test questions, which has no answers yet. Some years put it in a list."""
    labels = [text.lower() for text in entry.texts("exact_answer")]
    if any(label not in ("yes", "no") for label in labels) or len(labels) > 1:
        raise entry.wrong("exact_answer", "yes or no")
    return labels[0] if labels else None


def _exact(entry: Entry, kind: str) -> _Exact:
    """Entities with synonyms. In a flat list, a factoid's strings are synonyms of one, a list's are one each."""
    value = entry.fields.get("exact_answer")
    is_flat = not isinstance(value, list) or not any(isinstance(part, list) for part in value)
    if is_flat and kind == "factoid":
        return (texts,) if (texts := entry.texts("exact_answer")) else ()
    return entry.lists("exact_answer")
