"""TREC BioGen: biomedical questions to be answered with PubMed citations in every sentence (2024 and 2025).

From https://trec-biogen.github.io/docs and https://trec.nist.gov/data (2024, 2025), any of these forms:

- topics: a JSON list, alone or under ``topics``, with ``id``, ``question``, ``topic`` and ``narrative``
  (``BioGen2024topics-json.txt``);
- the input of task A, 2025: a list with ``meta_data`` (``qa_id``, ``question``) and ``answer``, sentences with ``text``
  and ``existing_supported_citations`` (PMIDs);
- the judged collection of 2024, which is that of MedAESQA (https://osf.io/ydbzq): a list with ``question_id``,
  ``question``, ``expert_curated_answer`` and ``machine_generated_answers`` by run, in which each citation of each
  sentence has ``cited_pmid`` and ``evidence_relation``.

A question that stands in several files is read from the one that says most. Terms of TREC; no licence stated.

Gupta et al. 2024, Overview of TREC 2024 biomedical generative retrieval (BioGen) track, arXiv:2411.18069.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_list
from eval.domain import Gold, Item

ABOUT = About(
    "biogen",
    "biomedical questions to be answered with PubMed citations, some with experts' answers and judged citations",
    "https://trec-biogen.github.io/docs",
    "terms of TREC, none stated: evaluation only",
)


def load(folder: Path) -> Dataset:
    """The questions. Relevant are PMIDs: 1 where assessors or the experts found support, 0 where none did.

    ``kind`` is the topic's title where there is one. Expert answers keep the PMIDs in brackets with which they cite.
    """
    items: dict[str, Item] = {}
    for path in found(folder, ABOUT, "*.json", "*json.txt"):
        for item in map(_item, json_list(path, "topics")):
            known = items.get(item.item_id)
            if known is None or _knowledge(item) > _knowledge(known):
                items[item.item_id] = item
    return dataset(ABOUT, items.values())


def _knowledge(item: Item) -> tuple[int, int]:
    return len(item.gold.answers), len(item.gold.relevant)


def _item(entry: Entry) -> Item:
    if "meta_data" in entry.fields:
        return _grounding(entry)
    if "question_id" in entry.fields:
        return _judged(entry)
    return Item(item_id=f"biogen-{entry.text('id')}", question=entry.text("question"), kind=entry.optional("topic"))


def _grounding(entry: Entry) -> Item:
    meta = entry.within("meta_data")
    sentences = tuple(entry.entries("answer"))
    known = Gold(
        answers=(" ".join(s.text("text") for s in sentences),) if sentences else (),
        relevant={pmid: 1 for s in sentences for pmid in s.texts("existing_supported_citations")},
    )
    return Item(item_id=f"biogen-{meta.text('qa_id')}", question=meta.text("question"), gold=known)


def _judged(entry: Entry) -> Item:
    grades: dict[str, int] = {}
    for pmid, relation in _citations(entry):
        grades[pmid] = max(grades.get(pmid, 0), int(relation == "supporting"))
    return Item(
        item_id=f"biogen-{entry.text('question_id')}",
        question=entry.text("question"),
        gold=Gold(answers=entry.texts("expert_curated_answer"), relevant=grades),
    )


def _citations(entry: Entry) -> Iterator[tuple[str, str]]:
    """Citations that name a PMID, with how the assessors judged them."""
    for _, answer in entry.named("machine_generated_answers"):
        for sentence in answer.entries("answer_sentences"):
            for citation in sentence.entries("citation_assessment"):
                relation = citation.optional("evidence_relation").lower()
                if citation.optional("cited_pmid") and relation != "invalid citation":
                    yield citation.text("cited_pmid"), relation
