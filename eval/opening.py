"""From what a person types to what a run needs: systems, judges, scoring."""

from __future__ import annotations

import os
from argparse import Namespace
from functools import partial
from pathlib import Path

from eval.datasets.base import Dataset
from eval.judges.base import Judge
from eval.judges.matcher import Matcher
from eval.judges.premises import Reader
from eval.log import Agreement
from eval.scoring import Scoring, Task
from eval.suites import robustness
from eval.systems.base import System
from eval.systems.file import FileSystem
from eval.systems.http import HttpOsler
from eval.systems.likeness import SimilarQuestions
from eval.systems.openai import OpenAISystem
from eval.systems.osler import OslerRetriever, OslerSystem, context
from eval.systems.ranked import RunFile
from eval.systems.verifying import JudgeSystem, VerifierSystem
from eval.systems.web import Caller
from rag.domain import Audience
from rag.errors import InputError
from rag.pipeline import Pipeline
from rag.settings import Settings

_KEY = "OSLER_EVAL_KEY"
_DEFAULT: dict[Task, str] = {"answers": "osler", "retrieval": "osler", "verification": "verifier"}
#: Suites of pairs of questions, on which a verifier has nothing to say.
_QUESTION_PAIRS = {"rqe"}


def settings_of(arguments: Namespace) -> Settings:
    return Settings.from_environment(index_dir=arguments.index)


def system_of(arguments: Namespace, suite: Dataset, task: Task) -> System:
    """Who is asked.

    Raises:
        InputError: a system that does not exist, or not for this task.
        SnapshotError: there is no index to ask.
    """
    usual = "similar" if suite.name in _QUESTION_PAIRS else _DEFAULT[task]
    kind, _, place = (getattr(arguments, "system", None) or usual).partition(":")
    if kind == "run" and place:
        return RunFile(Path(place))
    if kind == "file" and place:
        return FileSystem.open(Path(place), suite.items)
    if task == "retrieval":
        return _retriever(kind, arguments)
    if task == "verification":
        return _checker(kind, arguments)
    return _answerer(kind, place, suite, arguments)


def _retriever(kind: str, arguments: Namespace) -> System:
    if kind != "osler":
        raise InputError(f"system {kind!r}: does not retrieve; expected osler, run:PATH or file:PATH")
    return OslerRetriever(Pipeline.open(settings_of(arguments)), arguments.retriever, arguments.k)


def _checker(kind: str, arguments: Namespace) -> System:
    if kind == "verifier":
        return VerifierSystem()
    if kind == "judge":
        return JudgeSystem(judge_of(arguments.judge))
    if kind == "similar":
        return SimilarQuestions(Reader.open())
    raise InputError(f"system {kind!r}: checks no claims; expected verifier, judge, similar or file:PATH")


def _answerer(kind: str, place: str, suite: Dataset, arguments: Namespace) -> System:
    audience = Audience(arguments.audience)
    if kind == "osler" and not place:
        return _osler(suite, arguments, audience)
    if kind == "http" and place:
        return HttpOsler(_caller(place, arguments), audience)
    if kind == "openai" and place:
        if not arguments.model:
            raise InputError("system openai: no model; name the one behind the address with --model")
        return _model(place, arguments)
    raise InputError(
        f"system {kind!r}: unknown; expected osler, http:ADDRESS, openai:ADDRESS or file:PATH; "
        "see `osler eval run --help`"
    )


def _osler(suite: Dataset, arguments: Namespace, audience: Audience) -> System:
    settings = settings_of(arguments)
    system = OslerSystem.open(settings, audience)
    if suite.name != robustness.ABOUT.name:
        return system
    return robustness.Variants(system, settings)


def _model(place: str, arguments: Namespace) -> System:
    caller = _caller(place, arguments)
    if not arguments.passages:
        return OpenAISystem(caller, arguments.model)
    pipeline = Pipeline.open(settings_of(arguments))
    by = f"osler, {arguments.passages} passages of snapshot {pipeline.snapshot.snapshot_id}"
    retrieve = partial(context, pipeline, arguments.passages)
    return OpenAISystem(caller, arguments.model, retrieve=retrieve, retrieved_by=by)


def _caller(place: str, arguments: Namespace) -> Caller:
    return Caller(place, key=os.environ.get(_KEY), connections=max(arguments.workers, 1))


def judge_of(name: str) -> Judge:
    """The judge of that name. Raises ``InputError`` for one that does not exist or is not configured."""
    kind, _, place = name.partition(":")
    if kind == "matcher":
        return Matcher.open()
    if kind == "verifier":
        from eval.judges.verifying import VerifyingJudge

        return VerifyingJudge()
    if kind == "nli" and place:
        from eval.judges.nli import NliJudge

        return NliJudge(Path(place))
    if kind == "llm":
        from eval.judges.llm import LlmJudge

        return LlmJudge.from_environment()
    raise InputError(f"judge {name!r}: unknown; expected matcher, verifier, nli:PATH or llm")


class Judges:
    """The judges of a run, opened once: ``names`` and ``agreements`` are for its log."""

    def __init__(self, claims: str, citations: str | None) -> None:
        self.claims = judge_of(claims)
        if citations:
            self.citations = judge_of(citations)
        else:
            matcher = self.claims if isinstance(self.claims, Matcher) else Matcher.open()
            self.citations = matcher.for_citations()
        self.names = {"claims": self.claims.name, "citations": self.citations.name}
        self.agreements = tuple(dict.fromkeys(filter(None, map(_agreement, (self.claims, self.citations)))))


def _agreement(judge: Judge) -> Agreement | None:
    """What is known of a judge's agreement with people; of a model that somebody configures, nothing."""
    known = getattr(judge, "agreement", None)
    found: Agreement | None = known() if known else None
    return found


def scoring_of(task: Task, judges: Judges | None) -> Scoring:
    if judges is None:
        return Scoring(task)
    reader = Reader.open()

    def similar(one: str, other: str) -> float:
        first, second = reader.vectors([one, other])
        return float(first @ second)

    grader = getattr(judges.claims, "rubric_score", None)
    return Scoring(task, judges.claims, judges.citations, similar, grader=grader)
