"""Suites by name: those that ship with the project, and the data sets."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from eval.datasets import catalogue
from eval.datasets.base import About, Dataset
from eval.scoring import Task
from rag.errors import InputError


class Suite(NamedTuple):
    """``task`` is what its items are for. Its module is imported when it is loaded or described."""

    task: Task
    module: str
    function: str = "load"
    constant: str = "ABOUT"
    is_shipped: bool = True

    def load(self, path: Path | None) -> Dataset:
        """Reads it, when it ships from its own place unless another is given.

        Raises:
            InputError: data that had to be downloaded are not given, or are not of this form.
        """
        if path is None and not self.is_shipped:
            about = self.about()
            raise InputError(f"suite {about.name}: needs its data; get it from {about.source} and give --data FOLDER")
        loaded: Dataset = getattr(import_module(self.module), self.function)(path)
        return loaded

    def about(self) -> About:
        about: About = getattr(import_module(self.module), self.constant)
        return about


#: Those that need no data from elsewhere.
SHIPPED = {
    "starter": Suite("answers", "eval.datasets.starter"),
    "starter-whole": Suite("answers", "eval.datasets.starter", "whole", "WHOLE"),
    "reference": Suite("answers", "eval.datasets.reference"),
    "robustness": Suite("answers", "eval.suites.robustness"),
    "altered": Suite("verification", "eval.datasets.altered"),
}
_VERIFICATION = {"evidence_inference", "expertqa", "healthver", "kqa_nli", "rqe", "scifact"}
_RETRIEVAL = {"beir", "mediqa2019_qa"}


def suite(name: str) -> Suite:
    """Raises ``InputError`` for an unknown name."""
    if name in SHIPPED:
        return SHIPPED[name]
    if name not in catalogue.DATASETS:
        raise InputError(f"suite {name!r}: unknown; expected one of {', '.join(names())}; see `osler eval suites`")
    loader = catalogue.DATASETS[name]
    module = f"{catalogue.__package__}.{loader.module}"
    return Suite(_task(name), module, loader.function, loader.constant, is_shipped=False)


def names() -> list[str]:
    return [*SHIPPED, *catalogue.DATASETS]


def _task(name: str) -> Task:
    if name in _VERIFICATION:
        return "verification"
    return "retrieval" if name in _RETRIEVAL else "answers"
