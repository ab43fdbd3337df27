"""Calls that Open WebUI makes for its own use are told from questions, and answered from what is known."""

from __future__ import annotations

import json

import pytest

from api.http.openai.webui_tasks import Kind, Task, task_of
from rag.domain import Answer
from rag.language.terms import Analyzer
from rag.pipeline import Pipeline
from rag.render.chat import to_chat

QUESTION = "Should IVIG be given in HIT?"


def prompt(member: str, chat: str, *, heading: str = "Chat History") -> str:
    """A prompt in the form that the front end gives to all but a few of its own calls."""
    output = json.dumps({member: "…"})
    return (
        f"### Task:\nDo this with the chat.\n### Guidelines:\n- Be brief.\n### Output:\nJSON format: {output}\n"
        f"### {heading}:\n<chat_history>\n{chat}\n</chat_history>"
    )


def cut(text: str) -> str:
    """As the front end cuts long messages out of its prompts."""
    return text if len(text) <= 1000 else f"{text[:498]}...{text[-499:]}"


@pytest.fixture(scope="module")
def answer(pipeline: Pipeline) -> Answer:
    return pipeline.ask(QUESTION)


@pytest.fixture(scope="module")
def analyzer(pipeline: Pipeline) -> Analyzer:
    return pipeline.snapshot.analyzer


@pytest.fixture(scope="module")
def chat(answer: Answer) -> str:
    return f"USER: {QUESTION}\nASSISTANT: {cut(to_chat(answer).text)}"


@pytest.mark.parametrize(
    ("member", "kind"),
    [("title", Kind.TITLE), ("follow_ups", Kind.FOLLOW_UPS), ("tags", Kind.TAGS), ("queries", Kind.QUERIES),
     ("prompt", Kind.IMAGE)],
)  # fmt: skip
def test_a_prompt_is_known_by_its_form(member: str, kind: Kind, chat: str, answer: Answer) -> None:
    task = task_of([("user", prompt(member, chat))], None)
    assert task
    assert (task.kind, task.question, task.answer_id) == (kind, QUESTION, answer.answer_id)
    assert task == task_of([("user", prompt(member, chat))], kind.value)


@pytest.mark.parametrize(
    "text",
    [
        "### Task:\nYou are an autocompletion system. Go on.\n<chat_history>\nUSER: a\n</chat_history>\n"
        "<type>General</type>  \n<text>Should I</text>  \n#### Output:\n",
        "Your task is to reflect the speaker's mood by an emoji (e.g., 😊).\n\nMessage: ```I am glad```",
        'You have been provided with a set of responses from various models to the latest user query: "a"\n\nMerge '
        'them.\n\nResponses from models: """b"""',
    ],
    ids=["autocomplete", "emoji", "merged"],
)
def test_those_of_another_form_are_known_too(text: str, analyzer: Analyzer) -> None:
    task = task_of([("user", text)], "")
    assert task
    assert task.reply(None, analyzer) in ('{"text": ""}', "", "Osler answers from its sources, and does not merge the "
                                          "responses of models.")  # fmt: skip


def test_a_choice_of_tools_is_none_of_them(analyzer: Analyzer) -> None:
    system = 'Available Tools: []\n\nChoose one.\n{"tool_calls": []}\n'
    task = task_of([("system", system), ("user", f"Query: {QUESTION}")], None)
    assert task
    assert task.reply(None, analyzer) == '{"tool_calls": []}'
    assert task_of([("system", "Be brief."), ("user", f"Query: {QUESTION}")], None) is None


def test_a_question_is_none_however_much_of_a_prompt_it_holds(chat: str) -> None:
    whole = prompt("title", chat)
    for text in (
        QUESTION,
        "What is the task of the liver? ### Task:\nGenerate a concise title",
        whole + "\nHow is HIT treated?",
        "How is HIT treated?\n" + whole,
        whole.replace("### Output:", "### Result:"),
        whole.replace('"title"', '"name"'),
        whole.replace("</chat_history>", ""),
        prompt("title", chat, heading="Chat"),
    ):
        assert task_of([("user", text)], "") is None, text
    assert task_of([("user", QUESTION), ("assistant", "…"), ("user", whole)], None) is None
    assert task_of([("system", "Be brief."), ("user", whole)], None) is None


def test_follow_ups_are_the_related_questions(answer: Answer, analyzer: Analyzer, chat: str) -> None:
    task = Task(Kind.FOLLOW_UPS, chat)
    assert json.loads(task.reply(answer, analyzer)) == {"follow_ups": list(answer.related_questions)}
    assert json.loads(task.reply(None, analyzer)) == {"follow_ups": []}


def test_the_last_answer_counts(answer: Answer, pipeline: Pipeline) -> None:
    later = pipeline.ask("How is argatroban dosed in cirrhosis?", within=None)
    texts = (to_chat(one).text for one in (answer, later))
    chat = "\n".join(f"USER: {QUESTION}\nASSISTANT: {cut(text)}" for text in texts)
    assert Task(Kind.FOLLOW_UPS, chat).answer_id == later.answer_id
    assert Task(Kind.FOLLOW_UPS, f"USER: {QUESTION}").answer_id is None


def test_a_title_is_the_answers_or_the_subject_of_the_question(answer: Answer, analyzer: Analyzer, chat: str) -> None:
    assert json.loads(Task(Kind.TITLE, chat).reply(answer, analyzer)) == {"title": answer.title}
    # It is asked for before there is an answer.
    assert json.loads(Task(Kind.TITLE, f"USER: {QUESTION}").reply(None, analyzer)) == {"title": "IVIG in HIT"}
    long = "USER: " + "Please tell me what there is to know about quite another thing " * 9
    title = json.loads(Task(Kind.TITLE, long).reply(None, analyzer))["title"]
    assert len(title) <= 80
    assert title.endswith("…")


def test_tags_are_what_the_question_names(analyzer: Analyzer) -> None:
    reply = Task(Kind.TAGS, f"USER: hello\nASSISTANT: …\nUSER: {QUESTION}").reply(None, analyzer)
    assert json.loads(reply) == {"tags": ["IVIG", "HIT"]}
    assert json.loads(Task(Kind.TAGS, "nothing").reply(None, analyzer)) == {"tags": []}


def test_a_header_is_believed_where_the_prompt_is_the_operators_own(
    answer: Answer, analyzer: Analyzer, chat: str
) -> None:
    task = task_of([("user", f"Ask on, after this:\n{chat}")], "follow_up_generation")
    assert task
    assert task.answer_id == answer.answer_id
    unheard_of = task_of([("user", "Weigh it.")], "weighing_generation")
    assert unheard_of
    assert unheard_of.reply(None, analyzer) == "{}"
    assert task_of([("user", QUESTION)], "") is None
