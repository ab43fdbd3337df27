"""An article of the starter corpus worded by a scripted model, and what must hold of it whatever the model does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from io import StringIO
from typing import Any, NamedTuple, get_args

from rich.console import Console
from served_model import Asked, Reply, Script, ServedModel, line, served_model, written

from rag.answer.recheck import all_hold, recheck
from rag.domain import Answer, Audience, Verdict, Wording
from rag.pipeline import Pipeline
from rag.render.chat import to_chat
from rag.render.citing import CitationForm, references
from rag.render.html import to_html
from rag.render.markdown import to_markdown
from rag.render.text import to_text
from rag.writing.model import LanguageModel
from rag.writing.wording import Told, Worder

QUESTION = "How is argatroban dosed in hepatic impairment?"
#: Words of evidence that the article on it has, and statements of them in other words.
FRENCH, EDOXABAN, REVERSAL = "French labelling", "edoxaban is not", "full reversal"
ANTIDOTE, CONFLICT, LEVINE, MECHANISM = "no specific antidote", "Regulatory conflict", "0.8 ± 0.6", "eliminated mainly"
TRUE = {
    FRENCH: "According to French labelling, argatroban is contraindicated in severe hepatic impairment.",
    EDOXABAN: "The US label does not recommend edoxaban in moderate or severe hepatic impairment.",
    REVERSAL: "According to the US label, full reversal of anticoagulation may take longer than 4 hours after "
    "argatroban is stopped in a patient with hepatic impairment.",
}  # fmt: skip


class Worded(NamedTuple):
    answer: Answer
    told: list[Told]
    served: ServedModel

    @property
    def wording(self) -> Wording:
        assert self.answer.receipt.wording
        return self.answer.receipt.wording

    @property
    def generated(self) -> list[str]:
        return [s.text for s in self.answer.statements() if s.origin == "generated"]


class Place(NamedTuple):
    """Where evidence stands in a request."""

    section: int
    number: int


def place(asked: Asked, words: str) -> Place:
    """That of the evidence with these words."""
    return next(Place(e["section"], e["evidence"]) for e in asked.evidence if any(words in q for q in e["quotes"]))


def true_lines(asked: Asked, *keys: str) -> list[str]:
    """The true statement of each of the keys, in the form that is asked for."""
    return [line(p.section, [p.number], TRUE[key]) for key in keys or TRUE for p in [place(asked, key)]]


def stubborn(*lines: Callable[[Asked], Sequence[str]]) -> Script:
    """Writes its lines; what is sent back it sends again as it was."""

    def script(asked: Asked) -> Reply:
        again = [json.dumps(r, ensure_ascii=False) + "\n" for r in asked.refused]
        return written(*(again or [text for make in lines for text in make(asked)]))

    return script


@cache
def extractive(pipeline: Pipeline, question: str = QUESTION, audience: Audience = Audience.CLINICIAN) -> Answer:
    return pipeline.ask(question, audience, is_worded=False)


def worded(pipeline: Pipeline, script: Script, before: Answer | None = None, **given: Any) -> Worded:
    """The article as a model words it that does what ``script`` says; all that must hold of it is checked."""
    before = before or extractive(pipeline)
    told: list[Told] = []
    with served_model(script) as served, closing(LanguageModel(served.settings(**given))) as model:
        answer = worder(pipeline, model).worded(before, told.append)
    check(pipeline, before, answer, told)
    return Worded(answer, told, served)


def worder(pipeline: Pipeline, model: LanguageModel) -> Worder:
    return Worder(model, pipeline.verifier, pipeline._plain)


def check(pipeline: Pipeline, before: Answer, answer: Answer, told: Sequence[Told]) -> None:
    """What is shown is verified, what was said is still said, and the answer is whole."""
    known = {s.statement_id: s for s in before.statements()}
    quotes = {e.quote for s in before.statements() for e in s.evidence}
    ids = {s.statement_id for s in answer.statements()}
    for statement in (*answer.statements(), *(t.statement for t in told)):
        evidence = [e.quote for e in statement.evidence]
        is_strict = statement.origin == "generated"
        found = pipeline.verifier.verify(statement.text, evidence, strength=statement.strength, is_strict=is_strict)
        assert found.verdict is Verdict.SUPPORTED is statement.verdict
        assert statement.statement_id in known or statement.text in quotes or statement.origin == "generated"
        assert set(evidence) <= quotes
        cited = {r.source_id for r in answer.references if r.number in statement.citations}
        assert cited == {e.source_id for e in statement.evidence}
    assert {t.statement.statement_id for t in told} <= ids
    assert all_hold(recheck(answer, lambda passage_id: pipeline.passage(passage_id)[0], pipeline.verifier))
    _same_but_for_words(before, answer)
    generated = [s for s in answer.statements() if s.statement_id not in known]
    for gone in (s for i, s in known.items() if i not in ids):
        assert any(set(gone.evidence) <= set(g.evidence) for g in generated)
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def _same_but_for_words(before: Answer, answer: Answer) -> None:
    same = ("question", "outcome", "title", "decision", "disagreements", "needed", "references", "related_questions",
            "readings", "withheld", "audience", "glossary")  # fmt: skip
    assert [getattr(answer, name) for name in same] == [getattr(before, name) for name in same]
    assert [(s.heading, s.role) for s in answer.sections] == [(s.heading, s.role) for s in before.sections]
    assert answer.gaps[: len(before.gaps)] == before.gaps
    assert answer.answer_id != before.answer_id


def rendered(answer: Answer) -> list[str]:
    """The answer in each form in which it is shown."""
    console = Console(file=StringIO(), width=100, force_terminal=True)
    to_text(answer, console, evidence=True)
    assert isinstance(console.file, StringIO)
    cited = [references(answer, form) for form in get_args(CitationForm)] if answer.references else []
    return [
        to_html(answer), to_html(answer, quotes=True), to_markdown(answer), console.file.getvalue(),
        to_chat(answer).text, *cited,
    ]  # fmt: skip
