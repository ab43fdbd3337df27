"""``/passages`` and ``/sources``: what the answers are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from api.http import passages, sources
from api.http.fields import PassageId, SourceId
from api.http.passages import Opened
from api.http.service import Service, service_of
from api.page.forms import filled, within
from api.page.looks import markup, page, rendered
from api.page.readers import Searcher
from rag.answer.references import doi_url, pubmed_url, reference
from rag.domain import EvidenceType, Source
from rag.errors import NotFoundError
from rag.render import words
from rag.render.html import link

router = APIRouter(include_in_schema=False)

#: Sources, and passages of a source, of one page.
_AT_ONCE: Final = 100
_PASSAGES_AT_ONCE: Final = 200
#: Passages like one that are named.
_ALIKE: Final = 20
_Offset = Annotated[int | None, Query(ge=0)]
_From = Annotated[int, Query(ge=0, le=2**31 - 1)]


class Fact(NamedTuple):
    name: str
    value: str
    url: str | None = None


class Alike(NamedTuple):
    """A passage with the same words as another; with nearly the same where a percentage says how nearly."""

    passage_id: str
    title: str
    percent: int | None


@router.get("/passages/{passage_id}")
def passage(
    request: Request, passage_id: PassageId, _: Searcher, start: _Offset = None, end: _Offset = None,
    part: bool = False,
) -> Response:  # fmt: skip
    """A passage with its quote marked; as a ``part`` what stands under a line that cites it."""
    service = service_of(request)
    found = passages.opened(service, passage_id, start, end)
    source = found.source
    what: dict[str, Any] = {
        "found": found, "source": source, "cited": cited(source), "facts": facts(found),
        "is_marked": (start, end) != (None, None), "titles": titles(service, _newer([source])),
    }  # fmt: skip
    if part:
        return Response(rendered("quote", **what), media_type="text/html; charset=utf-8")
    return page(
        request, "passage", alike=_alike(service, found), around=passages.AROUND, back=_answer_before(request), **what
    )


@router.get("/sources")
def shelf(
    request: Request, _: Searcher, words: Annotated[str, Query(max_length=sources.MAX_WORDS)] = "", offset: _From = 0
) -> Response:
    """The sources of the corpus, some at a time; those with some words, of some years, kinds and countries."""
    form = defaultdict(str, filled(request.query_params.multi_items()))
    found = sources.shelf(service_of(request), offset, _AT_ONCE, words, within(form).filter())
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "offset" and value.strip()]
    return page(
        request, "sources", found=found, total=found.total, offset=offset, at_once=_AT_ONCE, form=form,
        query=f"{urlencode(asked, quote_via=quote)}&" if asked else "", is_narrowed=found.total < found.counts.sources,
        evidence_types=tuple(EvidenceType),
    )  # fmt: skip


@router.get("/sources/{source_id}", name="source_page")
def source(request: Request, source_id: SourceId, _: Searcher, offset: _From = 0) -> Response:
    """One source, and its passages in their order under their headings."""
    service = service_of(request)
    found, all_passages = sources.read(service, source_id)
    shown = all_passages[offset : offset + _PASSAGES_AT_ONCE]
    return page(
        request, "source", source=found, cited=cited(found), facts=known(found),
        titles=titles(service, [*_newer([found]), *found.supersedes]), total=len(all_passages), offset=offset,
        at_once=_PASSAGES_AT_ONCE, parts=[(h, list(part)) for h, part in groupby(shown, lambda p: p.heading_path)],
    )  # fmt: skip


def _alike(service: Service, found: Opened) -> list[Alike]:
    same = [(passage_id, None) for passage_id in found.same_words]
    near = [(one.passage_id, int(100 * one.similarity)) for one in found.nearly_same_words]
    with service.serving.pipeline() as pipeline:
        return [Alike(i, pipeline.passage(i)[1].title, percent) for i, percent in [*same, *near][:_ALIKE]]


def _answer_before(request: Request) -> str | None:
    """The page of an answer that a reader came from, as browsers tell of pages of one service."""
    before = urlsplit(request.headers.get("referer", ""))
    is_answer = before.path.startswith(("/answers/", "/conversations/"))
    return before.path if before.netloc == request.url.netloc and is_answer else None


def _newer(found: Iterable[Source]) -> list[str]:
    return [source.superseded_by for source in found if source.superseded_by]


def titles(service: Service, keys: Iterable[str]) -> Mapping[str, str]:
    """Titles of those of the sources that the corpus has."""
    known = dict[str, str]()
    with service.serving.pipeline() as pipeline:
        for key in keys:
            try:
                known[key] = pipeline.snapshot.store.source(key).title
            except NotFoundError:
                continue
    return known


def cited(source: Source) -> Markup:
    """A source as it is cited, its identifiers as links."""
    return markup("".join(link(shown, url) for shown, url in words.linked(reference(1, source))))


def facts(found: Opened) -> list[Fact]:
    """What is known of a passage beside its words, and of how far it holds."""
    passage, source = found.passage, found.source
    where = (*passage.heading_path, f"p. {passage.page}" if passage.page else "")
    told = (
        ("Where", " › ".join(filter(None, where))),
        ("Kind", kind(source)),
        ("As of", source.as_of),
        ("Strength", passage.strength),
        ("Certainty", passage.certainty),
        ("Population", passage.population),
        *_own_page(source),
    )
    return _stated(told)


def known(source: Source) -> list[Fact]:
    """What is known of a source beside how it is cited."""
    pmc = f"https://pmc.ncbi.nlm.nih.gov/articles/{source.pmcid}/" if source.pmcid else None
    told = (
        ("Kind", kind(source)),
        ("Issued by", source.issuing_body),
        ("Publisher", source.publisher),
        ("Published", source.published),
        ("As of", source.as_of),
        ("Retrieved", source.retrieved),
        ("Licence", source.licence, words.web_link(source.licence)),
        ("DOI", source.doi, doi_url(source.doi) if source.doi else None),
        ("PubMed", source.pmid, pubmed_url(source.pmid) if source.pmid else None),
        ("PubMed Central", source.pmcid, pmc),
        *_own_page(source),
        ("Seen at", source.seen_at, words.web_link(source.seen_at)),
        ("Language", source.language),
        ("Publication types", ", ".join(source.publication_types)),
        ("MeSH", ", ".join(source.mesh)),
        ("Document set", source.document_set),
        ("Key", source.key),
        ("Note", source.note),
    )
    return _stated(told)


def _stated(told: Iterable[tuple[Any, ...]]) -> list[Fact]:
    return [Fact(*fact) for fact in told if fact[1]]


def _own_page(source: Source) -> list[Fact]:
    """Where it is read, unless its citation leads there."""
    url = words.web_link(source.url)
    is_told = url is None or url in (address for _, address in words.linked(reference(1, source)))
    return [] if is_told or url is None else [Fact("Own page", url, url)]


def kind(source: Source) -> str:
    """What a source is, where it holds and of when it is: "guideline · US · 2018"."""
    parts = (words.evidence_type_words(source.evidence_type), words.country(source.jurisdiction),
             str(source.year) if source.year else None)  # fmt: skip
    return " · ".join(filter(None, parts))
