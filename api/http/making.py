"""Answers made by the pipeline: each question once at a time, and those made lately given again at once."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from api.http.metrics import Metrics
from api.http.work import Work
from rag.domain import Answer, Audience, Filter, Reading
from rag.pipeline import Pipeline, Watch
from rag.serving import Serving


class Asked(NamedTuple):
    """What shapes an answer, beside the snapshot and the settings; ``reading`` as of ``Pipeline.ask``."""

    question: str
    audience: Audience = Audience.CLINICIAN
    within: Filter | None = None
    reading: Reading | None = None


class Made(NamedTuple):
    """An answer; ``is_new`` if it was computed for whom it is given to, or for somebody who asked at the same time."""

    answer: Answer
    is_new: bool


class Maker:
    """Makes answers, and remembers some. Used on the event loop.

    The same question on the same snapshot gives the same answer, so that one made before may be given in its place:
    only the timings in its receipt tell them apart. A language model may word it otherwise the next time, which is no
    reason to ask it again.
    """

    def __init__(self, serving: Serving, work: Work, metrics: Metrics, remembered: int) -> None:
        self._serving = serving
        self._work = work
        self._metrics = metrics
        self._most = remembered
        # As JSON: an answer's objects take ten times as much memory, and reading it takes a millisecond.
        self._made: OrderedDict[tuple[str, Asked], bytes] = OrderedDict()

    async def make(self, asked: Asked, listener: Watch | None = None) -> Made:
        """The answer to what is ``asked``, on the snapshot that is current now or was published since."""
        asked = asked._replace(question=" ".join(asked.question.split()))
        key = (self._serving.published(), asked)
        known = self._made.get(key)
        if known:
            self._made.move_to_end(key)
            return Made(Answer.model_validate_json(known), is_new=False)
        answer = await self._work.run(key, lambda watch: self._compute(asked, watch), listener)
        wording, reading = answer.receipt.wording, answer.receipt.reading
        has_failed = (wording and wording.reason) or (reading and reading.reasons)
        if not has_failed:  # a model that fails now may be there for the next who asks
            self._remember((answer.receipt.snapshot_id, asked), answer)
        return Made(answer, is_new=True)

    def _compute(self, asked: Asked, watch: Watch) -> Answer:
        with self._serving.pipeline() as pipeline:
            answer = ask(pipeline, asked, watch)
        self._metrics.made(answer)
        return answer

    def _remember(self, key: tuple[str, Asked], answer: Answer) -> None:
        self._made[key] = answer.model_dump_json().encode()
        self._made.move_to_end(key)
        while len(self._made) > self._most:
            self._made.popitem(last=False)


def ask(pipeline: Pipeline, asked: Asked, watch: Watch | None = None) -> Answer:
    return pipeline.ask(asked.question, asked.audience, asked.within, watch, reading=asked.reading)
