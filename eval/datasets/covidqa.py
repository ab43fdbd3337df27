"""COVID-QA: questions on scientific articles about coronaviruses, answered by spans of their full texts.

From https://github.com/deepset-ai/COVID-QA, folder ``data/question-answering``: ``COVID-QA.json`` in SQuAD's form,
``data`` of ``paragraphs`` with ``context``, ``document_id`` and ``qas``: ``id``, ``question`` and ``answers`` with
``text``. Apache License 2.0; the articles are CC BY.

Moller et al. 2020, COVID-QA: a question answering dataset for COVID-19, ACL workshop NLP-COVID19.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import found, json_list
from eval.domain import Gold, Item

ABOUT = About(
    "covidqa",
    "questions answered by a span of a long full text about coronaviruses",
    "https://github.com/deepset-ai/COVID-QA",
    "Apache-2.0 (questions), CC BY (articles)",
)


def load(folder: Path) -> Dataset:
    """The questions; answer and evidence are the span, ``cluster`` is the article."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder, cluster="doc")
    (path, *_) = found(folder, ABOUT, "COVID-QA.json")
    return dataset(ABOUT, _published(path))


def _published(path: Path) -> Iterator[Item]:
    paragraphs = (paragraph for article in json_list(path, "data") for paragraph in article.entries("paragraphs"))
    for paragraph in paragraphs:
        document = f"covidqa-{paragraph.text('document_id')}"
        for entry in paragraph.entries("qas"):
            spans = tuple(dict.fromkeys(text for answer in entry.entries("answers") for text in answer.texts("text")))
            yield Item(
                item_id=f"covidqa-q{entry.text('id')}",
                question=entry.text("question"),
                cluster=document,
                gold=Gold(answers=spans, relevant={document: 1}, evidence=spans),
            )
