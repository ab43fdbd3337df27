"""A stored answer held against its passages again, and against the answer that is made now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.answer.recheck import all_hold, recheck
from rag.answer.replay import Difference, content, difference
from rag.domain import Answer, Evidence, Passage, Review, Verdict
from rag.errors import AbandonedError, NotFoundError
from rag.pipeline import Pipeline

QUESTION = "How is argatroban monitored?"


@pytest.fixture(scope="module")
def answer(pipeline: Pipeline) -> Answer:
    return pipeline.ask(QUESTION)


def passage_of(pipeline: Pipeline) -> Callable[[str], Passage]:
    return lambda passage_id: pipeline.passage(passage_id)[0]


def altered(answer: Answer, **more: object) -> Answer:
    """``answer`` with its first statement changed."""
    first, *rest = answer.bottom_line
    return answer.model_copy(update={"bottom_line": (first.model_copy(update=more), *rest)})


def test_what_was_stored_holds(pipeline: Pipeline, answer: Answer) -> None:
    checks = recheck(answer, passage_of(pipeline), pipeline.verifier)
    assert all_hold(checks)
    assert {c.statement_id for c in checks} == {s.statement_id for s in answer.statements()}


def test_a_quote_that_its_passage_does_not_have_is_found(pipeline: Pipeline, answer: Answer) -> None:
    evidence = answer.bottom_line[0].evidence[0]
    forged = evidence.model_copy(update={"quote": "x" * len(evidence.quote)})
    first, *rest = recheck(altered(answer, evidence=(forged,)), passage_of(pipeline), pipeline.verifier)
    assert (first.quotes, first.verdict, first.holds) == ("changed", Verdict.UNSUPPORTED, False)
    assert all_hold(rest)


def test_a_statement_that_its_quote_does_not_support_is_found(pipeline: Pipeline, answer: Answer) -> None:
    wrong = altered(answer, text="Argatroban is monitored with the anti-Xa level at 17.5 IU/mL.")
    first, *_ = recheck(wrong, passage_of(pipeline), pipeline.verifier)
    assert (first.quotes, first.holds) == ("exact", False)
    assert first.reasons


def test_a_passage_that_is_gone_is_found(pipeline: Pipeline, answer: Answer) -> None:
    gone: Evidence = answer.bottom_line[0].evidence[0]

    def kept(passage_id: str) -> Passage:
        if passage_id == gone.passage_id:
            raise NotFoundError(f"passage {passage_id!r}: gone; expected one that is kept")
        return pipeline.passage(passage_id)[0]

    assert recheck(answer, kept, pipeline.verifier)[0].quotes == "missing"


def test_a_replay_differs_in_nothing(pipeline: Pipeline, answer: Answer) -> None:
    again = pipeline.ask(QUESTION)
    assert content(again) == content(answer)
    assert difference(answer, again).is_none
    reviewed = again.model_copy(update={"review": Review(status="approved", updated="2026-01-01")})
    assert content(reviewed) == content(answer), "a review is not of the answer's making"


def test_what_differs_is_told(answer: Answer) -> None:
    first, *rest = answer.bottom_line
    less = answer.model_copy(
        update={"bottom_line": tuple(rest) or (answer.sections[0].statements[0],), "title": "Other"}
    )
    found = difference(answer, less)
    assert [c.field for c in found.changes] == ["title"]
    assert [s.statement_id for s in found.removed] == [first.statement_id]
    assert found.added == ()
    back = difference(less, answer)
    assert [s.statement_id for s in back.added] == [first.statement_id]


def test_a_statement_of_which_something_differs_is_changed(answer: Answer) -> None:
    statement_id = answer.bottom_line[0].statement_id
    found = difference(answer, altered(answer, strength="strong recommendation against"))
    assert found == Difference(changed=(statement_id,))
    labelled = altered(answer, citations=(1, 2))
    assert difference(answer, labelled).is_none, "numbers hang on the rest of the answer"


def test_sections_in_another_order_are_moved_statements(answer: Answer) -> None:
    turned = answer.model_copy(update={"sections": tuple(reversed(answer.sections))})
    found = difference(answer, turned)
    assert found.moved
    assert not found.changed
    assert not found.added


def test_steps_are_told_and_work_can_be_ended_at_one(pipeline: Pipeline) -> None:
    steps = list[str]()

    def watch(step: str) -> None:
        steps.append(step)
        if step == "compose":
            raise AbandonedError("compose: not begun; nobody waits for it any more")

    with pytest.raises(AbandonedError):
        pipeline.ask(QUESTION, watch=watch)
    assert steps == ["interpret", "embed", "retrieve", "select", "premises", "compose"]
    assert pipeline.ask(QUESTION).outcome == "answered", "the next question is answered"


def test_with_statements_changes_every_place(pipeline: Pipeline) -> None:
    made = pipeline.ask(
        Path(__file__).parents[2].joinpath("eval/questions/starter.txt").read_text("utf-8").splitlines()[0]
    )
    assert made.disagreements
    changed = made.with_statements(lambda s: s.model_copy(update={"as_of": "2001"}))
    assert {s.as_of for s in changed.statements()} == {"2001"}
    assert changed.with_statements(lambda s: s) == changed
    assert len(changed.statements()) == len(made.statements())


def test_what_a_model_wrote_is_held_to_as_much_as_when_it_was_written(pipeline: Pipeline) -> None:
    """A guard that looks for a negation in its place would refuse it; what is denied is the same."""
    text = (
        "IVIG is not part of the initial treatment of acute HIT in the 2018 ASH guideline, which makes no "
        "recommendation for or against it; this absence is not a recommendation against IVIG."
    )
    written = altered(pipeline.ask("Should IVIG be given in HIT?"), text=text, origin="generated")
    quotes = [e.quote for e in written.bottom_line[0].evidence]
    assert pipeline.verifier.verify(text, quotes).verdict is not Verdict.SUPPORTED
    assert recheck(written, passage_of(pipeline), pipeline.verifier)[0].holds
