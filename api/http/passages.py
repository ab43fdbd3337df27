"""``/v1/passages``: a passage opened, with what stands around it, its source, and a span to highlight."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from api.http.fields import PassageId
from api.http.security import Searcher
from api.http.service import Service, service_of
from rag.answer.references import vancouver
from rag.domain import Frozen, Passage, Source
from rag.errors import InputError, NotFoundError
from rag.pipeline import Pipeline

router = APIRouter(prefix="/v1/passages", tags=["search"])

#: Characters of the document that are shown before and after a passage.
AROUND: Final = 600


class Highlight(Frozen):
    """``before + text + after`` is the passage; ``start`` and ``end`` count code points in it."""

    start: int
    end: int
    before: str
    text: str
    after: str


class Context(Frozen):
    """What stands around the passage in its document, cut to some hundred characters on each side."""

    before: str
    after: str


class Similar(Frozen):
    """A passage with nearly the same words; it may say the opposite. ``similarity`` is in [0.8, 1]."""

    passage_id: str
    similarity: float


class Opened(Frozen):
    passage: Passage
    source: Source
    vancouver: str
    highlight: Highlight
    context: Context | None
    is_current: bool
    same_words: tuple[str, ...]
    nearly_same_words: tuple[Similar, ...]


_Offset = Annotated[int | None, Query(ge=0, description="code points from the passage's beginning, as in evidence")]


@router.get("/{passage_id}", operation_id="open_passage", summary="Open a passage")
def passage(request: Request, passage_id: PassageId, _: Searcher, start: _Offset = None, end: _Offset = None) -> Opened:
    """``is_current`` is false, and there is no context, for a version of a passage that was replaced since."""
    return opened(service_of(request), passage_id, start, end)


def opened(service: Service, passage_id: str, start: int | None = None, end: int | None = None) -> Opened:
    """A passage with all that there is to it.

    Raises:
        NotFoundError: there is no such passage.
        InputError: the span is not in it.
    """
    with service.serving.pipeline() as pipeline:
        return _opened(pipeline, passage_id, start, end)


def _opened(pipeline: Pipeline, passage_id: str, start: int | None, end: int | None) -> Opened:
    found, source = pipeline.passage(passage_id)
    twins, near = pipeline.alike(found) if (context := _context(pipeline, found)) else ([], [])
    return Opened(
        passage=found,
        source=source,
        vancouver=vancouver(source),
        highlight=_highlight(found, start, end),
        context=context,
        is_current=context is not None,
        same_words=tuple(p.passage_id for p in twins),
        nearly_same_words=tuple(Similar(passage_id=p.passage_id, similarity=s) for p, s in near),
    )


def _highlight(found: Passage, start: int | None, end: int | None) -> Highlight:
    """The span, all of the passage where none is given. Raises ``InputError`` for one that is not in it."""
    text = found.text
    first, last = start or 0, len(text) if end is None else end
    if not 0 <= first < last <= len(text):
        raise InputError(f"span {first}:{last}: expected one within the passage, 0:{len(text)}")
    return Highlight(start=first, end=last, before=text[:first], text=text[first:last], after=text[last:])


def _context(pipeline: Pipeline, found: Passage) -> Context | None:
    """None for a passage that the snapshot no longer has."""
    store = pipeline.snapshot.store
    try:
        if store.find(found.passage_id) != found:
            return None
        whole = store.source_text(found.source_key)
    except NotFoundError:
        return None
    return Context(
        before=whole[max(0, found.start - AROUND) : found.start], after=whole[found.end : found.end + AROUND]
    )
