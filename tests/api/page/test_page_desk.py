"""A review taken through its steps by forms: what may follow, what is said of what may not, who may, what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from running import client_of, open_service
from small_corpus import TINY, empty_index, exported_encoder, markdown, tiny_corpus
from starlette.testclient import TestClient

from api.http.service import Service
from rag.index.build import build
from rag.ingest.readers.markdown import read_markdown

QUESTION = {"question": "How is argatroban monitored?"}
PAGE = {"Accept": "text/html"}
ATTACK = '<script>alert(1)</script><img src=x onerror="alert(1)">\'"</textarea>{{7*7}}'


@pytest.fixture
def service(starter_index: Path, tmp_path: Path) -> Service:
    return open_service(starter_index, tmp_path)


@pytest.fixture
def reader(service: Service) -> Iterator[TestClient]:
    with client_of(service) as client:
        client.follow_redirects = False
        client.headers.update(PAGE)
        yield client


@pytest.fixture
def answer(reader: TestClient) -> dict[str, Any]:
    made: dict[str, Any] = reader.post("/v1/answers", json=QUESTION, headers={"Accept": "*/*"}).json()
    return made


@pytest.fixture
def statement(answer: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = answer["bottom_line"][0]
    return first


def take(reader: TestClient, answer: dict[str, Any], action: str, status: int = 303, **more: str) -> str:
    """Takes a step; gives the page that follows."""
    address = f"/answers/{answer['answer_id']}/review"
    led = reader.post(address, data={"action": action, **more})
    assert led.status_code == status, led.text
    return reader.get(led.headers["location"]).text if status == 303 else led.text


def under_review(reader: TestClient, answer: dict[str, Any]) -> None:
    take(reader, answer, "submit")
    take(reader, answer, "start")


def offered(page: str) -> list[str]:
    """The steps that are offered for the article."""
    return _steps(page.split('<section id="article"')[1].split("</section>")[0])


def offered_for(page: str, statement: dict[str, Any]) -> list[str]:
    return _steps(row(page, statement))


def row(page: str, statement: dict[str, Any]) -> str:
    """What stands on the desk of a statement."""
    return page.split(f'<span class="words" id="words-{statement["statement_id"]}">')[1].split("</li>")[0]


def _steps(part: str) -> list[str]:
    return re.findall(r'name="action" value="(\w+)"', part)


def banner(reader: TestClient, answer: dict[str, Any]) -> str:
    """What the head of the article says of its review, as words."""
    page = reader.get(f"/answers/{answer['answer_id']}").text
    return " ".join(re.sub("<[^>]+>", " ", page.split('<div class="review ')[1].split("</div>")[0]).split())


def current(reader: TestClient, answer: dict[str, Any]) -> list[str]:
    return re.findall(r'aria-current="step">([^<]+)<', reader.get(f"/answers/{answer['answer_id']}").text)


def test_an_article_goes_its_way(reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]) -> None:
    page = reader.get(f"/answers/{answer['answer_id']}/review").text
    assert offered(page) == ["submit"]
    assert "Nobody has asked for a review yet" in page
    assert current(reader, answer) == []
    assert "Not reviewed by a clinician" in banner(reader, answer)
    assert offered(take(reader, answer, "submit")) == ["start", "comment"]
    assert current(reader, answer) == ["Submitted"]
    assert QUESTION["question"] in reader.get("/reviews").text
    page = take(reader, answer, "start")
    assert offered(page) == ["approve", "reject", "comment"]
    assert offered_for(page, statement) == ["approve", "reject", "edit", "comment"]
    assert current(reader, answer) == ["Under review"]
    take(reader, answer, "comment", comment="As the label has it.", statement_id=statement["statement_id"])
    words = statement["text"].rstrip(".") + "."
    page = take(reader, answer, "edit", text=words, comment="Shorter.", statement_id=statement["statement_id"])
    assert "Held against the quotes: supported" in row(page, statement)
    take(reader, answer, "approve", reason="accurate_as_edited", statement_id=statement["statement_id"])
    page = take(reader, answer, "approve", reason="accurate_as_edited", comment="Holds.")
    history = page.split('id="history"')[1]
    for told in ("submitted the article", "As the label has it.", words, "Shorter.", "accurate as edited", "Holds."):
        assert told in unescape(re.sub("</?strong>", "", history))
    assert current(reader, answer) == ["Approved"]
    article = reader.get(f"/answers/{answer['answer_id']}").text
    assert words in unescape(article)
    assert re.search(r"Last updated <time datetime=\"\d{4}-\d\d-\d\dT", article)
    assert "Nothing stands there" in reader.get("/reviews").text
    assert QUESTION["question"] in reader.get("/reviews", params={"status": "approved"}).text


def test_new_words_show_once_they_are_approved(
    reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]
) -> None:
    one = {"statement_id": statement["statement_id"]}
    under_review(reader, answer)
    new = f"{statement['text']} "  # blanks at its ends are no words
    page = take(reader, answer, "edit", text="Argatroban is never monitored at 99 mg.", **one)
    assert "Cannot be approved while its new words" in row(page, statement)
    assert "approve" not in offered(page) + offered_for(page, statement)
    assert 'role="alert"' in take(reader, answer, "approve", 409)
    assert "never monitored" not in reader.get(f"/answers/{answer['answer_id']}").text
    page = take(reader, answer, "edit", text=new, **one)
    assert "approve" in offered(page)
    take(reader, answer, "approve")
    shown = reader.get(f"/v1/answers/{answer['answer_id']}", headers={"Accept": "*/*"}).json()
    assert (shown["bottom_line"][0]["text"], shown["bottom_line"][0]["origin"]) == (statement["text"], "edited")


def test_the_history_says_what_an_edit_changed(
    reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]
) -> None:
    one = {"statement_id": statement["statement_id"]}
    under_review(reader, answer)
    first, last = statement["text"].split()[0], statement["text"].split()[-1]
    once = statement["text"].removesuffix(last) + "<b>"
    take(reader, answer, "edit", text=once, **one)
    page = take(reader, answer, "edit", text=once.replace(first, "Every", 1), **one)
    history = page.split('id="history"')[1]
    assert f'<a href="#{statement["statement_id"]}">statement 1</a> “{first}' in unescape(history)
    changed = re.findall(r'<(del|ins)><span class="hidden">[^<]+</span>([^<]*)<', history)
    assert [(tag, unescape(words)) for tag, words in changed] == [
        ("del", last), ("ins", "<b>"), ("del", first), ("ins", "Every"),
    ]  # fmt: skip
    assert len(re.findall("<(?:del|ins)>", row(page, statement))) == 4, "against what the answer says"
    assert "edited" in page.split(f'id="words-{statement["statement_id"]}"')[0].rsplit("<summary", 1)[1]


def test_what_was_rejected_says_so_loudly_and_why(
    reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]
) -> None:
    under_review(reader, answer)
    page = take(reader, answer, "reject", 400, comment="Doses are missing.")
    assert "Doses are missing." in page
    page = take(reader, answer, "reject", reason="wording", statement_id=statement["statement_id"])
    assert "Cannot be approved while a statement is rejected" in page
    assert offered(page) == ["reject", "comment"]
    page = take(reader, answer, "reject", reason="unsupported")
    assert offered(page) == ["submit", "comment"]
    assert "Rejected by a clinician: not supported by its evidence" in banner(reader, answer)
    shown = reader.get(f"/v1/answers/{answer['answer_id']}", headers={"Accept": "*/*"}).json()
    assert shown["review"]["reasons"] == ["unsupported"]


def test_what_is_out_of_date_says_so_loudly_and_why(
    reader: TestClient, service: Service, answer: dict[str, Any]
) -> None:
    under_review(reader, answer)
    take(reader, answer, "approve")
    service.keeping.reviews.stale(answer["answer_id"], reason="replay_differs")
    told = "the question is answered otherwise now"
    assert f"Out of date, to be reviewed again: {told}" in banner(reader, answer)
    page = reader.get(f"/answers/{answer['answer_id']}/review").text
    assert offered(page) == ["submit", "comment"]
    assert told in page.split('id="history"')[1]
    assert QUESTION["question"] in reader.get("/reviews", params={"status": "stale"}).text


def test_the_source_that_no_longer_stands_is_named(starter_index: Path, tmp_path: Path) -> None:
    index_dir = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build(tiny_corpus(), index_dir)
    with client_of(open_service(index_dir, tmp_path)) as reader:
        reader.follow_redirects = False
        question = {"question": "What is the dose of argatroban in heparin-induced thrombocytopenia?"}
        answer = reader.post("/v1/answers", json=question).json()
        reader.headers.update(PAGE)
        under_review(reader, answer)
        take(reader, answer, "approve")
        changed = markdown("argatroban", TINY["argatroban"]).replace(b"jurisdiction", b"retracted: true\njurisdiction")
        others = [d for d in tiny_corpus() if d.source.key != "argatroban"]
        build([read_markdown(changed, "argatroban.md"), *others], index_dir)
        assert "to be reviewed again: a source was retracted" in banner(reader, answer)
        page = reader.get(f"/answers/{answer['answer_id']}/review").text
        assert 'A source was retracted: <a href="/sources/argatroban">' in page


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"action": "approve", "comment": "typed"}, 409), ({"action": "publish", "comment": "typed"}, 422),
     ({"action": "stale", "comment": "typed"}, 400),
     ({"action": "submit", "comment": "typed", "reviewer": "\u200b"}, 422),
     ({"action": "submit", "comment": "typed", "statement_id": "none"}, 404), ({"comment": "typed"}, 422),
     ({"action": "submit", "reason": "unsafe", "comment": "typed"}, 400)],
)  # fmt: skip
def test_what_may_not_be_is_said_and_what_was_typed_is_kept(
    reader: TestClient, answer: dict[str, Any], sent: dict[str, str], status: int
) -> None:
    page = reader.post(f"/answers/{answer['answer_id']}/review", data=sent)
    assert page.status_code == status
    assert page.text.count('role="alert"') == 1
    assert "typed</p>" in page.text or "typed</textarea>" in page.text
    assert "Nobody has asked for a review yet" in page.text


def test_what_was_typed_is_kept_in_the_form_it_was_typed_in(
    reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]
) -> None:
    under_review(reader, answer)
    sent = {"text": "New words", "comment": "and why", "reviewer": "A\tB", "statement_id": statement["statement_id"]}
    place = row(take(reader, answer, "edit", 422, **sent), statement)
    opened = place.split("<details open>")[1].split("</details>")[0]
    assert "reviewer cannot be used" in opened
    assert ">New words</textarea>" in opened
    assert ">and why</textarea>" in opened


def test_a_reviewer_s_name_goes_on_from_form_to_form(reader: TestClient, answer: dict[str, Any]) -> None:
    page = take(reader, answer, "submit", reviewer="Reviewer & One")
    assert set(re.findall(r'name="reviewer"[^>]* value="([^"]*)"', page)) == {"Reviewer &amp; One"}
    assert "<strong>Reviewer &amp; One</strong> submitted the article" in page
    assert 'value="local"' in reader.get(f"/answers/{answer['answer_id']}/review").text


def test_what_is_typed_is_text(reader: TestClient, answer: dict[str, Any], statement: dict[str, Any]) -> None:
    one = {"statement_id": statement["statement_id"]}
    under_review(reader, answer)
    take(reader, answer, "comment", comment=ATTACK, reviewer=ATTACK, **one)
    page = take(reader, answer, "edit", text=ATTACK, **one)
    page += take(reader, answer, "reject", 400, comment=ATTACK, reviewer=ATTACK)
    reader.post(f"/answers/{answer['answer_id']}/feedback", data={"rating": "wrong", "comment": ATTACK})
    page += reader.get(f"/answers/{answer['answer_id']}/review", params={"reviewer": ATTACK}).text
    assert unescape(page).count(ATTACK) >= 8
    assert not re.search(r"<script>alert|<img", page)


def test_the_queue_goes_on(reader: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.page.desk._AT_ONCE", 1)
    questions = [QUESTION["question"], "How is argatroban dosed in Child-Pugh C?"]
    for question in questions:
        made = reader.post("/v1/answers", json={"question": question}, headers={"Accept": "*/*"}).json()
        take(reader, made, "submit", reviewer="Reviewer One")
    first = reader.get("/reviews").text
    assert questions[0] in first
    assert questions[1] not in first
    assert "Reviewer One" in first
    following = re.search(r'href="(/reviews\?after=[^"]+)"', first)
    assert following
    second = reader.get(unescape(following[1])).text
    assert questions[1] in second
    assert 'rel="next"' not in second
    assert reader.get("/reviews", params={"status": "lost"}).status_code == 422


def test_readers_say_what_they_think(reader: TestClient, answer: dict[str, Any]) -> None:
    address = f"/answers/{answer['answer_id']}/feedback"
    assert f'action="{address}"' in reader.get(f"/answers/{answer['answer_id']}").text
    led = reader.post(address, data={"rating": "unhelpful", "comment": "No dose."})
    assert (led.status_code, led.headers["location"]) == (303, address)
    assert "Thank you" in reader.get(address).text
    page = reader.get(f"/answers/{answer['answer_id']}/review").text
    assert "No dose." in page.split("What readers said")[1]
    assert reader.post(address, data={"rating": "fine"}).status_code == 422
    assert reader.post(address, data={"rating": "wrong"}, headers={"Origin": "https://evil.example"}).status_code == 401


@pytest.mark.parametrize("path", ["review", "feedback"])
def test_what_is_not_kept_is_not_found(reader: TestClient, path: str) -> None:
    address = f"/answers/a0000000000000000/{path}"
    for answered in (reader.get(address), reader.post(address, data={"action": "submit", "rating": "wrong"})):
        assert answered.status_code == 404
        assert "<h1>" in answered.text


def test_who_may_review(starter_index: Path, tmp_path: Path) -> None:
    service = open_service(starter_index, tmp_path, keys="always")
    scopes = {"reads": ["ask"], "decides": ["ask", "review"], "searches": ["search"]}
    keys = {name: service.keeping.keys.create(name, given)[1] for name, given in scopes.items()}
    with client_of(service) as reader:
        reader.follow_redirects = False
        reader.headers.update(PAGE)
        own = {"Authorization": f"Bearer {keys['decides']}", "Accept": "*/*"}
        answer = reader.post("/v1/answers", json=QUESTION, headers=own).json()
        address = f"/answers/{answer['answer_id']}/review"
        assert 'name="key"' in reader.get(address).text, "the form that takes a key"
        reader.post("/sign-in", data={"key": keys["searches"]})
        assert reader.get(address).status_code == 403
        reader.post("/sign-in", data={"key": keys["reads"]})
        page = reader.get(address)
        assert (page.status_code, offered(page.text)) == (200, [])
        assert "needs the scope" in page.text
        refused = reader.post(address, data={"action": "submit"})
        assert (refused.status_code, "scope review" in refused.text) == (403, True)
        assert reader.post(f"/answers/{answer['answer_id']}/feedback", data={"rating": "wrong"}).status_code == 303
        assert "What readers said" not in reader.get(address).text
        assert reader.get("/reviews").status_code == 403
        assert "Sign in with another key" in reader.get("/reviews").text
        reader.post("/sign-in", data={"key": keys["decides"]})
        foreign = {"Origin": "https://evil.example"}
        assert reader.post(address, data={"action": "submit"}, headers=foreign).status_code == 401
        assert "<strong>decides</strong> submitted" in take(reader, answer, "submit")
        assert "What readers said" in reader.get(address).text
    audited = {entry.action for entry in service.keeping.audit.entries()}
    assert {"review.read", "review.submit", "feedback.given", "feedback.read"} <= audited
