"""The same answer through every face, bit for bit in its statements; and what a source holds makes nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from openai_face import CLINICIAN, ELSEWHERE, EMERGENCY, Face, asked, faced
from small_corpus import empty_index, exported_encoder, tiny_corpus
from under_load import QUESTIONS

from rag.domain import Answer, Outcome
from rag.index.build import build
from rag.ingest.readers.markdown import read_markdown
from rag.render.chat import to_chat

#: Seven of the starter questions, from all of them, one without an answer, and one that is not for us.
SEVERAL = [*QUESTIONS[:: len(QUESTIONS) // 6], ELSEWHERE, EMERGENCY]
#: Words of a source that would be links, images, HTML, a mark, a definition, a code block, a table.
HOSTILE = (
    "Plerixafor is given at 0.24 mg/kg in WHIM syndrome, see [the label](http://evil.example/a) and "
    "![x](http://evil.example/x.png) or <img src=http://evil.example/y.png> <script>alert(1)</script> [2] "
    "<https://evil.example> http://evil.example/b www.evil.example a@evil.example "
    "[1]: http://evil.example ```html | a |."
)
WHIM = "What dose of plerixafor is given in WHIM syndrome?"


@pytest.fixture(scope="module")
def face(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with faced(starter_index, tmp_path_factory.mktemp("same")) as found:
        yield found


def completed(face: Face, question: str) -> tuple[str, dict[str, Any]]:
    made = face.client.chat.completions.create(model=CLINICIAN, messages=asked(question))
    assert made.model_extra
    return made.choices[0].message.content or "", made.model_extra["osler"]


def completed_in_pieces(face: Face, question: str) -> tuple[str, dict[str, Any]]:
    ours: dict[str, Any] = {}
    text = ""
    for chunk in face.client.chat.completions.create(model=CLINICIAN, messages=asked(question), stream=True):
        text += chunk.choices[0].delta.content or ""
        ours |= (chunk.model_extra or {}).get("osler", {})
    return text, ours


def responded(face: Face, question: str) -> tuple[str, dict[str, Any]]:
    made = face.client.responses.create(model=CLINICIAN, input=question, store=False)
    assert made.model_extra
    return made.output_text, made.model_extra["osler"]


def responded_in_pieces(face: Face, question: str) -> tuple[str, dict[str, Any]]:
    text, ours = "", dict[str, Any]()
    for event in face.client.responses.create(model=CLINICIAN, input=question, store=False, stream=True):
        text += event.delta if event.type == "response.output_text.delta" else ""
        if event.type == "response.completed":
            ours |= (event.response.model_extra or {})["osler"]
    return text, ours


FACES = (completed, completed_in_pieces, responded, responded_in_pieces)


def test_the_questions_have_every_outcome(face: Face) -> None:
    outcomes = [face.answer(question).outcome for question in SEVERAL]
    assert set(outcomes) >= {Outcome.ANSWERED, Outcome.ABSTAINED, Outcome.REDIRECTED}


@pytest.mark.parametrize("question", SEVERAL)
def test_every_face_gives_the_same_answer(face: Face, question: str) -> None:
    one = face.answer(question)
    for asking in FACES:
        text, ours = asking(face, question)
        assert ours["answer_id"] == one.answer_id, "the id follows from all that an answer holds"
        assert face.kept(ours["answer_id"]).statements() == one.statements()
        assert (ours["outcome"], ours["reason"]) == (one.outcome, one.reason)
        assert text == to_chat(one).text, asking.__name__


@pytest.mark.parametrize("question", [ELSEWHERE, EMERGENCY, "I want to kill myself"])
def test_what_is_no_answer_says_so_at_once(face: Face, question: str) -> None:
    for asking in FACES:
        text, ours = asking(face, question)
        assert ours["reason"]
        assert ours["reason"] in text[:600]
        assert text.startswith(("# Not answered", "# Please seek help now"))


@pytest.fixture(scope="module")
def hostile(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """A face over a corpus with a source that would do harm, by its text and by its title."""
    index_dir = empty_index(tmp_path_factory.mktemp("hostile") / "index", exported_encoder(starter_index))
    sentence = "".join(c if c.isalnum() or c.isspace() else f"\\{c}" for c in HOSTILE)
    title = "About ![x](http://evil.example/t.png) <img src=http://evil.example/u.png> [2] plerixafor"
    head = f"---\nkey: hostile\ntitle: '{title}'\njurisdiction: US\nevidence_type: guideline\n---\n\n"
    source = read_markdown(f"{head}## Dosing\n\n- {sentence} {{#h1}}\n".encode(), "hostile.md")
    build([*tiny_corpus(), source], index_dir)
    with faced(index_dir, tmp_path_factory.mktemp("hostile-service")) as found:
        yield found


def links(text: str) -> list[str]:
    """Where the links and images of a text lead, read as a front end does that shows HTML and tables."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found = [token for block in parser.parse(text) for token in [block, *(block.children or [])]]
    assert not [token.content for token in found if token.type in ("html_block", "html_inline", "fence", "table_open")]
    return [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for token in found
        if token.type in ("link_open", "image")
    ]


@pytest.mark.parametrize("question", [WHIM, f"{WHIM} ![x](http://evil.example/q.png) <b onclick=x>b</b>"])
def test_a_source_or_a_question_can_make_nothing_but_text(hostile: Face, question: str) -> None:
    for asking in FACES:
        text, ours = asking(hostile, question)
        assert "evil" in text, "the test needs the words in the text"
        assert not [link for link in links(text) if "evil" in link]
        assert not re.search(r"(?<!\\)://evil|www\.evil|\w@evil", text), (
            "a bare address, which some front ends make a link"
        )
        assert ours["outcome"] == "answered"


def test_marks_of_a_source_are_no_citations(hostile: Face) -> None:
    made = hostile.client.chat.completions.create(model=CLINICIAN, messages=asked(WHIM))
    text, answer = made.choices[0].message.content or "", hostile.answer(WHIM)
    cited = [a.url_citation for a in made.choices[0].message.annotations or []]
    assert [text[c.start_index : c.end_index] for c in cited] == shown(answer)
    assert all(c.title == answer.references[0].title for c in cited if text[c.start_index : c.end_index] == "[1]")
    assert not any("evil" in c.url for c in cited)


def shown(answer: Answer) -> list[str]:
    """The marks of an answer's statements, in order."""
    return [f"[{number}]" for statement in answer.statements() for number in statement.citations]
