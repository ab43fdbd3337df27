"""From what a person types to what a run needs: what is asked, of whom, and how that is scored."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import cast

from api.client import Client
from eval.datasets.base import Dataset
from eval.evaluate import part_of
from eval.judges.base import Judge
from eval.judges.examiner import Examiner
from eval.judges.matcher import Matcher
from eval.judges.premises import Reader
from eval.judges.weights import MATCHER, read_fitted
from eval.log import Agreement
from eval.provenance import code_digest
from eval.scoring import Scoring, Task
from eval.suites import catalogue, robustness
from eval.systems.base import System
from eval.systems.file import FileSystem
from eval.systems.http import HttpOsler
from eval.systems.likeness import QuestionMatcher, SimilarQuestions
from eval.systems.nearest import NearestPassages
from eval.systems.openai import OpenAISystem
from eval.systems.osler import OslerRetriever, OslerSystem, context
from eval.systems.ranked import RunFile
from eval.systems.sentences import METHODS, Method, NearestSentences
from eval.systems.verifying import JudgeSystem, VerifierSystem
from eval.systems.web import Caller
from rag.answer.entailment import LearnedEntailment
from rag.answer.nli import NliEntailment
from rag.answer.opinion import Entailment
from rag.domain import Audience
from rag.errors import InputError, SnapshotError
from rag.index.batching import shared_words
from rag.index.encoder import WordEncoder
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.manifest import CURRENT, ENCODERS
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline
from rag.settings import Settings

_KEY = "OSLER_EVAL_KEY"
#: A run goes on unattended: it waits for longer than a person would.
_TIMEOUT_S, _PATIENCE_S = 120.0, 600.0
_DEFAULT: dict[Task, str] = {"answers": "osler", "retrieval": "osler", "verification": "verifier"}
#: The classes that a checker can choose.
_VERDICTS, _DECISIONS = frozenset({"supports", "refutes", "neutral"}), frozenset({"yes", "no"})
_CLASSES = {"verifier": _VERDICTS, "judge": _VERDICTS, "questions": _DECISIONS, "similar": _DECISIONS}
_ANY = "or file:PATH; see `osler eval run --help`"


def task_of(arguments: Namespace) -> Task:
    given: Task | None = arguments.task
    return given or catalogue.suite(arguments.suite).task


def asked(arguments: Namespace) -> Dataset:
    """The items that will be asked.

    Raises:
        InputError: a suite that does not exist or cannot be read, or a limit that cannot be used.
    """
    suite = catalogue.suite(arguments.suite).load(arguments.data)
    if suite.name == robustness.ABOUT.name and _named(arguments, suite)[0] != "osler":
        suite = robustness.for_any_system(suite)
    return part_of(suite, arguments.limit, arguments.sample)


def settings_of(arguments: Namespace) -> Settings:
    return Settings.from_environment(index_dir=arguments.index)


def reader_of(arguments: Namespace) -> Reader:
    """With the model of the index that is asked, which is made there, in ten seconds, when it is not there yet."""
    return Reader.open(settings_of(arguments).index_dir / ENCODERS)


def system_of(arguments: Namespace, suite: Dataset) -> System:
    """Who is asked.

    Raises:
        InputError: a system that does not exist, or not for this task.
        SnapshotError: there is no index to ask.
    """
    kind, place = _named(arguments, suite)
    if kind == "file" and place:
        return FileSystem.open(Path(place), suite.items)
    of_task = {"answers": _answerer, "retrieval": _retriever, "verification": _checker}[task_of(arguments)]
    return of_task(kind, place, suite, arguments)


def _named(arguments: Namespace, suite: Dataset) -> tuple[str, str]:
    """The kind of system, and the address or path after its colon. An address alone is one of a service."""
    task = task_of(arguments)
    usual = "questions" if task == "verification" and _labels(suite) <= _DECISIONS else _DEFAULT[task]
    given: str = arguments.system or usual
    if given.startswith(("http://", "https://")):
        return "http", given
    kind, _, place = given.partition(":")
    return kind, place


def _retriever(kind: str, place: str, suite: Dataset, arguments: Namespace) -> System:
    if kind == "osler" and not place:
        return OslerRetriever(_with_documents(suite, arguments), arguments.retriever, arguments.k)
    if kind == "run" and place:
        return RunFile(Path(place), suite.items)
    raise _unfit(arguments, "retrieves", f"osler, run:PATH {_ANY}")


def _with_documents(suite: Dataset, arguments: Namespace) -> Pipeline:
    """Refuses an index of something else, on which every score would be 0."""
    pipeline = Pipeline.open(_index(suite, arguments))
    judged = {document for item in suite.items for document in item.gold.relevant}
    if judged and not any((s.original_id or s.key) in judged for s in pipeline.snapshot.store.sources()):
        pipeline.close()
        raise InputError(
            f"index {pipeline.settings.index_dir}: holds no document that {suite.name} judges; expected one of its "
            f"corpus; build it with `osler index build {suite.corpus or 'CORPUS'} --name NAME` and give --index NAME"
        )
    return pipeline


def _index(suite: Dataset, arguments: Namespace) -> Settings:
    """Raises ``SnapshotError``, with the command that builds it, when there is no such index."""
    settings = settings_of(arguments)
    if not (settings.index_dir / CURRENT).is_file():
        command = ["osler index build", *([str(suite.corpus)] if suite.corpus else [])]
        command += ["--name", str(arguments.index)] if arguments.index else []
        raise SnapshotError(f"index {settings.index_dir}: no snapshot there; build it with `{' '.join(command)}`")
    return settings


def _checker(kind: str, place: str, suite: Dataset, arguments: Namespace) -> System:
    if kind not in _CLASSES or place:
        raise _unfit(arguments, "checks claims", f"verifier, judge, questions, similar {_ANY}")
    _check_classes(kind, suite)
    if kind == "verifier":
        return VerifierSystem(_entailment(arguments))
    if kind == "judge":
        return JudgeSystem(judge_of(arguments.judge, partial(reader_of, arguments)))
    return (QuestionMatcher if kind == "questions" else SimilarQuestions)(reader_of(arguments))


def _entailment(arguments: Namespace) -> Entailment | None:
    """As the product has it, with the encoder of the index; without an index rules decide alone."""
    settings = settings_of(arguments)
    if settings.nli:
        return NliEntailment(settings.nli)
    if not (settings.index_dir / ENCODERS).is_dir():
        return None

    return LearnedEntailment(lambda text: _words(settings.index_dir / ENCODERS).read(text), Lexicon.load())


@cache
def _words(encoders: Path) -> WordEncoder:
    return shared_words(export_encoder(PACKAGED_MODEL, encoders))


def _check_classes(kind: str, suite: Dataset) -> None:
    """Refuses a checker whose classes are not the suite's, which would be wrong on every item."""
    labels = _labels(suite)
    if not labels <= _CLASSES[kind]:
        fitting = [f"--system {name}" for name, classes in _CLASSES.items() if labels <= classes]
        raise InputError(
            f"system {kind}: chooses among {', '.join(sorted(_CLASSES[kind]))}, and {suite.name} asks for "
            f"{', '.join(sorted(labels))}; expected {' or '.join([*fitting, '--system file:PATH'])}"
        )


