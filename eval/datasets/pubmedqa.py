"""PubMedQA, the labelled part: is what a paper's title asks so, by its abstract without the conclusion?

From https://github.com/pubmedqa/pubmedqa, folder ``data``: ``ori_pqal.json``, by PMID ``QUESTION``, ``CONTEXTS``,
``final_decision`` (yes, no, maybe) and ``LONG_ANSWER`` (the conclusion). Scores of the field are on the 500 questions
of ``test_ground_truth.json``: with that file in the folder, only these are read. MIT licence.

Jin et al. 2019, PubMedQA: a dataset for biomedical research question answering, doi:10.18653/v1/D19-1259.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import found, json_object
from eval.domain import Gold, Item

ABOUT = About(
    "pubmedqa",
    "yes, no or maybe from an abstract, with the paper's conclusion as long answer",
    "https://github.com/pubmedqa/pubmedqa",
    "MIT",
)
_TEST = "test_ground_truth.json"
_LABELS = ("yes", "no", "maybe")


def load(folder: Path) -> Dataset:
    """The questions, each with its abstract as ``evidence``: the setting in which the field reports accuracy."""
    items = _prepared(folder) if prepared.is_prepared(folder) else _published(folder)
    return dataset(ABOUT, items, prepared.corpus_of(folder))


def _published(folder: Path) -> Iterator[Item]:
    (path, *_) = found(folder, ABOUT, "ori_pqal.json")
    test = path.parent / _TEST
    wanted = json_object(test).fields if test.is_file() else None
    for pmid, paper in json_object(path).all_named():
        if wanted is not None and pmid not in wanted:
            continue
        label = paper.text("final_decision").lower()
        if label not in _LABELS:
            raise paper.wrong("final_decision", "yes, no or maybe")
        known = Gold(answers=paper.texts("LONG_ANSWER"), label=label, relevant={pmid: 1})
        yield _item(f"pqal-{pmid}", paper.text("QUESTION"), paper.texts("CONTEXTS"), known)


def _prepared(folder: Path) -> Iterator[Item]:
    texts = prepared.documents(folder)
    for query in prepared.queries(folder):
        abstracts = tuple(texts[key] for key in query.relevant if texts.get(key))
        yield _item(query.query_id, query.text, abstracts, prepared.gold(query))


def _item(item_id: str, question: str, contexts: tuple[str, ...], known: Gold) -> Item:
    return Item(item_id=item_id, question=question, evidence=contexts, kind="yesno", gold=known)
