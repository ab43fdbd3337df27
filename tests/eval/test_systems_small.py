"""Run files as systems, and likeness of questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import trec
from eval.domain import Item, Outcome
from eval.judges.premises import Reader
from eval.systems.base import System
from eval.systems.likeness import QuestionMatcher, SimilarQuestions
from eval.systems.ranked import RunFile
from rag.errors import InputError

ITEMS = [Item(item_id=f"q{n}", question=f"Question {n}?") for n in (1, 2)]


def run_file(folder: Path, *lines: str) -> Path:
    path = folder / "other.run"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


# run files


def test_a_run_file_answers_with_its_rankings_in_the_order_of_trec_eval(tmp_path: Path) -> None:
    path = run_file(tmp_path, "q1 Q0 a 1 0.5 t", "q1 Q0 b 2 0.5 t", "q1 Q0 c 3 0.9 t", "x Q0 a 1 1 t")
    system = RunFile(path, ITEMS)
    assert isinstance(system, System)
    response = system.respond(ITEMS[0])
    assert response.outcome is Outcome.ANSWERED
    assert [r.document for r in response.ranking] == ["c", "b", "a"], "ties by document, descending"
    system.close()


def test_a_topic_that_a_run_file_lacks_is_a_failure_of_the_system(tmp_path: Path) -> None:
    response = RunFile(run_file(tmp_path, "q1 Q0 a 1 0.5 t"), ITEMS).respond(ITEMS[1])
    assert response.outcome is Outcome.FAILED
    assert response.error == "no ranking in other.run"


def test_what_is_written_is_read_in_the_same_order(tmp_path: Path) -> None:
    ranking = [("b", 1.0), ("a", 1.0), ("c", 1.0), ("d", 0.25)]
    trec.write_run(tmp_path / "tied.run", {"q1": ranking}, "tag")
    read = RunFile(tmp_path / "tied.run", ITEMS).respond(ITEMS[0]).ranking
    assert [r.document for r in read] == ["b", "a", "c", "d"]


def test_the_receipt_of_a_run_file_changes_with_its_content(tmp_path: Path) -> None:
    one = RunFile(run_file(tmp_path, "q1 Q0 a 1 0.5 t"), ITEMS)
    other = RunFile(run_file(tmp_path, "q1 Q0 a 1 0.6 t"), ITEMS)
    assert one.name == other.name == "run other.run"
    assert one.receipt() != other.receipt()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"q1 Q0 a 1 0.5\n", "line 1: found 'q1 Q0 a 1 0.5'; expected six columns"),
        (b"q1 Q0 a 1 much t\n", "expected a finite number"),
        (b"q1 Q0 \xff 1 0.5 t\n", "not UTF-8"),
        (b"q9 Q0 a 1 0.5 t\n", "no topic of it is in this suite; expected ids like q1"),
        (b"", "no topic of it is in this suite"),
    ],
)
def test_a_file_that_is_no_run_of_this_suite_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "other.run"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        RunFile(path, ITEMS)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_run_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        RunFile(tmp_path / "none.run", ITEMS)


# likeness of questions


@pytest.fixture(scope="module")
def similar(starter_index: Path) -> SimilarQuestions:
    return SimilarQuestions(Reader.open(starter_index / "encoders"))


def pair(one: str, other: str) -> Item:
    return Item(item_id="p", question=one, evidence=(other,))


def test_questions_that_ask_the_same_are_alike_and_others_are_not(similar: SimilarQuestions) -> None:
    assert isinstance(similar, System)
    same = similar.respond(pair("How is argatroban dosed in cirrhosis?", "What argatroban dose is given in cirrhosis?"))
    other = similar.respond(pair("How is argatroban dosed in cirrhosis?", "When is a hernia operated on?"))
    assert (same.label, other.label) == ("yes", "no")
    assert same.confidence is not None
    assert other.confidence is not None
    assert 0 <= other.confidence < similar.receipt()["threshold"] <= same.confidence <= 1


def test_the_same_question_is_as_like_as_can_be_in_either_order(similar: SimilarQuestions) -> None:
    assert similar.respond(pair("Is it safe?", "Is it safe?")).confidence == pytest.approx(1)
    first, second = similar.respond(pair("Is it safe?", "Why?")), similar.respond(pair("Why?", "Is it safe?"))
    assert first.confidence == pytest.approx(second.confidence)


def test_questions_on_one_subject_that_ask_for_other_things_are_not_the_same(starter_index: Path) -> None:
    matcher = QuestionMatcher(Reader.open(starter_index / "encoders"))
    assert isinstance(matcher, System)
    known = "How is cirrhosis diagnosed?"
    same = matcher.respond(pair("Which tests diagnose cirrhosis in my mother?", known))
    other = matcher.respond(pair("How is cirrhosis treated in my mother?", known))
    assert same.label == "yes"
    assert same.confidence is not None
    assert other.confidence is not None
    assert 0 < other.confidence < same.confidence < 1
    with pytest.raises(ValueError, match="no second question"):
        matcher.respond(Item(item_id="p", question="Alone?"))


def test_a_question_without_another_is_no_pair(similar: SimilarQuestions) -> None:
    with pytest.raises(ValueError, match="no second question"):
        similar.respond(Item(item_id="p", question="Alone?"))
