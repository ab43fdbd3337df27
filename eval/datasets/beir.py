"""Retrieval sets in BEIR's form: any folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.

From https://github.com/beir-cellar/beir, where each set has the licence of its owners; the scores of the field are on
the test judgements, so these are read, or else ``qrels.tsv``. Required: ``_id`` and ``text`` of queries; query-id,
corpus-id and score of judgements. Queries without judgements are left out, as BEIR does. What ``answers.jsonl`` says
of the answers, in the prepared form, is read too.

Thakur et al. 2021, BEIR: a heterogenous benchmark for zero-shot evaluation of information retrieval models,
arXiv:2104.08663.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import found, json_lines
from eval.domain import Gold, Item
from rag.errors import InputError

ABOUT = About(
    "beir",
    "retrieval: queries with graded documents, from any folder in BEIR's form",
    "https://github.com/beir-cellar/beir",
    "as each set's owners say",
)


def load(folder: Path) -> Dataset:
    """The judged queries, in their order. The set is named after the folder; ``kind`` says where a query is from."""
    root = found(folder, ABOUT, prepared.QUERIES)[0].parent
    items = _prepared(root) if prepared.is_prepared(root) else _published(root)
    return dataset(ABOUT._replace(name=f"{ABOUT.name}/{root.resolve().name}"), items, prepared.corpus_of(root))


def _prepared(folder: Path) -> Iterator[Item]:
    for query in prepared.queries(folder):
        origin = (query.metadata.optional(field) for field in ("from", "beir_split", "part", "type"))
        if query.relevant:
            yield prepared.item(query, next(filter(None, origin), ""))


def _published(folder: Path) -> Iterator[Item]:
    path = folder / "qrels" / "test.tsv"
    if not path.is_file():
        raise InputError(f"{ABOUT.name}: {folder} has no qrels/test.tsv or qrels.tsv; get it from {ABOUT.source}")
    relevant = prepared.qrels(path)
    for entry in json_lines(folder / prepared.QUERIES):
        query_id = entry.text("_id")
        if query_id in relevant:
            yield Item(item_id=query_id, question=entry.text("text"), gold=Gold(relevant=relevant[query_id]))
