"""Questions as a language model reads them: a follow-up worded to stand alone, one of several things in its parts.

The rules' reading comes first and is the measure: what a model writes is used where it names and asks the same, in
nearly the same words. Whatever else it writes, and whatever goes wrong, the rules' reading stands and the receipt says
why.
"""

from __future__ import annotations

import json
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from threading import Lock
from typing import Any, NamedTuple

from rag.answer.triage import redirection
from rag.domain import Answer, Reading, Standalone
from rag.errors import ModelError
from rag.language.terms import Analyzer
from rag.settings import Settings
from rag.writing.model import Budget, LanguageModel, Message, Usage, meaning_of, total
from rag.writing.prompting import named, tagged, told
from rag.writing.sameness import apart, begun, otherwise

#: Files of words; with other words they get another number in their name.
FOLLOW_UP, PARTS = "reading-1", "parts-1"
#: What reading may take of the seconds for one answer, and its tokens.
_SHARE, _TOKENS = 1 / 3, 300
#: Earlier questions that a model is given at most, the last ones.
_EARLIER = 8
_REMEMBERED = 512
_NO_FORM = "it was not in the form that was asked for"
_BY_RULES, _NOT_SPLIT = "the follow-up is read by rules: {}", "the question is not split: {}"
_TOO_LONG = "it was too long to be asked"
_OBJECT = re.compile(r"\{[^{}]*\}")
#: What may be asked of one thing: "the dose and monitoring of ...".
_ASPECT = re.compile(
    r"\b(?:dos(?:e|es|ing|age)|monitoring|reversal|duration|risks?|safety|efficacy|effectiveness|interactions?|"
    r"contraindications?|diagnosis|treatment|management|prognosis|mechanism|(?:side|adverse) effects?)\b",
    re.IGNORECASE,
)
_AND = re.compile(r"\band\b|;", re.IGNORECASE)


class Read(NamedTuple):
    """What a model did to read a question, and how long it took."""

    reading: Reading
    seconds: float

    def refused(self, why: str) -> Read:
        """As a follow-up was read by rules after all."""
        return self._replace(reading=self.reading.model_copy(update={"reasons": (_BY_RULES.format(why),)}))


class Understanding:
    """Reads questions by a language model. Safe to share between threads, of which a call keeps its own waiting."""

    def __init__(self, model: LanguageModel, analyzer: Analyzer, settings: Settings) -> None:
        self._model, self._analyzer, self._settings = model, analyzer, settings
        # A client that tells all that was said each time asks the same again at every turn.
        self._known: OrderedDict[tuple[Standalone, tuple[str, ...]], tuple[Standalone, Read]] = OrderedDict()
        self._lock = Lock()

    def worded(
        self, by_rules: Standalone, earlier: Sequence[str], *, is_last: bool = True
    ) -> tuple[Standalone, Read | None]:
        """A follow-up that takes something over from ``earlier`` questions, in the model's words if they ask the same.

        Args:
            is_last: of its conversation; of any other only what is remembered is used, and no call is made.
        """
        leans = by_rules.carried or by_rules.replaced
        if not by_rules.question or not leans or redirection(by_rules.question):
            return by_rules, None
        key = (by_rules, tuple(earlier[-_EARLIER:]))
        with self._lock:
            known = self._known.get(key)
        if known or not is_last:
            return known or (by_rules, None)
        found = self._worded(*key)
        if not found[1].reading.reasons:
            self._remember(key, found)
        return found

    def _worded(self, by_rules: Standalone, earlier: tuple[str, ...]) -> tuple[Standalone, Read]:
        given, call = by_rules.question or "", _Call(self._model, self._settings, FOLLOW_UP)
        data = (
            tagged("earlier", [{"question": text} for text in earlier]),
            tagged("follow_up", [{"follow_up": by_rules.asked, "draft": given}]),
        )
        question, why = call.written("question", "\n".join(data)), call.failure
        if isinstance(question, str):
            question = " ".join(question.split())
            is_long = len(question) > self._settings.max_question_chars
            why = _TOO_LONG if is_long else otherwise(question, given, (*earlier, by_rules.asked), self._analyzer)
            if not why and question != given:
                by_rules = by_rules.model_copy(update={"question": question, "by": "model"})
        elif not why:
            why = _NO_FORM
        return by_rules, call.read((), _BY_RULES.format(why) if why else None)

    def split(self, question: str) -> Reading:
        """With the questions that one consists of, if it asks several things."""
        call = _Call(self._model, self._settings, PARTS)
        found, why = call.written("questions", tagged("question", [{"question": question}])), call.failure
        parts: tuple[str, ...] = ()
        if isinstance(found, list) and all(isinstance(part, str) for part in found):
            parts = tuple(" ".join(part.split()) for part in found)
            why = apart(parts, question, self._analyzer)
        elif not why:
            why = _NO_FORM
        return call.read(() if why else parts, _NOT_SPLIT.format(why) if why else None).reading

    def _remember(self, key: tuple[Standalone, tuple[str, ...]], found: tuple[Standalone, Read]) -> None:
        with self._lock:
            self._known[key] = found
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


