"""``/ask``: a question answered within its conversation, streamed as parts of a page or as a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.http.asking import Ask, Asking
from api.http.forms import preferred
from api.http.leaving import while_connected
from api.http.problems import CONFLICT, INTERNAL, NOT_FOUND, Problem, ProblemError, kind_of, told
from api.http.retelling import Said
from api.http.security import Caller
from api.http.service import service_of
from api.http.stream import Event
from api.http.streaming import EVENT_STREAM, Voice, streamed
from api.keeping.words import new_id
from api.page.article import PageArticle
from api.page.forms import UNITS, Refused, asked, sent
from api.page.looks import markup, page, rendered
from api.page.readers import Asker
from api.page.talks import ASK_ON, talk
from rag.domain import Answer
from rag.errors import ConflictError, NotFoundError, OslerError
from rag.pipeline import Watch
from rag.render import words
from rag.writing.wording import Told

router = APIRouter(include_in_schema=False)

HTML: Final = "text/html"
_OTHER_FIRST: Final = (
    "Another question was asked in this conversation at the same time, and was answered first. Yours is not answered "
    "yet: ask it again."
)
_GONE: Final = "This conversation is no longer kept. Ask again in a new one."


@router.post("/ask")
async def ask(request: Request, caller: Asker) -> Response:
    """Leads to the answer, or says why there is none beside what was typed; a page with scripts has it streamed."""
    form = await sent(request)
    wants_page = preferred(request.headers.get("accept"), (HTML, EVENT_STREAM)) == HTML
    try:
        making = partial(_answered, request, caller, asked(form))
        if not wants_page:
            return await streamed(making, _voice(service_of(request).serving.language_model), request)
        return RedirectResponse(_address(await while_connected(request, making())), 303)
    except (OslerError, ProblemError) as error:
        if not wants_page or kind_of(error) is INTERNAL:
            raise
        return await run_in_threadpool(_refused, request, caller, form, error)


async def _answered(request: Request, caller: Caller, body: Ask, listener: Watch | None = None) -> Answer:
    """The first question begins a conversation, which is there only when it is answered."""
    asking = Asking(service_of(request), request.state, caller)
    if not body.conversation_id:
        return (await asking.retold(body, Said(conversation_id=new_id("c")), listener)).answer
    try:
        return await asking.answer(body, None, listener)
    except ConflictError as error:
        raise ProblemError(CONFLICT, _OTHER_FIRST) from error
    except NotFoundError as error:
        raise ProblemError(NOT_FOUND, _GONE) from error


def _refused(request: Request, caller: Caller, form: dict[str, Any], error: OslerError | ProblemError) -> Response:
    """The page on which it was asked, with what was typed and why it is not answered."""
    problem = told(error, None)
    request.state.facts["problem"] = kind_of(error).name
    refused = Refused(problem.detail, problem.errors[0].where.removeprefix("body.") if problem.errors else None)
    if "variable" in form:
        response = page(request, "needed", problem.status, form=form, refused=refused, units=UNITS)
    else:
        where = form.get("conversation_id") if kind_of(error) is not NOT_FOUND else None
        response = talk(request, caller, where, form, refused, problem.status)
    response.headers.update(error.headers or {} if isinstance(error, ProblemError) else {})
    return response


def _address(made: Answer) -> str:
    assert made.turn
    return f"/conversations/{made.turn.conversation_id}#turn-{made.turn.number}"


def _made(made: Answer) -> Iterator[bytes]:
    """The article part by part, for a page that puts each behind the one before."""
    assert made.turn
    number = made.turn.number
    turn = rendered("turn", answer=made, article=markup("<article>\n</article>"))
    yield Event("begin", {"html": turn}).encoded()
    for part in PageArticle(made, f"t{number}").parts():
        yield Event("part", {"html": f"{part}\n"}).encoded()
    yield Event("done", {
        "address": _address(made), "conversation_id": made.turn.conversation_id, "title": words.one_line(made.title),
        "audience": made.audience.value, "box": ASK_ON._asdict(),
    }).encoded()  # fmt: skip


def _failed(problem: Problem) -> bytes:
    return Event("error", {"detail": problem.detail}).encoded()


def _voice(model: str | None) -> Voice[Answer]:
    """
    Args:
        model: the language model that words the answers.
    """

    def step(name: str) -> bytes:
        text = words.step(name, model)
        return Event("status", {"text": text}).encoded() if text else b""

    return Voice(step, _made, _failed, _written)


def _written(told: Told) -> bytes:
    """A statement that is verified, to be read until the article is there."""
    html = rendered("written", statement=told.statement)
    return Event("written", {"heading": words.one_line(told.heading), "html": html}).encoded()
