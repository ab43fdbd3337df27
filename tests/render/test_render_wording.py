"""What a reader is told of a language model: that it worded an article, or why it did not; and which words are its."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from builders import make_answer, make_receipt, make_statement
from markdown_it import MarkdownIt
from rich.console import Console

from rag.domain import Answer, Origin, Role, Section, Wording
from rag.render import words
from rag.render.chat import to_chat
from rag.render.html import to_html
from rag.render.markdown import to_markdown
from rag.render.text import to_text

WORDED = "Worded by qwen3:8b from the quotes that it cites; each sentence was checked against them."
FAILED = "The language model could not be used: its server cannot be reached. This is in the words of the sources."
HOSTILE = "<img src=x onerror=alert(1)>[x](javascript:alert(1)) *b* `c`\n# h \x1b[31m\u202e"


def worded(origin: Origin = "generated", model: str = "qwen3:8b", **told: object) -> Answer:
    statement = make_statement("Argatroban is cleared by the liver.", origin=origin)
    section = Section(heading="Rationale", role=Role.RATIONALE, statements=(statement,))
    wording = Wording.model_validate({"model": model, "prompt": "wording-1@0", **told})
    return make_answer(sections=(section,), receipt=make_receipt().model_copy(update={"wording": wording}))


def as_text(answer: Answer) -> str:
    out = io.StringIO()
    to_text(answer, Console(file=out, width=100))
    return out.getvalue()


def as_chat(answer: Answer) -> str:
    return to_chat(answer).text


def rendered(answer: Answer, form: Callable[[Answer], str] = to_markdown) -> str:
    return MarkdownIt("js-default", {"html": True}).render(form(answer))


def tags(html: str) -> list[str]:
    return re.findall(r"<[^>]*>", html)


@pytest.mark.parametrize("render", [as_text, as_chat, to_markdown, to_html])
def test_every_form_says_what_the_model_did(render: Callable[[Answer], str]) -> None:
    def shown(answer: Answer) -> str:
        return " ".join(render(answer).replace("\\", "").split())

    assert WORDED in shown(worded(written=2))
    assert FAILED in shown(worded("quoted", reason="its server cannot be reached"))
    assert f"{WORDED} It ended early: it repeated itself." in shown(worded(written=1, reason="it repeated itself"))
    assert "qwen3:8b was asked, and kept to the words of the sources." in shown(worded("quoted", quoted=3))
    without = shown(make_answer())
    assert "Worded by" not in without
    assert "language model" not in without


@pytest.mark.parametrize("told", [{"written": 1}, {"reason": HOSTILE}, {"written": 1, "reason": HOSTILE}])
def test_a_name_and_a_reason_are_no_markup(told: dict[str, object]) -> None:
    calm = {name: "calm" if value == HOSTILE else value for name, value in told.items()}
    hostile, other = worded(model=HOSTILE, **told), worded(model="calm", **calm)
    for form in (to_html, rendered, lambda answer: rendered(answer, as_chat)):
        assert tags(form(hostile)) == tags(form(other))
    assert not {"\x1b", "\u202e"} & set(as_text(hostile))


def test_html_tells_a_models_words_from_quoted_ones() -> None:
    assert to_html(worded(written=1)).count(f"{words.EVIDENCE} (worded by the language model)") == 1
    assert "(worded by" not in to_html(worded("quoted", quoted=1))


def test_steps_in_words() -> None:
    assert words.step("write") == "Writing with the language model"
    assert words.step("write", "qwen3:8b") == "Writing with qwen3:8b"
    assert words.step("verify", "qwen3:8b") == words.step("verify") == words.STEPS["verify"]
    assert words.step("embed") is None
