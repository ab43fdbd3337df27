"""Responses as the ``openai`` client has them: whole, as typed events, and one that goes on from another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import BadRequestError, ConflictError, NotFoundError
from openai.types.responses import Response, ResponseOutputMessage, ResponseOutputText, ResponseStreamEvent
from openai.types.responses.response_output_text import AnnotationURLCitation
from openai_face import CLINICIAN, ELSEWHERE, FIRST, NEXT, WHOLE, Face, faced
from pydantic import TypeAdapter
from sqlalchemy import func, select

from api.keeping import tables
from rag.domain import Answer
from rag.render.chat import to_chat
from rag.render.words import page_of


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("responses"), max_turns=3) as found:
        yield found


def respond(face: Face, asked: Any = FIRST, **more: Any) -> Response:
    made: Response = face.client.responses.create(**{"model": CLINICIAN, "input": asked} | more)
    return made


def ours(response: Response) -> dict[str, Any]:
    assert response.model_extra
    found: dict[str, Any] = response.model_extra["osler"]
    return found


def answer(face: Face, response: Response) -> Answer:
    return face.kept(ours(response)["answer_id"])


def text(response: Response) -> ResponseOutputText:
    (message,) = response.output
    assert isinstance(message, ResponseOutputMessage)
    (part,) = message.content
    assert isinstance(part, ResponseOutputText)
    return part


def test_a_response_is_of_the_form_that_the_client_knows(face: Face) -> None:
    made = respond(face, instructions="Be brief.", metadata={"ward": "3"}, temperature=0.3, max_output_tokens=16)
    Response.model_validate(made.to_dict())
    assert (made.model, made.status, made.error, made.object) == (CLINICIAN, "completed", None, "response")
    assert (made.instructions, made.metadata) == ("Be brief.", {"ward": "3"})
    assert made.usage
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.output_text == to_chat(answer(face, made)).text


def test_annotations_are_where_the_marks_stand(face: Face) -> None:
    made = respond(face)
    references = {r.number: r for r in answer(face, made).references}
    annotations = text(made).annotations
    assert len(annotations) >= len(references) > 2
    for cited in annotations:
        assert isinstance(cited, AnnotationURLCitation)
        mark = made.output_text[cited.start_index : cited.end_index]
        reference = references[int(mark[1:-1])]
        assert (mark, cited.title) == (f"[{reference.number}]", reference.title)
        assert cited.url == (page_of(reference) or f"{face.address}/sources/{reference.source_id}")


@pytest.fixture(scope="module")
def events(face: Face) -> list[Any]:
    return list(face.client.responses.create(model=CLINICIAN, input=FIRST, stream=True))


def told(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event.type == f"response.{kind}"]


def test_events_are_typed_numbered_and_in_their_order(events: list[Any]) -> None:
    known: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    assert all(type(known.validate_python(event.to_dict())) is type(event) for event in events)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert list(dict.fromkeys(event.type.removeprefix("response.") for event in events)) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.annotation.added", "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip


def test_events_hold_the_response_in_pieces(face: Face, events: list[Any]) -> None:
    final = told(events, "completed")[0].response
    part, deltas = text(final), told(events, "output_text.delta")
    assert "".join(event.delta for event in deltas) == part.text == told(events, "output_text.done")[0].text
    assert len(deltas) > 10, "it comes in paragraphs"
    added = told(events, "output_text.annotation.added")
    assert [event.annotation.to_dict() for event in added] == [a.to_dict() for a in part.annotations]
    assert [event.annotation_index for event in added] == list(range(len(added)))
    assert told(events, "content_part.done")[0].part == part
    assert told(events, "output_item.done")[0].item == final.output[0]
    begun = told(events, "created")[0].response
    assert (begun.id, begun.status, begun.output) == (final.id, "in_progress", [])
    assert {event.item_id for event in events if hasattr(event, "item_id")} == {final.output[0].id}
    assert to_chat(answer(face, final)).text == part.text


def test_the_streaming_helper_of_the_client_reads_it(face: Face) -> None:
    with face.client.responses.stream(model=CLINICIAN, input=FIRST, store=False) as stream:
        kinds = {event.type for event in stream}
        made = stream.get_final_response()
    assert {"response.output_text.delta", "response.completed"} <= kinds
    assert made.output_text == respond(face, store=False).output_text


def test_a_response_goes_on_from_another(face: Face) -> None:
    first = respond(face)
    second = respond(face, NEXT, previous_response_id=first.id)
    assert second.previous_response_id == first.id
    made = answer(face, second)
    assert made.question == WHOLE
    assert first.conversation
    assert first.conversation == second.conversation
    assert made.turn
    assert (made.turn.conversation_id, made.turn.number) == (first.conversation.id, 2)
    before = {r.source_id: r.number for r in answer(face, first).references}
    now = {r.source_id: r.number for r in made.references}
    assert all(now[source_id] == number for source_id, number in before.items() if source_id in now)


def test_two_responses_may_go_on_from_the_same(face: Face) -> None:
    first = respond(face)
    one = respond(face, NEXT, previous_response_id=first.id)
    other = respond(face, "And on dialysis?", previous_response_id=first.id)
    assert one.conversation != other.conversation
    assert answer(face, other).question == "How is argatroban monitored on dialysis?"


def test_several_may_go_on_from_the_same_at_once(face: Face) -> None:
    first = respond(face)

    async def asking() -> list[Response]:
        async with face.async_client() as client:
            return await asyncio.gather(*(
                client.responses.create(model=CLINICIAN, input=text, previous_response_id=first.id)
                for text in (NEXT, "And on dialysis?")
            ))  # fmt: skip

    both = asyncio.run(asking())
    assert {answer(face, made).question for made in both} == {WHOLE, "How is argatroban monitored on dialysis?"}
    turns = [turn for made in both if (turn := answer(face, made).turn)]
    assert [turn.number for turn in turns] == [2, 2]
    assert len({turn.conversation_id for turn in turns}) == 2


def test_a_conversation_is_named_instead(face: Face) -> None:
    begun = httpx2.post(f"{face.base_url}/conversations", headers=face.headers).json()["conversation_id"]
    assert ours(respond(face, conversation=begun))["conversation_id"] == begun
    assert answer(face, respond(face, NEXT, conversation={"id": begun})).question == WHOLE
    with pytest.raises(BadRequestError) as both:
        respond(face, NEXT, conversation=begun, previous_response_id=respond(face).id)
    assert both.value.param == "conversation"
    with pytest.raises(NotFoundError):
        respond(face, NEXT, conversation="c0")


def test_thanks_in_between_are_passed_over(face: Face) -> None:
    first = respond(face)
    thanks = respond(face, "thanks", previous_response_id=first.id)
    assert thanks.output_text == "There is no question in this, so nothing was asked.\n"
    assert not text(thanks).annotations
    assert answer(face, respond(face, NEXT, previous_response_id=thanks.id)).question == WHOLE


def test_messages_are_the_history_too(face: Face) -> None:
    first = respond(face)
    asked = [
        {"role": "developer", "content": "Answer in verse."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": FIRST}]},
        *(item.to_dict() for item in first.output),
        {"role": "user", "content": NEXT},
    ]
    assert answer(face, respond(face, asked)).question == WHOLE


def test_what_is_not_stored_is_in_no_conversation(face: Face) -> None:
    alone = respond(face, store=False)
    assert (alone.conversation, ours(alone)["conversation_id"], answer(face, alone).turn) == (None, None, None)
    assert alone.output_text == to_chat(face.answer(FIRST)).text, "the very answer that it is elsewhere"
    first = respond(face)
    respond(face, "And on dialysis?", previous_response_id=first.id)
    before = kept(face)
    for previous in (alone, first):
        followed = respond(face, NEXT, previous_response_id=previous.id, store=False)
        assert (answer(face, followed).question, answer(face, followed).turn) == (WHOLE, None)
    assert kept(face) == before


def kept(face: Face) -> int:
    """How many conversations there are."""
    with face.service.keeping.database.reading() as db:
        return int(db.execute(select(func.count()).select_from(tables.conversations)).scalar_one())


@pytest.mark.parametrize("response_id", ["resp_a0_0", "resp_", "chatcmpl-1", "resp_../x", "é" * 50])
def test_a_response_that_is_not_there(face: Face, response_id: str) -> None:
    with pytest.raises(NotFoundError) as missing:
        respond(face, NEXT, previous_response_id=response_id)
    assert (missing.value.param, missing.value.code) == ("previous_response_id", "not_found")


def test_a_response_of_another_key_is_not_there(face: Face) -> None:
    first = respond(face)
    _, other = face.service.keeping.keys.create("another", ["ask"])
    with pytest.raises(NotFoundError) as missing:
        face.client.with_options(api_key=other).responses.create(
            model=CLINICIAN, input=NEXT, previous_response_id=first.id
        )
    assert missing.value.param == "previous_response_id"


def test_an_erased_conversation_is_gone(face: Face) -> None:
    first = respond(face)
    assert first.conversation
    httpx2.delete(f"{face.base_url}/conversations/{first.conversation.id}", headers=face.headers)
    with pytest.raises(NotFoundError):
        respond(face, NEXT, previous_response_id=first.id)


def test_a_conversation_has_an_end(face: Face) -> None:
    made = respond(face)
    for _ in range(2):
        made = respond(face, "And on dialysis?", previous_response_id=made.id)
    with pytest.raises(ConflictError) as full:
        respond(face, NEXT, previous_response_id=made.id)
    assert full.value.code == "conversation_full"


def test_an_abstention_is_seen_as_one(face: Face) -> None:
    made = respond(face, ELSEWHERE)
    assert ours(made)["outcome"] == "abstained"
    assert "Not answered" in made.output_text[:100]
    assert ours(made)["reason"] in made.output_text[:400]


def test_the_asynchronous_client_has_the_same(face: Face) -> None:
    async def asking() -> list[str]:
        async with face.async_client() as client:
            whole = await client.responses.create(model=CLINICIAN, input=FIRST, store=False)
            stream = await client.responses.create(model=CLINICIAN, input=FIRST, store=False, stream=True)
            return [
                whole.output_text,
                "".join([e.delta async for e in stream if e.type == "response.output_text.delta"]),
            ]

    assert asyncio.run(asking()) == [respond(face, store=False).output_text] * 2
