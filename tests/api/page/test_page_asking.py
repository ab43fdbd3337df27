"""The page without scripts, and what it sends to its scripts: asking, signing in, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import client_of, events_of, open_service
from starlette.testclient import TestClient

from api.keeping.conversations import Conversations, Turn
from api.page.readers import COOKIE

QUESTION = "How is argatroban monitored?"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def reader(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody on this machine, who follows no redirect by themselves."""
    with client_of(open_service(starter_index, tmp_path_factory.mktemp("page"))) as client:
        client.follow_redirects = False
        yield client


def ask(reader: TestClient, question: str, **more: str) -> str:
    """Where a form leads."""
    led = reader.post("/ask", data={"question": question, **more}, headers=PAGE)
    assert led.status_code == 303, led.text
    return led.headers["location"]


def test_a_question_leads_to_its_answer_and_on(reader: TestClient) -> None:
    address = ask(reader, QUESTION)
    match = re.fullmatch(r"/conversations/(c[0-9a-f]+)#turn-1", address)
    assert match
    again = ask(reader, "And in Child-Pugh C?", conversation_id=match[1])
    assert again == address.replace("turn-1", "turn-2")
    page = reader.get(address).text
    kept = reader.get(f"/v1/conversations/{match[1]}/export").json()
    for answer in kept["answers"]:
        assert f'href="/answers/{answer["answer_id"]}"' in page
        for statement in answer["bottom_line"]:
            assert f'data-statement="{statement["statement_id"]}"' in page
    assert kept["turns"][1]["question"] == "How is argatroban monitored in Child-Pugh C?"


def test_what_a_patient_panel_holds_is_asked(reader: TestClient) -> None:
    address = ask(reader, "How is argatroban dosed in HIT?", weight="80", child_pugh="C", evidence_types="drug_label")
    conversation_id = address.split("/")[2].split("#")[0]
    (answer,) = reader.get(f"/v1/conversations/{conversation_id}/export").json()["answers"]
    assert answer["question"] == "How is argatroban dosed in HIT? Patient: 80 kg, Child-Pugh C."
    assert {r["evidence_type"] for r in answer["references"]} == {"drug_label"}


def test_scripts_are_sent_the_same_article(reader: TestClient) -> None:
    streamed = reader.post("/ask", data={"question": QUESTION}, headers={"Accept": "text/event-stream"})
    events = events_of(streamed.text)
    names = [name for name, _ in events]
    assert re.fullmatch(r"(status )*begin (part )+done", " ".join(names))
    parts = "".join(data["html"] for name, data in events if name == "part")
    done: dict[str, Any] = events[-1][1]
    page = reader.get(done["address"]).text
    assert "".join(parts.split()) in "".join(page.split())


def test_an_answer_by_itself_asks_nothing(reader: TestClient) -> None:
    answer = reader.post("/v1/answers", json={"question": QUESTION}).json()
    page = reader.get(f"/answers/{answer['answer_id']}")
    assert page.status_code == 200
    assert 'action="/ask"' not in page.text
    exported = reader.get(f"/answers/{answer['answer_id']}/references.ris")
    assert exported.text.startswith("TY  -")
    assert "attachment" in exported.headers["content-disposition"]


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_that_stands_in_it(reader: TestClient) -> None:
    page = reader.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style| style=| on\w+=|https?:", page.text)
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        file = reader.get(address)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
    assert reader.get("/static/other/page.css").headers["cache-control"] == "no-store"
    assert reader.get("/static/x/..%2flooks.py").status_code == 404


