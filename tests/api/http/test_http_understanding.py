"""Conversations whose follow-ups a language model words, over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from running import client_of, listening, open_service
from served_model import Asked, Reply, Script, ServedModel, line, served_model, tagged, written
from starlette.testclient import TestClient

from api.http.service import Service
from rag.answer.replay import difference
from rag.domain import Answer
from rag.pipeline import Pipeline

FIRST, SECOND, THIRD = "How is argatroban monitored in HIT?", "and in cirrhosis?", "what dose?"
SECOND_BY_RULES = "How is argatroban monitored in HIT in cirrhosis?"
#: The models' words, by the words of the rules.
WORDED = {
    SECOND_BY_RULES: "How is argatroban monitored in a patient with HIT and cirrhosis?",
    "What is the dose of argatroban in a patient with HIT and cirrhosis?": "What dose of argatroban is given in HIT "
    "with cirrhosis?",
}
#: The last of them where the rules have read the one before it.
LAST_BY_RULES, LAST = "What is the dose of argatroban in HIT and cirrhosis?", list(WORDED.values())[-1]


def draft(asked: Asked) -> str | None:
    """What a request for a reading gives as the rules' question."""
    told = tagged(asked.text, "follow_up")
    return str(told[0]["draft"]) if told else None


def words(asked: Asked) -> Reply:
    """Each piece of evidence in words of its own: without its full stop."""
    said = [line(e["section"], [e["evidence"]], e["quotes"][0].rstrip(".")) for e in asked.evidence]
    return written(*said, size=200)


def reads(asked: Asked) -> Reply:
    """Words a follow-up as it was told to, and an article by its quotes."""
    given = draft(asked)
    return (
        written(json.dumps({"question": (WORDED | {LAST_BY_RULES: LAST}).get(given, given)})) if given else words(asked)
    )


class Served(NamedTuple):
    service: Service
    model: ServedModel

    @property
    def follow_ups(self) -> list[str]:
        return [tagged(a.text, "follow_up")[0]["follow_up"] for a in self.model.asked if draft(a)]


@contextmanager
def served(script: Script, index_dir: Path, folder: Path, service: dict[str, Any] | None = None,
           **given: Any) -> Iterator[Served]:  # fmt: skip
    with served_model(script) as model:
        settings = model.settings(index_dir=index_dir, **given)
        yield Served(open_service(index_dir, folder, settings, **(service or {})), model)


def begin(client: TestClient) -> str:
    return str(client.post("/v1/conversations").json()["conversation_id"])


def say(client: TestClient, conversation_id: str, question: str) -> Answer:
    given = client.post(f"/v1/conversations/{conversation_id}/messages", json={"question": question})
    assert given.status_code == 200, given.text
    return Answer.model_validate_json(given.text)


def test_a_conversation_goes_on_in_the_models_questions(starter_index: Path, tmp_path: Path) -> None:
    with served(reads, starter_index, tmp_path) as it, client_of(it.service) as client:
        conversation_id = begin(client)
        answers = [say(client, conversation_id, text) for text in (FIRST, SECOND, THIRD)]
        stored = [Answer.model_validate(client.get(f"/v1/answers/{a.answer_id}").json()) for a in answers]
        asked = len(it.model.asked)
        again = client.post(f"/v1/answers/{answers[1].answer_id}/replay").json()
        assert again["is_same"], again["difference"]
        assert it.follow_ups == [SECOND, THIRD]
        assert len(it.model.asked) == asked + 1, "it was worded again, and not read again"
    assert stored == answers
    assert [a.question for a in answers] == [FIRST, *WORDED.values()]
    assert answers[0].receipt.reading is None
    for answer in answers[1:]:
        assert answer.follow_up
        assert answer.follow_up.by == "model"
        assert answer.receipt.reading
        assert (answer.receipt.reading.model, answer.receipt.reading.completion_tokens) == ("scripted", 22)
        assert answer.receipt.wording
        assert answer.receipt.wording.written > 0
        assert answer.receipt.timings_ms["read"] < answer.receipt.timings_ms["total"]
    assert answers[2].follow_up
    assert [c.text for c in answers[2].follow_up.carried] == ["argatroban", "a patient with HIT and cirrhosis"]


@pytest.mark.parametrize("question", ["How is bivalirudin monitored in a patient with HIT and cirrhosis?", ""])
def test_what_asks_anything_else_is_not_asked(starter_index: Path, tmp_path: Path, question: str) -> None:
    def wrong(asked: Asked) -> Reply:
        return written(json.dumps({"question": question})) if draft(asked) else words(asked)

    with served(wrong, starter_index, tmp_path) as it, client_of(it.service) as client:
        conversation_id = begin(client)
        say(client, conversation_id, FIRST)
        answer = say(client, conversation_id, SECOND)
    assert answer.question == SECOND_BY_RULES
    assert answer.follow_up
    assert answer.follow_up.by == "rules"
    assert answer.receipt.reading
    assert answer.receipt.reading.reasons[0].startswith("the follow-up is read by rules: it ")