class _Call:
    """One request for one reading, within its share of the time and the tokens of an answer."""

    def __init__(self, model: LanguageModel, settings: Settings, prompt: str) -> None:
        self._model, self._prompt = model, prompt
        self._budget = Budget(settings.llm_budget_s * _SHARE, min(_TOKENS, settings.llm_max_tokens))
        self._usage = Usage()
        self._start = time.perf_counter()
        #: Why the model could not be used, if it could not.
        self.failure: str | None = None

    def written(self, field: str, data: str) -> Any:
        """What stands in that field of the first object that has it; None where there is none, or no reply."""
        messages = [Message("system", told(self._prompt)), Message("user", data)]
        try:
            with closing(self._model.reply(messages, self._budget, self._usage)) as pieces:
                return _field("".join(pieces), field)
        except ModelError as error:
            self.failure = meaning_of(error)
            return None

    def read(self, parts: tuple[str, ...], reason: str | None) -> Read:
        reading = Reading(
            model=self._model.name,
            prompt=named(FOLLOW_UP, PARTS),
            sub_questions=parts,
            calls=self._usage.calls,
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
            reasons=(reason,) if reason else (),
        )
        return Read(reading, time.perf_counter() - self._start)


def asks_several(question: str) -> bool:
    """Whether a question may ask several things: a cheap look at marks and words, which may well be wrong."""
    if question.count("?") > 1 or begun(question) > 1:
        return True
    aspects = {found.lower() for found in _ASPECT.findall(question)}
    return len(aspects) > 1 and _AND.search(question) is not None


def noted(answer: Answer, read: Read | None) -> Answer:
    """``answer`` with how its follow-up was read in the receipt, beside how its question was split."""
    if read is None:
        return answer
    receipt = answer.receipt
    ms, total = round(read.seconds * 1000, 3), receipt.timings_ms.get("total", 0)
    timings = {**receipt.timings_ms, "read": receipt.timings_ms.get("read", 0) + ms, "total": total + ms}
    reading = _together(read.reading, receipt.reading) if receipt.reading else read.reading
    return answer.model_copy(update={"receipt": receipt.model_copy(update={"reading": reading, "timings_ms": timings})})


def _together(one: Reading, other: Reading) -> Reading:
    return other.model_copy(
        update={
            "calls": one.calls + other.calls,
            "prompt_tokens": total(one.prompt_tokens, other.prompt_tokens),
            "completion_tokens": total(one.completion_tokens, other.completion_tokens),
            "reasons": (*one.reasons, *other.reasons),
        }
    )


def _field(reply: str, name: str) -> Any:
    for match in _OBJECT.finditer(reply):
        try:
            read: Any = json.loads(match[0])
        except (ValueError, RecursionError):
            continue
        if name in read:
            return read[name]
    return None
