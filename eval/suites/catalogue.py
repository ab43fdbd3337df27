"""Suites by name: the data sets, and the three that ship with the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from eval.datasets import catalogue
from eval.datasets.base import About, Dataset
from eval.scoring import Task
from rag.errors import InputError


class Suite(NamedTuple):
    """``task`` is what its items are for; ``load`` reads it, from its own place when given None."""

    task: Task
    load: Callable[[Path | None], Dataset]
    about: Callable[[], About]


def _starter(folder: Path | None) -> Dataset:
    from eval.datasets import starter

    return starter.load(folder)


def _whole(folder: Path | None) -> Dataset:
    from eval.datasets import starter

    return starter.whole(folder)


def _reference(path: Path | None) -> Dataset:
    from eval.datasets import reference

    return reference.load(path or reference.FOLDER)


def _robustness(folder: Path | None) -> Dataset:
    from eval.suites import robustness

    return robustness.load(folder)


def _altered(folder: Path | None) -> Dataset:
    from eval.datasets import altered

    return altered.load(folder)


def _about(module: str, constant: str = "ABOUT") -> Callable[[], About]:
    def described() -> About:
        from importlib import import_module

        about: About = getattr(import_module(module), constant)
        return about

    return described


#: Those that need no data from elsewhere.
SHIPPED: dict[str, Suite] = {
    "starter": Suite("answers", _starter, _about("eval.datasets.starter")),
    "starter-whole": Suite("answers", _whole, _about("eval.datasets.starter", "WHOLE")),
    "reference": Suite("answers", _reference, _about("eval.datasets.reference")),
    "robustness": Suite("answers", _robustness, _about("eval.suites.robustness")),
    "altered": Suite("verification", _altered, _about("eval.datasets.altered")),
}
_VERIFICATION = {"evidence_inference", "expertqa", "healthver", "kqa_nli", "rqe", "scifact"}
_RETRIEVAL = {"beir", "mediqa2019_qa"}


def suite(name: str) -> Suite:
    """Raises ``InputError`` for an unknown name."""
    if name in SHIPPED:
        return SHIPPED[name]
    if name not in catalogue.DATASETS:
        raise InputError(f"suite {name!r} is unknown; there are {', '.join(names())}")
    loader = catalogue.DATASETS[name]

    def load(folder: Path | None) -> Dataset:
        if folder is None:
            about = loader.about()
            raise InputError(f"suite {name}: needs its data; get it from {about.source} and give --data FOLDER")
        return loader(folder)

    return Suite(_task(name), load, loader.about)


def names() -> list[str]:
    return [*SHIPPED, *catalogue.DATASETS]


def _task(name: str) -> Task:
    if name in _VERIFICATION:
        return "verification"
    return "retrieval" if name in _RETRIEVAL else "answers"
