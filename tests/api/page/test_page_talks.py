"""The list of conversations without scripts: found, named and erased by forms, each reader's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from running import client_of, open_service
from starlette.testclient import TestClient
from test_page_asking import PAGE, QUESTION, ask

from api.http.service import Service
from api.keeping.conversations import Turn
from api.page.readers import COOKIE

HOSTILE: Final = "Is IVIG given in 50%_HIT <img src=x onerror=alert(1)> \"'{{7*7}}?"


@pytest.fixture
def service(starter_index: Path, tmp_path: Path) -> Service:
    return open_service(starter_index, tmp_path)


@pytest.fixture
def reader(service: Service) -> Iterator[TestClient]:
    """Somebody on this machine, who has asked nothing yet."""
    with client_of(service) as client:
        client.follow_redirects = False
        yield client


def talk(reader: TestClient, question: str) -> str:
    """The address of a new conversation."""
    return ask(reader, question).split("#")[0]


def title(service: Service, address: str) -> str | None:
    return service.keeping.conversations.get(address.rpartition("/")[2]).title


def listed(reader: TestClient, address: str = "/", **query: str) -> list[str]:
    """Addresses of the conversations that a page lists, in its order."""
    page = reader.get(address, params=query or None, headers=PAGE)
    assert page.status_code == 200
    found = page.text.partition('id="talks"')[2].partition('id="talk-status"')[0]
    return re.findall(r'<a href="(/conversations/\w+)"', found)


def many(service: Service, count: int) -> list[str]:
    """Conversations with an answer that was given before, the newest first."""
    conversations, ids = service.keeping.conversations, list[str]()
    (known,) = conversations.listed(None).items
    answer_id = conversations.get(known.conversation_id).turns[0].answer_id
    for number in range(count):
        ids.insert(0, conversations.create().conversation_id)
        conversations.add_turn(ids[0], Turn(f"Question {number}", "q", answer_id))
    return [f"/conversations/{i}" for i in ids]


def test_conversations_stand_beside_the_answer(reader: TestClient) -> None:
    assert listed(reader) == []
    first, second = talk(reader, QUESTION), talk(reader, HOSTILE)
    reader.post("/v1/conversations")  # nothing was asked in it
    for address in ("/", first, second, "/conversations"):
        assert listed(reader, address) == [second, first]
    current = re.findall(r'<a href="(\S+)" aria-current="page">', reader.get(first).text.partition("</aside>")[0])
    assert current[-1] == first
    ask(reader, "And in pregnancy?", conversation_id=first.rpartition("/")[2])
    assert listed(reader) == [first, second], "it has gone on last"
    assert "2 questions" in reader.get("/conversations").text


def test_a_list_comes_alone_for_scripts(reader: TestClient) -> None:
    first = talk(reader, QUESTION)
    part = reader.get("/conversations?part=true")
    assert part.headers["content-type"].startswith("text/html")
    assert part.text.startswith("<ul")
    assert first in part.text
    assert part.text.strip() in reader.get("/").text


def test_words_find_a_conversation(reader: TestClient) -> None:
    first, second = talk(reader, QUESTION), talk(reader, HOSTILE)
    reader.post(f"{first}/title", data={"title": "Ödem of bed 3"})
    for words, expected in (
        ("ARGATROBAN", [first]), ("monitored  how", [first]), ("50%_h", [second]), ("ödem argatroban", [first]),
        ("", [second, first]), ("\0", [second, first]),
    ):  # fmt: skip
        assert listed(reader, "/conversations", words=words) == expected, words
    none = reader.get("/conversations", params={"words": "<script>alert(1)</script>"}).text
    assert "None of your conversations has these words." in none
    assert "<script>alert" not in none
    assert 'value="&lt;script&gt;alert(1)&lt;/script&gt;"' in none


def test_a_long_list_has_pages(reader: TestClient, service: Service) -> None:
    talk(reader, QUESTION)
    ids = many(service, 65)
    assert listed(reader) == listed(reader, "/conversations") == ids[:30]
    seen, address = list[str](), "/conversations?words=question"
    while address:
        seen += listed(reader, address)
        following = re.search(r'<a href="([^"]+)" rel="next">', reader.get(address).text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == ids
    for before in ("1", "1.c0&x", "x" * 200):
        assert reader.get("/conversations", params={"before": before}, headers=PAGE).status_code == 422


@pytest.mark.parametrize(
    "given", ["HIT & the liver", "<script>alert(1)</script>", '"><img src=x>', "{{ 7*7 }}'"],
    ids=["plain", "script", "image", "template"],
)  # fmt: skip
def test_a_title_is_given_and_is_text(reader: TestClient, service: Service, given: str) -> None:
    address = talk(reader, QUESTION)
    named = reader.post(f"{address}/title", data={"title": f"  {given}\n"}, headers=PAGE)
    assert (named.status_code, named.headers["location"]) == (303, address)
    assert title(service, address) == given
    escaped = given.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    escaped = escaped.replace("'", "&#39;")
    for place in ("/", address, "/conversations", "/conversations?part=true"):
        page = reader.get(place).text
        assert f'value="{escaped}"' in page
        assert not re.search(r"<script>alert|<img", page)
    assert f"<title>{escaped} · Osler</title>" in reader.get(address).text
    assert reader.post(f"{address}/title", data={"title": " "}).status_code == 303
    assert title(service, address) is None


def test_a_title_is_masked_and_limited(reader: TestClient, service: Service) -> None:
    address = talk(reader, QUESTION)
    reader.post(f"{address}/title", data={"title": "Mr Tester in bed 3"})
    kept = title(service, address)
    assert kept
    assert "Tester" not in kept
    long = reader.post(f"{address}/title", data={"title": "x" * 201}, headers=PAGE)
    assert (long.status_code, "expected 1 to 200" in long.text) == (400, True)
    assert title(service, address) == kept


def test_erasing_asks_first(reader: TestClient, service: Service) -> None:
    first, second = talk(reader, QUESTION), talk(reader, HOSTILE)
    asked = reader.post(f"{second}/delete", headers=PAGE).text
    assert "Erase this conversation?" in asked
    assert "<img" not in asked
    assert listed(reader) == [second, first]
    erased = reader.post(f"{second}/delete", data={"sure": "yes"}, headers=PAGE)
    assert (erased.status_code, erased.headers["location"]) == (303, "/conversations")
    assert listed(reader) == [first]
    for method, form in (("GET", ""), ("POST", "/title"), ("POST", "/delete")):
        assert reader.request(method, second + form, headers=PAGE).status_code == 404
    assert [e.action for e in service.keeping.audit.entries()].count("conversation.erased") == 1


def test_another_page_changes_nothing(reader: TestClient, service: Service) -> None:
    address = talk(reader, QUESTION)
    before = service.keeping.conversations.get(address.rpartition("/")[2])
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for form, data in (("title", {"title": "t"}), ("delete", {"sure": "yes"})):
            assert reader.post(f"{address}/{form}", data=data, headers=headers | PAGE).status_code == 401
        assert reader.get("/conversations?part=true", headers=headers).status_code == 401
    assert service.keeping.conversations.get(before.conversation_id) == before


def test_readers_have_only_their_own(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always")
    (mine, my_key), (_, other_key) = (service.keeping.keys.create(name, ["ask"]) for name in ("Ward 3", "Ward 4"))
    with client_of(service) as reader:
        reader.follow_redirects = False
        reader.cookies.set(COOKIE, my_key)
        address = talk(reader, QUESTION)
        before = service.keeping.conversations.get(address.rpartition("/")[2])
        assert before.key_id == mine.key_id
        reader.cookies.set(COOKIE, other_key)
        assert listed(reader) == listed(reader, "/conversations", words="argatroban") == []
        assert reader.get(address, headers=PAGE).status_code == 404
        for form, data in (("title", {"title": "t"}), ("delete", {}), ("delete", {"sure": "yes"})):
            assert reader.post(f"{address}/{form}", data=data, headers=PAGE).status_code == 404
        reader.cookies.clear()
        assert reader.get("/conversations", headers=PAGE).status_code == 401
        assert reader.post(f"{address}/title", data={"title": "t"}, headers=PAGE).status_code == 401
        assert service.keeping.conversations.get(before.conversation_id) == before


def test_a_source_keeps_its_number_from_turn_to_turn(reader: TestClient) -> None:
    address = talk(reader, QUESTION)
    for question in ("And in Child-Pugh C?", "And in renal impairment?"):
        ask(reader, question, conversation_id=address.rpartition("/")[2])
    page, numbers = reader.get(address).text, dict[str, set[str]]()
    for number, source in re.findall(r'<li id="t\d-[^"]+" value="(\d+)".*?href="/sources/([^"]+)"', page):
        numbers.setdefault(source, set()).add(number)
    assert len(numbers) > 3
    assert all(len(found) == 1 for found in numbers.values()), numbers
