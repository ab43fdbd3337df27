"""ExpertQA: experts' questions, systems' answers to them, and the experts' labels of each claim's support.

From https://github.com/chaitanyamalaviya/ExpertQA, folder ``data``: ``r2_compiled_anon.jsonl`` with ``question``,
``metadata`` (``field``, ``question_type``) and ``answers`` by system: ``revised_answer_string`` and ``claims``, each
with ``claim_string``, ``evidence`` (texts such as ``[1] address``, a blank line, the passage) and ``support``
(Complete, Partial, Incomplete, Missing or N/A). All 32 fields are read, not the medical ones alone; ``kind`` of the
questions tells them apart. MIT licence.

Malaviya et al. 2024, ExpertQA: expert-curated questions and attributed answers, doi:10.18653/v1/2024.naacl-long.167.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_lines
from eval.domain import Gold, Item

ABOUT = About(
    "expertqa",
    "claims of systems' answers against cited passages: experts' labels of support",
    "https://github.com/chaitanyamalaviya/ExpertQA",
    "MIT",
)
ABOUT_QUESTIONS = ABOUT._replace(
    name="expertqa_questions", description="experts' questions with answers that experts revised"
)
#: Incomplete support is no support of the whole claim. Claims that are not applicable or not labelled are left out.
_LABELS = {"complete": "supports", "partial": "neutral", "incomplete": "neutral"}
_REVISED = {True: "revised", False: "revised_answer_string"}
_CLAIM = {True: "claim", False: "claim_string"}


class _Question(NamedTuple):
    """A question with the answers of each system; ``source`` is its line, or that of its answers."""

    question_id: str
    text: str
    field: str
    answers: tuple[tuple[str, Entry], ...]
    relevant: dict[str, int]
    is_prepared: bool


def load(folder: Path) -> Dataset:
    """Claim verification: a claim against the passages that its answer cites for it.

    Left out are claims without evidence, and those whose evidence is in part an address without its passage: nobody
    can check them. ``kind`` is the experts' label (complete, partial, incomplete), ``cluster`` the question.
    """
    return dataset(ABOUT, (item for question in _questions(folder) for item in _claims(question)))


def questions(folder: Path) -> Dataset:
    """The questions; answers are the experts' revisions of the systems' answers, ``kind`` the expert's field."""
    return dataset(ABOUT_QUESTIONS, map(_item, _questions(folder)), prepared.corpus_of(folder))


def _questions(folder: Path) -> Iterator[_Question]:
    if prepared.is_prepared(folder):
        for query in prepared.queries(folder):
            answers = tuple(query.answer.named("systems"))
            field = query.metadata.optional("field")
            yield _Question(query.query_id, query.text, field, answers, query.relevant, True)
        return
    (path, *_) = found(folder, ABOUT, "r2_compiled_anon.jsonl")
    for number, entry in enumerate(json_lines(path), start=1):
        field = entry.within("metadata").optional("field")
        answers = tuple(entry.named("answers"))
        yield _Question(f"expertqa-{number:04}", entry.text("question"), field, answers, {}, False)


def _item(question: _Question) -> Item:
    revised = (text for _, answer in question.answers for text in answer.texts(_REVISED[question.is_prepared]))
    known = Gold(answers=tuple(dict.fromkeys(revised)), relevant=question.relevant)
    return Item(item_id=question.question_id, question=question.text, kind=question.field, gold=known)


def _claims(question: _Question) -> Iterator[Item]:
    numbered = ((name, n, c) for name, answer in question.answers for n, c in enumerate(answer.entries("claims"), 1))
    for system, number, claim in numbered:
        support = claim.optional("support").lower()
        passages = tuple(dict.fromkeys(map(_passage, claim.texts("evidence"))))
        if support in _LABELS and passages and all(passages):
            yield Item(
                item_id=f"{question.question_id}-{system}-{number}",
                question=claim.text(_CLAIM[question.is_prepared]),
                evidence=passages,
                kind=support,
                cluster=question.question_id,
                gold=Gold(label=_LABELS[support]),
            )


def _passage(cited: str) -> str:
    """What stands after the number and address; empty if there is nothing."""
    return cited.partition("\n")[2].strip()
