"""Recognising question entailment: is every answer to a known question also an answer to a consumer's letter?

From https://github.com/abachaa/MEDIQA2019, folder ``MEDIQA_Task2_RQE``: XML files of ``pair`` (``pid``, ``value`` true
or false) with ``chq``, the letter, and ``faq``, the known question. Files without labels are not read. CC BY 4.0.

Ben Abacha and Demner-Fushman 2016, Recognizing question entailment for medical question answering, AMIA 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import found, inner, lacks, xml_root
from eval.domain import Gold, Item

ABOUT = About(
    "rqe",
    "whether a consumer's letter asks what a known question asks: related questions",
    "https://github.com/abachaa/MEDIQA2019",
    "CC BY 4.0",
)
_LABELS = {"true": "yes", "false": "no"}
_PARTS = {"trainingset": "train", "validationset": "val", "testset-wlabels": "test"}


def load(folder: Path) -> Dataset:
    """One item a pair: the letter, given the known question as evidence; the label is yes or no.

    Where it is yes, the known question is also ``gold.related``. Pairs of one letter are one ``cluster``.
    """
    return dataset(ABOUT, _prepared(folder) if prepared.is_prepared(folder) else _published(folder))


def _prepared(folder: Path) -> Iterator[Item]:
    for query in prepared.queries(folder):
        faq, part, label = query.metadata.text("faq"), query.metadata.optional("part"), query.answer.text("label")
        if label not in _LABELS:
            raise query.answer.wrong("label", "true or false")
        yield _item(query.query_id, query.text, faq, part, _LABELS[label])


def _published(folder: Path) -> Iterator[Item]:
    for path in found(folder, ABOUT, "*RQE*Set*.xml"):
        part = next((name for mark, name in _PARTS.items() if mark in path.name.lower()), None)
        for pair in xml_root(path).iter("pair") if part else ():
            number, label = str(pair.get("pid", "")).strip(), _LABELS.get(str(pair.get("value", "")).lower())
            letter, faq = inner(pair, "chq"), inner(pair, "faq")
            if not (number and label and letter and faq):
                raise lacks(pair, "pid, value, chq or faq", path)
            yield _item(f"rqe-{part}-{number}", letter, faq, part or "", label)


def _item(item_id: str, letter: str, faq: str, kind: str, label: str) -> Item:
    known = Gold(label=label, related=(faq,) if label == "yes" else ())
    return Item(item_id=item_id, question=letter, evidence=(faq,), kind=kind, cluster=letter, gold=known)
