"""Responses that go on from one that others have gone on from: each sees what led to it, and nothing beside."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import APIError, NotFoundError
from openai.types.responses import Response
from openai_face import CLINICIAN, FIRST, NEXT, NO_SOURCE, WHOLE, Face, asked, faced

from rag.domain import Answer

DIALYSIS, ON_DIALYSIS = "And on dialysis?", "How is argatroban monitored on dialysis?"


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("forks")) as found:
        yield found


def respond(face: Face, question: str, before: Response | None = None, **more: Any) -> Response:
    before_id = {"previous_response_id": before.id} if before else {}
    made: Response = face.client.responses.create(**{"model": CLINICIAN, "input": question} | before_id | more)
    return made


def answer(face: Face, response: Response) -> Answer:
    assert response.model_extra
    return face.kept(response.model_extra["osler"]["answer_id"])


def numbers(face: Face, response: Response) -> dict[str, int]:
    return {r.source_id: r.number for r in answer(face, response).references}


def turns(face: Face, response: Response) -> list[str]:
    """The questions of a response's conversation, as they were made whole."""
    assert response.conversation
    given = httpx2.get(f"{face.base_url}/conversations/{response.conversation.id}", headers=face.headers).json()
    assert [turn["number"] for turn in given["turns"]] == list(range(1, len(given["turns"]) + 1))
    return [turn["question"] for turn in given["turns"]]


def agree(*several: dict[str, int]) -> bool:
    return all(
        one[source_id] == other[source_id] for one, other in pairwise(several) for source_id in one.keys() & other
    )


def test_a_second_that_goes_on_from_the_same_sees_nothing_of_the_first(face: Face) -> None:
    first = respond(face, FIRST)
    one = respond(face, NEXT, first)
    other = respond(face, DIALYSIS, first)
    assert turns(face, one) == [FIRST, WHOLE]
    assert turns(face, other) == [FIRST, ON_DIALYSIS]
    assert agree(numbers(face, one), numbers(face, first), numbers(face, other), numbers(face, one))
    again = respond(face, "What is the dose?", other)
    assert turns(face, again) == [FIRST, ON_DIALYSIS, answer(face, again).question]
    assert "Child-Pugh" not in answer(face, again).question
    assert again.conversation == other.conversation
    assert agree(numbers(face, first), numbers(face, other), numbers(face, again))
    assert turns(face, one) == [FIRST, WHOLE], "the other is as it was"


def test_one_that_goes_on_from_the_middle_begins_there(face: Face) -> None:
    first = respond(face, FIRST)
    second = respond(face, NEXT, first)
    respond(face, DIALYSIS, second)
    other = respond(face, DIALYSIS, second)
    assert turns(face, other)[:2] == [FIRST, WHOLE]
    assert len(turns(face, other)) == 3
    assert len(turns(face, respond(face, DIALYSIS, first))) == 2


def test_many_at_the_same_time_see_nothing_of_each_other(face: Face) -> None:
    several_at_once(face)


def test_postgresql_keeps_chats_and_forks_as_well(starter_index: Path, tmp_path: Path, postgresql: str) -> None:
    with faced(starter_index, tmp_path, database=postgresql) as face:
        several_at_once(face)
        for number in (1, 2):
            completion = face.client.chat.completions.create(
                model=CLINICIAN, messages=asked(FIRST, NEXT)[: 2 * number - 1],
                extra_headers={"X-OpenWebUI-Chat-Id": "one"},
            )  # fmt: skip
            assert completion.model_extra
            turn = face.kept(completion.model_extra["osler"]["answer_id"]).turn
            assert turn
            assert turn.number == number


def several_at_once(face: Face) -> None:
    first = respond(face, FIRST)
    questions = [f"And with a bilirubin of {number}?" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda text: respond(face, text, first), questions))
    assert len({m.conversation.id for m in made if m.conversation}) == 4
    for number, one in enumerate(made):
        whole = f"How is argatroban monitored with a bilirubin of {number}?"
        assert turns(face, one) == [FIRST, whole]
        assert turns(face, respond(face, DIALYSIS, one))[:2] == [FIRST, whole]
    assert agree(*(numbers(face, one) for one in (first, *made)))


def test_what_fails_begins_nothing(face: Face) -> None:
    first = respond(face, FIRST)
    one = respond(face, NEXT, first)
    begun = kept(face)
    with pytest.raises(APIError, match="no-such-source"):
        list(respond(face, DIALYSIS, first, stream=True, extra_body=NO_SOURCE))
    assert kept(face) == begun
    assert turns(face, one) == [FIRST, WHOLE]


def kept(face: Face) -> tuple[int, int]:
    """How many conversations and answers there are."""
    with face.service.keeping.database.reading() as db:
        conversations = db.exec_driver_sql("SELECT count(*) FROM conversations").scalar_one()
    return conversations, face.service.keeping.answers.count()


def test_a_conversation_that_is_named_goes_on_at_its_end(face: Face) -> None:
    first = respond(face, FIRST)
    respond(face, NEXT, first)
    assert first.conversation
    third = respond(face, DIALYSIS, conversation=first.conversation.id)
    assert turns(face, third)[:2] == [FIRST, WHOLE]
    assert third.conversation == first.conversation
    _, other = face.service.keeping.keys.create("another", ["ask"])
    with pytest.raises(NotFoundError) as missing:
        face.client.with_options(api_key=other).responses.create(
            model=CLINICIAN, input=NEXT, conversation=first.conversation.id
        )
    assert missing.value.param == "conversation"


def test_a_fork_in_pieces_is_the_same(face: Face) -> None:
    first = respond(face, FIRST)
    one, events = respond(face, NEXT, first), list(respond(face, NEXT, first, stream=True))
    final = events[-1].response
    assert final.output_text == one.output_text.replace(answer(face, one).answer_id, answer(face, final).answer_id)
    assert final.conversation != one.conversation
    assert turns(face, final) == turns(face, one)


def test_what_goes_on_from_one_that_is_in_no_conversation_knows_its_question_alone(face: Face) -> None:
    first = respond(face, FIRST, store=False)
    second = respond(face, NEXT, first, store=False)
    assert agree(numbers(face, first), numbers(face, second))
    third = respond(face, DIALYSIS, second, store=False)
    assert answer(face, third).question == f"{WHOLE[:-1]} on dialysis?"
    assert not agree(numbers(face, second), numbers(face, third)), "the page says so"
    stored = respond(face, DIALYSIS, second)
    assert turns(face, stored) == [answer(face, third).question]
