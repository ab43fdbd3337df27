"""The tools: what each takes and gives, in the types of the HTTP interface, and what a chat shows of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import mcp_types as types
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from api.http import asking, search, verify
from api.http.asking import Asking
from api.http.fields import Key, Words
from api.http.passages import Opened, opened
from api.http.problems import INVALID, ProblemError, faults_of
from api.http.retelling import Said
from api.http.search import Results, searched
from api.http.verify import Judgement, judged
from api.keeping.keys import Scope
from api.mcp import texts
from api.mcp.calling import Call
from rag.domain import Answer, Frozen
from rag.errors import InputError
from rag.pipeline import Watch
from rag.render.chat import to_chat


class Ask(asking.Ask):
    """A clinical question, and who asks it of which sources."""

    earlier: tuple[Words, ...] = Field(
        default=(),
        description="what was asked before in this chat, in order, where the question leans on it; with none of "
        "conversation_id",
    )


class Open(Frozen):
    """A passage, and which part of it to highlight: all of it where no span is given."""

    passage_id: Annotated[Key, Field(description="a passage's id, as `search` and an answer's evidence give it")]
    start: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="code points from the passage's beginning, as in evidence"
    )
    end: Annotated[int, Field(ge=0)] | None = Field(default=None, description="as `start`; the first that is outside")


class Made(NamedTuple):
    """A result with what a chat shows of it."""

    result: Frozen
    text: str


class Tool(NamedTuple):
    """A tool. ``is_idempotent`` is false for one that leaves more behind when it is called again."""

    name: str
    title: str
    about: str
    scope: Scope
    takes: type[Frozen]
    gives: type[Frozen]
    is_idempotent: bool
    run: Callable[[Call, Any], Awaitable[Made]]

    def read(self, arguments: Mapping[str, Any] | None) -> Frozen:
        """What it takes. Raises ``ProblemError``, which repeats nothing that was given."""
        try:
            return self.takes.model_validate(arguments or {})
        except ValidationError as error:
            wrong = [f"{fault.where}: {fault.what}" for fault in faults_of(error.errors(include_context=False))]
            raise ProblemError(INVALID, "; ".join(wrong)) from None

    def described(self) -> types.Tool:
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.about,
            input_schema=self.takes.model_json_schema(),
            output_schema=self.gives.model_json_schema(mode="serialization"),
            annotations=types.ToolAnnotations(
                read_only_hint=True, destructive_hint=False, idempotent_hint=self.is_idempotent, open_world_hint=False
            ),
        )


async def _ask(call: Call, body: Ask) -> Made:
    answer = await call.watched(partial(_answered, call, body))
    return Made(answer, to_chat(answer).text)


async def _answered(call: Call, body: Ask, listener: Watch) -> Answer:
    asks = Asking(call.service, call.state, call.caller)
    if not body.earlier:
        return await asks.answer(body, None, listener)
    if body.conversation_id:
        raise InputError("earlier: expected none beside conversation_id, whose questions are known; leave one out")
    return (await asks.retold(body, Said(body.earlier), listener)).answer


async def _search(call: Call, body: search.Search) -> Made:
    results = await searched(call.service, body)
    return Made(results, texts.of_results(results))


async def _get_passage(call: Call, body: Open) -> Made:
    found = await run_in_threadpool(opened, call.service, body.passage_id, body.start, body.end)
    return Made(found, texts.of_passage(found))


async def _verify(call: Call, body: verify.Verify) -> Made:
    judgement = await judged(call.service, body)
    return Made(judgement, texts.of_judgement(judgement))


_TOOLS: Final = (
    Tool(
        "ask", "Answer a clinical question",
        "Answers a clinical question with a short article in which every statement is a verified quote with numbered "
        "citations [n] and a list of references. Says what it could not support, where sources disagree, and what else "
        "it would need to know; says so, with the reason, when it does not answer. Show its text as it is: keep "
        "citations and references, add nothing. Name the patient's facts that matter (age, renal and hepatic function, "
        "drugs) in the question, and no person.",
        Scope.ASK, Ask, Answer, False, _ask,
    ),
    Tool(
        "search", "Find passages",
        "Lists the passages of the corpus that are nearest to a question, best first, each with its source. They are "
        "quotes to read, not an answer.",
        Scope.SEARCH, search.Search, Results, True, _search,
    ),
    Tool(
        "get_passage", "Open a passage",
        "Shows a passage with what stands around it, its source and a span to highlight, such as that of a quote in an "
        "answer's evidence.",
        Scope.SEARCH, Open, Opened, True, _get_passage,
    ),
    Tool(
        "verify", "Judge a statement",
        "Judges whether evidence (texts, or passages by their ids) says what a statement says: supported, partial, "
        "unsupported or contradicted, and what speaks against it (numbers, units, negation, drugs, population).",
        Scope.SEARCH, verify.Verify, Judgement, True, _verify,
    ),
)  # fmt: skip
#: By name, in the order in which they are listed.
TOOLS: Final = {tool.name: tool for tool in _TOOLS}
DESCRIBED: Final = {tool.name: tool.described() for tool in _TOOLS}
