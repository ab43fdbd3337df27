"""ScholarQABench, biomedicine: experts' long answers with citations. The prepared form only.

The owners publish at https://github.com/AkariAsai/ScholarQABench, in files of several forms; these are to be brought
into the form that ``prepared`` describes: in ``answers.jsonl`` ``references`` (the experts' answers), and the documents
that they cite in ``qrels.tsv``. ODC-By 1.0.

Asai et al. 2024, OpenScholar: synthesizing scientific literature with retrieval-augmented LMs, arXiv:2411.14199.
"""

from __future__ import annotations

from pathlib import Path

from eval.datasets import prepared
from eval.datasets.base import About, Dataset
from eval.datasets.files import found

ABOUT = About(
    "scholarqa",
    "experts' long answers to research questions, with the passages that they cite",
    "https://github.com/AkariAsai/ScholarQABench",
    "ODC-By 1.0",
)


def load(folder: Path) -> Dataset:
    """The questions; answers keep their citation numbers, ``kind`` is the subject."""
    found(folder, ABOUT, prepared.QUERIES)
    return prepared.load(ABOUT, folder, kind="subject")
