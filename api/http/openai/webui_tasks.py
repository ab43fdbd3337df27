"""What Open WebUI asks for its own use: a title, tags, what to ask next. It is answered from what is known already.

Such a call says what it is in the header ``X-OpenWebUI-Task`` where the connection is set to send it, else only by the
form of its prompt: instructions, the form of the output, and the last messages of the chat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from rag.answer.headings import name, topic
from rag.answer.question import interpret
from rag.domain import Answer
from rag.language.terms import Analyzer

#: Role and text of each message.
Messages = Sequence[tuple[str, str]]


class Kind(StrEnum):
    """The values of the header that are known."""

    TITLE = "title_generation"
    FOLLOW_UPS = "follow_up_generation"
    TAGS = "tags_generation"
    QUERIES = "query_generation"
    IMAGE = "image_prompt_generation"
    AUTOCOMPLETE = "autocomplete_generation"
    EMOJI = "emoji_generation"
    TOOLS = "function_calling"
    MERGED = "moa_response_generation"
    OTHER = "other"


#: The instructions, the form of the output and the chat of most prompts, each under its heading, and nothing behind.
_PROMPT: Final = re.compile(
    r"### Task:\n.+?\n### Output:\n(?P<output>.+?)\n### Chat History:\n<chat_history>\n(?P<chat>.*)\n</chat_history>",
    re.DOTALL,
)
#: The member of the JSON that the output is to be.
_MEMBER: Final = re.compile(r'\{\s*"(title|follow_ups|tags|queries|prompt)":')
_BY_MEMBER: Final = {
    "title": Kind.TITLE, "follow_ups": Kind.FOLLOW_UPS, "tags": Kind.TAGS, "queries": Kind.QUERIES,
    "prompt": Kind.IMAGE,
}  # fmt: skip
#: Those that are formed otherwise.
_OTHERS: Final = (
    (Kind.AUTOCOMPLETE, re.compile(
        r"### Task:\nYou are an autocompletion system\..+<chat_history>\n.*\n</chat_history>\s*"
        r"<type>.*</type>\s*<text>.*</text>\s*#### Output:", re.DOTALL)),
    (Kind.EMOJI, re.compile(r"Your task is to reflect the speaker's .+ emoji\b.+\n\nMessage: ```.*```", re.DOTALL)),
    (Kind.MERGED, re.compile(
        r"You have been provided with a set of responses from various models to the latest user query: .+"
        r"\n\nResponses from models: .*", re.DOTALL)),
)  # fmt: skip
_TOOLS: Final = re.compile(r'Available Tools: .+"tool_calls".+', re.DOTALL)
_CHAT: Final = re.compile(r"<chat_history>\n(.*)\n</chat_history>", re.DOTALL)
#: An answer tells its identifier in its last line, which is there even when its middle is cut out.
_ANSWER_ID: Final = re.compile(r"\*Snapshot [0-9a-f]+ · .+ · answer (a[0-9a-f]{16})\b")
_TURN: Final = re.compile(r"^(USER|ASSISTANT): ", re.MULTILINE)
_MOST_TAGS: Final = 5
_LONGEST_TITLE: Final = 80
_NOT_MERGED: Final = "Osler answers from its sources, and does not merge the responses of models."


class Task(NamedTuple):
    """``chat`` is the last messages as the prompt tells them; all of the prompt where it is of a form not known."""

    kind: Kind
    chat: str

    @property
    def answer_id(self) -> str | None:
        """The last answer of the chat, whose title and related questions are asked for; none before the first."""
        found: list[str] = _ANSWER_ID.findall(self.chat)
        return found[-1] if found else None

    @property
    def question(self) -> str:
        """The last question of the chat, in one line; empty where there is none."""
        parts = _TURN.split(self.chat)
        asked = [text for who, text in zip(parts[1::2], parts[2::2], strict=True) if who == "USER"]
        return " ".join(asked[-1].split()) if asked else ""

    def reply(self, answer: Answer | None, analyzer: Analyzer) -> str:
        """What is asked for, in its form: none of it where nothing is known.

        Args:
            answer: the one of ``answer_id``, if it is still kept.
        """
        match self.kind:
            case Kind.TITLE:
                return _json(title=answer.title if answer else _title(self.question, analyzer))
            case Kind.FOLLOW_UPS:
                return _json(follow_ups=list(answer.related_questions) if answer else [])
            case Kind.TAGS:
                return _json(tags=_tags(answer.question if answer else self.question, analyzer))
            case Kind.MERGED:
                return _NOT_MERGED
            case kind:
                return _EMPTY[kind]


def task_of(messages: Messages, header: str | None) -> Task | None:
    """What a call asks for; nothing where it asks a question.

    A question that holds words of such prompts, or one whole among others, is none: all messages must be the prompt.

    Args:
        header: ``X-OpenWebUI-Task``, which is empty for questions.
    """
    found = _by_form(messages)
    if not header or (found and found.kind == header):
        return found
    kind = Kind(header) if header in set(Kind) else Kind.OTHER
    text = messages[-1][1]
    chat = _CHAT.search(text)
    return Task(kind, chat[1] if chat else text)


def _by_form(messages: Messages) -> Task | None:
    roles, text = [role for role, _ in messages], messages[-1][1].strip()
    if roles == ["system", "user"]:
        is_tools = _TOOLS.fullmatch(messages[0][1].strip()) and text.startswith(("Query: ", "History:\n"))
        return Task(Kind.TOOLS, text) if is_tools else None
    if roles != ["user"]:
        return None
    prompt = _PROMPT.fullmatch(text)
    if prompt and (member := _MEMBER.search(prompt["output"])):
        return Task(_BY_MEMBER[member[1]], prompt["chat"])
    return next((Task(kind, text) for kind, form in _OTHERS if form.fullmatch(text)), None)


def _title(question: str, analyzer: Analyzer) -> str:
    """The subject of a question, as an answer that has no better title is called."""
    subject = topic(interpret(question, analyzer), analyzer.lexicon)
    return subject if len(subject) <= _LONGEST_TITLE else subject[: _LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"


def _tags(question: str, analyzer: Analyzer) -> list[str]:
    """The drugs and conditions that a question names."""
    query = interpret(question, analyzer)
    return list(dict.fromkeys(name(c, query) for c in (*query.focus, *query.patient)))[:_MOST_TAGS]


def _json(**members: object) -> str:
    return json.dumps(members, ensure_ascii=False)


#: Of what Osler has nothing to say to.
_EMPTY: Final = {
    Kind.QUERIES: _json(queries=[]), Kind.IMAGE: _json(prompt=""), Kind.AUTOCOMPLETE: _json(text=""),
    Kind.EMOJI: "", Kind.TOOLS: _json(tool_calls=[]), Kind.OTHER: "{}",
}  # fmt: skip
