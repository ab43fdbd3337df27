"""MEDIQA 2019 task 3: answers of a retrieval system to consumers' questions, graded by experts.

From https://github.com/abachaa/MEDIQA2019, folder ``MEDIQA_Task3_QA``: XML files of ``Question`` (``QID``) with
``QuestionText`` and ``Answer`` (``AID``, ``ReferenceScore`` from 1, incorrect, to 4, excellent) with ``AnswerText``.
The test set counts with its labels only (``...TestSet-wLabels.xml``); of files in two versions the V2 is read.

Ben Abacha et al. 2019, Overview of the MEDIQA 2019 shared task, doi:10.18653/v1/W19-5039.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset, dataset
from eval.datasets.files import attribute, found, inner, lacks, xml_root
from eval.domain import Gold, Item

ABOUT = About(
    "mediqa2019_qa",
    "consumers' questions with graded answers: retrieval",
    "https://github.com/abachaa/MEDIQA2019",
    "none stated: evaluation only",
)
#: Short name of each part by what its file name contains, in lower case.
_PARTS = {"liveqamed": "liveqa", "alexa": "alexa", "validationset": "val", "testset-wlabels": "test"}


def load(folder: Path) -> Dataset:
    """The questions; ``kind`` is the part of the set. Grades run from 0, incorrect, to 3, excellent."""
    if prepared.is_prepared(folder):
        return prepared.load(ABOUT, folder, kind="part")
    files: dict[str, Path] = {}
    for path in found(folder, ABOUT, "*Task3-QA*.xml"):
        part = next((name for mark, name in _PARTS.items() if mark in path.name.lower()), None)
        if part and (part not in files or path.stem.endswith("-V2")):
            files[part] = path
    return dataset(ABOUT, (item for part, path in sorted(files.items()) for item in _questions(part, path)))


def _questions(part: str, path: Path) -> Iterator[Item]:
    for question in xml_root(path).iter("question"):
        number = attribute(question, "QID", path)
        text = inner(question, "questiontext")
        if not text:
            raise lacks(question, "text", path)
        grades: dict[str, int] = {}
        for answer in question.iter("answer"):
            score = attribute(answer, "ReferenceScore", path)
            if score not in ("1", "2", "3", "4"):
                raise lacks(answer, f"score from 1 to 4, but {score!r}", path)
            grades[f"m19-{part}-{attribute(answer, 'AID', path)}"] = int(score) - 1
        yield Item(item_id=f"m19-{part}-{number}", question=text, kind=part, gold=Gold(relevant=grades))
