"""An answer as the text of a chat: every mark is found where it stands, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from builders import make_abstained, make_answer, make_statement
from markdown_it import MarkdownIt

from rag.domain import Answer, Role, Section
from rag.render.chat import to_chat
from rag.render.markdown import to_markdown

#: Texts of a corpus that look like marks, or would be ones without their escapes.
LIKE_MARKS = ("As shown [1].", "see [2](http://a.example)", "back \\[3] slash", "[4]: http://a.example", "a [5][6] b")


def with_text(text: str) -> Answer:
    section = Section(heading=text, role=Role.RATIONALE, statements=(make_statement(text),))
    return make_answer(title=text, sections=(section,))


def test_marks_are_where_they_are_said_to_be() -> None:
    answer = make_answer()
    chat = to_chat(answer)
    assert [chat.text[c.start : c.end] for c in chat.citations] == [f"[{c.number}]" for c in chat.citations]
    shown = [n for s in answer.statements() for n in s.citations] + [n for g in answer.glossary for n in g.citations]
    assert sorted(c.number for c in chat.citations) == sorted(shown)


@pytest.mark.parametrize("text", LIKE_MARKS)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    as_usual, chat = to_chat(with_text("calm")), to_chat(with_text(text))
    assert [c.number for c in chat.citations] == [c.number for c in as_usual.citations]


@pytest.mark.parametrize("text", LIKE_MARKS)
def test_marks_and_texts_make_no_links(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": False})
    assert parser.render(to_chat(with_text(text)).text).count("<a ") == parser.render(
        to_chat(with_text("calm")).text
    ).count("<a ")


def test_pieces_are_the_text() -> None:
    chat = to_chat(make_answer())
    assert chat.text == to_markdown(make_answer(), marks="plain") == "".join(chat.pieces)
    assert len(chat.pieces) > 5
    assert "<" not in chat.text.replace("<https://", "")


def test_an_abstention_says_what_it_is_at_its_beginning() -> None:
    answer = make_abstained()
    head = "".join(to_chat(answer).pieces[:4])
    assert "*Not answered" in head
    assert answer.reason
    assert answer.reason[:30] in head
