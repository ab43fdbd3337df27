"""``/search``: the passages nearest to a question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.http.leaving import while_connected
from api.http.problems import INVALID, ProblemError
from api.http.search import Results, Search, searched
from api.http.service import Service, service_of
from api.page.forms import filled, within
from api.page.looks import page
from api.page.readers import Searcher
from api.page.shelves import kind, titles
from rag.answer.references import reference
from rag.domain import EvidenceType, Passage, Source
from rag.language.terms import Analyzer
from rag.pipeline import Pipeline
from rag.render import words

router = APIRouter(include_in_schema=False)

#: Passages that a search shows.
_FOUND: Final = 20


class Shown(NamedTuple):
    """A passage that was found: its words are ``before``, ``best`` and ``after``."""

    source: Source
    named: str
    kind: str
    address: str
    before: str
    best: str
    after: str


@router.get("/search")
async def search(request: Request, _: Searcher) -> Response:
    """In each passage the sentence is marked that has most of the question's terms."""
    service, asked = service_of(request), request.query_params.multi_items()
    form = defaultdict(str, filled(asked))
    hits, known = None, dict[str, str]()
    if form["question"]:
        body = Search(question=_question(form), k=_FOUND, filter=within(form))
        results = await while_connected(request, searched(service, body))
        hits = await run_in_threadpool(_shown, service, results)
        newer = [hit.source.superseded_by for hit in hits if hit.source.superseded_by]
        known = dict(await run_in_threadpool(titles, service, newer))
    return page(
        request, "search", form=form, hits=hits, titles=known, evidence_types=tuple(EvidenceType),
        query=urlencode([pair for pair in asked if pair[1].strip()], quote_via=quote),
    )  # fmt: skip


def _question(form: Mapping[str, Any]) -> str:
    question = " ".join(form["question"].split())
    if not question.isprintable():
        raise ProblemError(INVALID, "question cannot be used; please change it")
    return question


def _shown(service: Service, results: Results) -> list[Shown]:
    with service.serving.pipeline() as pipeline:
        terms = frozenset(pipeline.snapshot.analyzer.content_terms(results.question))
        return [_one(pipeline, hit.passage_id, terms) for hit in results.hits]


def _one(pipeline: Pipeline, passage_id: str, terms: frozenset[str]) -> Shown:
    passage, source = pipeline.passage(passage_id)
    start, end = best(passage, terms, pipeline.snapshot.analyzer)
    named = " › ".join(words.one_line(part) for part in (words.short(reference(1, source)), *passage.heading_path))
    text = passage.text
    return Shown(
        source, named, kind(source), _address(passage_id, start, end), text[:start], text[start:end], text[end:]
    )


def _address(passage_id: str, start: int, end: int) -> str:
    span = f"?{urlencode({'start': start, 'end': end})}" if end else ""
    return f"/passages/{quote(passage_id)}{span}"


def best(passage: Passage, terms: frozenset[str], analyzer: Analyzer) -> tuple[int, int]:
    """The span of the first sentence with most of ``terms``; an empty one at the beginning where none has any."""

    def count(span: tuple[int, int]) -> int:
        return len(terms.intersection(analyzer.content_terms(passage.text[slice(*span)])))

    found = max(passage.sentences, key=count)
    return found if count(found) else (0, 0)