def _labels(suite: Dataset) -> frozenset[str]:
    """The classes that a suite asks for. Altered sentences have none: they are to be told from supported ones."""
    return frozenset(item.gold.label for item in suite.items if item.gold.label is not None) or _VERDICTS


def _answerer(kind: str, place: str, suite: Dataset, arguments: Namespace) -> System:
    audience = Audience(arguments.audience)
    if kind == "osler":
        return _osler(suite, _with_model(place, _index(suite, arguments), arguments), audience)
    if kind == "nearest" and place.isdecimal():
        return NearestPassages(Pipeline.open(_index(suite, arguments)), int(place))
    if kind in METHODS and place.isdecimal():
        return NearestSentences(Pipeline.open(_index(suite, arguments)), cast(Method, kind), int(place))
    if kind == "http" and place:
        return HttpOsler(Client(place, os.environ.get(_KEY), timeout_s=_TIMEOUT_S, patience_s=_PATIENCE_S), audience)
    if kind == "openai" and place:
        _check_model(kind, arguments)
        return _model(place, suite, arguments)
    simple = ", ".join(f"{method}:N" for method in METHODS)
    expected = f"osler, osler:ADDRESS, nearest:WORDS, {simple}, http:ADDRESS, openai:ADDRESS {_ANY}"
    raise _unfit(arguments, "answers questions", expected)


