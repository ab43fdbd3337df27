"""All sets by name. A set's module is imported when it is loaded or described, so that listing the names is cheap."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from eval.datasets.base import About, Dataset
from rag.errors import InputError


class Loader(NamedTuple):
    """Where a set is read: a module of this package, its function, and the constant that says what the set is."""

    module: str
    function: str = "load"
    constant: str = "ABOUT"

    def __call__(self, folder: Path) -> Dataset:
        loaded: Dataset = getattr(self._imported(), self.function)(folder)
        return loaded

    def about(self) -> About:
        about: About = getattr(self._imported(), self.constant)
        return about

    def _imported(self) -> object:
        return import_module(f"{__package__}.{self.module}")


#: By kind of work: retrieval, answers, verification.
DATASETS: dict[str, Loader] = {
    "beir": Loader("beir"),
    "mediqa2019_qa": Loader("mediqa2019"),
    "alce": Loader("alce"),
    "bioasq": Loader("bioasq"),
    "biogen": Loader("biogen"),
    "covidqa": Loader("covidqa"),
    "expertqa_questions": Loader("expertqa", "questions", "ABOUT_QUESTIONS"),
    "healthbench": Loader("healthbench"),
    "kqa": Loader("kqa"),
    "liveqa": Loader("liveqa"),
    "medicationqa": Loader("medicationqa"),
    "mediqa_mas": Loader("mediqa_mas"),
    "medquad": Loader("medquad"),
    "mirage": Loader("mirage"),
    "pubmedqa": Loader("pubmedqa"),
    "scholarqa": Loader("scholarqa"),
    "evidence_inference": Loader("evidence_inference"),
    "expertqa": Loader("expertqa"),
    "healthver": Loader("healthver"),
    "kqa_nli": Loader("kqa_nli"),
    "rqe": Loader("rqe"),
    "scifact": Loader("scifact"),
}


def load(name: str, folder: Path) -> Dataset:
    """The set of that name from ``folder``.

    Raises:
        InputError: for an unknown name, and when the folder does not hold the set.
    """
    if name not in DATASETS:
        raise InputError(f"dataset {name!r} is unknown; there are {', '.join(sorted(DATASETS))}")
    return DATASETS[name](folder)


def describe() -> list[About]:
    """What each set holds, where to get it and under which licence, in the order of ``DATASETS``."""
    return [loader.about() for loader in DATASETS.values()]


def table() -> str:
    """``describe`` as a Markdown table."""
    rows = (f"| `{a.name}` | {a.description} | {a.source} | {a.licence} |" for a in describe())
    return "\n".join(("| name | what | where to get it | licence |", "|---|---|---|---|", *rows))
