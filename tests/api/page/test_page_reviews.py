"""A review taken through its steps by forms: what may follow, what is said of what may not, who may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import client_of, open_service
from starlette.testclient import TestClient

QUESTION = {"question": "How is argatroban monitored?"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def reader(starter_index: Path, tmp_path: Path) -> Iterator[TestClient]:
    with client_of(open_service(starter_index, tmp_path)) as client:
        client.follow_redirects = False
        client.headers.update(PAGE)
        yield client


@pytest.fixture
def answer(reader: TestClient) -> dict[str, Any]:
    made: dict[str, Any] = reader.post("/v1/answers", json=QUESTION, headers={"Accept": "*/*"}).json()
    return made


def take(reader: TestClient, answer: dict[str, Any], action: str, status: int = 303, **more: str) -> str:
    """Takes a step; gives the page that follows."""
    address = f"/answers/{answer['answer_id']}/review"
    led = reader.post(address, data={"action": action, **more})
    assert led.status_code == status, led.text
    return reader.get(address).text if status == 303 else led.text


def offered(page: str) -> set[str]:
    """The steps that are offered for the article."""
    form = page.split("<h2>Statements</h2>", 1)[0]
    return set(re.findall(r"<option>(\w+)</option>", form))


def test_an_article_goes_its_way(reader: TestClient, answer: dict[str, Any]) -> None:
    statement = answer["bottom_line"][0]
    page = reader.get(f"/answers/{answer['answer_id']}/review").text
    assert offered(page) == {"submit"}
    assert "Nobody has asked for a review yet" in page
    assert offered(take(reader, answer, "submit")) == {"start", "comment"}
    assert QUESTION["question"] in reader.get("/reviews").text
    page = take(reader, answer, "start", reviewer="Reviewer One")
    assert offered(page) == {"approve", "reject", "comment"}
    take(reader, answer, "comment", comment="<b>Why?</b>", statement_id=statement["statement_id"])
    words = statement["text"].rstrip(".") + "."
    page = take(reader, answer, "edit", statement_id=statement["statement_id"], text=words)
    assert "&lt;b&gt;Why?&lt;/b&gt;" in page
    assert "<b>Why" not in page
    page = take(reader, answer, "approve", reviewer="Reviewer One", reason="accurate_as_edited")
    assert "by Reviewer One" in page
    shown = reader.get(f"/answers/{answer['answer_id']}").text
    assert re.search(r'class="review approved">.*approved by a clinician', shown, re.S)
    assert "Nothing stands there" in reader.get("/reviews").text
    assert QUESTION["question"] in reader.get("/reviews", params={"status": "approved"}).text


def test_what_may_not_follow_is_said_and_what_was_typed_is_kept(reader: TestClient, answer: dict[str, Any]) -> None:
    page = take(reader, answer, "approve", status=409, comment="agrees with the label")
    assert 'role="alert"' in page
    assert "agrees with the label" in page
    take(reader, answer, "submit")
    take(reader, answer, "start")
    page = take(reader, answer, "reject", status=400)
    assert 'role="alert"' in page
    assert 'role="alert"' in take(reader, answer, "nothing", status=422)


def test_who_may_review(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always")
    keys = {scope: service.keeping.keys.create(scope, ["ask", scope])[1] for scope in ("search", "review")}
    with client_of(service) as reader:
        reader.follow_redirects = False
        own = {"Authorization": f"Bearer {keys['review']}"}
        answer = reader.post("/v1/answers", json=QUESTION, headers=own).json()
        address = f"/answers/{answer['answer_id']}/review"
        reader.post("/sign-in", data={"key": keys["search"]}, headers=PAGE)
        page = reader.get(address, headers=PAGE)
        assert (page.status_code, offered(page.text)) == (200, set())
        assert reader.post(address, data={"action": "submit"}, headers=PAGE).status_code == 403
        assert reader.get("/reviews", headers=PAGE).status_code == 403
        reader.post("/sign-in", data={"key": keys["review"]}, headers=PAGE)
        foreign = {**PAGE, "Origin": "https://evil.example"}
        assert reader.post(address, data={"action": "submit"}, headers=foreign).status_code == 401
        assert reader.post(address, data={"action": "submit"}, headers=PAGE).status_code == 303
        assert "submit</strong> by review" in reader.get(address, headers=PAGE).text