def _check_model(kind: str, arguments: Namespace) -> None:
    if not arguments.model:
        raise InputError(f"system {kind}: no model; name the one behind the address with --model")


def _with_model(place: str, settings: Settings, arguments: Namespace) -> Settings:
    """With the language model at an address, whose key is in OSLER_LLM_KEY; as they are without one."""
    if not place:
        return settings
    _check_model("osler", arguments)
    return settings.model_copy(update={"llm_url": place, "llm_model": arguments.model})


def _unfit(arguments: Namespace, does: str, expected: str) -> InputError:
    return InputError(f"system {arguments.system!r}: none that {does}; expected {expected}")


def _osler(suite: Dataset, settings: Settings, audience: Audience) -> System:
    if suite.name != robustness.ABOUT.name:
        return OslerSystem.open(settings, audience)
    return robustness.Variants(settings, audience, {item.kind for item in suite.items})


def _model(place: str, suite: Dataset, arguments: Namespace) -> System:
    caller = _caller(place, arguments)
    if not arguments.passages:
        return OpenAISystem(caller, arguments.model)
    pipeline = Pipeline.open(_index(suite, arguments))
    return OpenAISystem(
        caller,
        arguments.model,
        retrieve=partial(context, pipeline, arguments.passages),
        retrieved_by=f"osler, {arguments.passages} passages of snapshot {pipeline.snapshot.snapshot_id}, settings "
        f"{pipeline.settings.digest()}, code {code_digest('rag/**/*')}",
        close_retriever=pipeline.close,
    )


def _caller(place: str, arguments: Namespace) -> Caller:
    return Caller(place, key=os.environ.get(_KEY), connections=arguments.workers)


def judge_of(name: str, reader: Callable[[], Reader]) -> Judge:
    """The judge of that name. Raises ``InputError`` for one that does not exist or is not configured."""
    kind, _, place = name.partition(":")
    if kind == "matcher":
        return _matcher(reader())
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


def _matcher(reader: Reader) -> Matcher:
    return Matcher(Examiner(reader), read_fitted(MATCHER))


class Judges:
    """The judges of a run; all read with one model. ``names`` and ``agreements`` are for its log.

    Args:
        claims: name of the one that says whether an answer says a claim.
        citations: of the one that says whether quotes support a statement; by default the matcher fitted for that.
    """

    def __init__(self, claims: str, citations: str | None, reader: Reader) -> None:
        self._reader = reader
        self._claims = judge_of(claims, lambda: reader)
        matcher = self._claims if isinstance(self._claims, Matcher) else _matcher(reader)
        self._citations = judge_of(citations, lambda: reader) if citations else matcher.for_citations()
        self.names = {"claims": self._claims.name, "citations": self._citations.name}
        self.agreements = tuple(dict.fromkeys(filter(None, map(_agreement, (self._claims, self._citations)))))

    def scoring(self) -> Scoring:
        grader = getattr(self._claims, "rubric_score", None)
        return Scoring("answers", self._claims, self._citations, self._likeness, grader=grader)

    def _likeness(self, one: str, other: str) -> float:
        first, second = self._reader.vectors([one, other])
        return float(first @ second)


def judges_of(arguments: Namespace) -> Judges | None:
    """None for a task that needs none."""
    if task_of(arguments) != "answers":
        return None
    return Judges(arguments.judge, arguments.citation_judge, reader_of(arguments))


def _agreement(judge: Judge) -> Agreement | None:
    """What is known of a judge's agreement with people; of a model that somebody configures, nothing."""
    known = getattr(judge, "agreement", None)
    found: Agreement | None = known() if known else None
    return found
