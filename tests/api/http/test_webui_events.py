"""What Open WebUI is told beside the text: the n-th source is reference n, with its exact quotes and nothing else."""

from __future__ import annotations

from html import unescape
from itertools import pairwise

import pytest
from builders import make_abstained, make_answer, make_evidence, make_statement
from markdown_it import MarkdownIt

from api.http.openai.webui_events import closing_status, is_saved, is_webui, source_events, status_event
from rag.conversation.numbering import in_conversation, numbers_after
from rag.domain import Answer, Outcome, Standalone
from rag.pipeline import Pipeline


def quoted(answer: Answer, source_id: str) -> set[str]:
    return {" ".join(e.quote.split()) for s in answer.statements() for e in s.evidence if e.source_id == source_id}


def shown(markdown: str) -> str:
    """What a front end shows of a paragraph of Markdown, if it has no markup."""
    html = str(MarkdownIt("commonmark").render(markdown))
    return unescape(html.strip().removeprefix("<p>").removesuffix("</p>"))


@pytest.fixture(scope="module")
def answers(pipeline: Pipeline) -> tuple[Answer, Answer, Answer]:
    """Three of one conversation, numbered in it."""
    numbers: dict[str, int] = {}
    made = []
    for question in ("Should IVIG be given in HIT?", "How is argatroban dosed in cirrhosis?", "How is HIT diagnosed?"):
        answer = pipeline.ask(question)
        numbers = dict(numbers_after(numbers, answer))
        whole = Standalone(asked=question, question=question, kind="whole", is_new_topic=False)
        made.append(in_conversation(answer, whole, numbers))
    first, second, third = made
    return first, second, third


def test_the_nth_source_is_reference_n_with_every_quote_of_it(answers: tuple[Answer, Answer, Answer]) -> None:
    answer, *_ = answers
    events = source_events(answer)
    assert len(events) == len(answer.references)
    for reference, event in zip(answer.references, events, strict=True):
        data = event["data"]
        assert data["source"]["id"] == reference.source_id
        assert data["source"]["name"].startswith(f"{reference.number} · ")
        # What it tells sources apart by is the same for all quotes of one.
        assert {about["source"] for about in data["metadata"]} == {reference.source_id}
        assert len(data["metadata"]) == len(data["document"]) == len(data["distances"])
        assert all(0 <= support <= 1 for support in data["distances"])
        assert {shown(text) for text in data["document"]} >= quoted(answer, reference.source_id)


def test_numbers_that_leap_are_filled_by_earlier_answers(answers: tuple[Answer, Answer, Answer]) -> None:
    first, second, third = answers
    numbers = [r.number for r in third.references]
    assert any(later - before > 1 for before, later in pairwise([0, *numbers])), "the test needs a leap"
    events = source_events(third, (first, second))
    by_number = {r.number: r.source_id for one in answers for r in one.references}
    assert [e["data"]["source"]["id"] for e in events] == [by_number[n] for n in range(1, max(numbers) + 1)]


def test_a_source_of_which_nothing_is_known_keeps_its_place(answers: tuple[Answer, Answer, Answer]) -> None:
    *_, third = answers
    events = source_events(third)
    assert len(events) == max(r.number for r in third.references)
    for number, event in enumerate(events, 1):
        if number not in {r.number for r in third.references}:
            assert event["data"]["source"]["name"] == f"{number} · another answer"
            assert event["data"]["document"] == ["Cited by another answer of this chat."]
    assert len({e["data"]["metadata"][0]["source"] for e in events}) == len(events)


def test_quotes_can_make_no_links_images_or_html() -> None:
    text = 'See [here](http://a.example) ![x](http://a.example/x.png) <img src=x> [2] <script>a("b")</script>'
    statement = make_statement("Calm.", 1, evidence=(make_evidence(quote=text),))
    [document] = source_events(make_answer(bottom_line=(statement,)))[0]["data"]["document"][:1]
    assert shown(document) == text
    html = MarkdownIt("commonmark").render(document)
    assert not any(tag in html for tag in ("<a", "<img", "<script"))
    assert "[2]" not in document, "it would be a chip"


def test_a_page_is_counted_from_0_there() -> None:
    statement = make_statement("Calm.", 1, evidence=(make_evidence(page=12),))
    assert source_events(make_answer(bottom_line=(statement,)))[0]["data"]["metadata"][0]["page"] == 11


def test_what_is_no_answer_has_no_sources_and_says_so() -> None:
    abstained = make_abstained()
    assert source_events(abstained) == []
    assert closing_status(abstained)["data"]["description"].startswith("Not answered")
    redirected = abstained.model_copy(update={"outcome": Outcome.REDIRECTED})
    assert closing_status(redirected)["data"] == {"description": "Redirected", "done": True, "hidden": False}
    assert closing_status(None)["data"]["description"] == "Nothing was asked"


def test_steps_that_are_told_are_steps(pipeline: Pipeline) -> None:
    told = list[str]()
    answer = pipeline.ask("Should IVIG be given in HIT?", watch=told.append)
    assert [step for step in told if status_event(step)] == ["retrieve", "select", "compose", "verify"]
    first = status_event("accepted")
    assert first
    assert first["data"]["done"] is False
    assert status_event("unheard of") is None
    assert f"from {len(answer.references)} sources" in closing_status(answer)["data"]["description"]


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [({"x-openwebui-chat-id": "c"}, True), ({"x-openwebui-user-name": "U"}, True), ({"user-agent": "Open"}, False)],
)
def test_it_is_known_by_its_headers(headers: dict[str, str], is_one: bool) -> None:
    assert is_webui(headers) is is_one


@pytest.mark.parametrize(
    ("chat_id", "is_one"), [("7a7de6fc-da83", True), ("temporary:x", False), ("local:x", False), ("", False)]
)
def test_temporary_chats_are_no_conversations(chat_id: str, is_one: bool) -> None:
    assert is_saved(chat_id) is is_one
