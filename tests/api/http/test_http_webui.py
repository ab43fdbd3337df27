"""Open WebUI's requests: events beside the text, tools passed over, its own calls answered without a search."""

from __future__ import annotations

import json
from typing import Any

import pytest
from running import logged
from starlette.testclient import TestClient

from api.http.service import Service

ASKED = {"role": "user", "content": "Should IVIG be given in HIT?"}
TOOLS = [{"type": "function", "function": {"name": "get_current_timestamp", "parameters": {}}}]
CHAT = {"X-OpenWebUI-Chat-Id": "c-1", "X-OpenWebUI-Task": ""}


def chunks(client: TestClient, headers: dict[str, str], *messages: dict[str, str], **more: Any) -> list[dict[str, Any]]:
    body = {"model": "osler-clinician", "messages": list(messages) or [ASKED], "stream": True, **more}
    response = client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    *lines, last = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert last == "[DONE]"
    return [json.loads(line) for line in lines]


def text_of(told: list[dict[str, Any]]) -> str:
    return "".join(c["delta"].get("content") or "" for one in told for c in one["choices"])


def events_of(told: list[dict[str, Any]], kind: str) -> list[Any]:
    return [one["event"]["data"] for one in told if one.get("event", {}).get("type") == kind]


def task(kind: str, member: str, chat: str) -> tuple[dict[str, str], dict[str, str]]:
    """A call of its own: headers and message."""
    output = json.dumps({member: "…"})
    text = f"### Task:\nDo it.\n### Output:\n{output}\n### Chat History:\n<chat_history>\n{chat}\n</chat_history>"
    return CHAT | {"X-OpenWebUI-Task": kind}, {"role": "user", "content": text}


def test_sources_come_before_the_text_and_in_place_of_annotations(shared: TestClient) -> None:
    told = chunks(shared, CHAT, tools=TOOLS)
    kinds = [one["event"]["type"] if "event" in one else "text" for one in told if one["choices"] or "event" in one]
    last_status, first_source = len(kinds) - 1 - kinds[::-1].index("status"), kinds.index("source")
    first_text = kinds.index("text", 1)  # the first chunk says only whose the message is
    assert 0 < first_source < last_status < first_text
    assert set(kinds[first_text:]) == {"text"}
    assert all(one["object"] == "chat.completion.chunk" for one in told)
    assert all(one["choices"] == [] for one in told if "event" in one)
    assert events_of(told, "status")[-1]["done"] is True
    assert not any("annotations" in c["delta"] for one in told for c in one["choices"])


def test_the_text_is_the_same_for_all_clients(shared: TestClient) -> None:
    theirs, others = chunks(shared, CHAT), chunks(shared, {})
    # Only the identifiers differ, by the conversation in which the one is kept.
    assert text_of(theirs).split("## References")[1].split("---")[0] in text_of(others)
    assert events_of(others, "source") == events_of(others, "status") == []
    assert any("annotations" in c["delta"] for one in others for c in one["choices"])


def test_tools_of_others_are_refused(shared: TestClient) -> None:
    body = {"model": "osler-clinician", "messages": [ASKED], "tools": TOOLS}
    assert shared.post("/v1/chat/completions", json=body).status_code == 400


def test_its_own_calls_are_answered_from_the_last_answer(client: TestClient, service: Service) -> None:
    text = text_of(chunks(client, CHAT))
    related = text.split("## Related questions\n\n")[1].split("\n\n")[0].replace("- ", "").splitlines()
    headers, message = task("follow_up_generation", "follow_ups", f"USER: {ASKED['content']}\nASSISTANT: {text[-499:]}")
    body = {"model": "osler-clinician", "messages": [message]}
    given = client.post("/v1/chat/completions", json=body, headers=headers).json()
    assert json.loads(given["choices"][0]["message"]["content"]) == {"follow_ups": related}
    asked = [line for line in logged(service) if line.get("route") == "/v1/chat/completions"]
    assert ["answer_id" in line for line in asked] == [True, False], "nothing was answered and kept"


@pytest.mark.parametrize("kind", ["title_generation", ""], ids=["header", "form"])
def test_a_title_is_given_streamed_too(shared: TestClient, kind: str) -> None:
    headers, message = task(kind, "title", f"USER: {ASKED['content']}")
    told = chunks(shared, headers, message)
    assert json.loads(text_of(told)) == {"title": "IVIG in HIT"}
    assert not any("event" in one for one in told)


def test_a_chat_is_one_conversation_whose_numbers_go_on(client: TestClient) -> None:
    first = chunks(client, CHAT)
    history = [ASKED, {"role": "assistant", "content": text_of(first)}]
    told = chunks(client, CHAT, *history, {"role": "user", "content": "How is argatroban dosed in cirrhosis?"})
    conversation_ids = {one["osler"]["conversation_id"] for one in (*first, *told) if "osler" in one}
    assert len(conversation_ids) == 1
    assert None not in conversation_ids
    before = [source["source"]["id"] for source in events_of(first, "source")]
    now = [source["source"]["id"] for source in events_of(told, "source")]
    assert now[: len(before)] == before
    assert len(now) == len(set(now))


def test_thanks_have_no_sources(shared: TestClient) -> None:
    told = chunks(shared, CHAT, ASKED, {"role": "assistant", "content": "…"}, {"role": "user", "content": "Thanks!"})
    assert events_of(told, "source") == []
    assert events_of(told, "status")[-1] == {"description": "Nothing was asked", "done": True, "hidden": False}
