"""What a reader says of an article, from the form at its foot."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.feedback import Opinion, give
from api.http.fields import AnswerId
from api.http.problems import INVALID, ProblemError
from api.http.service import service_of
from api.page.forms import sent
from api.page.looks import page
from api.page.readers import Asker

router = APIRouter(prefix="/answers/{answer_id}/feedback", include_in_schema=False)


@router.post("")
async def said(request: Request, answer_id: AnswerId, caller: Asker) -> Response:
    form = await sent(request)
    try:
        opinion = Opinion.model_validate({name: form[name] for name in Opinion.model_fields if name in form})
    except ValidationError as error:
        named = error.errors()[0]["loc"][0]
        raise ProblemError(INVALID, f"{named} cannot be used; please change it", where=f"body.{named}") from error
    await run_in_threadpool(give, request, answer_id, opinion, caller)
    return RedirectResponse(request.url.path, 303)


@router.get("")
def thanks(request: Request, answer_id: AnswerId, _: Asker) -> Response:
    """Where who has said something is led to."""
    return page(request, "thanks", answer=service_of(request).keeping.answers.get(answer_id).answer())
