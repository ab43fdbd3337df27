"""The prepared form: any of the sets as four plain files, which are BEIR's and one for what is known of the answers.

``queries.jsonl``  ``{"_id", "text", "metadata"}``, one line a question or claim; required
``answers.jsonl``  ``{"_id", "reference", "must_have", ...}``: what is known of it; fields differ by set
``qrels.tsv``      a header, then query-id, corpus-id, score, separated by tabs
``corpus.jsonl``   ``{"_id", "title", "text", "metadata"}``

A query without answers or judgements is kept: what is not known of it stays unscored. Statements that a language
model wrote (fields that end in ``_gpt4``) are not gold and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from eval import trec
from eval.datasets.base import About, Dataset, dataset, verdict
from eval.datasets.files import Entry, json_lines
from eval.domain import Claim, Gold, Importance, Item
from rag.errors import InputError

QUERIES, ANSWERS, QRELS, CORPUS = "queries.jsonl", "answers.jsonl", "qrels.tsv", "corpus.jsonl"
_IMPORTANCE: tuple[tuple[str, Importance], ...] = (("must_have", "must"), ("nice_to_have", "nice"))


class Query(NamedTuple):
    """A query with what the other files say of it; ``answer`` is empty where they say nothing."""

    query_id: str
    text: str
    metadata: Entry
    answer: Entry
    relevant: dict[str, int]


def is_prepared(folder: Path) -> bool:
    """Whether ``folder`` has the prepared form."""
    return (folder / QUERIES).is_file() and any((folder / name).is_file() for name in (ANSWERS, QRELS))


def corpus_of(folder: Path) -> Path | None:
    """The documents, if there are any."""
    path = folder / CORPUS
    return path if path.is_file() else None


def queries(folder: Path) -> Iterator[Query]:
    """The queries in their order."""
    answers = {entry.text("_id"): entry for entry in _lines(folder / ANSWERS)}
    relevant = qrels(folder / QRELS) if (folder / QRELS).is_file() else {}
    for entry in json_lines(folder / QUERIES):
        query_id = entry.text("_id")
        answer = answers.get(query_id, Entry(f"{folder / ANSWERS}, {query_id}", {}))
        yield Query(query_id, entry.text("text"), entry.within("metadata"), answer, relevant.get(query_id, {}))


def qrels(path: Path) -> trec.Qrels:
    """Grades by query and document, in BEIR's form or TREC's."""
    try:
        return trec.read_qrels(path)
    except ValueError as error:
        raise InputError(str(error)) from None


def documents(folder: Path, field: str = "text") -> dict[str, str]:
    """The text of each document by id, or another field of it; empty without a corpus."""
    return {entry.text("_id"): entry.optional(field) for entry in _lines(folder / CORPUS)}


def gold(query: Query) -> Gold:
    """What the answer of ``query`` says, for the fields that the sets share."""
    answer = query.answer
    label = answer.optional("label").lower()
    return Gold(
        answers=_once(
            text
            for field in ("reference", "references", "other_references", "extractive")
            for text in answer.texts(field)
        ),
        claims=claims(query.query_id, {name: answer.texts(name) for name, _ in _IMPORTANCE}),
        label=(verdict(label) or label or None),
        # In a yes/no question BioASQ's exact answer is the label.
        exact=() if isinstance(answer.fields.get("exact"), str) else answer.lists("exact"),
        relevant=query.relevant,
        evidence=evidence(answer),
    )


def claims(item_id: str, statements: dict[str, tuple[str, ...]]) -> tuple[Claim, ...]:
    """Claims of the statements under ``must_have`` and ``nice_to_have``, numbered through."""
    pairs = [(text, importance) for name, importance in _IMPORTANCE for text in statements.get(name, ())]
    return tuple(
        Claim(claim_id=f"{item_id}-c{number}", text=text, importance=importance)
        for number, (text, importance) in enumerate(pairs, start=1)
    )


def evidence(answer: Entry) -> tuple[str, ...]:
    """The evidence sentences of an answer: texts of ``snippets`` or ``evidence``, each once."""
    return _once(
        text for field in ("snippets", "evidence") for part in answer.entries(field) for text in part.texts("text")
    )


def load(about: About, folder: Path, *, kind: str = "", cluster: str = "") -> Dataset:
    """A set whose items need nothing but the shared fields. ``kind`` and ``cluster`` are fields of the metadata."""
    items = (item(q, q.metadata.optional(kind), q.metadata.optional(cluster)) for q in queries(folder))
    return dataset(about, items, corpus_of(folder))


def item(query: Query, kind: str, cluster: str = "") -> Item:
    """The question with its gold."""
    return Item(item_id=query.query_id, question=query.text, kind=kind, cluster=cluster, gold=gold(query))


def _lines(path: Path) -> Iterator[Entry]:
    return json_lines(path) if path.is_file() else iter(())


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
