"""Questions that go on with one another, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from running import client_of, events_of, open_service
from starlette.testclient import TestClient

from api.http.service import Service
from rag.answer.replay import content
from rag.conversation.converse import Conversation
from rag.domain import Answer
from rag.index.pins import PINS
from rag.pipeline import Pipeline

FIRST = "Should IVIG be given in HIT to a patient with cirrhosis who is on argatroban?"
NEXT = ("What is the dose?", "And in renal impairment?", "How is warfarin started?")


def begin(client: TestClient) -> str:
    given = client.post("/v1/conversations")
    assert given.status_code == 201
    return str(given.json()["conversation_id"])


def pins(service: Service) -> set[str]:
    return {path.name for path in (service.serving.index_dir / PINS).glob("*")}


def say(client: TestClient, conversation_id: str, question: str, **more: Any) -> Answer:
    address = f"/v1/conversations/{conversation_id}/messages"
    given = client.post(address, json={"question": question}, **more)
    assert given.status_code == 200, given.text
    return Answer.model_validate_json(given.text)


def test_a_conversation_is_answered_as_the_library_does(client: TestClient, pipeline: Pipeline) -> None:
    conversation_id, talk = begin(client), Conversation()
    for number, question in enumerate((FIRST, *NEXT), 1):
        made = say(client, conversation_id, question)
        standalone, expected, talk = talk.ask(pipeline, question)
        assert expected
        assert made.question == standalone.question
        assert made.follow_up == (standalone if number > 1 else None)
        assert made.turn
        assert (made.turn.conversation_id, made.turn.number) == (conversation_id, number)
        without = {"turn": None, "answer_id": "", "follow_up": None}
        assert content(made.model_copy(update=without)) == content(expected.model_copy(update=without))


def test_a_source_keeps_its_number(client: TestClient) -> None:
    conversation_id, numbers = begin(client), dict[str, int]()
    for question in (FIRST, *NEXT):
        made = say(client, conversation_id, question)
        found = {r.source_id: r.number for r in made.references}
        assert {s: n for s, n in numbers.items() if s in found} == {s: n for s, n in found.items() if s in numbers}
        numbers |= found
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


def test_a_conversation_is_read_exported_and_erased(client: TestClient, service: Service) -> None:
    before, conversation_id = pins(service), begin(client)
    made = [say(client, conversation_id, question) for question in (FIRST, NEXT[0])]
    assert len(pins(service)) == len(before) + 1
    address = f"/v1/conversations/{conversation_id}"
    turns = client.get(address).json()["turns"]
    assert [(t["number"], t["asked"], t["question"], t["answer_id"]) for t in turns] == [
        (1, FIRST, made[0].question, made[0].answer_id),
        (2, NEXT[0], made[1].question, made[1].answer_id),
    ]
    exported = client.get(f"{address}/export").json()
    assert [Answer.model_validate(a) for a in exported["answers"]] == made
    text = client.get(f"{address}/export?format=markdown").text
    assert all(a.title in text.replace("\\", "") for a in made)
    assert client.delete(address).json() == {"turns": 2, "answers": 2, "kept": []}
    assert pins(service) == before, "its snapshot may be pruned"
    for gone in (address, f"{address}/export", f"/v1/answers/{made[0].answer_id}"):
        assert client.get(gone).status_code == 404
    assert client.post(f"{address}/messages", json={"question": FIRST}).status_code == 404


def test_a_conversation_goes_on_without_a_turn_that_was_erased_with_its_source(
    client: TestClient, service: Service
) -> None:
    conversation_id = begin(client)
    made = [say(client, conversation_id, q) for q in ("How is argatroban monitored?", "New topic: how is ITP treated?")]
    first, second = ({r.source_id for r in answer.references} for answer in made)
    assert service.keeping.retention.erase_citing(min(first - second)) == 1
    assert say(client, conversation_id, "How is fondaparinux dosed in HIT?").turn.number == 3  # type: ignore[union-attr]


def test_an_answer_of_a_conversation_is_made_again_the_same(client: TestClient) -> None:
    conversation_id = begin(client)
    made = [say(client, conversation_id, question) for question in (FIRST, NEXT[0])]
    for answer in made:
        assert client.post(f"/v1/answers/{answer.answer_id}/replay").json()["is_same"]
        assert client.post(f"/v1/answers/{answer.answer_id}/verify").json()["holds"]


def test_the_two_ways_to_ask_are_one(client: TestClient) -> None:
    one, other = begin(client), begin(client)
    said = say(client, one, FIRST)
    given = client.post("/v1/answers", json={"question": FIRST, "conversation_id": other})
    asked = Answer.model_validate_json(given.text)
    assert said.answer_id != asked.answer_id
    without = {"turn": None, "answer_id": ""}
    assert content(said.model_copy(update=without)) == content(asked.model_copy(update=without))


def test_a_follow_up_streams(client: TestClient) -> None:
    conversation_id = begin(client)
    say(client, conversation_id, FIRST)
    address = f"/v1/conversations/{conversation_id}/messages"
    given = client.post(address, json={"question": NEXT[0]}, headers={"Accept": "text/event-stream"})
    done = dict(events_of(given.text))["done"]
    assert done["turn"] == {"conversation_id": conversation_id, "number": 2}
    assert client.get(f"/v1/answers/{done['answer_id']}").json() == done


def test_a_message_sent_twice_is_one_turn(client: TestClient) -> None:
    conversation_id, token = begin(client), {"Idempotency-Key": "message-1"}
    first, again = (say(client, conversation_id, FIRST, headers=token) for _ in range(2))
    assert first == again
    assert len(client.get(f"/v1/conversations/{conversation_id}").json()["turns"]) == 1


def test_where_nothing_is_asked_nothing_is_answered(client: TestClient) -> None:
    conversation_id = begin(client)
    say(client, conversation_id, FIRST)
    given = client.post(f"/v1/conversations/{conversation_id}/messages", json={"question": "Thanks!"})
    assert (given.status_code, given.json()["type"]) == (409, "urn:osler:problem:nothing-asked")
    assert len(client.get(f"/v1/conversations/{conversation_id}").json()["turns"]) == 1


def test_a_conversation_may_be_full(starter_index: Path, tmp_path: Path) -> None:
    with client_of(open_service(starter_index, tmp_path, max_turns=1)) as client:
        conversation_id = begin(client)
        say(client, conversation_id, FIRST)
        given = client.post(f"/v1/conversations/{conversation_id}/messages", json={"question": NEXT[0]})
    assert (given.status_code, given.json()["type"]) == (409, "urn:osler:problem:conversation-full")


def test_conversations_are_listed_found_and_named(client: TestClient) -> None:
    first, second = (begin(client) for _ in range(2))
    say(client, first, FIRST)
    for question in (FIRST, NEXT[0]):
        say(client, second, question)
    begin(client)
    listed = client.get("/v1/conversations").json()
    assert [(c["conversation_id"], c["title"], c["question"], c["turns"]) for c in listed["conversations"]] == [
        (second, None, FIRST, 2),
        (first, None, FIRST, 1),
    ]
    assert listed["before"] is None
    named = client.patch(f"/v1/conversations/{first}", json={"title": " The <b>liver</b>\nof bed 3 "})
    assert (named.status_code, named.json()["title"]) == (200, "The <b>liver</b> of bed 3")
    assert named.json() == client.get(f"/v1/conversations/{first}").json()
    found = client.get("/v1/conversations", params={"words": "BED liver"}).json()["conversations"]
    assert [(c["conversation_id"], c["title"]) for c in found] == [(first, "The <b>liver</b> of bed 3")]
    assert client.patch(f"/v1/conversations/{first}", json={"title": None}).json()["title"] is None


def test_a_list_has_pages(client: TestClient) -> None:
    ids = [begin(client) for _ in range(3)]
    for conversation_id in ids:
        say(client, conversation_id, FIRST)
    seen, more = list[str](), dict[str, Any]()
    while len(seen) < 3:
        page = client.get("/v1/conversations", params={"limit": 1, "words": "ivig"} | more).json()
        seen += [c["conversation_id"] for c in page["conversations"]]
        more = {"before": page["before"]}
    assert (seen, more) == (ids[::-1], {"before": None})


def test_what_cannot_be_listed_or_named_is_refused(client: TestClient) -> None:
    conversation_id = begin(client)
    for query in ({"before": "1"}, {"before": "x.c0"}, {"limit": 0}, {"limit": 101}, {"words": "x" * 201}):
        assert client.get("/v1/conversations", params=query).status_code == 422, query
    for body in ({}, {"title": ""}, {"title": " "}, {"title": "x" * 201}, {"title": "a\0"}, {"title": 3}):
        assert client.patch(f"/v1/conversations/{conversation_id}", json=body).status_code == 422, body
    assert client.patch("/v1/conversations/c0", json={"title": "t"}).status_code == 404
    assert client.get(f"/v1/conversations/{conversation_id}").json()["title"] is None


def test_identifiers_in_a_title_are_masked(client: TestClient, service: Service) -> None:
    conversation_id = begin(client)
    named = client.patch(f"/v1/conversations/{conversation_id}", json={"title": "Mr Tester, born 3.4.1956"}).json()
    assert "Tester" not in named["title"]
    assert "1956" not in named["title"]
    assert service.keeping.conversations.get(conversation_id).title == named["title"]
    last = service.keeping.audit.entries()[-1]
    assert (last.action, last.subject, last.detail) == ("conversation.renamed", conversation_id, {})
