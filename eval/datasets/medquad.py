"""MedQuAD: questions and answers from pages of the US National Institutes of Health.

From https://github.com/abachaa/MedQuAD: a folder a source (``1_CancerGov_QA``) of XML files, one a page:
``Document`` with ``id`` and ``source``, in it ``QAPair`` with ``Question`` (``qid``, ``qtype``) and ``Answer``.
The owners removed the answers of three sources for copyright; questions without an answer are left out. CC BY 4.0.

Ben Abacha and Demner-Fushman 2019, A question-entailment approach to question answering,
doi:10.1186/s12859-019-3119-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import attribute, found, inner, lacks, xml_root
from eval.domain import Gold, Item

ABOUT = About(
    "medquad",
    "consumers' questions with the passage of an NIH page that answers them",
    "https://github.com/abachaa/MedQuAD",
    "CC BY 4.0",
)


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is the question type, ``cluster`` the page. The answers are words of the page."""
    if not prepared.is_prepared(folder):
        return dataset(ABOUT, (item for path in found(folder, ABOUT, "*.xml") for item in _page(path)))
    return dataset(ABOUT, map(_prepared, prepared.queries(folder)), prepared.corpus_of(folder))


def _prepared(query: prepared.Query) -> Item:
    known = prepared.gold(query)
    return Item(
        item_id=query.query_id,
        question=query.text,
        kind=query.metadata.optional("qtype"),
        cluster=next(iter(query.relevant), ""),
        gold=known.model_copy(update={"evidence": known.answers}),
    )


def _page(path: Path) -> Iterator[Item]:
    page = xml_root(path)
    source = attribute(page, "source", path)
    page_id = f"{source}_{attribute(page, 'id', path)}"
    for pair in page.iter("qapair"):
        question, answer = pair.find("question"), inner(pair, "answer")
        if question is None or not inner(question):
            raise lacks(pair, "question", path)
        if answer:
            yield Item(
                item_id=f"mq-{source}_{attribute(question, 'qid', path)}",
                question=inner(question),
                kind=str(question.get("qtype", "")).strip(),
                cluster=page_id,
                gold=Gold(answers=(answer,), relevant={page_id: 1}, evidence=(answer,)),
            )