@pytest.mark.parametrize("text", ["<script>alert(1)</script>?", '"><img src=x onerror=alert(1)>?', "{{ 7*7 }} '\"?"])
def test_what_is_typed_is_text(reader: TestClient, text: str) -> None:
    page = reader.get(ask(reader, text)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    filled = reader.get("/", params={"question": text, "more": text}).text
    assert "<script>alert" not in filled
    assert "<img" not in filled


def test_problems_are_pages_for_people_and_problems_for_scripts(reader: TestClient) -> None:
    empty = reader.post("/ask", data={"question": " "}, headers=PAGE)
    assert (empty.status_code, "question is empty" in empty.text) == (422, True)
    script = reader.post(
        "/ask", data={"question": ""}, headers={"Accept": "text/event-stream, application/problem+json;q=0.9"}
    )
    assert (script.status_code, script.json()["type"]) == (422, "urn:osler:problem:invalid-request")
    gone = reader.get("/conversations/c0", headers=PAGE)
    assert (gone.status_code, "<h1>" in gone.text) == (404, True)
    assert reader.get("/v1/conversations/c0", headers=PAGE).headers["content-type"] == "application/problem+json"


def test_what_is_refused_is_said_beside_what_was_typed(reader: TestClient) -> None:
    sent = {"question": QUESTION, "age": "200", "weight": "80", "creatinine_unit": "µmol/L", "year_from": "2018"}
    page = reader.post("/ask", data=sent, headers=PAGE)
    assert page.status_code == 422
    assert re.search(r'name="age"[^>]* value="200" aria-invalid="true" aria-describedby="wrong"', page.text)
    assert '<span class="wrong" id="wrong">Age cannot be used: expected whole years from 0 to 120</span>' in page.text
    assert f">{QUESTION}</textarea>" in page.text
    for kept in ('value="80"', "<option selected>µmol/L", 'value="2018"'):
        assert kept in page.text
    sent |= {"age": "67", "year_from": "2019", "year_to": "2018"}
    page = reader.post("/ask", data=sent, headers=PAGE)
    assert page.status_code == 400
    assert "2019" in page.text.split('id="status"')[1].split("</p>")[0]
    assert f">{QUESTION}</textarea>" in page.text


def test_what_cannot_follow_is_kept_in_the_box(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(reader, QUESTION)
    conversation_id = re.split("[/#]", first)[2]
    sent = {"question": "And in Child-Pugh C?", "conversation_id": conversation_id}
    thanks = reader.post("/ask", data={**sent, "question": "Thanks!"}, headers=PAGE)
    assert (thanks.status_code, ">Thanks!</textarea>" in thanks.text, 'id="turn-1"' in thanks.text) == (409, True, True)
    add_turn = Conversations.add_turn

    def after_another(conversations: Conversations, place: str, turn: Turn) -> Turn:
        add_turn(conversations, place, turn._replace(question="Another?"))
        return add_turn(conversations, place, turn)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Conversations, "add_turn", after_another)
        page = reader.post("/ask", data=sent, headers=PAGE)
        told = reader.post("/ask", data=sent, headers={"Accept": "text/event-stream, application/problem+json;q=0.9"})
    assert page.status_code == 409
    said = page.text.split('id="status"')[1].split("</p>")[0]
    assert "was answered first" in said
    assert conversation_id not in said
    assert f">{sent['question']}</textarea>" in page.text
    assert f'name="conversation_id" value="{conversation_id}"' in page.text
    assert 'id="turn-2"' not in page.text, "what was refused is not kept"
    assert "was answered first" in told.text
    assert ask(reader, **sent) == first.replace("turn-1", "turn-2")
    gone = reader.post("/ask", data={**sent, "conversation_id": "c0"}, headers=PAGE)
    assert (gone.status_code, "no longer kept" in gone.text, 'name="conversation_id"' in gone.text) == (
        404,
        True,
        False,
    )
    assert f">{sent['question']}</textarea>" in gone.text


def test_a_missing_value_is_filled_in_with_its_unit(reader: TestClient) -> None:
    address = ask(reader, "How is argatroban dosed in HIT with liver disease?")
    page = reader.get(address).text
    forms = [f for f in re.findall(r'<form method="post" action="/ask".*?</form>', page, re.DOTALL) if "variable" in f]
    form = next(f for f in forms if 'name="unit"' in f)
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form))
    unit = sent.setdefault("unit", "mg/dL")
    assert unit in form
    refused = reader.post("/ask", data={**sent, "question": "heavy"}, headers=PAGE)
    assert refused.status_code == 422
    assert 'value="heavy"' in refused.text
    assert 'aria-describedby="wrong"' in refused.text
    assert f"Expected a figure, in {unit}" in refused.text
    assert f'href="/conversations/{sent["conversation_id"]}"' in refused.text
    again = ask(reader, **{**sent, "question": "5"})
    assert again == address.replace("turn-1", "turn-2")
    assert f"Patient: {sent['variable']} 5 {unit}." in reader.get(again).text


def test_another_page_cannot_ask(reader: TestClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert reader.post("/ask", data={"question": QUESTION}, headers=headers).status_code == 401
        assert reader.post("/sign-in", data={"key": "x"}, headers=headers).status_code == 401


def test_a_link_may_be_followed_from_anywhere(reader: TestClient) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert reader.get("/", headers=followed).status_code == 200
    assert reader.get("/", headers={**followed, "Sec-Fetch-Dest": "iframe"}).status_code == 401


def test_who_needs_a_key_signs_in(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always")
    _, key = service.keeping.keys.create("Ward 3", ["ask"])
    with client_of(service) as reader:
        reader.follow_redirects = False
        door = reader.get("/", headers=PAGE)
        assert (door.status_code, 'action="/sign-in"' in door.text) == (401, True)
        wrong = reader.post("/sign-in", data={"key": "osler_no_key", "then": "/"}, headers=PAGE)
        assert (wrong.status_code, COOKIE in reader.cookies) == (401, False)
        assert reader.post("/sign-in", data={"key": key, "then": "//evil.example"}).headers["location"] == "/"
        kept = reader.cookies.jar
        assert [(c.name, c.has_nonstandard_attr("HttpOnly")) for c in kept] == [(COOKIE, True)]
        assert "Sign out Ward 3" in reader.get("/", headers=PAGE).text
        assert ask(reader, QUESTION).startswith("/conversations/")
        assert reader.get("/v1/models").status_code == 401, "the cookie opens pages alone"
        assert reader.get("/reviews", headers=PAGE).status_code in (403, 404)
        assert reader.post("/sign-out").headers["location"] == "/sign-in"
        assert reader.get("/", headers=PAGE).status_code == 401
