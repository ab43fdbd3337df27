"""Osler in process: its answers and its retrieval. A follow-up is made whole from what was said before it."""

from __future__ import annotations

import time
from threading import Lock
from typing import Any, Literal

from eval.domain import Item, Outcome, Ranked, Response
from eval.provenance import code_digest
from eval.systems.answers import response_of
from eval.systems.base import Context
from rag import __version__
from rag.conversation.turns import Turn as Said
from rag.conversation.understood import understood
from rag.conversation.whole import made_whole
from rag.domain import Audience, Hit, Passage, Source
from rag.pipeline import Pipeline
from rag.retrieve.dense import DenseRetriever
from rag.retrieve.lexical import LexicalRetriever
from rag.settings import Settings
from rag.writing.prompting import named as prompts
from rag.writing.understanding import Read, noted

Retriever = Literal["hybrid", "dense", "lexical"]
#: So many passages are kept with their words, for what looks for an answer's span in them.
_PASSAGES = 10
_HALVES: dict[str, type[DenseRetriever | LexicalRetriever]] = {"dense": DenseRetriever, "lexical": LexicalRetriever}


class OslerSystem:
    """Answers of a pipeline, which composes one at a time whatever the number of threads.

    Its name says which language model words them, if one does.
    """

    def __init__(self, pipeline: Pipeline, audience: Audience = Audience.CLINICIAN) -> None:
        self._pipeline, self._audience = pipeline, audience
        self.name = f"osler with {pipeline.model.name}" if pipeline.model else "osler"

    @classmethod
    def open(cls, settings: Settings | None = None, audience: Audience = Audience.CLINICIAN) -> OslerSystem:
        """On the current snapshot, loaded before the first question. Raises ``SnapshotError`` when there is none."""
        pipeline = Pipeline.open(settings)
        pipeline.warm()
        return cls(pipeline, audience)

    def receipt(self) -> dict[str, Any]:
        return {**facts(self._pipeline), **_wording(self._pipeline), "audience": self._audience.value}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        question, read = self._whole(item)
        answer = noted(self._pipeline.ask(question, self._audience), read)
        return response_of(answer, item, time.perf_counter() - started)

    def _whole(self, item: Item) -> tuple[str, Read | None]:
        """The question as it stands alone, and what a language model did for it, if the settings name one.

        It stands as it was put where it asks nothing of what was said.
        """
        analyzer = self._pipeline.snapshot.analyzer
        turns: list[Said] = []
        for turn in item.history:
            if turn.role == "user":
                turns.append(Said(turn.text, made_whole(turn.text, turns, analyzer).question))
            elif turns:
                turns[-1] = turns[-1]._replace(said=turn.text)
        standalone, read = understood(item.question, turns, self._pipeline)
        return standalone.question or item.question, read

    def close(self) -> None:
        self._pipeline.close()


class OslerRetriever:
    """Documents for a question, by what Osler finds passages with; dense and lexical are its two halves alone.

    A document scores as its best passage. As many passages are retrieved as the pipeline takes to answer from, and
    twice as many again and again until they are of ``k`` documents.

    Args:
        pipeline: gives snapshot and settings. Closing the retriever closes it.
        k: documents that are returned at most; there are fewer when the corpus, or for words those that hold any of
            them, are fewer.
    """

    def __init__(self, pipeline: Pipeline, retriever: Retriever = "hybrid", k: int = 100) -> None:
        self._retriever, self._k, self._lock = retriever, k, Lock()
        half = _HALVES.get(retriever)
        self._pipeline = Pipeline(pipeline.settings, pipeline.snapshot, half(pipeline.snapshot)) if half else pipeline
        self.name = f"osler {retriever}"

    def receipt(self) -> dict[str, Any]:
        return {**facts(self._pipeline), "retriever": self._retriever, "k": self._k}

    def respond(self, item: Item) -> Response:
        """Abstains when nothing is found."""
        started = time.perf_counter()
        with self._lock:  # the pipeline's own is not held while twins are looked up
            found, ranking = self._ranked(item.question)
        return Response(
            item_id=item.item_id,
            outcome=Outcome.ANSWERED if ranking else Outcome.ABSTAINED,
            ranking=ranking,
            passages=tuple(passage.text for _, passage, _ in found[:_PASSAGES]),
            seconds=time.perf_counter() - started,
        )

    def close(self) -> None:
        self._pipeline.close()

    def _ranked(self, question: str) -> tuple[list[tuple[Hit, Passage, Source]], tuple[Ranked, ...]]:
        """The passages found, best first, and their documents by (-score, id), each once.

        A passage whose words stand in several documents is stored under one of them, and found for all.
        """
        passages = max(self._pipeline.settings.candidates, self._k)
        while True:
            best: dict[str, float] = {}
            found = self._pipeline.search(question, passages)
            for hit, _, source in found:
                for document in (source, *self._also_in(hit.passage_id)):
                    best.setdefault(document.original_id or document.key, hit.score)
            if len(best) >= self._k or len(found) < passages:
                ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))
                return found, tuple(Ranked(document, score) for document, score in ranked[: self._k])
            passages *= 2

    def _also_in(self, passage_id: str) -> list[Source]:
        store = self._pipeline.snapshot.store
        return [store.source(twin.source_key) for twin in store.twins(passage_id)]


def context(pipeline: Pipeline, k: int, question: str) -> list[Context]:
    """The ``k`` best passages for ``question``, so that another system can be given what Osler is given."""
    return [Context(_title(source), passage.text) for _, passage, source in pipeline.search(question, k)]


def _title(source: Source) -> str:
    return f"{source.title} ({source.year})" if source.year else source.title


def facts(pipeline: Pipeline) -> dict[str, Any]:
    """What an answer's receipt says, of all answers of a pipeline."""
    snapshot = pipeline.snapshot
    return {
        "software": f"osler {__version__}",
        "code": code_digest(),
        "snapshot_id": snapshot.snapshot_id,
        "corpus_digest": snapshot.corpus_digest,
        "settings_digest": pipeline.settings.digest(),
        "models": pipeline.models,
    }


def _wording(pipeline: Pipeline) -> dict[str, Any]:
    """The language model that words the answers, and how it is asked; neither where it is nor its key."""
    if pipeline.model is None:
        return {}
    settings = pipeline.settings
    how = {"temperature": settings.llm_temperature, "max_tokens": settings.llm_max_tokens,
           "budget_s": settings.llm_budget_s}  # fmt: skip
    return {"wording": {"model": pipeline.model.name, "prompt": prompts(), **how}}
