"""``/passages``, ``/sources`` and ``/search``: what the answers are made of."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup
from pydantic import ValidationError

from api.http import passages, sources
from api.http.fields import FilterBody, PassageId, SourceId
from api.http.leaving import while_connected
from api.http.passages import Opened
from api.http.problems import INVALID, ProblemError
from api.http.search import Search, searched
from api.http.service import Service, service_of
from api.page.forms import filled
from api.page.looks import markup, page, rendered
from api.page.readers import Searcher
from rag.answer.references import reference
from rag.domain import EvidenceType, Passage, Source
from rag.render import words
from rag.render.html import link

router = APIRouter(include_in_schema=False)

#: Sources of one page.
_AT_ONCE: Final = 100
#: Passages that a search shows.
_FOUND: Final = 20
_Offset = Annotated[int | None, Query(ge=0)]


@router.get("/passages/{passage_id}")
def passage(
    request: Request, passage_id: PassageId, _: Searcher, start: _Offset = None, end: _Offset = None,
    part: bool = False,
) -> Response:  # fmt: skip
    """A passage with its quote marked; as a ``part`` what stands under a line that cites it."""
    found = passages.opened(service_of(request), passage_id, start, end)
    what: dict[str, Any] = {"found": found, "source": found.source, "cited": cited(found.source), "facts": facts(found)}
    if part:
        return Response(rendered("quote", **what), media_type="text/html; charset=utf-8")
    return page(request, "passage", **what)


@router.get("/sources")
def shelf(request: Request, _: Searcher, offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0) -> Response:
    """The sources of the corpus, some at a time."""
    found = sources.page(service_of(request), offset, _AT_ONCE)
    return page(request, "sources", found=found, at_once=_AT_ONCE)


@router.get("/sources/{source_id}")
def source(request: Request, source_id: SourceId, _: Searcher) -> Response:
    """One source, and its passages in their order."""
    service = service_of(request)
    found = sources.opened(service, source_id)
    return page(
        request, "source", source=found.source, cited=cited(found.source), known=known(found.source),
        passages=_passages(service, found.passage_ids),
    )  # fmt: skip


@router.get("/search")
async def search(request: Request, _: Searcher) -> Response:
    """The passages nearest to a question."""
    form = filled(list(request.query_params.multi_items()))
    results = None
    if "question" in form:
        results = await while_connected(request, searched(service_of(request), _searching(form)))
    return page(request, "search", form=form, results=results, evidence_types=tuple(EvidenceType))


def _searching(form: dict[str, Any]) -> Search:
    within = {name: value for name, value in form.items() if name in FilterBody.model_fields}
    try:
        return Search(question=form["question"], k=_FOUND, filter=FilterBody.model_validate(within))
    except ValidationError as error:
        named = str(error.errors()[0]["loc"][0]).replace("_", " ")
        raise ProblemError(INVALID, f"{named} cannot be used; please change it") from error


def _passages(service: Service, passage_ids: tuple[str, ...]) -> list[Passage]:
    with service.serving.pipeline() as pipeline:
        return [pipeline.passage(passage_id)[0] for passage_id in passage_ids]


def cited(source: Source) -> Markup:
    """A source as it is cited, its identifiers as links."""
    return markup("".join(link(shown, url) for shown, url in words.linked(reference(1, source))))


def facts(found: Opened) -> list[tuple[str, str]]:
    """What is known of a passage beside its words, and of how far it holds."""
    passage, source = found.passage, found.source
    told = (
        ("Where", " › ".join(filter(None, (*passage.heading_path, f"p. {passage.page}" if passage.page else None)))),
        ("Kind", _kind(source)),
        ("As of", source.as_of),
        ("Strength", passage.strength),
        ("Certainty", passage.certainty),
        ("Population", passage.population),
    )
    return [(name, value) for name, value in told if value]


def known(source: Source) -> list[tuple[str, str]]:
    """What is known of a source."""
    told = (
        ("Kind", _kind(source)),
        ("Issued by", source.issuing_body),
        ("Publisher", source.publisher),
        ("Published", source.published),
        ("As of", source.as_of),
        ("Retrieved", source.retrieved),
        ("Licence", source.licence),
        ("Document set", source.document_set),
        ("Note", source.note),
    )
    return [(name, str(value)) for name, value in told if value]


def _kind(source: Source) -> str:
    parts = (words.evidence_type_words(source.evidence_type), words.country(source.jurisdiction),
             str(source.year) if source.year else None)  # fmt: skip
    return " · ".join(filter(None, parts))
