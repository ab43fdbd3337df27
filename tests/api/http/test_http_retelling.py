"""Clients that tell their whole conversation each time: what follows from what was said, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from running import client_of, open_service
from starlette.testclient import TestClient

from api.http.retelling import id_of_chat
from api.http.service import Service

FIRST, NEXT = "How is argatroban monitored?", "And in Child-Pugh C?"
WHOLE = "How is argatroban monitored in Child-Pugh C?"


def chat(
    client: TestClient, *asked: str, chat_id: str | None = None, model: str = "osler-clinician", status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    messages = [m for text in asked for m in ({"role": "user", "content": text}, {"role": "assistant", "content": "…"})]
    named = {"X-OpenWebUI-Chat-Id": chat_id} if chat_id else {}
    body = {"model": model, "messages": messages[:-1]}
    given = client.post("/v1/chat/completions", json=body, headers={**named, **(headers or {})})
    assert given.status_code == status, given.text
    told: dict[str, Any] = given.json()
    return told


def answer(client: TestClient, told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/answers/{told['osler']['answer_id']}").json()
    return found


def numbers(found: dict[str, Any]) -> dict[str, int]:
    return {r["source_id"]: r["number"] for r in found["references"]}


def test_a_first_question_has_the_very_answer_that_it_has_elsewhere(shared: TestClient) -> None:
    elsewhere = shared.post("/v1/answers", json={"question": FIRST}).json()
    assert chat(shared, FIRST)["osler"]["answer_id"] == elsewhere["answer_id"]


def test_a_follow_up_is_what_it_is_in_a_conversation_of_ours(shared: TestClient) -> None:
    begun = shared.post("/v1/conversations").json()["conversation_id"]
    ours = [
        shared.post(f"/v1/conversations/{begun}/messages", json={"question": text}).json() for text in (FIRST, NEXT)
    ]
    theirs = answer(shared, chat(shared, FIRST, NEXT))
    assert theirs["question"] == ours[1]["question"] == WHOLE
    for part in ("title", "bottom_line", "sections", "references", "follow_up", "gaps", "related_questions"):
        assert theirs[part] == ours[1][part], part
    assert theirs["turn"] is None


def test_a_source_keeps_its_number(shared: TestClient) -> None:
    before, after = numbers(answer(shared, chat(shared, FIRST))), numbers(answer(shared, chat(shared, FIRST, NEXT)))
    common = before.keys() & after.keys()
    assert len(common) >= 2
    assert all(before[source_id] == after[source_id] for source_id in common)
    assert all(n > max(before.values()) for source_id, n in after.items() if source_id not in before)


def test_what_asked_nothing_is_passed_over(shared: TestClient) -> None:
    told = chat(shared, FIRST, "thanks", NEXT)
    assert answer(shared, told)["question"] == WHOLE
    nothing = chat(shared, FIRST, "thanks")
    assert nothing["osler"] == {"answer_id": None, "outcome": None, "reason": None, "conversation_id": None}
    assert nothing["choices"][0]["message"]["content"] == "There is no question in this, so nothing was asked.\n"


def test_each_model_answers_its_audience(shared: TestClient) -> None:
    found = {m: answer(shared, chat(shared, FIRST, model=f"osler-{m}")) for m in ("clinician", "trainee", "patient")}
    assert [a["audience"] for a in found.values()] == list(found)


def test_a_chat_is_kept_as_a_conversation(service: Service, client: TestClient) -> None:
    first, second = (chat(client, *asked, chat_id="one") for asked in ((FIRST,), (FIRST, NEXT)))
    conversation_id = first["osler"]["conversation_id"]
    assert conversation_id == second["osler"]["conversation_id"] == id_of_chat(None, "open-webui", "one")
    kept = client.get(f"/v1/conversations/{conversation_id}").json()
    assert [(t["asked"], t["question"]) for t in kept["turns"]] == [(FIRST, FIRST), (NEXT, WHOLE)]
    assert chat(client, FIRST, chat_id="other")["osler"]["conversation_id"] != conversation_id


def test_an_answer_made_anew_is_a_further_turn_with_the_same_numbers(client: TestClient) -> None:
    chat(client, FIRST, chat_id="one")
    once, again = (answer(client, chat(client, FIRST, NEXT, chat_id="one")) for _ in range(2))
    assert numbers(once) == numbers(again)
    assert [once["turn"]["number"], again["turn"]["number"]] == [2, 3]
    other = answer(client, chat(client, FIRST, "What does fondaparinux cost the kidneys?", chat_id="one"))
    assert all(numbers(once)[s] == n for s, n in numbers(other).items() if s in numbers(once))


def test_a_chat_whose_conversation_was_erased_begins_again_with_its_numbers(client: TestClient) -> None:
    chat(client, FIRST, chat_id="one")
    before = answer(client, chat(client, FIRST, NEXT, chat_id="one"))
    client.delete(f"/v1/conversations/{before['turn']['conversation_id']}")
    after = answer(client, chat(client, FIRST, NEXT, chat_id="one"))
    assert numbers(after) == numbers(before)


def test_chats_of_two_keys_are_two(service: Service, client: TestClient) -> None:
    keys = [service.keeping.keys.create(name, ["ask"])[1] for name in ("one", "two")]
    found = [chat(client, FIRST, chat_id="same", headers={"Authorization": f"Bearer {key}"}) for key in keys]
    one, two = (told["osler"]["conversation_id"] for told in found)
    assert one != two
    denied = client.get(f"/v1/conversations/{one}", headers={"Authorization": f"Bearer {keys[1]}"})
    assert denied.status_code == 404


def test_identifiers_are_masked_in_all_that_was_said(client: TestClient) -> None:
    told = chat(client, f"Mr Sample, born 01/02/1950: {FIRST}", NEXT, chat_id="one")
    kept = client.get(f"/v1/conversations/{told['osler']['conversation_id']}/export").text
    assert "Sample" not in kept
    assert "1950" not in kept


def test_a_history_has_an_end(starter_index: Path, tmp_path: Path) -> None:
    with client_of(open_service(starter_index, tmp_path, max_turns=2)) as client:
        assert chat(client, FIRST, NEXT)["osler"]["outcome"] == "answered"
        full = chat(client, FIRST, NEXT, "And the dose?", status=409)
    assert full["error"]["code"] == "conversation_full"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/answers"])
def test_only_a_history_may_be_long(shared: TestClient, path: str) -> None:
    body = {"model": "osler-clinician", "messages": [
        {"role": "user", "content": FIRST}, {"role": "assistant", "content": "x" * 200_000},
        {"role": "user", "content": NEXT}]}  # fmt: skip
    assert shared.post(path, json=body).status_code == (200 if "chat" in path else 413)
