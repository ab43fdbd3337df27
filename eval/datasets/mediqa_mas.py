"""Answers made from several sources: MEDIQA 2021 task 2 (MAS) and the MEDIQA-AnS collection that it trains on.

MAS from https://github.com/abachaa/MEDIQA2021, folder ``Task2``: text files of lines ``number||text``, whose names
end in ``ShortQuestions.txt``, ``MultiAbstrativeSummaries.txt`` and ``MultiExtractiveSummaries.txt``, for validation
and test. The answers to be summarised are in spreadsheets there, which are not read. CC BY 4.0.

AnS from https://osf.io/fyg46: ``question_driven_answer_summarization_primary_dataset.json``, by question number
``question``, ``multi_abs_summ``, ``multi_ext_summ`` and ``answers`` by id with ``rating`` ("3-Incomplete").

Ben Abacha et al. 2021, Overview of the MEDIQA 2021 shared task, doi:10.18653/v1/2021.bionlp-1.8.
Savery et al. 2020, Question-driven summarization of answers to consumer health questions,
doi:10.1038/s41597-020-00667-z.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import Entry, found, json_object, lines_of
from eval.domain import Gold, Item
from rag.errors import InputError

ABOUT = About(
    "mediqa_mas",
    "consumers' questions with one answer written, and one cut, from several sources (MEDIQA-MAS, MEDIQA-AnS)",
    "https://github.com/abachaa/MEDIQA2021 and https://osf.io/fyg46",
    "CC BY 4.0 (MAS); as stated on OSF (AnS)",
)
_ANS = "question_driven_answer_summarization_primary_dataset.json"
_QUESTIONS = "*[sS]hort[qQ]uestions.txt"
_SUMMARIES = ("*Multi[aA]bstra*Summaries.txt", "*Multi[eE]xtra*Summaries.txt")


def load(folder: Path) -> Dataset:
    """The questions; answers are the abstractive and the extractive reference, in that order."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder, kind="part")
    paths = found(folder, ABOUT, _QUESTIONS, _ANS)
    return dataset(ABOUT, (item for path in paths for item in (_ans if path.suffix == ".json" else _mas)(path)))


def _mas(path: Path) -> Iterator[Item]:
    part = "test" if "testset" in path.name.lower() else "val"
    # The owners' repository has the summaries beside the questions; a validation and a test set may share a folder.
    summaries = [_numbered(_beside(path, pattern, part)) for pattern in _SUMMARIES]
    for number, question in _numbered(path).items():
        answers = tuple(texts[number] for texts in summaries if number in texts)
        yield Item(item_id=f"mas-{part}-{number}", question=question, kind=part, gold=Gold(answers=answers))


def _beside(path: Path, pattern: str, part: str) -> Path:
    for other in sorted(path.parent.glob(pattern)):
        if ("testset" in other.name.lower()) is (part == "test"):
            return other
    raise InputError(f"{ABOUT.name}: {path.parent} has no {pattern} of the {part} set; get it from {ABOUT.source}")


def _numbered(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for place, line in lines_of(path):
        number, _, text = line.partition("||")
        if not number.strip().isdigit() or not text.strip():
            raise InputError(f"{place}: {line!r:.80}; expected a number, two bars and a text")
        texts[number.strip()] = text.strip()
    return texts


def _ans(path: Path) -> Iterator[Item]:
    for number, entry in json_object(path).all_named():
        yield Item(
            item_id=f"ans-{number}",
            question=entry.text("question"),
            kind="ans",
            gold=Gold(
                answers=(*entry.texts("multi_abs_summ"), *entry.texts("multi_ext_summ")),
                relevant={answer_id: _grade(answer) for answer_id, answer in entry.named("answers")},
            ),
        )


def _grade(answer: Entry) -> int:
    """From 0, incorrect, to 3, excellent; the owners count from 1."""
    rating = answer.text("rating")[0]
    if rating not in "1234":
        raise answer.wrong("rating", "a text that starts with 1 to 4")
    return int(rating) - 1
