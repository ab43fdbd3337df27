"""ALCE: questions of general knowledge to be answered with citations of given passages (ASQA, QAMPARI, ELI5).

From https://github.com/princeton-nlp/ALCE, ``download_data.sh``: JSON lists such as ``asqa_eval_gtr_top100.json``,
one a set and retriever; keep one a set in the folder. Required: ``question``, and for QAMPARI ``answers`` (lists of
names). Read where there: ``docs`` (``title``, ``text``), ``qa_pairs`` with ``short_answers`` and ``annotations`` with
``long_answer`` (ASQA), ``claims`` and ``answer`` (ELI5), ``sample_id`` or ``id``. The code is under the MIT licence;
the sets have the licences of their owners.

Gao et al. 2023, Enabling large language models to generate text with citations, doi:10.18653/v1/2023.emnlp-main.398.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_list
from eval.domain import Gold, Item

ABOUT = About(
    "alce",
    "general questions with passages to cite: short answers, lists of entities, claims",
    "https://github.com/princeton-nlp/ALCE",
    "MIT (code); the sets as their owners say",
)
_SETS = ("asqa", "qampari", "eli5")
#: How many passages a system is given: the number in the paper's main results.
_PASSAGES = 5


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is the set, ``evidence`` the first five passages, each under its title."""
    paths = found(folder, ABOUT, *(f"{kind}_eval*.json" for kind in _SETS))
    return dataset(ABOUT, (_item(path, n, entry) for path in paths for n, entry in enumerate(json_list(path), start=1)))


def _item(path: Path, number: int, entry: Entry) -> Item:
    kind = next(kind for kind in _SETS if path.name.startswith(kind))
    item_id = f"alce-{kind}-{entry.optional('sample_id') or entry.optional('id') or number}"
    passages = (f"{doc.optional('title')}\n{doc.text('text')}".strip() for doc in entry.entries("docs"))
    long = (text for note in entry.entries("annotations") for text in note.texts("long_answer"))
    return Item(
        item_id=item_id,
        question=entry.text("question"),
        evidence=tuple(passages)[:_PASSAGES],
        kind=kind,
        gold=Gold(
            answers=tuple(dict.fromkeys((*long, *entry.texts("answer")))),
            claims=prepared.claims(item_id, {"must_have": entry.texts("claims")}),
            exact=entry.lists("answers") if kind == "qampari" else _short(entry),
        ),
    )


def _short(entry: Entry) -> tuple[tuple[str, ...], ...]:
    return tuple(filter(None, (pair.texts("short_answers") for pair in entry.entries("qa_pairs"))))