@pytest.mark.parametrize("reply", [Reply([b"{}"], 401), Reply([b"{}"], 500), Reply(status=0, resets=True)])
def test_a_model_that_fails_keeps_nobody_from_an_answer(
    starter_index: Path, tmp_path: Path, pipeline: Pipeline, reply: Reply
) -> None:
    with served(lambda _: reply, starter_index, tmp_path, llm_budget_s=2) as it, client_of(it.service) as client:
        conversation_id = begin(client)
        say(client, conversation_id, FIRST)
        answer = say(client, conversation_id, SECOND)
    assert answer.receipt.reading
    assert answer.receipt.reading.reasons[0].startswith("the follow-up is read by rules: ")
    assert answer.question == SECOND_BY_RULES
    plain = pipeline.ask(SECOND_BY_RULES)
    assert [s.text for s in answer.statements()] == [s.text for s in plain.statements()]


def chat(client: TestClient, *asked: str) -> Answer:
    messages = [m for text in asked for m in ({"role": "user", "content": text}, {"role": "assistant", "content": "…"})]
    given = client.post("/v1/chat/completions", json={"model": "osler-clinician", "messages": messages[:-1]})
    assert given.status_code == 200, given.text
    return Answer.model_validate(client.get(f"/v1/answers/{given.json()['osler']['answer_id']}").json())


def test_a_history_that_is_told_again_is_not_read_again(starter_index: Path, tmp_path: Path) -> None:
    """Each follow-up is read once, when it is asked; the turns before it stay what they were, and are remembered."""
    with served(reads, starter_index, tmp_path) as it, client_of(it.service) as client:
        answers = [chat(client, *(FIRST, SECOND, THIRD)[:n]) for n in (1, 2, 3)]
        assert it.follow_ups == [SECOND, THIRD]
        assert len(it.model.asked) == 2 + 3
    assert [a.question for a in answers] == [FIRST, *WORDED.values()]
    assert answers[2].receipt.reading
    assert answers[2].receipt.reading.calls == 1


def test_a_history_that_nobody_remembers_is_read_by_rules(starter_index: Path, tmp_path: Path) -> None:
    with served(reads, starter_index, tmp_path) as it, client_of(it.service) as client:
        answer = chat(client, FIRST, SECOND, THIRD)
        assert it.follow_ups == [THIRD]
        assert tagged(it.model.asked[-2].text, "earlier") == [{"question": FIRST}, {"question": SECOND_BY_RULES}]
    assert answer.follow_up
    assert answer.follow_up.by == "model"


def test_others_are_served_while_the_model_reads(starter_index: Path, tmp_path: Path) -> None:
    is_asked = threading.Event()

    def hangs(asked: Asked) -> Reply:
        if not draft(asked):
            return words(asked)
        is_asked.set()
        return written("")._replace(silent_s=60)

    with (
        served(hangs, starter_index, tmp_path, llm_budget_s=9) as it,
        listening(it.service) as address,
        ThreadPoolExecutor(1) as pool,
    ):
        conversation_id = httpx2.post(f"{address}/v1/conversations").json()["conversation_id"]
        messages = f"{address}/v1/conversations/{conversation_id}/messages"
        httpx2.post(messages, json={"question": FIRST}, timeout=30)
        waiting = pool.submit(httpx2.post, messages, json={"question": SECOND}, timeout=30)
        assert is_asked.wait(10)
        started = time.perf_counter()
        assert httpx2.get(f"{address}/healthz").status_code == 200
        assert time.perf_counter() - started < 1
        assert not waiting.done()
        answer = Answer.model_validate_json(waiting.result().text)
    assert answer.receipt.reading
    assert answer.receipt.reading.reasons == ("the follow-up is read by rules: not done within 3 s",)


def test_a_model_is_told_of_no_identifiers(starter_index: Path, tmp_path: Path) -> None:
    with served(reads, starter_index, tmp_path, {"mask_identifiers": True}) as it, client_of(it.service) as client:
        conversation_id = begin(client)
        say(client, conversation_id, FIRST)
        answer = say(client, conversation_id, "and in cirrhosis, for Mrs Testcase, NHS number 943 476 5919?")
        assert it.follow_ups
        assert all("Testcase" not in asked.text and "943" not in asked.text for asked in it.model.asked)
    assert answer.masked


def test_without_a_model_nothing_is_read(starter_index: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    with client_of(open_service(starter_index, tmp_path)) as client:
        conversation_id = begin(client)
        say(client, conversation_id, FIRST)
        answer = say(client, conversation_id, SECOND)
    assert answer.receipt.reading is None
    assert answer.follow_up
    assert answer.follow_up.by == "rules"
    assert "read" not in answer.receipt.timings_ms
    assert difference(pipeline.ask(SECOND_BY_RULES), answer).changes == ()
